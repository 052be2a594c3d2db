package incident_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// asked is a run in which every check passes and the clock of the warehouse is
// off.
func (w *world) asked(m int, skew time.Duration) []string {
	w.t.Helper()
	r := incident.Run{DAG: "shop", Slot: minute(m), Moment: minute(m)}
	for c := range w.suite.All() {
		r.Results = append(r.Results, checks.Result{Check: c.ID(), Verdict: checks.Verdict{Outcome: checks.Pass}, Skew: skew})
	}
	return w.decide(r)
}

func TestAClockThatIsOffIsOneIncidentOfItsConnection(t *testing.T) {
	w := newWorld(t)
	w.expect(w.asked(0, 30*time.Second))
	w.expect(w.asked(5, -95*time.Second), ": opened")
	i := w.only()
	if i.Kind != incident.ClockSkew || i.Connection != "wh" || !strings.HasPrefix(i.Findings[0].Message, "its clock is about 1m30s behind ours, limit 30s") {
		t.Errorf("incident %+v", i)
	}
	seq := i.Seq
	w.expect(w.tick(6))
	w.expect(w.asked(10, -100*time.Second)) // about the same
	if i = w.only(); i.Seq != seq {
		t.Error("edited for a few seconds")
	}
	other := incident.Run{DAG: "shop", Slot: minute(11), Moment: minute(11)}
	for c := range w.suite.All() {
		other.Results = append(other.Results, checks.Result{Check: c.ID(), Verdict: checks.Verdict{Outcome: checks.Error}})
	}
	w.expect(w.decide(other)) // no answer, no clock
	w.expect(w.asked(15, time.Second), ": closed")
}

func TestACheckThatLongHasNothingToJudgeIsAWarningOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	const nothing = "other/freshness: nodata empty"
	for m := 10; m < 24*60+10; m += 60 {
		w.expect(w.run(m, nothing))
	}
	if !w.wake.Equal(minute(24*60 + 10)) {
		t.Errorf("wakes at %s, want a day after it began", w.wake)
	}
	w.expect(w.tick(24*60+10), "other: opened")
	if i := w.only(); i.Kind != incident.NoData || i.Severity != dag.Warn || i.Root != "shop/other" || !i.Onset.Equal(minute(10)) {
		t.Errorf("incident %+v", i)
	}
	w.expect(w.run(24*60+20, nothing))
	w.expect(w.run(24*60+30), "other: closed")
}

func TestNothingToJudgeBelowWhatIsBrokenSaysNothing(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	for m := 10; m < 3*24*60; m += 60 {
		for _, said := range w.run(m, "orders/freshness: fail stale @5", "lines/values: nodata") {
			if said != "orders: opened" && said != "orders: reminded" {
				t.Fatalf("said %s", said)
			}
		}
	}
	got := w.run(3*24*60, "lines/values: nodata")
	w.expect(got, "orders: closed", "lines: opened")
}

func TestSilenceThatIsShortOrSeldomSaysNothing(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	for m := 10; m < 5*24*60; m += 60 {
		found := []string{"other/freshness: nodata"}
		if m%(23*60) < 60 {
			found = nil
		}
		if said := w.run(m, found...); len(said) > 0 {
			t.Fatalf("said %v", said)
		}
	}
	w = newWorld(t)
	w.run(0)
	w.expect(w.run(10, "other/freshness: nodata"))
	if said := w.run(3*24*60, "other/freshness: nodata"); slices.Contains(said, "other: opened") {
		t.Error("two evaluations are enough")
	}
}
