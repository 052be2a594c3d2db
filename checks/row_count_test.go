package checks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// perDay is a table whose rows began on a New York day and come to now, with
// the given numbers of rows from that day on.
func perDay(t *testing.T, first, watermark string, rows ...int64) probe.BucketRows {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	day, err := time.ParseInLocation(time.DateOnly, first, zone)
	if err != nil {
		t.Fatal(err)
	}
	answer := probe.BucketRows{First: probe.At(day.Add(time.Hour)), Watermark: instant(watermark), Class: probe.Zoned}
	for i, n := range rows {
		if n > 0 {
			answer.Buckets = append(answer.Buckets, probe.Bucket{Start: probe.At(day.AddDate(0, 0, i)), Rows: n})
		}
	}
	return answer
}

// timed says that ts is no DATE, by a freshness check that does not say what a
// date means.
const timed = "freshness: {column: ts}\n"

func TestRowCountVerdicts(t *testing.T) {
	// Saturday the 15th, noon in New York.
	const now = "2013-06-15T16:00:00Z"
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"in all", "row_count: {min: 1000, max: 2000}", []turn{
			{now, []any{int64(999)}, "fail below_min: there are 999 rows, at least 1,000 expected"},
			{now, []any{int64(1000)}, "pass: there are 1,000 rows"},
			{now, []any{int64(2001)}, "fail above_max: there are 2,001 rows, at most 2,000 expected"}}},
		{"a day is closed when its rows have come to its end", "row_count: {per: day, by: ts, min: 5}", []turn{
			{now, []any{perDay(t, "2013-06-13", "2013-06-15T03:59:59Z", 9, 1)}, "pending: 2013-06-14 is not complete; ts has come to 2013-06-14 23:59 EDT"},
			{now, []any{perDay(t, "2013-06-13", "2013-06-15T04:00:00Z", 9, 1)}, "fail below_min: 2013-06-14 has 1 row, at least 5 expected"}}},
		{"without any row up to now no day is closed", "row_count: {per: day, by: ts, min: 5}", []turn{
			{now, []any{probe.BucketRows{First: instant("2013-06-14T05:00:00Z")}}, "pending: 2013-06-14 is not complete; ts has no row up to now"}}},
		{"a bad day counts more than an open one", "row_count: {per: day, by: ts, min: 5, last: 2d}", []turn{
			{now, []any{perDay(t, "2013-06-13", "2013-06-14T12:00:00Z", 1, 1)}, "fail below_min: 2013-06-13 has 1 row, at least 5 expected"}}},
		{"the oldest bad day decides", "row_count: {per: day, by: ts, min: 5, last: 3d}", []turn{
			{now, []any{perDay(t, "2013-06-11", now, 9, 1, 9, 2)}, "fail below_min: 2013-06-12 has 1 row, at least 5 expected"}}},
		{"the newest day speaks when all are good", "row_count: {per: day, by: ts, min: 5, last: 3d}", []turn{
			{now, []any{perDay(t, "2013-06-11", now, 9, 8, 7, 6)}, "pass: 2013-06-14 has 6 rows"}}},
		{"a day without rows breaks a least number of 1 and not of 0", "row_count: {per: day, by: ts, min: 0, max: 5}", []turn{
			{now, []any{perDay(t, "2013-06-13", now, 9, 0)}, "pass: 2013-06-14 has 0 rows"}}},
		{"a rise within the limit passes and says what is usual", "row_count: {per: day, by: ts, compare: {to: median, over: 3d, max_rise: 25%}}", []turn{
			{now, []any{perDay(t, "2013-06-11", now, 4, 4, 4, 5)}, "pass: 2013-06-14 has 5 rows, usual are 4"},
			{now, []any{perDay(t, "2013-06-11", now, 4, 4, 4, 6)}, "fail rose: 2013-06-14 has 6 rows, 50.00% above the usual 4, limit 25%"}}},
		{"what is above a limit by a hair is never shown at it", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 10%}}", []turn{
			{now, []any{perDay(t, "2013-06-13", now, 1000000, 899999)}, "fail dropped: 2013-06-14 has 899,999 rows, 10.01% below the usual 1,000,000, limit 10%"}}},
		{"no day before the first", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 10%}}", []turn{
			{now, []any{perDay(t, "2013-06-14", now, 3)}, "pending no_history: 2013-06-14 has 3 rows and no bucket to compare with, at least 1 needed"}}},
		{"what was announced may delete rows, and what was not may not", "row_count: {non_decreasing: true}", []turn{
			{now, []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:10:00Z", []any{int64(1010)}, "pass: there are 1,010 rows"},
			{"2013-06-15T16:20:00Z", []any{int64(990)}, "fail dropped: there are 990 rows, 20 fewer than the 1,010 of 2013-06-15 12:10 EDT"},
			{"2013-06-15T16:30:00Z", []any{int64(1009)}, "fail dropped: there are 1,009 rows, 1 fewer than the 1,010 of 2013-06-15 12:10 EDT"},
			{"2013-06-15T16:40:00Z", []any{int64(1010)}, "pass: there are 1,010 rows"}}},
		{"growth is counted from the last evaluation that was good", "row_count: {delta: {min: 10, max: 100}}", []turn{
			{"2013-06-15T16:00:00Z", []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:10:00Z", []any{int64(1010)}, "pass: there are 1,010 rows"},
			{"2013-06-15T16:20:00Z", []any{int64(1019)}, "fail below_min: 9 rows more than at 2013-06-15 12:10 EDT, at least 10 expected"},
			{"2013-06-15T16:30:00Z", []any{int64(1005)}, "fail below_min: 5 rows fewer than at 2013-06-15 12:10 EDT, at least 10 expected"},
			{"2013-06-15T16:40:00Z", []any{int64(1020)}, "pass: there are 1,020 rows"},
			{"2013-06-15T16:50:00Z", []any{int64(1120)}, "pass: there are 1,120 rows"},
			{"2013-06-15T17:00:00Z", []any{int64(1221)}, "fail above_max: 101 rows more than at 2013-06-15 12:50 EDT, at most 100 expected"},
			{"2013-06-15T17:10:00Z", []any{int64(1321)}, "fail above_max: 201 rows more than at 2013-06-15 12:50 EDT, at most 200 expected"},
			{"2013-06-15T17:20:00Z", []any{int64(1331)}, "pass: there are 1,331 rows"}}},
		{"evaluations that were missed may each have brought rows, and one load is enough", "row_count: {delta: {min: 10, max: 100}}", []turn{
			{"2013-06-15T16:00:00Z", []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:30:00Z", []any{int64(1010)}, "pass: there are 1,010 rows"},
			{"2013-06-15T17:00:00Z", []any{int64(1310)}, "pass: there are 1,310 rows"},
			{"2013-06-15T17:30:00Z", []any{int64(1611)}, "fail above_max: 301 rows more than at 2013-06-15 13:00 EDT, at most 300 expected"}}},
		{"a table may shrink by so much at each evaluation", "row_count: {delta: {min: -5}}", []turn{
			{"2013-06-15T16:00:00Z", []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:20:00Z", []any{int64(990)}, "pass: there are 990 rows"},
			{"2013-06-15T16:30:00Z", []any{int64(984)}, "fail below_min: 6 rows fewer than at 2013-06-15 12:20 EDT, at least -5 expected"}}},
		{"the first sight may be right after a load, so the first evaluation without one tells nothing", "row_count: {delta: {min: 10}}", []turn{
			{"2013-06-15T16:09:00Z", []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:10:00Z", []any{int64(1001)}, "pending no_history: 1 row more than at 2013-06-15 12:09 EDT, which was the first time; the next evaluation tells"},
			{"2013-06-15T16:20:00Z", []any{int64(1002)}, "fail below_min: 2 rows more than at 2013-06-15 12:09 EDT, at least 10 expected"}}},
		{"one that is asked for by hand between two evaluations moves nothing", "row_count: {delta: {min: 10, max: 100}}", []turn{
			{"2013-06-15T16:00:00Z", []any{int64(1000)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T16:10:00Z", []any{int64(1050)}, "pass: there are 1,050 rows"},
			{"2013-06-15T16:15:00Z", []any{int64(1060)}, "pass: there are 1,060 rows"},
			{"2013-06-15T16:16:00Z", []any{int64(1151)}, "fail above_max: 101 rows more than at 2013-06-15 12:10 EDT, at most 100 expected"},
			{"2013-06-15T16:20:00Z", []any{int64(1060)}, "pass: there are 1,060 rows"}}},
		{"too small a usual number", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 10%, min_base: 100}}", []turn{
			{now, []any{perDay(t, "2013-06-13", now, 99, 3)}, "pass: 2013-06-14 has 3 rows, usual are 99, too few to judge by (min_base 100)"},
			{now, []any{perDay(t, "2013-06-13", now, 100, 3)}, "fail dropped: 2013-06-14 has 3 rows, 97.00% below the usual 100, limit 10%"}}},
		{"an absolute limit goes before a relative one", "row_count: {per: day, by: ts, min: 5, compare: {to: previous, max_drop: 10%}}", []turn{
			{now, []any{perDay(t, "2013-06-13", now, 100, 3)}, "fail below_min: 2013-06-14 has 3 rows, at least 5 expected"}}},
		{"frozen starts anew when the number changes", "row_count: {frozen_after: 1d}", []turn{
			{"2013-06-15T00:00:00Z", []any{int64(7)}, "pending no_history: no past yet to tell whether the number of rows changes"},
			{"2013-06-15T12:00:00Z", []any{int64(8)}, "pass: there are 8 rows"},
			{"2013-06-16T12:00:00Z", []any{int64(8)}, "pass: there are 8 rows"},
			{"2013-06-16T12:00:01Z", []any{int64(8)}, "fail frozen: the number of rows has been 8 for 1d, limit 1d"}}},
		{"a tolerance in percent of what should be there", "row_count: {equals: {node: other, ratio: 2, tolerance: 5%}}", []turn{
			{now, []any{int64(105), int64(50)}, "pass: there are 105 rows"},
			{now, []any{int64(106), int64(50)}, "fail unequal: 106 rows against 50 in other x 2, tolerance 5%"},
			{now, []any{int64(1), int64(0)}, "fail unequal: 1 row against 0 in other x 2, tolerance 5%"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, timed+c.keys, "row_count"), c.turns) })
	}
}

// Thanksgiving against the six Thursdays before, as in the flights of 2013.
func TestRowCountKnowsTheUsualThursday(t *testing.T) {
	c := checkOf(t, timed+"row_count: {per: day, by: ts, granularity: 1h, compare: {to: same_weekday, over: 6w, max_drop: 30%}}", "row_count")
	rows := make([]int64, 50)
	for i, n := range map[int]int64{0: 980, 7: 990, 14: 993, 21: 995, 28: 985, 35: 999, 42: 634} {
		rows[i] = n
	}
	v := play(t, c, []turn{{"2013-11-29T12:00:00Z", []any{perDay(t, "2013-10-17", "2013-11-29T12:00:00Z", rows...)},
		"fail dropped: 2013-11-28 has 634 rows, 36.06% below the usual 991.5, limit 30%"}})
	observes(t, v, `{"baseline": 991.5, "change_ratio": -0.36056480080685827}`)
	if want := moment(t, "2013-11-29T05:00:00Z").Now; !v.Onset.Equal(want) {
		t.Errorf("onset %s, want the end of the day, %s", v.Onset, want)
	}
}

func TestRowCountAsk(t *testing.T) {
	of := probe.Relation{Conn: "wh", Table: probe.List("t")}
	buckets := func(per probe.Per, from, to string) probe.Buckets {
		return probe.Buckets{Of: of, By: probe.TimeColumn{Name: "ts"}, Per: per, Zone: "America/New_York",
			From: instant(from), To: instant(to), Horizon: instant("2013-11-06T12:05:00Z")}
	}
	for _, c := range []struct {
		name, keys string
		want       []probe.Question
	}{
		{"all rows", `row_count: {min: 1, where: "a > 0"}`, []probe.Question{probe.Rows{Of: of, Where: "a > 0"}}},
		{"the newest day that is over", "row_count: {per: day, by: ts}", []probe.Question{buckets(probe.Day, "2013-11-05T05:00:00Z", "2013-11-06T05:00:00Z")}},
		{"a grace that reaches into the night leaves the day before", "row_count: {per: day, by: ts, grace: 8h}", []probe.Question{buckets(probe.Day, "2013-11-04T05:00:00Z", "2013-11-05T05:00:00Z")}},
		{"the hour that is over", "row_count: {per: hour, by: ts}", []probe.Question{buckets(probe.Hour, "2013-11-06T11:00:00Z", "2013-11-06T12:00:00Z")}},
		{"last is rounded up to whole days, one of 25 hours among them", "row_count: {per: day, by: ts, last: 61h}", []probe.Question{buckets(probe.Day, "2013-11-03T04:00:00Z", "2013-11-06T05:00:00Z")}},
		{"a comparison reaches back from the oldest day that is judged", "row_count: {per: day, by: ts, last: 2d, compare: {to: same_weekday, over: 3w}}", []probe.Question{buckets(probe.Day, "2013-10-14T04:00:00Z", "2013-11-06T05:00:00Z")}},
		{"weeks", "row_count: {per: week, by: ts, compare: {to: previous}}", []probe.Question{buckets(probe.Week, "2013-10-21T04:00:00Z", "2013-11-04T05:00:00Z")}},
		{"months", "row_count: {per: month, by: ts, compare: {to: median, over: 365d}}", []probe.Question{buckets(probe.Month, "2012-10-01T04:00:00Z", "2013-11-01T04:00:00Z")}},
		{"another node's rows", "row_count: {equals: {node: other}}", []probe.Question{probe.Rows{Of: of}, probe.Rows{Of: probe.Relation{Conn: "wh", Table: probe.List("other")}}}},
		{"buckets and the number of all rows", "row_count: {per: day, by: ts, frozen_after: 1d}", []probe.Question{probe.Rows{Of: of}, buckets(probe.Day, "2013-11-05T05:00:00Z", "2013-11-06T05:00:00Z")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, checkOf(t, timed+c.keys, "row_count").Ask(nil, moment(t, "2013-11-06T12:00:00Z"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRowCountTellsTimeAsFreshnessDoes(t *testing.T) {
	c := checkOf(t, "freshness: {column: seen_at, column_tz: Europe/Berlin, max_skew: 1h}\nrow_count: {per: day}", "row_count")
	q, ok := c.Ask(nil, moment(t, "2013-11-06T12:00:00Z"))[0].(probe.Buckets)
	if want := (probe.TimeColumn{Name: "seen_at", Zone: "Europe/Berlin"}); !ok || q.By != want || q.Horizon != instant("2013-11-06T13:00:00Z") {
		t.Errorf("asks %+v, want time by %+v up to an hour ahead", q, want)
	}
}

// Nothing in the file tells whether day is a DATE: a DATE is a day of New
// York, a time without a zone is UTC. The answer tells.
func TestRowCountReadsADateAsADayOfTheZone(t *testing.T) {
	c := checkOf(t, "row_count: {per: day, by: day, granularity: 1d, min: 5}", "row_count")
	var zones []string
	for _, q := range c.Ask(nil, moment(t, "2013-06-15T16:00:00Z")) {
		zones = append(zones, q.(probe.Buckets).By.Zone)
	}
	if diff := cmp.Diff([]string{"", "America/New_York"}, zones); diff != "" {
		t.Fatalf("zones of the questions (-want +got):\n%s", diff)
	}
	asUTC, asLocal := perDay(t, "2013-06-13", "2013-06-14T20:00:00Z", 9, 9), perDay(t, "2013-06-13", "2013-06-15T04:00:00Z", 9, 1)
	play(t, c, []turn{{"2013-06-15T16:00:00Z", []any{asUTC, asLocal}, "pass: 2013-06-14 has 9 rows"}})
	asUTC.Class, asLocal.Class = probe.Date, probe.Date
	play(t, c, []turn{{"2013-06-15T16:00:00Z", []any{asUTC, asLocal}, "fail below_min: 2013-06-14 has 1 row, at least 5 expected"}})
}

func TestRowCountUpstream(t *testing.T) {
	c := checkOf(t, "row_count: {equals: {node: other}}", "row_count")
	if diff := cmp.Diff([]dag.NodeID{"d/other"}, c.Upstream); diff != "" {
		t.Errorf("upstream (-want +got):\n%s", diff)
	}
}

func TestRowCountProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"limits that no number meets", "row_count: {min: 3, max: 2}",
			"13:22: PW120 nodes.t.row_count.min: min 3 is more than max 2, so no number of rows would do"},
		{"a growth that no number meets", "row_count: {delta: {min: 3, max: 2}}",
			"13:30: PW120 nodes.t.row_count.delta.min: min 3 is more than max 2, so no growth would do"},
		{"a growth without a limit", "row_count: {delta: {}}",
			"13:17: PW120 nodes.t.row_count.delta: delta has neither min nor max, so it could never fail (give one of them, or both)"},
		{"a growth below none", "row_count: {delta: {max: -1}}",
			`13:30:  nodes.t.row_count.delta.max: "-1" is less than 0`},
		{"a limit that any number meets", "row_count: {min: 0}",
			"13:22: PW120 nodes.t.row_count.min: min 0 is met by any number of rows (use min: 1, or remove the key to only observe)"},
		{"a spread of one bucket", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 40%, min_score: 3}}",
			"13:85: PW124 nodes.t.row_count.compare.min_score: one bucket has no spread to count in (compare to median or same_weekday, or remove it)"},
		{"a score that narrows nothing", "row_count: {per: day, by: ts, compare: {to: median, over: 14d, min_score: 3}}",
			"13:79: PW124 nodes.t.row_count.compare.min_score: min_score narrows max_drop and max_rise, and there is neither (add max_drop or max_rise)"},
		{"all problems of a block at once", "row_count: {per: day, by: ts, last: 0s, compare: {to: median, over: 1d, max_drop: 40}}",
			`13:87:  nodes.t.row_count.compare.max_drop: "40" has no percent sign (write 40%)` + "\n" +
				"13:41: PW123 nodes.t.row_count.last: last: 0s holds no bucket\n" +
				"13:73: PW124 nodes.t.row_count.compare.over: over 1d has fewer than 3 buckets to compare with, so it could never be judged (look further back)"},
		{"keys of buckets without buckets", "row_count: {min: 3, by: ts, last: 7d}",
			"13:25: PW121 nodes.t.row_count.by: by belongs to buckets, and there are none (add per: day, or remove it)\n13:33: PW121 nodes.t.row_count.last: last belongs to buckets, and there are none (add per: day, or remove it)"},
		{"buckets without a time", "row_count: {per: day}",
			"13:17: PW122 nodes.t.row_count.per: buckets need a time column (add by: <column>, or give the node a freshness check)"},
		{"a length that is none", "row_count: {per: fortnight, by: ts}",
			`13:22:  nodes.t.row_count.per: "fortnight" is not one of hour, day, week, month`},
		{"no bucket to judge", "row_count: {per: day, by: ts, last: 0s}",
			"13:41: PW123 nodes.t.row_count.last: last: 0s holds no bucket"},
		{"a bare percentage", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 40}}",
			`13:69:  nodes.t.row_count.compare.max_drop: "40" has no percent sign (write 40%)`},
		{"a drop by more than all", "row_count: {per: day, by: ts, compare: {to: previous, max_drop: 100%}}",
			"13:69: PW124 nodes.t.row_count.compare.max_drop: a bucket cannot drop by more than 100% (use less than 100%)"},
		{"previous looks one bucket back", "row_count: {per: day, by: ts, compare: {to: previous, over: 6w}}",
			"13:65: PW124 nodes.t.row_count.compare.over: previous is the one bucket before, so over has no meaning (remove it, or compare to median)"},
		{"how far back is not said", "row_count: {per: day, by: ts, compare: {to: same_weekday}}",
			"13:35: PW124 nodes.t.row_count.compare.over: same_weekday needs to know how far back to look (such as over: 6w)"},
		{"too short a past", "row_count: {per: day, by: ts, compare: {to: same_weekday, over: 2w}}",
			"13:69: PW124 nodes.t.row_count.compare.over: over 14d has fewer than 3 buckets to compare with, so it could never be judged (look further back)"},
		{"weeks have no weekday", "row_count: {per: week, by: ts, compare: {to: same_weekday, over: 6w}}",
			"13:50: PW124 nodes.t.row_count.compare.to: a week has no weekday (use per: day, or compare to median)"},
		{"a month cannot leave out days", `row_count: {per: month, by: ts, calendar: ["2013-07-04"]}`,
			"13:37: PW126 nodes.t.row_count.calendar: a month cannot leave out days (use per: day, or remove calendar)"},
		{"another node that nobody knows", "row_count: {equals: {node: othr}}",
			`13:32: PW127 nodes.t.row_count.equals.node: unknown node "othr" (did you mean "other"?)`},
		{"the node itself", "row_count: {equals: {node: t}}",
			"13:32: PW127 nodes.t.row_count.equals.node: a node always has as many rows as itself"},
		{"a ratio of nothing", "row_count: {equals: {node: other, ratio: 0}}",
			`13:46:  nodes.t.row_count.equals.ratio: "0" is not a number above 0 of at most nine digits`},
		{"segments without buckets", "row_count: {min: 1, segment: origin}",
			"13:25: PW121 nodes.t.row_count.segment: segment belongs to buckets, and there are none (add per: day, or remove it)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnnouncedWorkMayDeleteRows(t *testing.T) {
	c := checkOf(t, "row_count: {non_decreasing: true}", "row_count")
	at := moment(t, "2013-06-15T16:00:00Z")
	_, memory := c.Judge([]probe.Answer{{Value: int64(1000)}}, nil, at)
	v, _ := c.Judge([]probe.Answer{{Value: int64(10)}}, memory, at)
	if v.Outcome != checks.Fail {
		t.Fatalf("without an announcement: %s", said(v))
	}
	at.Announced = []checks.Announcement{{From: at.Now.Add(-time.Hour), Reason: "old orders go to the archive"}}
	v, memory = c.Judge([]probe.Answer{{Value: int64(10)}}, memory, at)
	if v.Outcome != checks.Pass || memory == nil {
		t.Fatalf("with one: %s", said(v))
	}
	at.Announced = nil
	if v, _ = c.Judge([]probe.Answer{{Value: int64(9)}}, memory, at); v.Outcome != checks.Fail {
		t.Errorf("after it: %s", said(v))
	}
}

func TestAnnouncedWorkMayBringAnyNumberOfRows(t *testing.T) {
	c := checkOf(t, "row_count: {delta: {max: 100}}", "row_count")
	at := moment(t, "2013-06-15T16:00:00Z")
	_, memory := c.Judge([]probe.Answer{{Value: int64(1000)}}, nil, at)
	backfill := checks.Announcement{From: at.Now.Add(time.Minute), Reason: "a year of old orders"}
	at.Now = at.Now.Add(10 * time.Minute)
	at.Announced = []checks.Announcement{backfill}
	v, memory := c.Judge([]probe.Answer{{Value: int64(9_000_000)}}, memory, at)
	if v.Outcome != checks.Pass || memory == nil {
		t.Fatalf("a backfill that was announced: %s", said(v))
	}
	backfill.Until = at.Now
	at.Now = at.Now.Add(10 * time.Minute)
	at.Announced = []checks.Announcement{backfill} // it is over
	if v, _ = c.Judge([]probe.Answer{{Value: int64(9_000_101)}}, memory, at); v.Outcome != checks.Fail {
		t.Errorf("after it: %s", said(v))
	}
}

func TestGrowthBeyondAllNumbers(t *testing.T) {
	c := checkOf(t, "row_count: {delta: {min: -9223372036854775808, max: 9223372036854775807}}", "row_count")
	at := moment(t, "2013-06-15T16:00:00Z")
	_, memory := c.Judge([]probe.Answer{{Value: int64(1)}}, nil, at)
	at.Now = at.Now.AddDate(9, 0, 0) // more evaluations than are counted
	v, _ := c.Judge([]probe.Answer{{Value: int64(2)}}, memory, at)
	if v.Outcome != checks.Pass {
		t.Error(said(v))
	}
	observes(t, v, `{"delta": 1, "delta_since": "2013-06-15T16:00:00Z"}`)
}

// Products of rows and ratios go beyond 64 bits, and the hair by which a limit is
// missed must not be lost there.
func TestEqualsOfManyRowsIsExact(t *testing.T) {
	c := checkOf(t, "row_count: {equals: {node: other, ratio: 0.99999999, tolerance: 1%}}", "row_count")
	for rows, want := range map[int64]checks.Outcome{
		9_899_999_901_000_000_000 / 10: checks.Pass, // exactly 1% less than 0.99999999 x 10^18
		9_899_999_900_999_999_990 / 10: checks.Fail,
	} {
		v, _ := c.Judge([]probe.Answer{{Value: rows}, {Value: int64(1_000_000_000_000_000_000)}}, nil, moment(t, "2013-06-15T16:00:00Z"))
		if v.Outcome != want {
			t.Errorf("%d rows: %s, want %s", rows, said(v), want)
		}
	}
}
