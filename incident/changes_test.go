package incident_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// happening is a run of one check that passes and tells of an event.
func (w *world) happening(m int, id dag.CheckID, what string) {
	w.t.Helper()
	run := incident.Run{DAG: id.Node().DAG(), Slot: minute(m), Moment: minute(m), Results: []checks.Result{{
		Check: id, Verdict: checks.Verdict{Outcome: checks.Pass, Event: checks.Event{At: minute(m), What: what}},
	}}}
	w.book = w.book.Apply(incident.Decide(w.suite, w.book, run, w.policy))
}

// changesOf is what the newest incident of a root says changed above it.
func (w *world) changesOf(root dag.NodeID) []incident.Upstream {
	var out []incident.Upstream
	for _, i := range w.book.Incidents {
		if i.Root == root {
			out = i.Changes
		}
	}
	return out
}

func TestAnIncidentKeepsWhatChangedAboveItSinceItWasGood(t *testing.T) {
	w := newWorld(t)
	w.happening(-45, "shop/orders/version", "has other content") // it was good after that
	w.run(-40)
	w.happening(-30, "shop/load/job", "succeeded (run 7)")
	w.happening(-20, "shop/other/freshness", "has other content") // of no concern
	w.run(5, "lines/row_count: fail below_min")
	want := []incident.Upstream{{Check: "shop/load/job", At: minute(-30), What: "succeeded (run 7)"}}
	if diff := cmp.Diff(want, w.changesOf("shop/lines")); diff != "" {
		t.Error(diff)
	}

	// What happens later is no cause; when it breaks again it may be.
	w.run(15)
	w.happening(17, "shop/orders/version", "has another schema")
	if got := w.changesOf("shop/lines"); len(got) != 1 {
		t.Errorf("after it closed: %v", got)
	}
	w.run(20, "lines/row_count: fail below_min")
	want = []incident.Upstream{{Check: "shop/orders/version", At: minute(17), What: "has another schema"}}
	if diff := cmp.Diff(want, w.changesOf("shop/lines")); diff != "" {
		t.Error(diff)
	}
}
