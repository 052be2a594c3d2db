package incident_test

import (
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// evaluate runs only the checks that are named.
func (w *world) evaluate(m int, verdicts ...string) []string {
	w.t.Helper()
	r := incident.Run{DAG: "shop", Slot: minute(m), Moment: minute(m)}
	for _, text := range verdicts {
		name, rest, _ := strings.Cut(text, ": ")
		words := strings.Fields(rest)
		v := checks.Verdict{Outcome: checks.Outcome(words[0])}
		if len(words) > 1 {
			v.Reason = checks.Reason(words[1])
		}
		r.Results = append(r.Results, checks.Result{Check: dag.CheckID("shop/" + name), Verdict: v})
	}
	return w.decide(r)
}

func TestAfterAStartSymptomsWaitForTheirCausesToBeLookedAt(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.since = minute(10) // started anew
	w.expect(w.evaluate(10, "lines/freshness: fail stale"))
	if !w.wake.Equal(minute(12)) {
		t.Errorf("wakes at %s, want two minutes after the start", w.wake)
	}
	w.expect(w.tick(11)) // longer than group_wait
	w.expect(w.evaluate(11, "load/job: pass", "orders/freshness: pass", "orders/version: pass", "orders/joins: pass"), "lines: opened")

	w = newWorld(t)
	w.run(0)
	w.since = minute(10)
	w.evaluate(10, "lines/freshness: fail stale")
	w.expect(w.tick(12), "lines: opened") // nobody looked: told all the same
}

func TestAfterAStartNothingOpensWithoutOneMoreEvaluation(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.evaluate(5, "lines/freshness: fail stale") // waits for causes, and the process dies
	w.since = minute(20)
	w.expect(w.tick(20))
	w.expect(w.tick(30))
	w.expect(w.evaluate(31, "lines/freshness: fail stale"), "lines: opened")
}

func TestAGapAcrossAStartDoesNotCountAsBadTime(t *testing.T) {
	w := newWorld(t)
	w.policy.FailAfter = 2
	w.run(0)
	w.run(5, bad)
	w.since = minute(300)
	w.expect(w.run(300, bad)) // the second in a row, five hours later
	if s := w.book.States.Of("shop/other/freshness"); s.Phase != incident.Pending || s.Bad != 1 || !s.Since.Equal(minute(300)) {
		t.Errorf("state %+v, want the patience to begin anew", s)
	}
	w.expect(w.run(305, bad), "other: opened")
}

func TestAStartForgetsNothingThatIsOpen(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, bad)
	w.since = minute(20)
	w.expect(w.tick(20))
	w.expect(w.run(25, bad))
	w.expect(w.run(30), "other: closed")
}

func TestAHandWrittenCheckSaysWhatExplainsIt(t *testing.T) {
	for by, want := range map[string][]string{
		"":                             {"orders: opened"},
		", explained_by: none":         {"orders: opened", "report: opened"},
		", explained_by: [late]":       {"orders: opened", "report: opened"},
		", explained_by: [stale,late]": {"orders: opened"},
	} {
		w := newWorldOf(t, strings.Replace(shop, "expect: {min: 1}}", "expect: {min: 1}"+by+"}", 1))
		w.run(0)
		w.expect(w.run(5, "orders/freshness: fail stale @1", "report/total: fail below_min"), want...)
	}
}
