package checks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// day is the cohort of a New York day in summer time.
func day(date string, eligible, labelled int64, atAge ...int64) probe.Cohort {
	start := instant(date + "T04:00:00Z")
	return probe.Cohort{Start: start, End: probe.At(start.Time().Add(24 * time.Hour)), Eligible: eligible, Labelled: labelled, AtAge: atAge}
}

func cohorts(list ...probe.Cohort) []any { return []any{probe.CohortList{Cohorts: list}} }

// labelled is the keys of a labels check: labels are due 30 h after the day.
func labelled(more string) string {
	return "labels: {of: other, on: id, event_time: at, labelled_at: label_time, delay: 1d, grace: 6h" + more + "}"
}

func TestLabelsVerdicts(t *testing.T) {
	// Noon in New York: 06-14 is 12 h old, 06-13 36 h.
	const noon = "2013-06-15T16:00:00Z"
	flawed := day("2013-06-14", 100, 100)
	flawed.Early, flawed.Conflicting = 2, 1
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"covered cohorts pass and a young one does not matter", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 97), day("2013-06-13", 100, 99), day("2013-06-14", 100, 3)),
				"pass: 98.00% of 200 examples in 2 mature cohorts have a label"}}},
		{"one short cohort fails though the whole is above the limit", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 96), day("2013-06-13", 10000, 10000)),
				"fail under_covered: cohort 2013-06-12 has 96.00% of its labels 60h after its end, limit 97% (96 of 100)"}}},
		{"the worst of several is named", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(day("2013-06-11", 100, 96), day("2013-06-12", 100, 20), day("2013-06-13", 100, 95)),
				"fail under_covered: cohort 2013-06-12 has 20.00% of its labels 60h after its end, limit 97% (20 of 100); 2 cohorts more below"}}},
		{"a cohort is mature at delay + grace and not a second before", labelled(", min_coverage: 97%"), []turn{
			{"2013-06-15T09:59:59Z", cohorts(day("2013-06-13", 100, 0)), "pending: no cohort is mature yet: the oldest ended 29h59m ago, labels are due 30h after"},
			{"2013-06-15T10:00:00Z", cohorts(day("2013-06-13", 100, 0)),
				"fail under_covered: cohort 2013-06-13 has 0.00% of its labels 30h after its end, limit 97% (0 of 100)"}}},
		{"a cohort that has not ended is not there yet", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(day("2013-06-15", 50, 0)), "nodata: nothing to judge: no cohort of examples has ended in the last 30d"}}},
		{"no examples at all are nodata", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(), "nodata: nothing to judge: no cohort of examples has ended in the last 30d"}}},
		{"cohorts before last are not judged", labelled(", min_coverage: 97%, last: 4d"), []turn{
			{noon, cohorts(day("2013-06-10", 100, 0), day("2013-06-12", 100, 100)), "pass: 100% of 100 examples in 1 mature cohort have a label"}}},
		{"without a limit coverage is only observed", labelled(""), []turn{
			{noon, cohorts(day("2013-06-12", 100, 0)), "pass: 0.00% of 100 examples in 1 mature cohort have a label"}}},
		{"labels older than their example are a warning, in young cohorts too", labelled(""), []turn{
			{noon, cohorts(day("2013-06-12", 100, 90), flawed), "warn leakage: 2 examples with a label older than the example itself"}}},
		{"or a failure", labelled(", leakage: fail"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 90), flawed), "fail leakage: 2 examples with a label older than the example itself"}}},
		{"or nothing, and then conflicts speak", labelled(", leakage: ignore"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 90), flawed), "warn conflicting: 1 example with labels that disagree"}}},
		{"missing labels are worse than flawed ones", labelled(", min_coverage: 97%"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 90), flawed),
				"fail under_covered: cohort 2013-06-12 has 90.00% of its labels 60h after its end, limit 97% (90 of 100)"}}},
		{"a warning is a warning", labelled(", min_coverage: 97%, severity: warn"), []turn{
			{noon, cohorts(day("2013-06-12", 100, 90)),
				"warn under_covered: cohort 2013-06-12 has 90.00% of its labels 60h after its end, limit 97% (90 of 100)"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, c.keys, "labels"), c.turns) })
	}
}

