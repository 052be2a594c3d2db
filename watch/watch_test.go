package watch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/watch"
)

// memory is a Store that keeps everything in memory.
type memory struct {
	mu    sync.Mutex
	book  incident.Book
	slots map[string]time.Time
	runs  []incident.Run
	fail  error
	first func(incident.Run) // called before anything is written
}

func (m *memory) Book() incident.Book {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book
}

// recorded lists the runs so far.
func (m *memory) recorded() []incident.Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.runs)
}

// slot is the last slot of a DAG.
func (m *memory) slot(name string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.slots[name]
}

func (m *memory) Memories(map[dag.CheckID]string) (map[dag.CheckID]checks.Memory, error) {
	return nil, nil
}

func (m *memory) LastSlots() (map[string]time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]time.Time{}
	maps.Copy(out, m.slots)
	return out, nil
}

func (m *memory) Record(r incident.Run, decide func(incident.Book) incident.Change, _ func(incident.Incident) string, _ func(dag.CheckID) string) (incident.Change, error) {
	if m.first != nil {
		m.first(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return incident.Change{}, m.fail
	}
	c := decide(m.book)
	m.book = m.book.Apply(c)
	if r.DAG != "" && !r.Slot.IsZero() {
		m.slots[r.DAG] = r.Slot
	}
	m.runs = append(m.runs, r)
	return c, nil
}

// warehouse answers every row count with the same number, after a while.
type warehouse struct {
	mu    sync.Mutex
	rows  int64
	takes time.Duration
	then  func() // called before the answers are given
}

// set changes what the warehouse does while it is being asked.
func (w *warehouse) set(change func(*warehouse)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

func (w *warehouse) Ask(ctx context.Context, _ time.Time, qs []probe.Question) []probe.Answer {
	w.mu.Lock()
	takes := w.takes
	w.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
	}
	if w.then != nil {
		w.then()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]probe.Answer, len(qs))
	for n := range qs {
		if out[n].Err = context.Cause(ctx); out[n].Err == nil {
			out[n].Value = w.rows
		}
	}
	return out
}

const quarter = `
version: 1
dag: shop
connection: wh
schedule: "*/15 * * * *"
defaults: {timeout: 60s}
nodes:
  orders: {table: orders, row_count: {min: 1}}
  lines: {table: lines, depends_on: [orders], row_count: {min: 1, schedule: "0 * * * *"}}
`

func compile(t *testing.T, yaml string) *checks.Suite {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(yaml)}}, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return suite
}

func newStore() *memory {
	return &memory{book: incident.Book{}, slots: map[string]time.Time{}}
}

func service(t *testing.T, suite *checks.Suite, store *memory, src probe.Source) *watch.Service {
	t.Helper()
	s, err := watch.New(watch.Config{
		Source: src, Store: store, Policy: incident.DefaultPolicy,
		Route: func(*checks.Suite, incident.Incident) string { return "#data" },
		Now:   watch.Clock{}.Now, Wait: watch.Clock{}.Wait,
		Recorded: func(incident.Run, incident.Change) {},
		Log:      slog.New(slog.DiscardHandler),
	}, suite)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pass lets time of the bubble go by.
func pass(d time.Duration) { <-time.After(d) }

// runFor runs the service for some time of the bubble.
func runFor(t *testing.T, s *watch.Service, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// shape tells the runs as "dag hh:mm checks".
func (m *memory) shape() []string {
	var out []string
	for _, r := range m.runs {
		if r.DAG != "" {
			out = append(out, fmt.Sprintf("%s %s %d", r.DAG, r.Slot.Format("15:04"), len(r.Results)))
		}
	}
	return out
}

func TestEveryCheckRunsAtOnceAndThenAtItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		pass(10 * time.Minute) // the bubble begins at midnight
		runFor(t, service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: time.Second}), time.Hour)
		want := []string{"shop 00:10 2", "shop 00:15 1", "shop 00:30 1", "shop 00:45 1", "shop 01:00 2"}
		if got := store.shape(); !slices.Equal(got, want) {
			t.Fatalf("runs %q, want %q", got, want)
		}
	})
}

func TestWhatWasMissedIsOneRunNamedByTheLatestSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		suite := compile(t, quarter)
		runFor(t, service(t, suite, store, &warehouse{rows: 1}), time.Minute)
		pass(2*time.Hour + 20*time.Minute)
		store.runs = nil
		runFor(t, service(t, suite, store, &warehouse{rows: 1}), time.Minute)
		want := []string{"shop 02:15 2"}
		if got := store.shape(); !slices.Equal(got, want) {
			t.Fatalf("runs %q, want %q", got, want)
		}
		if at := store.runs[0].Moment; at.Before(store.runs[0].Slot) || at.Format("15:04") != "02:21" {
			t.Fatalf("moment %s, want the time it was run", at)
		}
	})
}

func TestARestartBetweenSlotsRunsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		suite := compile(t, quarter)
		for range 5 {
			runFor(t, service(t, suite, store, &warehouse{rows: 1}), time.Minute)
		}
		if got := store.shape(); len(got) != 1 {
			t.Fatalf("runs %q, want one", got)
		}
	})
}

func TestASlowRunSkipsSlotsAndNeverPilesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		slow := `
version: 1
dag: shop
connection: wh
schedule: "@every 1m"
nodes:
  orders: {table: orders, row_count: {min: 1, timeout: 10m}}
`
		s := service(t, compile(t, slow), store, &warehouse{rows: 1, takes: 150 * time.Second})
		runFor(t, s, 10*time.Minute)
		if got := len(store.shape()); got != 3 || s.Skipped() < 5 {
			t.Fatalf("%d runs, %d slots skipped", got, s.Skipped())
		}
	})
}

