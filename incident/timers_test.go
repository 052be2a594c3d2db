package incident_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

const bad = "other/freshness: fail stale @1"

func TestPeopleAreCalledAgainUntilSomebodyTakesItOn(t *testing.T) {
	w := newWorld(t)
	w.policy.RepeatEvery = time.Hour
	w.run(0)
	w.expect(w.run(5, bad), "other: opened")
	if !w.wake.Equal(minute(65)) {
		t.Errorf("wakes at %s, want an hour after it opened", w.wake)
	}
	w.expect(w.tick(64))
	w.expect(w.tick(65), "other: reminded")
	w.expect(w.tick(66))
	w.expect(w.run(125, bad), "other: reminded")
	w.expect(w.act(130, incident.Act{Kind: incident.Ack, By: "ana"}), "other: acked")
	w.expect(w.run(200, bad))
	w.expect(w.act(210, incident.Act{Kind: incident.Unack, By: "ana"}), "other: reminded", "other: unacked")
	w.expect(w.act(211, incident.Act{Kind: incident.Mute, By: "ana", Until: minute(400)}), "other: muted")
	w.expect(w.tick(399))
	// The end of the mute calls by itself; the next reminder counts from it.
	w.expect(w.tick(400), "other: unmuted")
	w.expect(w.tick(459))
	w.expect(w.tick(460), "other: reminded")
	w.expect(w.run(465), "other: closed")
	w.expect(w.tick(2000))
}

func TestAWarningCallsNobodyAgain(t *testing.T) {
	w := newWorld(t)
	w.policy.RepeatEvery, w.policy.EscalateAfter = time.Hour, time.Hour
	w.run(0)
	w.run(5, "lines/row_count: warn below_min")
	w.expect(w.tick(600))
}

func TestWhatNobodyTakesOnIsEscalatedOnce(t *testing.T) {
	w := newWorld(t)
	w.policy.RepeatEvery, w.policy.EscalateAfter = 0, 30*time.Minute
	w.run(0)
	w.run(5, bad)
	w.expect(w.tick(34))
	w.expect(w.tick(35), "other: escalated")
	w.expect(w.tick(600))
	if i := w.only(); i.Escalated.By != "" || !i.Escalated.Set() {
		t.Errorf("escalated %+v", i.Escalated)
	}
	w.run(605)
	w.expect(w.run(610, bad), "other: reopened")
	w.expect(w.act(620, incident.Act{Kind: incident.Ack, By: "ana"}), "other: acked")
	w.expect(w.tick(700))
	w.expect(w.act(710, incident.Act{Kind: incident.Unack, By: "ana"}), "other: unacked")
	w.expect(w.tick(740), "other: escalated")
}

// comeAndGo breaks and mends other five minutes apart until it says flapping.
func comeAndGo(w *world, from int) (m int) {
	w.t.Helper()
	m = from
	for n := 0; ; n, m = n+1, m+5 {
		found := []string{fmt.Sprintf("other/freshness: fail stale @%d", m)}
		if n%2 == 1 {
			found = nil
		}
		if slices.Contains(w.run(m, found...), "other: flapping") {
			return m
		}
		if n > 20 {
			w.t.Fatal("never flapping")
		}
	}
}

func TestWhatComesAndGoesIsSaidOnceUntilItIsQuiet(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	m := comeAndGo(w, 5)
	if m != 30 {
		t.Fatalf("flapping at %d, want the sixth transition at 30", m)
	}
	for ; m < 100; m += 10 {
		w.expect(w.run(m+5, fmt.Sprintf("other/freshness: fail stale @%d", m+5)))
		w.expect(w.run(m + 10))
	}
	if i := w.only(); i.Flapping.IsZero() || !i.Turned.Equal(minute(m)) {
		t.Fatalf("flapping since %s, turned %s", i.Flapping, i.Turned)
	}
	w.expect(w.tick(m + 59))
	w.expect(w.tick(m+60), "other: closed")
	w.expect(w.run(m+65, fmt.Sprintf("other/freshness: fail stale @%d", m+64)), "other: reopened")
}

func TestWhatStopsFlappingByStayingBrokenSaysSo(t *testing.T) {
	w := newWorld(t)
	w.policy.RepeatEvery = 0
	w.run(0)
	m := comeAndGo(w, 5)
	stale := fmt.Sprintf("other/freshness: fail stale @%d", m+5)
	for n := m + 5; n < m+65; n += 5 {
		w.expect(w.run(n, stale))
	}
	w.expect(w.run(m+65, stale), "other: steady")
	w.expect(w.run(m+70), "other: closed")
}

func TestFlappingThatIsOffIsSaidEveryTime(t *testing.T) {
	w := newWorld(t)
	w.policy.Flap = incident.Flap{}
	w.run(0)
	for m := 5; m < 120; m += 10 {
		if got := w.run(m, fmt.Sprintf("other/freshness: fail stale @%d", m)); len(got) != 1 {
			t.Fatalf("said %v", got)
		}
		w.expect(w.run(m+5), "other: closed")
	}
}

func TestNewIncidentsInARowAreFlappingToo(t *testing.T) {
	w := newWorld(t)
	w.policy.ReopenWithin = 0
	w.run(0)
	comeAndGo(w, 5)
}

func TestAFlappingRootHoldsNothingWhileItIsWell(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	for m := 5; m < 30; m += 10 {
		w.run(m, fmt.Sprintf("orders/freshness: fail stale @%d", m))
		w.run(m + 5)
	}
	w.expect(w.run(35, "orders/freshness: fail stale @34", "lines/freshness: fail stale @34"))
	w.expect(w.run(40, "lines/freshness: fail stale @34"))
	w.expect(w.run(45, "lines/freshness: fail stale @34"), "lines: opened")
}