func TestLabelsOnsetAndMatureThrough(t *testing.T) {
	const noon = "2013-06-15T16:00:00Z"
	for _, c := range []struct {
		name           string
		list           []any
		through, onset string
	}{
		{"up to the newest mature cohort", cohorts(day("2013-06-11", 10, 10), day("2013-06-12", 10, 10), day("2013-06-14", 10, 10)), "2013-06-13T04:00:00Z", ""},
		{"a day without examples is passed over", cohorts(day("2013-06-10", 10, 10), day("2013-06-13", 10, 10)), "2013-06-14T04:00:00Z", ""},
		{"up to before the first short cohort", cohorts(day("2013-06-11", 10, 10), day("2013-06-12", 10, 1), day("2013-06-13", 10, 10)), "2013-06-12T04:00:00Z", "2013-06-14T10:00:00Z"},
		{"nowhere when the oldest is short", cohorts(day("2013-06-11", 10, 1), day("2013-06-12", 10, 10)), "", "2013-06-13T10:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, labelled(", min_coverage: 97%"), "labels")
			v, _ := check.Judge([]probe.Answer{{Value: c.list[0]}}, nil, moment(t, noon))
			want := "null"
			if c.through != "" {
				want = fmt.Sprintf("%q", c.through)
			}
			observes(t, v, `{"mature_through": `+want+`}`)
			for what, pair := range map[string][2]string{"onset": {c.onset, stamp(v.Onset)}, "good until": {c.through, stamp(v.GoodUntil)}} {
				if pair[0] != pair[1] {
					t.Errorf("%s: want %q, got %q", what, pair[0], pair[1])
				}
			}
		})
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func TestLabelsCurve(t *testing.T) {
	const noon = "2013-06-15T16:00:00Z"
	usual := []probe.Cohort{day("2013-06-09", 100, 99, 20), day("2013-06-10", 100, 99, 60), day("2013-06-11", 1000, 990, 500), day("2013-06-12", 100, 99, 55), day("2013-06-13", 100, 99, 60)}
	with := func(young ...probe.Cohort) []any { return cohorts(append(usual[:5:5], young...)...) }
	for _, c := range []struct {
		name, more string
		turns      []turn
	}{
		{"a young cohort at the usual less the tolerance is fine", ", curve: {over: 5, tolerance: 5%}", []turn{
			{noon, with(day("2013-06-14", 100, 50, 50)), "pass: 99.00% of 1,400 examples in 5 mature cohorts have a label"}}},
		{"below it warns, before any limit can be missed", ", min_coverage: 97%, curve: {over: 5, tolerance: 5%}", []turn{
			{noon, with(day("2013-06-14", 1000, 499, 499)),
				"warn behind_curve: cohort 2013-06-14 has 49.90% of its labels 12h after its end, usually 55.0% at that age (tolerance 5%)"}}},
		{"an even number of cohorts has the middle of two as usual", ", curve: {over: 4, tolerance: 0%}", []turn{
			{noon, with(day("2013-06-14", 1000, 574, 574)),
				"warn behind_curve: cohort 2013-06-14 has 57.40% of its labels 12h after its end, usually 57.5% at that age (tolerance 0%)"}}},
		{"a missed limit is worse", ", min_coverage: 100%, curve: {}", []turn{
			{noon, with(day("2013-06-14", 100, 0, 0)),
				"fail under_covered: cohort 2013-06-09 has 99.00% of its labels 5d12h after its end, limit 100% (99 of 100); 4 cohorts more below"}}},
		{"too few mature cohorts are no history", ", curve: {}", []turn{
			{noon, cohorts(usual[3], usual[4], day("2013-06-14", 100, 0, 0)), "pending no_history: fewer than 3 mature cohorts to compare young ones with"}}},
		{"an answer without the ages is no answer", ", curve: {}", []turn{
			{noon, cohorts(day("2013-06-12", 100, 99)), "error: answer tells coverage at 0 ages, not at the 1 asked for"}}},
		{"cohorts before last still tell what is usual", ", last: 3d, curve: {over: 5}", []turn{
			{noon, with(day("2013-06-14", 100, 40, 40)),
				"warn behind_curve: cohort 2013-06-14 has 40.00% of its labels 12h after its end, usually 55.0% at that age (tolerance 5%)"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, labelled(c.more), "labels"), c.turns) })
	}
}

