package watch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// skewed is a warehouse whose clock is off ours.
type skewed struct {
	warehouse
	skew time.Duration
}

func (w *skewed) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	answers := w.warehouse.Ask(ctx, at, qs)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range answers {
		answers[i].Skew = w.skew
	}
	return answers
}

func TestAClockThatIsOffIsSaidOnceAndClosedWhenItIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		src := &skewed{warehouse: warehouse{rows: 1, takes: time.Second}, skew: 30 * time.Second}
		s := service(t, compile(t, quarter), store, src)
		open := func() (kinds []incident.Kind) {
			for _, i := range store.Book().Incidents {
				if i.Status == incident.Open {
					kinds = append(kinds, i.Kind)
				}
			}
			return kinds
		}
		step := func(what string, skew time.Duration, want int) {
			t.Helper()
			src.set(func(*warehouse) { src.skew = skew })
			runFor(t, s, 16*time.Minute)
			if got := open(); len(got) != want || want == 1 && got[0] != incident.ClockSkew {
				t.Fatalf("%s: open is %q", what, got)
			}
		}
		step("30 s are within the limit", 30*time.Second, 0)
		step("beyond it, it is an incident", -31*time.Second, 1)
		step("which is one however long it lasts", -2*time.Hour, 1)
		step("and is closed when the clock is right", 0, 0)
	})
}
