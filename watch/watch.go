// Package watch is the loop: it waits for slots, runs the checks that are due,
// and records each run.
//
// It does not judge (package checks), decide (package incident), keep anything
// (the [Store]) or send anything; it brings them together in the right order
// and at the right time. There is no cron runner here: schedules are asked for
// their next slot, and the loop sleeps until the soonest.
//
// # Data model
//
// A run is (DAG, slot, the checks whose schedule names that slot). Its slot is
// the instant that the schedule named; its moment is taken once when it starts
// and is never before the slot. After a time in which nobody watched there is
// one run for everything that was missed. Runs ask in parallel and are recorded
// one at a time. Between slots the loop wakes for what time alone changes (a
// tick, a run without results). What people do (acts.go) is recorded as runs of
// their own: acts on incidents, announcements, and re-checks, which use no slot.
package watch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Store keeps what the loop finds out. Its calls are durable when they return.
type Store interface {
	// Book is what is known now.
	Book() incident.Book
	// Memories loads what the checks remember; a memory of another
	// fingerprint is left out.
	Memories(fingerprints map[dag.CheckID]string) (map[dag.CheckID]checks.Memory, error)
	// LastSlots tells the last slot each DAG has used.
	LastSlots() (map[string]time.Time, error)
	// Record calls decide with the book and writes the run and the change,
	// all in one transaction.
	Record(run incident.Run, decide func(incident.Book) incident.Change, route func(incident.Incident) string, fingerprint func(dag.CheckID) string) (incident.Change, error)
}

// Config is what a Service works with; every field is required.
type Config struct {
	Source probe.Source
	Store  Store
	// Policy is the operator's patience as it is now: files change.
	Policy func() incident.Policy
	// Route names the channel of an incident.
	Route func(*checks.Suite, incident.Incident) string
	// Now tells the time; Wait returns when it has come, when wake is
	// signalled, or with ctx's error. While busy, runs are in flight.
	Now  func() time.Time
	Wait func(ctx context.Context, until time.Time, busy bool, wake <-chan struct{}) error
	// Recorded is told of every run that has been recorded.
	Recorded func(incident.Run, incident.Change)
	Log      *slog.Logger
}

// Service runs the checks of a suite at their times.
type Service struct {
	cfg     Config
	wake    chan struct{}
	done    chan asked // runs that have been asked and judged
	asking  sync.WaitGroup
	began   time.Time // since when it watches
	ticked  atomic.Int64
	skipped atomic.Int64
	// taking is held while slots are taken and while the agenda is made anew:
	// a slot taken in between would be used twice. It is locked before mu.
	taking sync.Mutex
	// recording is held while anything is recorded, by the loop or by an act, so
	// that Recorded is told of one after the other.
	recording sync.Mutex

	mu     sync.Mutex
	suite  *checks.Suite
	agenda *agenda
	busy   map[string]due    // runs in flight, by DAG
	wishes []wish            // re-checks asked for and not begun
	broken []incident.Broken // DAG files that could not be taken up
	// troubles are those of pipewatch itself, as last told.
	troubles []incident.Trouble
	late     lateness
	dirty    bool // the suite or the troubles were replaced: decide anew
}

// New makes a service that has yet to Run. Broken names the DAG files that are
// not in the suite as they are written.
func New(cfg Config, suite *checks.Suite, broken ...incident.Broken) (*Service, error) {
	s := &Service{
		cfg: cfg, began: cfg.Now(), wake: make(chan struct{}, 1), done: make(chan asked, 64), suite: suite, busy: map[string]due{},
		broken: broken, dirty: len(broken) > 0,
	}
	var err error
	s.agenda, err = s.plan(suite)
	return s, err
}

// plan makes the agenda of a suite from what the store knows. The slot of a run
// in flight is used, and its checks are being evaluated, although neither is
// recorded yet.
func (s *Service) plan(suite *checks.Suite) (*agenda, error) {
	s.mu.Lock() // before the store is read: what ends in between is in one of both
	flying := maps.Clone(s.busy)
	s.mu.Unlock()
	book := s.cfg.Store.Book()
	last, err := s.cfg.Store.LastSlots()
	if err != nil {
		return nil, err
	}
	meant := map[dag.CheckID]string{}
	for name, run := range flying {
		if !run.slot.IsZero() {
			last[name] = later(last[name], run.slot)
		}
		for _, c := range run.checks {
			meant[c.ID()] = c.Fingerprint
		}
	}
	return newAgenda(suite, last, s.cfg.Now(), func(c *checks.Check) bool {
		return book.States.Of(c.ID()).Fingerprint != c.Fingerprint && meant[c.ID()] != c.Fingerprint
	}), nil
}