func TestLabelsFreeze(t *testing.T) {
	with := func(digests ...string) []any {
		list := []probe.Cohort{day("2013-05-01", 10, 10), day("2013-05-02", 10, 10), day("2013-05-03", 10, 10), day("2013-05-04", 10, 10)}
		for i, d := range digests {
			list[i].Digest = d
		}
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Digest == "" {
				list = append(list[:i], list[i+1:]...) // no examples
			}
		}
		return cohorts(list...)
	}
	upgraded := func(digests ...string) []any {
		list := with(digests...)[0].(probe.CohortList)
		list.Fingerprint = "engine 2"
		return []any{list}
	}
	const nothing = "nodata: nothing to judge: no cohort of examples has ended in the last 5d"
	for _, c := range []struct {
		name  string
		turns []turn
	}{
		{"labels of a frozen cohort that change are a finding until they are as before", []turn{
			{"2013-06-15T16:00:00Z", with("a", "b", "c", "d"), nothing},
			{"2013-06-16T16:00:00Z", with("a", "B", "c", "d"), "fail frozen_changed: labels of cohort 2013-05-02 changed although it is older than 30d"},
			{"2013-06-17T16:00:00Z", with("A", "B", "c", "d"), "fail frozen_changed: labels of cohort 2013-05-01 changed although it is older than 30d; 1 cohort more changed"},
			{"2013-06-18T16:00:00Z", with("a", "b", "c", "d"), nothing}}},
		{"a cohort may change until it freezes", []turn{
			{"2013-06-02T16:00:00Z", with("a", "b", "c", "d"), nothing}, // 05-01 and 05-02 are frozen
			{"2013-06-03T16:00:00Z", with("a", "b", "C", "D"), nothing},
			{"2013-06-10T16:00:00Z", with("a", "b", "C", "D"), nothing},
			{"2013-06-11T16:00:00Z", with("a", "b", "c", "D"), "fail frozen_changed: labels of cohort 2013-05-03 changed although it is older than 30d"}}},
		{"a cohort that lost its examples was not relabelled", []turn{
			{"2013-06-15T16:00:00Z", with("a", "b", "c", "d"), nothing},
			{"2013-06-16T16:00:00Z", with("", "b", "c", "d"), nothing}}},
		{"an upgrade of the engine digests labels otherwise, so cohorts freeze anew", []turn{
			{"2013-06-15T16:00:00Z", with("a", "b", "c", "d"), nothing},
			{"2013-06-16T16:00:00Z", upgraded("e", "f", "g", "h"), nothing},
			{"2013-06-17T16:00:00Z", upgraded("e", "F", "g", "h"), "fail frozen_changed: labels of cohort 2013-05-02 changed although it is older than 30d"}}},
		{"a cohort that appears between frozen ones is a change", []turn{
			{"2013-06-15T16:00:00Z", with("a", "", "c", "d"), nothing},
			{"2013-06-16T16:00:00Z", with("a", "b", "c", "d"), "fail frozen_changed: labels of cohort 2013-05-02 changed although it is older than 30d"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, labelled(", last: 5d, freeze_after: 30d"), "labels"), c.turns) })
	}
}

