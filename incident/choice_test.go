package incident_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// feeds is a graph where orders reads whichever of two feeds is there.
const feeds = `
version: 1
dag: shop
connection: wh
schedule: "*/5 * * * *"
nodes:
  load: {job: {heartbeat: load, succeeded_within: 1h}}
  north: {table: north, depends_on: [load], freshness: {column: at, error_after: 1h}}
  south: {table: south, freshness: {column: at, error_after: 1h}}
  orders: {table: orders, depends_on: {any_of: [north, south]}, freshness: {column: at, error_after: 1h}}
  report: {table: report, depends_on: [orders], freshness: {column: at, error_after: 1h}}
`

func TestAnInputOfSeveralExplainsNothingWhileAnotherIsWell(t *testing.T) {
	w := newWorldOf(t, feeds)
	w.run(0)
	w.expect(w.run(5, "north/freshness: fail stale @1", "orders/freshness: fail stale @3", "report/freshness: fail stale @4"),
		"north: opened", "orders: opened")
	for _, i := range w.book.Incidents {
		switch i.Root {
		case "shop/north":
			if len(i.Blocks) != 0 {
				t.Errorf("north blocks %v, and orders has another input", i.Blocks)
			}
		case "shop/orders":
			if len(i.Held()) != 1 {
				t.Errorf("orders holds %v", i.Held())
			}
		}
	}
	n, _ := w.explainer(6).Node("shop/orders")
	if !slices.ContainsFunc(n.Checks[0].Causes, func(c incident.Candidate) bool {
		return c.Check == "shop/north/freshness" && !c.Taken && strings.Contains(c.Why, "another of them is well")
	}) {
		t.Errorf("it is not told why north is no cause: %+v", n.Checks[0].Causes)
	}
}

func TestTheInputThatFailedLastIsTheCauseWhenAllFail(t *testing.T) {
	w := newWorldOf(t, feeds)
	w.run(0)
	w.expect(w.run(5, "load/job: fail late @1", "north/freshness: fail stale @2", "south/freshness: fail stale @3", "orders/freshness: fail stale @4"),
		"load: opened", "south: opened")
	for _, i := range w.book.Incidents {
		want := []dag.CheckID{"shop/north/freshness"}
		if i.Root == "shop/south" {
			want = []dag.CheckID{"shop/orders/freshness"}
		}
		var held []dag.CheckID
		for _, f := range i.Held() {
			held = append(held, f.Check)
		}
		if !slices.Equal(held, want) {
			t.Errorf("%s holds %v, want %v", i.Root, held, want)
		}
	}
}

func TestOneInputThatComesBackReleasesWhatReadsIt(t *testing.T) {
	w := newWorldOf(t, feeds)
	w.run(0)
	both := []string{"north/freshness: fail stale @1", "south/freshness: fail stale @2", "orders/freshness: fail stale @3"}
	w.expect(w.run(5, both...), "north: opened", "south: opened")
	w.run(10, both[0], both[2]) // south is back: orders gets one more evaluation
	w.expect(w.run(15, both[0], both[2]), "orders: opened")
}