// Suite is what is being watched now.
func (s *Service) Suite() *checks.Suite {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.suite
}

// Reload watches another suite from now on. Runs in flight are recorded; their
// results for checks that are gone or mean something else now are dropped.
func (s *Service) Reload(suite *checks.Suite, broken ...incident.Broken) error {
	s.taking.Lock()
	defer s.taking.Unlock()
	a, err := s.plan(suite)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.suite, s.agenda, s.broken, s.dirty = suite, a, broken, true
	s.mu.Unlock()
	s.kick()
	return nil
}

// Trouble tells what is wrong with pipewatch itself from now on; nil is nothing.
func (s *Service) Trouble(now []incident.Trouble) {
	s.mu.Lock()
	changed := !slices.Equal(s.troubles, now)
	s.troubles, s.dirty = now, s.dirty || changed
	s.mu.Unlock()
	if changed {
		s.kick()
	}
}

// Next lists when each DAG is due, soonest first.
func (s *Service) Next() []Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agenda.next()
}

// Ticked is when the loop last went round.
func (s *Service) Ticked() time.Time { return time.Unix(0, s.ticked.Load()) }

// Wake makes the loop go round soon, see Ticked.
func (s *Service) Wake() { s.kick() }

// Overdue is how long the oldest slot that no run in flight holds up has been
// due; zero when none is.
func (s *Service) Overdue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.agenda.soonest(s.flying)
	if next.IsZero() {
		return 0
	}
	return max(0, s.cfg.Now().Sub(next))
}

// Skipped counts slots that came while the DAG's run before was still asking.
func (s *Service) Skipped() int64 { return s.skipped.Load() }