func TestLabelsImplicitNegatives(t *testing.T) {
	const noon = "2013-06-15T16:00:00Z"
	fed := func(until string) []any {
		return []any{probe.CohortList{Cohorts: []probe.Cohort{day("2013-06-12", 100, 3), day("2013-06-13", 100, 0)}, LabelWatermark: instant(until)}}
	}
	v := play(t, checkOf(t, labelled(", kind: implicit_negative"), "labels"), []turn{
		{noon, fed("2013-06-14T04:00:00Z"), "pass: 1.50% of 200 examples in 2 mature cohorts have a label"},
		{noon, fed("2013-06-13T20:00:00Z"), "fail stale_feed: the feed of labels reaches 2013-06-13 16:00 EDT, cohort 2013-06-13 needs it to its end"}})
	observes(t, v, `{"mature_through": "2013-06-13T04:00:00Z"}`)
}

func TestLabelsObserve(t *testing.T) {
	list := probe.CohortList{
		Cohorts:      []probe.Cohort{day("2013-06-13", 200, 150, 90), day("2013-06-14", 100, 30, 30)},
		OrphanLabels: 4, FutureLabels: 5, LabelWatermark: instant("2013-06-15T15:00:00Z"),
	}
	check := checkOf(t, labelled(", curve: {}"), "labels")
	v, _ := check.Judge([]probe.Answer{{Value: list}}, nil, moment(t, "2013-06-15T16:00:00Z"))
	observes(t, v, `{"cohorts": [
		{"start": "2013-06-13T04:00:00Z", "eligible": 200, "labelled": 150, "coverage": 0.75, "age_seconds": 129600, "mature": true},
		{"start": "2013-06-14T04:00:00Z", "eligible": 100, "labelled": 30, "coverage": 0.3, "age_seconds": 43200, "mature": false}],
		"mature_through": "2013-06-14T04:00:00Z", "coverage": 0.75, "early": 0, "conflicting": 0, "orphan_labels": 4, "future_labels": 5,
		"label_watermark": "2013-06-15T15:00:00Z"}`)
}

