package watch

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Slot is the next time a DAG is due.
type Slot struct {
	DAG string
	At  time.Time
}

// group is the checks of one DAG that are due at the same slots.
type group struct {
	dag       string
	schedules []dag.Schedule
	checks    []*checks.Check
	next      time.Time // the first slot not yet used
	overdue   bool      // due now, whatever the schedule says
	lateFrom  time.Time // when two slots will have gone by without an evaluation
}

// evaluated notes when the checks of the group were last evaluated.
func (g *group) evaluated(at time.Time) {
	g.lateFrom = g.after(at)
	if !g.lateFrom.IsZero() {
		g.lateFrom = g.after(g.lateFrom)
	}
}

// agenda knows what is due when. It is pure: time comes in.
type agenda struct{ groups []*group }

// newAgenda makes the agenda of a suite at a moment. last holds the last slot
// used by each DAG: a DAG that has none is due at once, one that missed slots
// while nobody watched is due once for all of them. Checks that since says are
// new or mean something else now are due at once, too.
func newAgenda(s *checks.Suite, last map[string]time.Time, now time.Time, fresh func(*checks.Check) bool) *agenda {
	byKey := map[string]*group{}
	a := &agenda{}
	for c := range s.All() {
		name := c.Node.ID.DAG()
		var key strings.Builder
		key.WriteString(name)
		for _, sched := range c.Spec.Schedules {
			key.WriteString("|" + sched.String())
		}
		due := fresh(c)
		if due {
			key.WriteString("|fresh")
		}
		g := byKey[key.String()]
		if g == nil {
			g = &group{dag: name, schedules: c.Spec.Schedules}
			if slot, ran := last[name]; ran && !due {
				g.next = g.after(slot)
			} else {
				g.next, g.overdue = now, true
			}
			byKey[key.String()] = g
			a.groups = append(a.groups, g)
		}
		g.checks = append(g.checks, c)
	}
	for _, g := range a.groups {
		g.evaluated(now) // before that nobody could have
	}
	return a
}

// late lists the groups whose checks were not evaluated for two slots, and when
// the next group would be; zero is never.
func (a *agenda) late(now time.Time) (late []*group, next time.Time) {
	for _, g := range a.groups {
		switch at := g.lateFrom; {
		case at.IsZero():
		case !now.After(at):
			next = sooner(next, at.Add(time.Millisecond)) // late is after that moment
		default:
			late = append(late, g)
		}
	}
	return late, next
}

// after is the first slot of the group after t; zero when it has no schedule.
func (g *group) after(t time.Time) time.Time {
	var first time.Time
	for _, s := range g.schedules {
		if n := s.Next(t); first.IsZero() || n.Before(first) {
			first = n
		}
	}
	return first
}

// due is a run to be made. A re-check has no slot, but somebody who asked for it
// and is to be told when it is recorded.
type due struct {
	dag     string
	slot    time.Time
	checks  []*checks.Check
	groups  []*group // whose slot it is
	by, via string
	tell    []chan<- struct{}
}

// flight is what a DAG has in flight.
type flight int

const (
	grounded   flight = iota
	running           // the run of a slot
	rechecking        // what somebody asked for
)

// waits tells whether what is due of a group waits for the flight to end. The
// slots of a DAG whose run takes too long are skipped instead.
func (g *group) waits(f flight) bool { return f == rechecking || f == running && g.overdue }

// take removes what is due by now: one run a DAG, whatever it missed, named by
// the latest slot. The slot of a DAG whose run before is in flight is skipped and
// counted; a re-check is waited for, and so does what is due whatever the
// schedule says.
func (a *agenda) take(now time.Time, flying func(string) flight) (runs []due, skipped []string) {
	byDAG := map[string]*due{}
	for _, g := range a.groups {
		if g.next.IsZero() || g.next.After(now) {
			continue
		}
		if g.waits(flying(g.dag)) {
			continue
		}
		slot := g.next
		for n := g.after(slot); !n.IsZero() && !n.After(now); n = g.after(n) {
			slot = n
		}
		if g.overdue {
			slot = now
		}
		g.overdue, g.next = false, g.after(now)
		if flying(g.dag) == running {
			skipped = append(skipped, g.dag)
			continue
		}
		d := byDAG[g.dag]
		if d == nil {
			d = &due{dag: g.dag}
			byDAG[g.dag] = d
		}
		if slot.After(d.slot) {
			d.slot = slot
		}
		d.checks = append(d.checks, g.checks...)
		d.groups = append(d.groups, g)
	}
	for _, d := range byDAG {
		runs = append(runs, *d)
	}
	slices.SortFunc(runs, func(x, y due) int { return cmp.Or(x.slot.Compare(y.slot), cmp.Compare(x.dag, y.dag)) })
	return runs, skipped
}

// soonest is when the next thing is due that need not wait for a busy DAG; zero
// is never.
func (a *agenda) soonest(flying func(string) flight) time.Time {
	var first time.Time
	for _, g := range a.groups {
		if !g.waits(flying(g.dag)) && !g.next.IsZero() && (first.IsZero() || g.next.Before(first)) {
			first = g.next
		}
	}
	return first
}

// next lists when each DAG is due, soonest first.
func (a *agenda) next() []Slot {
	first := map[string]time.Time{}
	for _, g := range a.groups {
		if t, ok := first[g.dag]; !g.next.IsZero() && (!ok || g.next.Before(t)) {
			first[g.dag] = g.next
		}
	}
	var slots []Slot
	for d, t := range first {
		slots = append(slots, Slot{DAG: d, At: t})
	}
	slices.SortFunc(slots, func(x, y Slot) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.DAG, y.DAG)) })
	return slots
}
