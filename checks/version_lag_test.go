package checks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// success is a run that began and ended at these moments.
func success(times ...string) []probe.JobRun {
	var runs []probe.JobRun
	for i := 0; i < len(times); i += 2 {
		run := probe.JobRun{ID: times[i] + times[i+1], State: "success", Ended: instant(times[i+1])}
		if times[i] != "" {
			run.Started = instant(times[i])
		}
		runs = append(runs, run)
	}
	return runs
}

func TestVersionThatLagsBehindWhatItIsBuiltFrom(t *testing.T) {
	type step struct{ at, own, other, want string }
	same := "pass: unchanged since 2013-06-15 12:00 EDT"
	for _, c := range []struct {
		name  string
		runs  []probe.JobRun
		steps []step
	}{
		{"as long as the limit is not behind, a second more is, and a new version catches up", nil, []step{
			{"16:00:00", "v1", "o1", "pass: first sight of version v1"},
			{"17:00:00", "v1", "o2", same},
			{"21:00:00", "v1", "o2", same},
			{"21:00:01", "v1", "o2", "fail lag: other changed 4h ago and this was not built from it since, limit 4h"},
			{"22:00:00", "v2", "o2", "pass content_changed: the content changed, still 10 rows"},
			{"23:59:00", "v2", "o2", "pass: unchanged since 2013-06-15 18:00 EDT"}}},
		{"the oldest change that is missing counts, not the newest", nil, []step{
			{"12:00:00", "v1", "o1", "pass: first sight of version v1"},
			{"13:00:00", "v1", "o2", "pass: unchanged since 2013-06-15 08:00 EDT"},
			{"16:00:00", "v1", "o3", "pass: unchanged since 2013-06-15 08:00 EDT"},
			{"17:30:00", "v1", "o3", "fail lag: other changed 4h30m ago and this was not built from it since, limit 4h"}}},
		{"a run that began after the change and made the same of it catches up too", success("2013-06-15T17:30:00Z", "2013-06-15T17:40:00Z"), []step{
			{"16:00:00", "v1", "o1", "pass: first sight of version v1"},
			{"17:00:00", "v1", "o2", same},
			{"23:00:00", "v1", "o2", same}}},
		{"a run that was under way already does not", success("2013-06-15T16:30:00Z", "2013-06-15T17:40:00Z"), []step{
			{"16:00:00", "v1", "o1", "pass: first sight of version v1"},
			{"17:00:00", "v1", "o2", same},
			{"23:00:00", "v1", "o2", "fail lag: other changed 6h ago and this was not built from it since, limit 4h"}}},
		{"a run of which nobody told the start read at the earliest when the one before ended",
			success("", "2013-06-15T18:30:00Z", "", "2013-06-15T17:30:00Z"), []step{
				{"16:00:00", "v1", "o1", "pass: first sight of version v1"},
				{"17:00:00", "v1", "o2", same},
				{"23:00:00", "v1", "o2", same}}},
		{"a run between two changes leaves the second missing", success("2013-06-15T14:00:00Z", "2013-06-15T14:10:00Z"), []step{
			{"12:00:00", "v1", "o1", "pass: first sight of version v1"},
			{"13:00:00", "v1", "o2", "pass: unchanged since 2013-06-15 08:00 EDT"},
			{"16:00:00", "v1", "o3", "pass: unchanged since 2013-06-15 08:00 EDT"},
			{"19:00:00", "v1", "o3", "pass: unchanged since 2013-06-15 08:00 EDT"},
			{"20:00:01", "v1", "o3", "fail lag: other changed 4h ago and this was not built from it since, limit 4h"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var turns []turn
			for _, s := range c.steps {
				turns = append(turns, turn{"2013-06-15T" + s.at + "Z", []any{content(s.own), content(s.other), c.runs}, s.want})
			}
			play(t, checkOf(t, "version: {built_from: [other], lag: 4h}", "version"), turns)
		})
	}
}

func TestVersionThatLagsObserves(t *testing.T) {
	v := play(t, checkOf(t, "version: {built_from: [other, more], lag: 4h}", "version"), []turn{
		{"2013-06-15T16:00:00Z", []any{content("v1"), content("o1"), content("m1"), success()}, "pass: first sight of version v1"},
		{"2013-06-15T17:00:00Z", []any{content("v1"), content("o2"), content("m1"), success()}, "pass: unchanged since 2013-06-15 12:00 EDT"},
		{"2013-06-15T22:00:00Z", []any{content("v1"), content("o2"), content("m1"), success()},
			"fail lag: other changed 5h ago and this was not built from it since, limit 4h"},
	})
	observes(t, v, `{"behind": {"other": "2013-06-15T17:00:00Z"}, "changed": false}`)
	if onset, good := stamp(v.Onset), stamp(v.GoodUntil); onset != "2013-06-15T21:00:00Z" || good != "2013-06-15T17:00:00Z" {
		t.Errorf("onset %s, good until %s", onset, good)
	}
}

// A change that nothing explains does not hide that the node lags, and what it lags
// behind is followed while the change is held.
func TestVersionThatLagsWhileAChangeIsHeld(t *testing.T) {
	play(t, checkOf(t, "version: {built_from: [other], lag: 4h, on_change: fail}", "version"), []turn{
		{"2013-06-15T12:00:00Z", []any{content("v1"), content("o1"), success()}, "pass: first sight of version v1"},
		{"2013-06-15T13:00:00Z", []any{content("v2"), content("o1"), success()}, "fail content_changed: the content changed, still 10 rows"},
		{"2013-06-15T14:00:00Z", []any{content("v2"), content("o2"), success()}, "fail content_changed: the content changed, still 10 rows"},
		{"2013-06-15T15:00:00Z", []any{content("v1"), content("o3"), success()}, "pass: unchanged since 2013-06-15 08:00 EDT"},
		{"2013-06-15T16:00:00Z", []any{content("v1"), content("o4"), success()}, "pass: unchanged since 2013-06-15 08:00 EDT"},
		{"2013-06-15T20:30:00Z", []any{content("v1"), content("o4"), success()},
			"fail lag: other changed 4h30m ago and this was not built from it since, limit 4h"},
	})
}

// diamond is a node built from two that are both made of one.
const diamond = `version: 1
dag: d
connection: wh
timezone: America/New_York
nodes:
  base: {table: base}
  load_b: {job: {heartbeat: b}}
  a: {table: a, depends_on: [base]}
  b: {table: b, depends_on: [base, load_b]}
  t: {table: t, version: {built_from: [a, b], lag: 1h}}
  u: {table: u, version: {built_from: [base, a], lag: 1h}}
`

func diamondCheck(t *testing.T, id dag.CheckID) *checks.Check {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(diamond)}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return suite.Check(id)
}

