package incident

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// brokenFiles keeps one incident per DAG file that cannot be taken up, so that
// nobody believes to be watched by what was never read.
func (d *decision) brokenFiles() {
	problems := map[string]Finding{}
	for _, b := range d.run.Broken {
		problems[b.File] = condition(b.Problem)
	}
	d.conditions(BrokenFile, problems,
		func(i Incident) string { return i.File },
		func(file string) Incident { return Incident{ID: d.newID("file " + file), File: file} })
}

// ownTroubles keeps one incident per trouble of pipewatch itself.
func (d *decision) ownTroubles() {
	problems, tests := map[string]Finding{}, map[string]Finding{}
	for _, t := range d.run.Troubles {
		if t.Test {
			f := condition(t.Problem)
			f.Severity = dag.Warn
			tests[t.Name] = f
			continue
		}
		problems[t.Name] = condition(t.Problem)
	}
	name := func(i Incident) string { return i.Trouble }
	d.conditions(Self, problems, name,
		func(name string) Incident { return Incident{ID: d.newID("self " + name), Trouble: name} })
	d.conditions(Canary, tests, name,
		func(name string) Incident {
			return Incident{ID: d.newID("canary " + name), Trouble: name, Severity: dag.Warn}
		})
}

// condition is a finding that is no verdict of a check.
func condition(problem string) Finding {
	return Finding{Outcome: checks.Error, Message: problem, Severity: dag.Error}
}

// clocks keeps one incident per connection whose clock is far from ours: what
// it says about ages is off by as much. It is never a finding about data. What
// was not asked in this run is as it was.
func (d *decision) clocks() {
	skews := map[string]time.Duration{}
	for _, r := range d.run.Results {
		c := d.suite.Check(r.Check)
		if c == nil || r.Verdict.Outcome == checks.Error {
			continue
		}
		conn := c.Node.Connection
		if worst, asked := skews[conn]; !asked || r.Skew.Abs() > worst.Abs() {
			skews[conn] = r.Skew
		}
	}
	problems := map[string]Finding{}
	for i := range d.open(ClockSkew) {
		if _, asked := skews[i.Connection]; !asked {
			problems[i.Connection] = i.Findings[0]
		}
	}
	for conn, skew := range skews {
		if far := skew.Abs(); d.policy.MaxSkew > 0 && far > d.policy.MaxSkew {
			way := "ahead of"
			if skew < 0 {
				way = "behind"
			}
			problems[conn] = condition(fmt.Sprintf("its clock is about %s %s ours, limit %s: set both by NTP; until then ages are off by as much",
				max(far.Round(30*time.Second), 30*time.Second), way, d.policy.MaxSkew))
		}
	}
	d.conditions(ClockSkew, problems,
		func(i Incident) string { return i.Connection },
		func(conn string) Incident { return Incident{ID: d.newID("clock " + conn), Connection: conn} })
}

// silence keeps one incident per check that has long had nothing to judge: a
// warning that nobody watches what they believe to be watched. It is said only
// where nothing above is known to be wrong and no work is announced.
func (d *decision) silence() {
	if d.policy.NoDataFor == 0 {
		return
	}
	broken := map[int]bool{}
	for _, e := range d.entries {
		broken[e.rank] = broken[e.rank] || e.state.Active()
	}
	planned := d.announcements()
	problems := map[string]Finding{}
	for _, c := range d.unsure {
		s := d.state(c.ID())
		if s.Silences < max(d.policy.ErrorAfter, 1) || !d.due(s.Silent.Add(d.policy.NoDataFor)) {
			continue
		}
		if d.explained(c, s, broken, planned) {
			continue
		}
		f := condition(s.Message)
		f.Check, f.Outcome, f.Severity = c.ID(), checks.NoData, dag.Warn
		problems[string(c.ID())] = f
	}
	d.conditions(NoData, problems,
		func(i Incident) string { return string(i.Findings[0].Check) },
		func(check string) Incident {
			return Incident{ID: d.newID("no data " + check), Root: dag.CheckID(check).Node(), Severity: dag.Warn, Onset: d.state(dag.CheckID(check)).Silent}
		})
}

// explained tells whether something known explains that there is nothing to
// judge.
func (d *decision) explained(c *checks.Check, s State, broken map[int]bool, planned map[dag.NodeID][]Announcement) bool {
	s.Troubled = s.Silent
	if broken[d.suite.Graph.Index(c.Node.ID)] || d.excused(c, s, planned) {
		return true
	}
	for rank := range d.above.of(c) {
		if broken[rank] {
			return true
		}
	}
	return false
}

// conditions keeps one incident of a kind for each thing that has a problem, for
// as long as it has one. name tells what an incident is about, begin makes a
// new one.
func (d *decision) conditions(kind Kind, problems map[string]Finding, name func(Incident) string, begin func(string) Incident) {
	fresh := maps.Clone(problems)
	for i := range d.open(kind) {
		problem, still := problems[name(i)]
		delete(fresh, name(i))
		problem.FirstSeen = i.Findings[0].FirstSeen
		switch {
		case !still:
			i.Status, i.ResolvedAt = Resolved, d.now
			i.say(d.now, Line{Kind: Closed, Node: i.Root})
		case !i.Findings[0].same(problem):
			i.Findings = []Finding{problem}
			i.touch(d.now)
		default:
			continue
		}
		d.change.Incidents[i.ID] = i
	}
	for _, about := range slices.Sorted(maps.Keys(fresh)) {
		i, f := begin(about), fresh[about]
		f.FirstSeen = d.now
		i.Kind, i.Status, i.OpenedAt = kind, Open, d.now
		i.Severity, i.Findings = cmp.Or(i.Severity, dag.Error), []Finding{f}
		if i.Onset.IsZero() {
			i.Onset = d.now
		}
		i.say(d.now, Line{Kind: Opened, Node: i.Root})
		d.change.Incidents[i.ID] = i
	}
}
