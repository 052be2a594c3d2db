package incident_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// The checks of the shop and what each can find.
var findable = map[dag.CheckID][]checks.Reason{
	"shop/load/job":         {checks.JobFailed, checks.Late},
	"shop/rates/freshness":  {checks.Stale, checks.FutureTimestamps},
	"shop/orders/freshness": {checks.Stale, checks.Late},
	"shop/orders/version":   {checks.SchemaChanged},
	"shop/orders/joins":     {checks.Orphans, checks.NullKeys, checks.UncoveredParents},
	"shop/lines/freshness":  {checks.Stale},
	"shop/lines/row_count":  {checks.BelowMin},
	"shop/lines/values":     {checks.Duplicates},
	"shop/report/row_count": {checks.BelowMin},
	"shop/report/total":     {checks.BelowMin},
}

// Whatever happens in whatever order, what is said stays in keeping with what
// was found.
func TestAnySequenceOfRunsKeepsTheBookInOrder(t *testing.T) {
	base := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		p := base.policy
		p.FailAfter = rapid.IntRange(1, 3).Draw(t, "fail_after")
		p.ResolveAfter = rapid.IntRange(1, 3).Draw(t, "resolve_after")
		book := incident.Book{}
		m := 0
		for range rapid.IntRange(1, 25).Draw(t, "runs") {
			m += rapid.IntRange(1, 12).Draw(t, "minutes")
			run := incident.Run{DAG: "shop", Slot: minute(m), Moment: minute(m)}
			if rapid.IntRange(0, 5).Draw(t, "tick") > 0 {
				run.Results = drawResults(t, base.suite, m)
			}
			c := incident.Decide(base.suite, book, run, p)
			checkChange(t, book, c)
			book = book.Apply(c)
			checkBook(t, base.suite, book)
		}
	})
}

// drawResults makes a verdict for each check: mostly as it was found before.
func drawResults(t *rapid.T, s *checks.Suite, m int) []checks.Result {
	var out []checks.Result
	for c := range s.All() {
		v := checks.Verdict{Outcome: checks.Pass}
		reasons := findable[c.ID()]
		switch dice := rapid.IntRange(0, 9).Draw(t, string(c.ID())); {
		case dice == 0:
			v = checks.Verdict{Outcome: checks.Error, Message: "no answer", Broken: rapid.SampledFrom([]string{"", "column"}).Draw(t, "broken")}
		case dice == 1:
			v = checks.Verdict{Outcome: rapid.SampledFrom([]checks.Outcome{checks.NoData, checks.Pending, checks.Deferred}).Draw(t, "outcome")}
		case dice < 6 && len(reasons) > 0:
			v = checks.Verdict{Outcome: checks.Fail, Reason: rapid.SampledFrom(reasons).Draw(t, "reason"), Message: "found"}
			if rapid.Bool().Draw(t, "dated") {
				v.Onset = minute(m - rapid.IntRange(0, 30).Draw(t, "onset"))
			}
		}
		out = append(out, checks.Result{Check: c.ID(), Verdict: v})
	}
	return out
}

// checkChange holds one change against the book before it: lines are only
// appended, an end is said once, and nothing is closed that never was open.
func checkChange(t *rapid.T, before incident.Book, c incident.Change) {
	for id, i := range c.Incidents {
		was, known := before.Incidents[id]
		if !known && (len(i.Lines) == 0 || i.Lines[0].Kind != incident.Opened) {
			t.Fatalf("%s begins with %v, want opened", id, i.Lines)
		}
		if known && i.Seq < was.Seq || len(i.Lines) < len(was.Lines) {
			t.Fatalf("%s goes back: seq %d to %d, %d to %d lines", id, was.Seq, i.Seq, len(was.Lines), len(i.Lines))
		}
		open := 0
		for n, l := range i.Lines {
			if l.N != n+1 {
				t.Fatalf("%s has line %d at place %d", id, l.N, n+1)
			}
			switch l.Kind {
			case incident.Opened, incident.Reopened:
				open++
			case incident.Closed, incident.MergedLine:
				open--
			}
			if open < 0 || open > 1 {
				t.Fatalf("%s is opened or closed twice: %v", id, i.Lines)
			}
		}
		if (open == 1) != (i.Status == incident.Open) {
			t.Fatalf("%s is %s after %v", id, i.Status, i.Lines)
		}
	}
}

// checkBook holds states and incidents against each other.
func checkBook(t *rapid.T, s *checks.Suite, b incident.Book) {
	roots := map[dag.NodeID]bool{}
	holders := map[dag.CheckID]incident.ID{}
	for id, i := range b.Incidents {
		if i.Status != incident.Open || i.Kind != incident.Data {
			continue
		}
		if roots[i.Root] {
			t.Fatalf("two incidents are open on %s", i.Root)
		}
		roots[i.Root] = true
		own := slices.ContainsFunc(i.Own(), func(f incident.Finding) bool { return !f.Recovered })
		if !own && i.Flapping.IsZero() {
			t.Fatalf("%s is open on %s without a finding of its own: %+v", id, i.Root, i.Findings)
		}
		for _, f := range i.Findings {
			if f.Held && f.Because == "" {
				t.Fatalf("%s holds %s without saying why", id, f.Check)
			}
			if f.Recovered || f.Outcome == checks.Error {
				continue
			}
			if !b.States.Of(f.Check).Active() {
				t.Fatalf("%s lists %s, which is %s", id, f.Check, b.States.Of(f.Check).Phase)
			}
			if other, twice := holders[f.Check]; twice {
				t.Fatalf("%s is in %s and in %s", f.Check, other, id)
			}
			holders[f.Check] = id
		}
	}
	for c := range s.All() {
		if st := b.States.Of(c.ID()); st.HeldBy != "" && st.Active() && holders[c.ID()] != st.HeldBy {
			t.Fatalf("%s says it is in %q, it is in %q", c.ID(), st.HeldBy, holders[c.ID()])
		}
	}
}