func (s *Service) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx is done, then waits for questions in flight to be
// cancelled and returns nil. An error means that something could not be
// written: what is in memory is no longer to be trusted, and the process has to
// end.
func (s *Service) Run(ctx context.Context) error {
	asking, cancel := context.WithCancel(ctx)
	defer s.asking.Wait()
	defer cancel()
	var wake time.Time
	for {
		s.ticked.Store(time.Now().UnixNano())
		changed, err := s.record(&wake)
		if err != nil {
			return err
		}
		if changed {
			continue // more may have come meanwhile
		}
		s.start(asking)
		until, busy := s.until(wake)
		switch err := s.cfg.Wait(ctx, until, busy, s.wake); {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
}

// record writes one finished run, or a tick when one is due; it tells whether
// it did.
func (s *Service) record(wake *time.Time) (bool, error) {
	now := s.cfg.Now()
	s.mu.Lock()
	late := s.late.at(now, s.agenda, s.suite.Len())
	s.dirty = s.dirty || !slices.Equal(late.trouble, s.late.trouble)
	s.late = late
	tick := s.dirty || !wake.IsZero() && !now.Before(*wake)
	s.mu.Unlock()
	var run incident.Run
	var meant map[dag.CheckID]string
	select {
	case a := <-s.done:
		if a.err != nil {
			return false, a.err
		}
		run, meant = a.run, a.meant
	default:
		if !tick {
			return false, nil
		}
		run = incident.Run{Slot: now, Moment: now}
	}
	change, err := s.write(run, meant, nil)
	if err != nil {
		return false, err
	}
	*wake = change.Wake
	return true, nil
}

// write decides about a run and records it. What refuse says before that is
// returned, and nothing is recorded then.
func (s *Service) write(run incident.Run, meant map[dag.CheckID]string, refuse func(incident.Book) error) (incident.Change, error) {
	s.recording.Lock()
	defer s.recording.Unlock()
	suite := s.complete(&run)
	run.Results = current(suite, run.Results, meant)
	var refused error
	change, err := s.cfg.Store.Record(run,
		func(b incident.Book) incident.Change {
			if refuse != nil {
				if refused = refuse(b); refused != nil {
					return incident.Change{} // which is not stored
				}
			}
			return incident.Decide(suite, b, run, s.cfg.Policy())
		},
		func(i incident.Incident) string { return s.cfg.Route(suite, i) },
		func(id dag.CheckID) string {
			if c := suite.Check(id); c != nil {
				return c.Fingerprint
			}
			return ""
		})
	if err = cmp.Or(err, refused); err != nil {
		return incident.Change{}, err
	}
	s.mu.Lock()
	for _, done := range s.busy[run.DAG].tell {
		close(done)
	}
	for _, g := range s.busy[run.DAG].groups {
		g.evaluated(run.Moment)
	}
	delete(s.busy, run.DAG) // only now is its slot known to the store
	s.lookAgain(change.Recheck)
	s.mu.Unlock()
	s.cfg.Recorded(run, change)
	return change, nil
}

// complete tells a run what else is so while it is recorded, and gives the
// suite that it is decided by.
func (s *Service) complete(run *incident.Run) *checks.Suite {
	s.mu.Lock()
	defer s.mu.Unlock()
	if run.Moment.Before(s.began) {
		s.began = run.Moment // the clock went back
	}
	run.Since = s.began
	run.Broken, run.Troubles = s.broken, slices.Concat(s.troubles, s.late.trouble)
	s.dirty = false
	for name := range s.busy {
		if name != run.DAG {
			run.InFlight = append(run.InFlight, name)
		}
	}
	slices.Sort(run.InFlight)
	return s.suite
}

// current keeps the results of checks that still mean what was asked. Of one
// judged by a file that has changed since, neither verdict nor memory holds.
func current(suite *checks.Suite, results []checks.Result, meant map[dag.CheckID]string) []checks.Result {
	return slices.DeleteFunc(results, func(r checks.Result) bool {
		c := suite.Check(r.Check)
		return c == nil || c.Fingerprint != meant[r.Check]
	})
}

// start sends out the runs that are due.
func (s *Service) start(ctx context.Context) {
	now := s.cfg.Now()
	s.taking.Lock()
	s.mu.Lock()
	runs, skipped := s.agenda.take(now, s.flying)
	for _, r := range runs {
		s.busy[r.dag] = r
	}
	runs = append(runs, s.grant()...)
	graph := s.suite.Graph // that of the checks
	s.mu.Unlock()
	s.taking.Unlock()
	for _, name := range skipped {
		s.skipped.Add(1)
		s.cfg.Log.Warn("slot skipped: the run before is still asking", "dag", name)
	}
	for _, r := range runs {
		s.asking.Go(func() { s.ask(ctx, r, graph, later(now, r.slot)) })
	}
}

// ask makes one run. A run that is cancelled is not recorded: its slot is
// still unused when the service starts again.
func (s *Service) ask(ctx context.Context, r due, graph *dag.Graph, moment time.Time) {
	defer s.kick()
	meant, memories := map[dag.CheckID]string{}, map[dag.CheckID]string{}
	for _, c := range r.checks {
		meant[c.ID()], memories[c.ID()] = c.Fingerprint, c.MemoryOf
	}
	a := asked{run: incident.Run{DAG: r.dag, Slot: r.slot, Moment: moment, By: r.by, Via: r.via}, meant: meant}
	past, err := s.cfg.Store.Memories(memories)
	if a.err = err; err == nil {
		book := s.cfg.Store.Book()
		announced := func(c *checks.Check) []checks.Announcement { return book.AnnouncedFor(graph, c) }
		a.run.Results = Evaluate(ctx, s.cfg.Source, r.checks, past, announced, moment)
	}
	if ctx.Err() != nil {
		return
	}
	select {
	case s.done <- a:
	case <-ctx.Done():
	}
}

// asked is a run that came back. An error is the store's: to judge without the
// past would overwrite it.
type asked struct {
	run   incident.Run
	meant map[dag.CheckID]string // fingerprints of what was asked
	err   error
}

// until is the next moment at which there is something to do.
func (s *Service) until(wake time.Time) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := wake
	if next := s.agenda.soonest(s.flying); until.IsZero() || !next.IsZero() && next.Before(until) {
		until = next
	}
	return sooner(until, s.late.next), len(s.busy) > 0
}

// flying tells whether a run of a DAG is in flight, and whether it uses a slot.
// The caller holds mu.
func (s *Service) flying(name string) flight {
	run, busy := s.busy[name]
	switch {
	case !busy:
		return grounded
	case run.slot.IsZero():
		return rechecking
	}
	return running
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// Clock is the wall clock's Now and Wait. Wait sleeps in slices, so that a
// clock that jumps (or a machine that slept) is noticed within one.
type Clock struct{}

// Now is the time in UTC.
func (Clock) Now() time.Time { return time.Now().UTC() }

// slice bounds one sleep of Wait.
const slice = 30 * time.Second

// Wait returns when until has come (never, when it is zero), when wake is
// signalled, or when ctx is done.
func (c Clock) Wait(ctx context.Context, until time.Time, _ bool, wake <-chan struct{}) error {
	for {
		d := slice
		if !until.IsZero() {
			if d = min(slice, until.Round(0).Sub(c.Now().Round(0))); d <= 0 {
				return ctx.Err()
			}
		}
		t := time.NewTimer(d)
		select {
		case <-t.C:
		case <-wake:
			t.Stop()
			return ctx.Err()
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
		if until.IsZero() {
			return ctx.Err()
		}
	}
}
