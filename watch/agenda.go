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

// group is the checks of one DAG that are due at the same slots. It knows two
// slots ahead, so that a schedule is asked once for each.
type group struct {
	dag       string
	schedules []dag.Schedule
	checks    []*checks.Check
	next      time.Time // the first slot not yet used
	second    time.Time // the one after it
	asked     time.Time // next is the first slot after that
	overdue   bool      // due now, whatever the schedule says
	lateFrom  time.Time // when two slots will have gone by without an evaluation
	looked    time.Time // when the agenda looks whether it is late, not after lateFrom

	agenda *agenda
	place  int32 // among the agenda's groups
}

// advance makes next the first slot after a moment.
func (g *group) advance(now time.Time) {
	if g.asked = now; g.overdue || !g.second.After(now) {
		g.next = g.after(now)
	} else {
		g.next = g.second
	}
	g.overdue, g.second = false, time.Time{}
	if !g.next.IsZero() {
		g.second = g.after(g.next)
	}
}

// evaluated notes when the checks of the group were last evaluated.
func (g *group) evaluated(at time.Time) {
	from := g.second
	if !g.asked.Equal(at) {
		if from = g.after(at); !from.IsZero() {
			from = g.after(from)
		}
	}
	g.lateFrom = from
	if g.looked.IsZero() || from.Before(g.looked) {
		g.look()
	}
}

// look has the agenda look when the group would be late.
func (g *group) look() {
	g.looked = g.lateFrom
	g.agenda.lateness.add(g.looked, g.place)
}

// agenda knows what is due when. It is pure: time comes in.
type agenda struct {
	groups []*group
	slots  upcoming // the next of every group that does not wait
	// waiting are due, but a run of their DAG is to end first.
	waiting []int32
	// lateness is when to look whether a group is late: most were evaluated since it was
	// noted, and are looked at again when they would be late now. Behind are those that
	// are late.
	lateness upcoming
	behind   []int32
}

// newAgenda makes the agenda of a suite at a moment. last holds the last slot
// used by each DAG: a DAG that has none is due at once, one that missed slots
// while nobody watched is due once for all of them. Checks that since says are
// new or mean something else now are due at once, too.
func newAgenda(s *checks.Suite, last map[string]time.Time, now time.Time, fresh func(*checks.Check) bool) *agenda {
	byKey := map[string]*group{}
	var groups []*group
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
			g = &group{dag: name, schedules: c.Spec.Schedules, overdue: due}
			groups = append(groups, g)
			byKey[key.String()] = g
		}
		g.checks = append(g.checks, c)
	}
	slices.SortStableFunc(groups, func(x, y *group) int { return cmp.Compare(x.dag, y.dag) })
	a := &agenda{}
	for _, g := range groups {
		slot, ran := last[g.dag]
		a.add(g, slot, ran && !g.overdue, now)
	}
	return a
}

// add takes a group up: due after the last slot that it used, or at once. The groups
// of a DAG are added one after the other.
func (a *agenda) add(g *group, last time.Time, ran bool, now time.Time) {
	g.agenda, g.place = a, int32(len(a.groups))
	a.groups = append(a.groups, g)
	if ran {
		g.advance(last)
	} else {
		g.next, g.overdue = now, true
	}
	a.slots.add(g.next, g.place)
	g.evaluated(now) // before that nobody could have
}

// late lists the groups whose checks were not evaluated for two slots, in their order,
// and when to ask again; zero is never.
func (a *agenda) late(now time.Time) (late []*group, next time.Time) {
	behind := a.behind
	a.behind = nil
	for e, any := a.lateness.first(); any && now.After(e.when()); e, any = a.lateness.first() {
		a.lateness.drop()
		if a.groups[e.group].looked.UnixNano() == e.at { // else it was noted anew
			behind = append(behind, e.group)
		}
	}
	slices.Sort(behind)
	for _, place := range slices.Compact(behind) { // one moment may have been noted twice
		g := a.groups[place]
		if now.After(g.lateFrom) {
			late, a.behind = append(late, g), append(a.behind, place)
		} else { // evaluated since
			g.look()
		}
	}
	if e, any := a.lateness.first(); any {
		next = e.when().Add(time.Millisecond) // late is after that moment
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
	for _, n := range a.come(now) {
		g := a.groups[n]
		f := flying(g.dag)
		if g.next.After(now) || g.waits(f) {
			a.waiting = append(a.waiting, n)
			continue
		}
		slot := g.use(now)
		a.slots.add(g.next, n)
		if f == running {
			skipped = append(skipped, g.dag)
			continue
		}
		if last := len(runs) - 1; last < 0 || runs[last].dag != g.dag { // groups come by DAG
			runs = append(runs, due{dag: g.dag})
		}
		d := &runs[len(runs)-1]
		d.slot = later(d.slot, slot)
		d.checks = append(d.checks, g.checks...)
		d.groups = append(d.groups, g)
	}
	slices.SortFunc(runs, func(x, y due) int { return cmp.Or(x.slot.Compare(y.slot), cmp.Compare(x.dag, y.dag)) })
	return runs, skipped
}

// come takes the groups whose slot has come out of the agenda, in their order.
func (a *agenda) come(now time.Time) []int32 {
	come := a.waiting
	a.waiting = nil
	for e, any := a.slots.first(); any && !e.when().After(now); e, any = a.slots.first() {
		a.slots.drop()
		come = append(come, e.group)
	}
	slices.Sort(come)
	return come
}

// use uses up all slots by now, and gives the latest.
func (g *group) use(now time.Time) time.Time {
	slot := g.next
	for n := g.second; !g.overdue && !n.IsZero() && !n.After(now); n = g.after(n) {
		slot = n
	}
	if g.overdue {
		slot = now
	}
	g.advance(now)
	return slot
}

// soonest is when the next thing is due that need not wait for a busy DAG; zero
// is never.
func (a *agenda) soonest(flying func(string) flight) time.Time {
	var first time.Time
	if e, any := a.slots.first(); any {
		first = e.when()
	}
	for _, n := range a.waiting {
		if g := a.groups[n]; !g.waits(flying(g.dag)) {
			first = sooner(first, g.next)
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