func TestVersionThatIsTorn(t *testing.T) {
	torn := "built %s ago from a and b, which hold different versions of base, limit 1h"
	for _, c := range []struct {
		name  string
		runs  []probe.JobRun // of load_b
		steps []string       // time, versions of t a b base, what is said
	}{
		{"two inputs of different versions, until it is built anew", nil, []string{
			"12:00 t1 a1 b1 x1 pass: first sight of version t1",
			"13:00 t1 a1 b1 x2 pass: unchanged since 2013-06-15 08:00 EDT",
			"13:10 t1 a2 b1 x2 pass: unchanged since 2013-06-15 08:00 EDT",
			"13:20 t2 a2 b1 x2 pass content_changed: the content changed, still 10 rows",
			"14:20 t2 a2 b1 x2 pass: unchanged since 2013-06-15 09:20 EDT",
			"14:21 t2 a2 b1 x2 fail torn: " + strings.ReplaceAll(torn, "%s", "1h1m"),
			"14:30 t2 a2 b2 x2 fail torn: " + strings.ReplaceAll(torn, "%s", "1h10m"),
			"14:40 t3 a2 b2 x2 pass content_changed: the content changed, still 10 rows",
			"18:00 t3 a2 b2 x2 pass: unchanged since 2013-06-15 10:40 EDT"}},
		{"what changed between two evaluations may have changed in the good order", nil, []string{
			"12:00 t1 a1 b1 x1 pass: first sight of version t1",
			"13:00 t2 a2 b2 x2 pass content_changed: the content changed, still 10 rows",
			"13:10 t2 a2 b2 x2 pass: unchanged since 2013-06-15 09:00 EDT",
			"13:20 t3 a3 b2 x3 pass content_changed: the content changed, still 10 rows",
			"16:00 t3 a3 b2 x3 pass: unchanged since 2013-06-15 09:20 EDT"}},
		{"an input that a run made anew, with the same content, holds the new version", success("2013-06-15T13:01:00Z", "2013-06-15T13:05:00Z"), []string{
			"12:00 t1 a1 b1 x1 pass: first sight of version t1",
			"13:00 t1 a1 b1 x2 pass: unchanged since 2013-06-15 08:00 EDT",
			"13:10 t1 a2 b1 x2 pass: unchanged since 2013-06-15 08:00 EDT",
			"13:20 t2 a2 b1 x2 pass content_changed: the content changed, still 10 rows",
			"16:00 t2 a2 b1 x2 pass: unchanged since 2013-06-15 09:20 EDT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var turns []turn
			for _, s := range c.steps {
				w := strings.SplitN(s, " ", 6)
				turns = append(turns, turn{"2013-06-15T" + w[0] + ":00Z", []any{content(w[1]), content(w[2]), content(w[3]), content(w[4]), c.runs}, w[5]})
			}
			play(t, diamondCheck(t, "d/t/version"), turns)
		})
	}
}