func TestLabelsAsk(t *testing.T) {
	base := probe.Cohorts{
		Of: probe.Relation{Conn: "wh", Table: probe.List("other")}, EventTime: probe.TimeColumn{Name: "at"}, Keys: probe.List("id"),
		Labels: probe.Relation{Conn: "wh", Table: probe.List("t")}, LabelKeys: probe.List("id"), LabelledAt: probe.TimeColumn{Name: "label_time"},
		Per: probe.Day, Zone: "America/New_York",
	}
	ask := func(at, from string, ages ...string) probe.Cohorts {
		q := base
		q.At, q.To, q.Ages = instant(at), instant(at), probe.List(ages...)
		if from != "" {
			q.From = instant(from)
		}
		return q
	}
	keyed := ask("2013-06-15T16:00:00Z", "2013-05-16T16:00:00Z")
	keyed.Keys, keyed.Where, keyed.Value = probe.List("flight_id"), "dep_time is not null", "arr_delay"
	frozen := ask("2013-06-15T16:00:00Z", "")
	frozen.Digest = true
	for _, c := range []struct {
		name, keys, at string
		want           probe.Cohorts
	}{
		{"thirty days by default, and no ages without a curve", labelled(""), "2013-06-15T16:00:00Z",
			ask("2013-06-15T16:00:00Z", "2013-05-16T16:00:00Z")},
		{"the examples' side of the key, their condition and the label's value", labelled(`, where: "dep_time is not null", value: arr_delay`)[:len("labels: {of: other, on: ")] +
			`{left: id, right: flight_id}, event_time: at, labelled_at: label_time, delay: 1d, where: "dep_time is not null", value: arr_delay}`, "2013-06-15T16:00:00Z", keyed},
		{"a curve asks at the age of each young cohort", labelled(", curve: {}"), "2013-06-15T05:00:00Z",
			ask("2013-06-15T05:00:00Z", "2013-05-16T05:00:00Z", "3600", "90000")},
		{"ages are real hours where the clock was changed", labelled(", curve: {}"), "2013-11-04T06:00:00Z", // 1 h and 26 h after midnights
			ask("2013-11-04T06:00:00Z", "2013-10-05T06:00:00Z", "3600", "93600")},
		{"and it reaches back over the cohorts that it compares with", labelled(", last: 3d, curve: {over: 14}"), "2013-06-15T16:00:00Z",
			ask("2013-06-15T16:00:00Z", "2013-05-31T04:00:00Z", "43200")},
		{"what is frozen is asked for without an end", labelled(", freeze_after: 40d"), "2013-06-15T16:00:00Z", frozen},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]probe.Question{c.want}, checkOf(t, c.keys, "labels").Ask(nil, moment(t, c.at))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsAskAtFewAges(t *testing.T) {
	c := checkOf(t, "labels: {of: other, on: id, event_time: at, labelled_at: l, per: hour, delay: 20d, last: 30d, curve: {}}", "labels")
	q := c.Ask(nil, moment(t, "2013-06-15T16:30:00Z"))[0].(probe.Cohorts)
	ages := q.Ages.Items()
	if len(ages) != 48 || ages[0] != "1800" {
		t.Errorf("asks for %d ages, the first %q", len(ages), ages[0])
	}
}

func TestLabelsProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"examples that nobody knows", "labels: {of: othr, on: id, event_time: at, labelled_at: l, delay: 1d}",
			`13:18: PW150 nodes.t.labels.of: unknown node "othr" (did you mean "other"?)`},
		{"examples on another connection", "labels: {of: far, on: id, event_time: at, labelled_at: l, delay: 1d}",
			`13:18: PW151 nodes.t.labels.of: "far" is on connection "elsewhere", this node on "wh" (labels across connections are not available yet)`},
		{"what must be given", "labels: {of: other}",
			"13:5:  nodes.t.labels: on is missing\n13:5:  nodes.t.labels: event_time is missing\n13:5:  nodes.t.labels: labelled_at is missing\n13:5:  nodes.t.labels: delay is missing"},
		{"a least coverage that is always reached", labelled(", min_coverage: 0%"),
			"13:110: PW152 nodes.t.labels.min_coverage: a least share of 0% can never be missed (remove the key to only observe)"},
		{"coverage of implicit negatives", labelled(", kind: implicit_negative, min_coverage: 97%"),
			"13:121: PW153 nodes.t.labels.min_coverage: where a missing label is a negative, coverage means nothing (remove min_coverage; the feed of labels is judged instead)"},
		{"a window in which nothing matures", labelled(", last: 2d"),
			"13:5: PW154 nodes.t.labels: no cohort of the last 2d is ever mature, as that takes delay and grace of 30h (make last longer)"},
		{"conflicts about nothing", labelled(", conflicting: fail"),
			"13:96: PW155 nodes.t.labels.conflicting: conflicts are disagreements about a value (name the column of the label with value:)"},
		{"frozen before mature", labelled(", freeze_after: 1d"),
			"13:110: PW156 nodes.t.labels.freeze_after: cohorts would freeze before they are mature, at 30h (freeze later than delay + grace)"},
		{"a curve over too little", labelled(", curve: {over: 2}"),
			`13:110:  nodes.t.labels.curve.over: "2" is less than 3`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsOfATableThatNobodyWatches(t *testing.T) {
	c := checkOf(t, "labels: {of: raw.seen, on: k, event_time: at, labelled_at: at, delay: 1d, min_coverage: 50%}", "labels")
	if len(c.Upstream) != 0 {
		t.Errorf("upstream %v, want none", c.Upstream)
	}
	q, ok := c.Ask(nil, moment(t, "2013-06-15T12:00:00Z"))[0].(probe.Cohorts)
	if want := probe.List("raw", "seen"); !ok || q.Of.Table != want || q.Of.Conn != q.Labels.Conn {
		t.Errorf("asks of %+v, want the table raw.seen beside the labels", q.Of)
	}
}
