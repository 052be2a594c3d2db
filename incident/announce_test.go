package incident_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// announce makes work on a node of the shop known at a minute.
func (w *world) announce(m int, node dag.NodeID, from, until int) []string {
	w.t.Helper()
	a := incident.Announcement{Node: node, From: minute(from), Until: minute(until), Reason: "backfill", By: "ana", At: minute(m)}
	a.ID = a.NewID()
	return w.decide(incident.Run{Moment: minute(m), Announce: []incident.Announcement{a}})
}

func TestPlannedWorkExplainsWhatItCauses(t *testing.T) {
	for name, c := range map[string]struct {
		node        dag.NodeID
		from, until int
		found       []string // at minute 5 and 10
		want        []string // said at minute 5
	}{
		"a finding of the node itself":                               {"shop/orders", 1, 60, []string{"orders/freshness: fail stale @2"}, nil},
		"whatever the reason, on the node itself":                    {"shop/lines", 1, 60, []string{"lines/values: fail duplicates @2"}, nil},
		"what the node's finding explains below":                     {"shop/orders", 1, 60, []string{"orders/freshness: fail stale @2", "lines/freshness: fail stale @3"}, nil},
		"what such work can cause below, though the node looks well": {"shop/orders", 1, 60, []string{"lines/values: fail duplicates"}, nil},
		"the past of a table that is rewritten":                      {"shop/lines", 1, 60, []string{"lines/row_count: warn below_min @-900"}, nil},
		"not a feed that stopped before":                             {"shop/orders", 1, 60, []string{"orders/freshness: fail stale @0"}, []string{"orders: opened"}},
		"not what is above":                                          {"shop/lines", 1, 60, []string{"orders/freshness: fail stale @2"}, []string{"orders: opened"}},
		"not what is beside":                                         {"shop/orders", 1, 60, []string{"other/freshness: fail stale @2"}, []string{"other: opened"}},
		"not what began before work that is still to come":           {"shop/orders", 30, 60, []string{"orders/freshness: fail stale @2"}, []string{"orders: opened"}},
		"not a reason below that explains only itself":               {"shop/load", 1, 60, []string{"rates/freshness: warn future_timestamps @2"}, []string{"rates: opened"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.run(0)
			w.announce(1, c.node, c.from, c.until)
			w.t = t
			w.expect(w.run(5, c.found...), c.want...)
			if len(c.want) > 0 {
				return
			}
			for _, f := range c.found {
				check, _, _ := strings.Cut(f, ":")
				if w.book.States.Of(dag.CheckID("shop/"+check)).Announced == "" {
					t.Errorf("%s is not recorded as announced", check)
				}
			}
			w.expect(w.run(10, c.found...))
		})
	}
}

func TestAfterPlannedWorkWhatStillFailsIsLookedAtOnceMoreAndOpens(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.announce(1, "shop/orders", 1, 12)
	stale := []string{"orders/freshness: fail stale @2", "lines/freshness: fail stale @3"}
	w.expect(w.run(5, stale...))
	if !w.wake.Equal(minute(12)) {
		t.Errorf("wakes at %s, want the end of the work", w.wake)
	}
	c := incident.Decide(w.suite, w.book, incident.Run{Moment: minute(12)}, w.policy)
	if want := []dag.NodeID{"shop/orders"}; !slices.Equal(c.Recheck, want) || len(c.Incidents) > 0 {
		t.Errorf("at the end %d incidents, looks again at %v, want %v", len(c.Incidents), c.Recheck, want)
	}
	w.expect(w.tick(13))
	w.expect(w.run(14, stale...), "orders: opened")
	w.expect(w.run(15), "orders: closed")
}

func TestWhatIsWellAfterPlannedWorkIsNeverSaid(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.announce(1, "shop/orders", 1, 12)
	w.expect(w.run(5, "orders/freshness: fail stale @2"))
	w.expect(w.tick(12))
	w.expect(w.run(14))
	w.expect(w.run(19))
}

func TestWorkThatIsAnnouncedTooLateWithdrawsItsIncident(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale @3", "lines/freshness: fail stale @4"), "orders: opened")
	w.expect(w.announce(7, "shop/orders", 2, 60), "orders: closed")
	for _, i := range w.book.Incidents {
		if last := i.Lines[len(i.Lines)-1]; i.Status != incident.Withdrawn || last.Detail != "announced by ana: backfill" {
			t.Errorf("incident is %s: %+v", i.Status, last)
		}
	}
	w.expect(w.run(10, "orders/freshness: fail stale @3", "lines/freshness: fail stale @4"))
}

func TestPlannedWorkLeavesAloneWhatWasBrokenBefore(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale @3"), "orders: opened")
	w.expect(w.announce(7, "shop/orders", 7, 60))
	w.expect(w.run(10, "orders/freshness: fail stale @3"))
	w.expect(w.run(15), "orders: closed")
}

func TestATableThatIsBeingMadeAnewCanBeUnreadable(t *testing.T) {
	for broken, want := range map[string]int{"": 0, "connection": 1} {
		w := newWorld(t)
		w.run(0)
		w.announce(1, "shop/orders", 1, 600)
		for m := 5; m <= 60; m += 5 {
			w.run(m, "orders/freshness: error broken="+broken)
		}
		if len(w.book.Incidents) != want {
			t.Errorf("broken %q: %d incidents, want %d", broken, len(w.book.Incidents), want)
		}
	}
}