// A node that reads one table directly and by way of another is a diamond too.
func TestVersionThatIsTornByOneSideOnly(t *testing.T) {
	at := func(when, own, base, a, want string) turn {
		return turn{"2013-06-15T" + when + ":00Z", []any{content(own), content(base), content(a)}, want}
	}
	v := play(t, diamondCheck(t, "d/u/version"), []turn{
		at("12:00", "u1", "x1", "a1", "pass: first sight of version u1"),
		at("13:00", "u1", "x2", "a1", "pass: unchanged since 2013-06-15 08:00 EDT"),
		at("13:10", "u2", "x2", "a1", "pass content_changed: the content changed, still 10 rows"),
		at("14:30", "u2", "x2", "a1", "fail torn: built 1h20m ago from base and a, which hold different versions of base, limit 1h"),
	})
	observes(t, v, `{"torn": "base"}`)
}

func TestVersionThatARunDidNotChange(t *testing.T) {
	later := success("2013-06-15T17:10:00Z", "2013-06-15T17:20:00Z")
	said := "load succeeded at 2013-06-15 13:20 EDT and changed nothing: unchanged since 2013-06-15 12:00 EDT"
	for _, c := range []struct {
		name, keys string
		runs       []probe.JobRun
		more       []any // versions of other at the first and the second sight
		want       string
	}{
		{"is reported where runs are looked at", "{on_change: {require: run}}", later, nil, "pass no_op: " + said},
		{"fails on demand", "{no_op: fail}", later, nil, "fail no_op: " + said},
		{"warns on demand", "{no_op: warn}", later, nil, "warn no_op: " + said},
		{"a run that was under way at first sight may have written before", "{no_op: fail}", success("2013-06-15T15:59:00Z", "2013-06-15T16:10:00Z"), nil,
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"so may one of which nobody told the start", "{no_op: fail}", success("", "2013-06-15T16:10:00Z"), nil,
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"a run that failed is another matter", "{no_op: fail}",
			[]probe.JobRun{{ID: "r", State: "failed", Started: instant("2013-06-15T17:10:00Z"), Ended: instant("2013-06-15T17:20:00Z")}}, nil,
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"with nothing new to build from there was nothing to change", "{no_op: fail, built_from: [other]}", later, []any{content("o1"), content("o1")},
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"with something new there was", "{no_op: fail, built_from: [other]}", success("2013-06-15T18:10:00Z", "2013-06-15T18:20:00Z"), []any{content("o1"), content("o2")},
			"fail no_op: load succeeded at 2013-06-15 14:20 EDT and changed nothing: unchanged since 2013-06-15 12:00 EDT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := func(i int, runs []probe.JobRun) []any {
				if c.more == nil {
					return []any{content("v1"), runs}
				}
				return []any{content("v1"), c.more[i], runs}
			}
			turns := []turn{{"2013-06-15T16:00:00Z", answers(0, success()), "pass: first sight of version v1"}}
			if c.more != nil {
				turns = append(turns, turn{"2013-06-15T18:00:00Z", answers(1, success()), "pass: unchanged since 2013-06-15 12:00 EDT"})
			}
			play(t, checkOf(t, "version: "+c.keys, "version"), append(turns, turn{"2013-06-15T19:00:00Z", answers(len(c.more)/2, c.runs), c.want}))
		})
	}
}

