package watch

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// plainly is what is known of a group, kept by the plainest means.
type plainly struct {
	schedule       dag.Schedule
	next, lateFrom time.Time
	overdue        bool
}

func TestAgendaIsWhatAPlainListSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		a, list := &agenda{}, []*plainly{}
		for k := range rapid.IntRange(1, 12).Draw(rt, "groups") {
			s, err := dag.ParseSchedule(rapid.SampledFrom([]string{"@every 10m", "@every 7m", "*/15 * * * *", "30 2 * * *"}).Draw(rt, "schedule"), time.UTC)
			if err != nil {
				rt.Fatal(err)
			}
			p := &plainly{schedule: s, next: now, overdue: true, lateFrom: s.Next(s.Next(now))}
			ran := rapid.Bool().Draw(rt, "ran")
			if last := now.Add(-time.Hour); ran {
				p.next, p.overdue = s.Next(last), false
			}
			a.add(&group{dag: fmt.Sprint("d", k/3), schedules: []dag.Schedule{s}}, now.Add(-time.Hour), ran, now)
			list = append(list, p)
		}
		flying := map[string]flight{}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(-5, 40).Draw(rt, "minutes")) * time.Minute)
			flying[fmt.Sprint("d", rapid.IntRange(0, 3).Draw(rt, "dag"))] = flight(rapid.IntRange(0, 2).Draw(rt, "flight"))
			step(rt, a, list, now, func(dag string) flight { return flying[dag] })
		}
	})
}

// step takes what is due of both, evaluates some of it, and compares.
func step(rt *rapid.T, a *agenda, list []*plainly, now time.Time, flying func(string) flight) {
	due := map[int]time.Time{}
	skipped := 0
	for n, p := range list {
		f := flying(a.groups[n].dag)
		if p.next.After(now) || f == rechecking || f == running && p.overdue {
			continue
		}
		slot := p.next
		for s := p.schedule.Next(slot); !s.After(now); s = p.schedule.Next(s) {
			slot = s
		}
		if p.overdue {
			slot = now
		}
		p.overdue, p.next = false, p.schedule.Next(now)
		if f == running {
			skipped++
			continue
		}
		due[n] = slot
	}
	runs, over := a.take(now, flying)
	if len(over) != skipped {
		rt.Fatalf("%d slots skipped, want %d", len(over), skipped)
	}
	latest := map[string]time.Time{}
	for n, slot := range due {
		latest[a.groups[n].dag] = later(latest[a.groups[n].dag], slot)
	}
	for _, r := range runs {
		if !r.slot.Equal(latest[r.dag]) {
			rt.Fatalf("%s is due for %s, want %s", r.dag, r.slot, latest[r.dag])
		}
		delete(latest, r.dag)
		for _, g := range r.groups {
			if _, is := due[int(g.place)]; !is {
				rt.Fatalf("group %d is due", g.place)
			}
			delete(due, int(g.place))
			if at := now.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "evaluated")) * time.Hour); !at.After(now) {
				p := list[g.place]
				p.lateFrom = p.schedule.Next(p.schedule.Next(at))
				g.evaluated(at)
			}
		}
	}
	if len(due)+len(latest) > 0 {
		rt.Fatalf("not taken: %v", due)
	}
	compare(rt, a, list, now, flying)
}

func compare(rt *rapid.T, a *agenda, list []*plainly, now time.Time, flying func(string) flight) {
	var first, turns time.Time
	var late []int32
	for n, p := range list {
		if f := flying(a.groups[n].dag); f == grounded || f == running && !p.overdue {
			first = sooner(first, p.next)
		}
		if now.After(p.lateFrom) {
			late = append(late, int32(n))
		} else {
			turns = sooner(turns, p.lateFrom.Add(time.Millisecond))
		}
	}
	// What waits for a flight is woken for when that ends; until then its slot may
	// be told or not.
	if got := a.soonest(flying); !first.IsZero() && (got.IsZero() || got.After(first)) {
		rt.Fatalf("soonest is %s, want %s", got, first)
	}
	got, next := a.late(now)
	var places []int32
	for _, g := range got {
		places = append(places, g.place)
	}
	slices.Sort(places)
	// To look too early does no harm.
	if !slices.Equal(places, late) || !turns.IsZero() && (next.IsZero() || next.After(turns)) {
		rt.Fatalf("late are %v until %s, want %v until %s", places, next, late, turns)
	}
}
