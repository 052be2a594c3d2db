package watch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

const two = `
version: 1
dag: shop
connection: wh
schedule: "@every 10m"
nodes:
  orders: {table: orders, row_count: {min: 1, timeout: 10h}}
`

// selfs counts the incidents about pipewatch itself, open and over.
func (m *memory) selfs() (open, over int) {
	for _, i := range m.Book().Incidents {
		switch {
		case i.Kind != incident.Self:
		case i.Status == incident.Open:
			open++
		default:
			over++
		}
	}
	return open, over
}

func TestRunsThatNeverEndAreATroubleOfPipewatchItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		src := &warehouse{rows: 1}
		s := service(t, compile(t, two), store, src)
		during(t, s, func() {
			pass(time.Minute) // evaluated at midnight; slots at 10, 20, 30 …
			src.set(func(w *warehouse) { w.takes = 40 * time.Minute })
			pass(19 * time.Minute)
			if late := s.Late(); len(late) != 0 {
				t.Errorf("late at two slots: %v", late)
			}
			pass(time.Second)
			if late := s.Late(); len(late) != 1 || late[0] != "shop/orders/row_count" {
				t.Errorf("late after two slots: %v", late)
			}
			if open, _ := store.selfs(); open != 0 {
				t.Error("a trouble at once")
			}
			pass(time.Minute)
			if open, _ := store.selfs(); open != 1 {
				t.Error("no trouble after a minute of being late")
			}
			// The run ends at 50; the next ones are as slow. It stays one trouble.
			pass(3 * time.Hour)
			if open, over := store.selfs(); open != 1 || over != 0 {
				t.Errorf("%d troubles open and %d over while every run is too slow, want one", open, over)
			}
			src.set(func(w *warehouse) { w.takes = 0 })
			pass(2 * time.Hour)
			if open, over := store.selfs(); open != 0 || over != 1 {
				t.Errorf("%d troubles open and %d over after all is fast again", open, over)
			}
			if late := s.Late(); len(late) != 0 {
				t.Errorf("still late: %v", late)
			}
		})
	})
}

func TestRunsThatAreNowAndThenInTimeAreOneTroubleAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		src := &warehouse{rows: 1, takes: 15 * time.Minute}
		s := service(t, compile(t, two), store, src)
		during(t, s, func() {
			onTime := false
			for range 4 * 60 {
				pass(time.Minute)
				if _, over := store.selfs(); over > 0 {
					t.Fatalf("the trouble was over at %s", time.Now().Format("15:04"))
				}
				open, _ := store.selfs()
				onTime = onTime || open == 1 && len(s.Late()) == 0
			}
			if open, _ := store.selfs(); open != 1 || !onTime {
				t.Errorf("%d troubles open, ever in time meanwhile: %v; want one that lasts", open, onTime)
			}
			src.set(func(w *warehouse) { w.takes = 0 })
			pass(time.Hour)
			if open, over := store.selfs(); open != 0 || over != 1 {
				t.Errorf("%d troubles open and %d over after all is fast again", open, over)
			}
		})
	})
}

func TestAHealthyServiceIsNeverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: time.Minute})
		during(t, s, func() {
			for range 24 * 60 {
				pass(time.Minute)
				if late := s.Late(); len(late) > 0 {
					t.Fatalf("late at %s: %v", time.Now().Format("15:04"), late)
				}
			}
		})
		if open, over := store.selfs(); open+over > 0 {
			t.Errorf("%d troubles", open+over)
		}
	})
}