func TestVersionThatComesBack(t *testing.T) {
	one := func(version string, more ...any) []any { return append([]any{content(version)}, more...) }
	empty := content("v0")
	empty.Rows = 0
	run := func(at string) []probe.JobRun { return success("2013-06-"+at+":00:00Z", "2013-06-"+at+":30:00Z") }
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"is reported", "{}", []turn{
			{"2013-06-11T16:00:00Z", one("v1"), "pass: first sight of version v1"},
			{"2013-06-12T16:00:00Z", one("v2"), "pass content_changed: the content changed, still 10 rows"},
			{"2013-06-13T16:00:00Z", one("v1"), "pass regressed: the content is again what it was from 2013-06-11 12:00 EDT on"},
			{"2013-06-14T16:00:00Z", one("v3"), "pass content_changed: the content changed, still 10 rows"}}},
		{"is explained by no run, until one brings something newer", "{on_change: {require: run}}", []turn{
			{"2013-06-11T16:00:00Z", one("v1", run("11T15")), "pass: first sight of version v1"},
			{"2013-06-12T16:00:00Z", one("v2", run("12T15")), "pass content_changed: the content changed, still 10 rows, explained by a run of load"},
			{"2013-06-13T16:00:00Z", one("v1", run("13T15")),
				"fail regressed: the content is again what it was from 2013-06-11 12:00 EDT on, but load should bring something newer"},
			{"2013-06-14T16:00:00Z", one("v3", run("14T15")), "pass content_changed: the content changed, still 10 rows, explained by a run of load"}}},
		{"nor by something new upstream", "{built_from: [other], on_change: {require: upstream_changed}}", []turn{
			{"2013-06-11T16:00:00Z", one("v1", content("o1")), "pass: first sight of version v1"},
			{"2013-06-12T16:00:00Z", one("v2", content("o2")), "pass content_changed: the content changed, still 10 rows, explained by a new version of other"},
			{"2013-06-13T16:00:00Z", one("v1", content("o3")),
				"fail regressed: the content is again what it was from 2013-06-11 12:00 EDT on, but nothing was announced"}}},
		{"a table that is empty at times is empty again", "{}", []turn{
			{"2013-06-11T16:00:00Z", []any{empty}, "pass: first sight of version v0"},
			{"2013-06-12T16:00:00Z", one("v1"), "pass content_changed: the content changed, from 0 rows to 10"},
			{"2013-06-13T16:00:00Z", []any{empty}, "pass content_changed: the content changed, from 10 rows to 0"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, "version: "+c.keys, "version"), c.turns) })
	}
}

func TestVersionRemembersFewVersions(t *testing.T) {
	check := checkOf(t, "version: {}", "version")
	var memory checks.Memory
	day := time.Date(2013, 6, 1, 12, 0, 0, 0, time.UTC)
	see := func(n int) checks.Verdict {
		day = day.AddDate(0, 0, 1)
		v, next := check.Judge([]probe.Answer{{Value: content("v" + strings.Repeat("i", n))}}, memory, checks.Moment{Now: day})
		memory = next
		return v
	}
	for n := range 100 {
		see(n)
	}
	if len(memory) > 2500 {
		t.Errorf("100 versions are a memory of %d bytes", len(memory))
	}
	if v := see(90); v.Reason != checks.Regressed {
		t.Errorf("10 versions ago: %s", said(v))
	}
	if v := see(10); v.Reason != checks.ContentChanged {
		t.Errorf("90 versions ago: %s", said(v))
	}
}