func TestAHangingWarehouseIsAnErrorAfterTheTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		runFor(t, service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: time.Hour}), 5*time.Minute)
		if len(store.runs) != 1 {
			t.Fatalf("%d runs, want the one that timed out", len(store.runs))
		}
		for _, r := range store.runs[0].Results {
			if r.Verdict.Outcome != checks.Error {
				t.Fatalf("%s is %s", r.Check, r.Verdict.Outcome)
			}
		}
	})
}

func TestStoppingCancelsQuestionsAndLeavesTheSlotUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		began := time.Now()
		runFor(t, service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: 30 * time.Second}), time.Second)
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("stopping took %s", took)
		}
		if len(store.runs) != 0 {
			t.Fatalf("a cancelled run was recorded: %v", store.shape())
		}
	})
}

func TestATickOpensWhatOnlyWaitedForTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		const alone = `
version: 1
dag: shop
connection: wh
schedule: "*/15 * * * *"
nodes:
  orders: {table: orders, row_count: {min: 1, schedule: "0 0 1 1 *"}}
  lines: {table: lines, depends_on: [orders], row_count: {min: 1}}
`
		suite := compile(t, alone)
		src := &warehouse{rows: 1}
		runFor(t, service(t, suite, store, src), time.Minute)
		src.set(func(w *warehouse) { w.rows = 0 })
		runFor(t, service(t, suite, store, src), 32*time.Minute)
		if len(store.book.Incidents) != 1 {
			t.Fatalf("%d incidents, want 1", len(store.book.Incidents))
		}
		for _, i := range store.book.Incidents {
			if got := i.OpenedAt.Format("15:04"); got != "00:31" {
				t.Fatalf("opened at %s, want a minute after the second failure", got)
			}
		}
	})
}

func TestAReloadEvaluatesWhatMeansSomethingElseNowAndForgetsWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		pass(time.Minute)
		const changed = `
version: 1
dag: shop
connection: wh
schedule: "*/15 * * * *"
nodes:
  orders: {table: orders, row_count: {min: 2}}
`
		if err := s.Reload(compile(t, changed)); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got := store.shape(); len(got) != 2 {
			t.Fatalf("runs %q, want the first and the one after the reload", got)
		}
		if store.book.States.Of("shop/lines/row_count") != (incident.State{}) {
			t.Fatal("the state of a removed check is still there")
		}
	})
}

func TestAStoreThatCannotWriteEndsTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		store.fail = errors.New("disk full")
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1})
		if err := s.Run(t.Context()); !errors.Is(err, store.fail) {
			t.Fatalf("err %v, want the store's", err)
		}
	})
}

func TestAReloadDuringARunUsesNoSlotTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		src := &warehouse{rows: 1, takes: time.Second}
		s := service(t, compile(t, quarter), store, src)
		src.then = func() { // the run is on its way back, and not recorded yet
			if err := s.Reload(compile(t, quarter)); err != nil {
				t.Error(err)
			}
		}
		runFor(t, s, time.Hour)
		want := []string{"shop 00:00 2", "shop 00:15 1", "shop 00:30 1", "shop 00:45 1", "shop 01:00 2"}
		if got := store.shape(); len(got) < 4 || len(got) > 5 || !slices.Equal(got, want[:len(got)]) {
			t.Errorf("runs %q, want %q", got, want)
		}
	})
}

func TestWhatMeansSomethingElseDuringARunIsEvaluatedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		pass(15*time.Minute + 5*time.Second) // the run of 00:15 is in flight
		changed := strings.Replace(quarter, "row_count: {min: 1, schedule", "row_count: {min: 7, schedule", 1)
		if err := s.Reload(compile(t, changed)); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		last := store.runs[len(store.runs)-1]
		if len(store.shape()) != 3 || len(last.Results) != 1 || last.Results[0].Check != "shop/lines/row_count" {
			t.Errorf("runs %q, want a third one of the check that changed", store.shape())
		}
	})
}

func TestAReloadWhileARunIsBeingRecordedUsesNoSlotTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1})
		store.first = func(r incident.Run) {
			if r.DAG == "" {
				return
			}
			if err := s.Reload(compile(t, quarter)); err != nil {
				t.Error(err)
			}
		}
		runFor(t, s, 50*time.Minute)
		want := []string{"shop 00:00 2", "shop 00:15 1", "shop 00:30 1", "shop 00:45 1"}
		if got := store.shape(); !slices.Equal(got, want) {
			t.Errorf("runs %q, want %q", got, want)
		}
	})
}

func TestWhatWasJudgedByAFileThatChangedMeanwhileIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore()
		s := service(t, compile(t, quarter), store, &warehouse{rows: 1, takes: 10 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		pass(15*time.Minute + 5*time.Second) // the run of 00:15 asks about orders
		changed := strings.Replace(quarter, "row_count: {min: 1}", "row_count: {min: 7}", 1)
		if err := s.Reload(compile(t, changed)); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []string{"shop 00:00 2", "shop 00:15 0", "shop 00:15 1"}
		if got := store.shape(); !slices.Equal(got, want) {
			t.Errorf("runs %q, want %q: the old file's verdict dropped, the new one's recorded", got, want)
		}
		if st := store.book.States.Of("shop/orders/row_count"); st.Outcome != checks.Fail || st.Bad != 1 {
			t.Errorf("state %+v, want one bad evaluation by the new limit", st)
		}
	})
}
