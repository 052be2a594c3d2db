package watch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/watch"
)

// during runs the service in the background of a bubble while fn does things.
func during(t *testing.T, s *watch.Service, fn func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	fn()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAnActIsRecordedAtOnceAndAMuteEndsAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 0})
		during(t, s, func() {
			pass(20 * time.Minute) // two bad evaluations
			if len(store.Book().Incidents) != 1 {
				t.Fatalf("%d incidents, want one", len(store.Book().Incidents))
			}
			var id incident.ID
			for id = range store.Book().Incidents {
			}
			i, err := s.Act(t.Context(), incident.Act{Incident: id, Kind: incident.Mute, By: "ana", Until: time.Now().Add(7 * time.Minute)})
			if err != nil || !i.Muted.Set() || !store.Book().Incidents[id].Muted.Set() {
				t.Fatalf("muted: %+v, %v", i.Muted, err)
			}
			_, err = s.Act(t.Context(), incident.Act{Incident: id, Kind: incident.Unack, By: "ana"})
			if r, ok := errors.AsType[*incident.Refusal](err); !ok || r.Why != incident.Nothing {
				t.Errorf("refusal %v", err)
			}
			if lines := len(store.Book().Incidents[id].Lines); lines != len(i.Lines) {
				t.Errorf("a refused act left %d lines, want %d", lines, len(i.Lines))
			}
			pass(6 * time.Minute)
			if !store.Book().Incidents[id].Muted.Set() {
				t.Error("the mute ended too early")
			}
			pass(time.Minute + time.Second)
			if store.Book().Incidents[id].Muted.Set() {
				t.Error("still muted after the end of the mute")
			}
		})
	})
}

func TestARecheckUsesNoSlotAndIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: 30 * time.Second})
		during(t, s, func() {
			pass(14*time.Minute + 45*time.Second)
			if err := s.CheckNow(t.Context(), []dag.NodeID{"shop/orders"}, "ana", "cli"); err != nil {
				t.Fatal(err)
			}
			last := store.recorded()[len(store.recorded())-1]
			if last.By != "ana" || !last.Slot.IsZero() || len(last.Results) != 1 || last.Results[0].Check != "shop/orders/row_count" {
				t.Errorf("re-check %+v", last)
			}
			pass(time.Minute)
			// The slot of 00:15 came while the re-check was asking.
			if got := store.slot("shop").Format("15:04"); got != "00:15" || s.Skipped() != 0 {
				t.Errorf("last slot %s, %d skipped, want the slot after the re-check", got, s.Skipped())
			}
		})
	})
}

func TestRechecksOfADAGInFlightWaitAndAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: 30 * time.Second})
		during(t, s, func() {
			pass(time.Second) // the first run is asking
			errs := make(chan error, 2)
			for _, node := range []dag.NodeID{"shop/orders", "shop/lines"} {
				go func() { errs <- s.CheckNow(t.Context(), []dag.NodeID{node}, "ana", "cli") }()
			}
			if err := errors.Join(<-errs, <-errs); err != nil {
				t.Fatal(err)
			}
			if got, want := store.shape(), []string{"shop 00:00 2", "shop 00:00 2"}; len(got) != 2 || got[0] != want[0] || len(store.recorded()[len(store.recorded())-1].Results) != 2 {
				t.Errorf("runs %q, want the first and one re-check of both nodes", got)
			}
		})
	})
}

func TestARecheckOfWhatIsNotWatchedIsRefused(t *testing.T) {
	s := service(t, compile(t, quarter), newStore(), &warehouse{rows: 1})
	if err := s.CheckNow(t.Context(), []dag.NodeID{"shop/nothing"}, "ana", "cli"); !errors.Is(err, watch.ErrUnknownNode) {
		t.Errorf("err %v", err)
	}
}

func TestChecksAreToldWhatIsAnnouncedAboveThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		suite := compile(t, quarter)
		s := service(t, suite, store, &warehouse{rows: 1})
		during(t, s, func() {
			pass(time.Minute)
			a, err := s.Announce(t.Context(), incident.Announcement{Node: "shop/orders", Until: time.Now().Add(time.Hour), Reason: "backfill", By: "ana"})
			if err != nil {
				t.Fatal(err)
			}
			got := store.Book().AnnouncedFor(suite.Graph, suite.Check("shop/lines/row_count"))
			want := []checks.Announcement{{From: a.From, Until: a.Until, Reason: "backfill", By: "ana"}}
			if !slices.Equal(got, want) {
				t.Errorf("told %+v, want %+v", got, want)
			}
			pass(time.Minute)
			if err := s.Unannounce(t.Context(), a.ID, "bo", "cli"); err != nil {
				t.Fatal(err)
			}
			if b := store.Book().Announcements[a.ID]; b.EndedBy != "bo" || !b.Until.Equal(time.Now()) {
				t.Errorf("ended announcement %+v", b)
			}
			if err := s.Unannounce(t.Context(), a.ID, "bo", "cli"); !errors.Is(err, watch.ErrUnknownAnnouncement) {
				t.Errorf("ended twice: %v", err)
			}
		})
	})
}

func TestSenselessAnnouncementsAreRefused(t *testing.T) {
	s := service(t, compile(t, quarter), newStore(), &warehouse{rows: 1})
	now := time.Now()
	for name, a := range map[string]incident.Announcement{
		"a node that is not watched": {Node: "shop/nothing", Until: now.Add(time.Hour), Reason: "backfill"},
		"an end in the past":         {Node: "shop/orders", Until: now.Add(-time.Hour), Reason: "backfill"},
		"no end":                     {Node: "shop/orders", Reason: "backfill"},
		"no reason":                  {Node: "shop/orders", Until: now.Add(time.Hour), Reason: " "},
	} {
		if _, err := s.Announce(t.Context(), a); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestWhenPlannedWorkEndsWhatItExplainedIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		src := &warehouse{rows: 1}
		s := service(t, compile(t, quarter), store, src)
		during(t, s, func() {
			pass(time.Minute)
			_, err := s.Announce(t.Context(), incident.Announcement{Node: "shop/orders", Until: time.Now().Add(35 * time.Minute), Reason: "backfill", By: "ana"})
			if err != nil {
				t.Fatal(err)
			}
			src.set(func(w *warehouse) { w.rows = 0 })
			pass(34 * time.Minute)
			if n := len(store.Book().Incidents); n != 0 {
				t.Fatalf("%d incidents during the work", n)
			}
			pass(time.Minute + time.Second) // 00:36, between two slots
			last := store.recorded()[len(store.recorded())-1]
			for _, r := range store.recorded() {
				if len(r.Results) > 0 {
					last = r
				}
			}
			if !last.Slot.IsZero() || last.Moment.Format("15:04") != "00:36" || len(store.Book().Incidents) != 1 {
				t.Errorf("last run %+v, %d incidents: want a look at the end of the work, and what still fails opened", last, len(store.Book().Incidents))
			}
			if runs := len(store.shape()); runs > 6 {
				t.Errorf("%d runs: looked again and again", runs)
			}
		})
	})
}
