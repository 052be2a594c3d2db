package watch

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// The agenda beside the runner of robfig/cron, whose parser pipewatch uses. A
// group stands for a node with a schedule of its own, the most that there can be.

var sizes = []int{10_000, 100_000, 1_000_000}

var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// spread is a schedule that comes once a minute, for each n at another moment.
type spread struct{ offset time.Duration }

func spreadOf(n int) spread { return spread{time.Duration(n) * 7919 * time.Millisecond % time.Minute} }

func (s spread) String() string { return s.offset.String() }

func (s spread) Next(t time.Time) time.Time {
	next := t.Add(-s.offset).Truncate(time.Minute).Add(time.Minute + s.offset)
	if early := next.Add(-time.Minute); early.After(t) {
		return early
	}
	return next
}

// agendaOf is an agenda of n groups that were evaluated until midnight.
func agendaOf(b *testing.B, n int, schedule func(int) dag.Schedule) *agenda {
	b.Helper()
	a := &agenda{}
	for k := range n {
		a.add(&group{dag: fmt.Sprintf("d%07d", k), schedules: []dag.Schedule{schedule(k)}}, midnight, true, midnight)
	}
	return a
}

// quarterly is the schedule of most tables: read by the parser, and the same
// for all, so that they are all due at once.
func quarterly(b *testing.B) func(int) dag.Schedule {
	s, err := dag.ParseSchedule("*/15 * * * *", time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	return func(int) dag.Schedule { return s }
}

func grounds(string) flight { return grounded }

// processor is the processor time of this process so far, which says more of a
// busy machine than the wall clock does.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, began time.Duration, n int, thing string) {
	b.ReportMetric(float64((processor()-began).Nanoseconds())/float64(n), "cpu-ns/"+thing)
}

// BenchmarkSchedFire is what one group costs that is due and was evaluated: its
// next slots, and when it would be late.
func BenchmarkSchedFire(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := agendaOf(b, n, quarterly(b))
			fires, now := 0, midnight
			began := processor()
			for b.Loop() {
				now = now.Add(15 * time.Minute)
				runs, _ := a.take(now, grounds)
				for _, r := range runs {
					for _, g := range r.groups {
						g.evaluated(now)
					}
				}
				if late, _ := a.late(now); len(runs) != n || len(late) > 0 {
					b.Fatalf("%d runs, %d late", len(runs), len(late))
				}
				fires += n
			}
			report(b, began, fires, "fire")
		})
	}
}

// BenchmarkSchedIdle is a turn of the loop at which nothing is due.
func BenchmarkSchedIdle(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			a := agendaOf(b, n, quarterly(b))
			now, turns := midnight.Add(time.Minute), 0
			began := processor()
			for b.Loop() {
				runs, _ := a.take(now, grounds)
				late, _ := a.late(now)
				if len(runs)+len(late) > 0 || a.soonest(grounds) != midnight.Add(15*time.Minute) {
					b.Fatal("something is due")
				}
				turns++
			}
			report(b, began, turns, "turn")
		})
	}
}

// BenchmarkSchedAdd is what a group costs when the agenda is made, which every
// reload does anew.
func BenchmarkSchedAdd(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			schedule, made := quarterly(b), 0
			began := processor()
			for b.Loop() {
				agendaOf(b, n, schedule)
				made += n
			}
			report(b, began, made, "group")
		})
	}
}

// BenchmarkSchedLateness waits for slots that are spread over a minute, in real
// time, and reports how late they are taken.
func BenchmarkSchedLateness(b *testing.B) {
	const n = 100_000
	b.Run("agenda", func(b *testing.B) {
		a := &agenda{}
		now := time.Now()
		for k := range n {
			a.add(&group{dag: fmt.Sprint("d", k), schedules: []dag.Schedule{spreadOf(k)}}, now, true, now)
		}
		var late []time.Duration
		for b.Loop() {
			for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(time.Until(a.soonest(grounds))) {
				runs, _ := a.take(time.Now(), grounds)
				for _, r := range runs {
					late = append(late, time.Since(r.slot))
				}
			}
		}
		reportLateness(b, late)
	})
	b.Run("robfig", func(b *testing.B) {
		c := cron.New()
		seen := make(chan time.Duration, n)
		for k := range n {
			s := spreadOf(k)
			c.Schedule(s, cron.FuncJob(func() {
				seen <- time.Since(s.Next(time.Now().Add(-30 * time.Second)))
			}))
		}
		c.Start()
		for b.Loop() {
			time.Sleep(time.Second)
		}
		<-c.Stop().Done()
		close(seen)
		reportLateness(b, slices.Collect(func(yield func(time.Duration) bool) {
			for d := range seen {
				if !yield(d) {
					return
				}
			}
		}))
	})
}

func reportLateness(b *testing.B, late []time.Duration) {
	if len(late) == 0 {
		b.Fatal("nothing was due")
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(late[len(late)-1].Microseconds())/1000, "max-ms")
}

// BenchmarkSchedPeer is the same of robfig/cron: to add, to remove, and to wake
// up for one entry among n.
func BenchmarkSchedPeer(b *testing.B) {
	every := func(d time.Duration) cron.Schedule { return cron.Every(d) }
	for _, n := range sizes[:2] {
		running := func(b *testing.B) *cron.Cron {
			c := cron.New()
			for range n {
				c.Schedule(every(time.Hour), cron.FuncJob(func() {}))
			}
			c.Start()
			b.Cleanup(func() { c.Stop() })
			return c
		}
		b.Run(fmt.Sprint("add-and-remove/", n), func(b *testing.B) {
			c, times := running(b), 0
			began := processor()
			for b.Loop() {
				c.Remove(c.Schedule(every(time.Hour), cron.FuncJob(func() {})))
				times++
			}
			report(b, began, times, "pair")
		})
		b.Run(fmt.Sprint("fire/", n), func(b *testing.B) {
			c, times := running(b), 0
			fired := make(chan struct{})
			c.Schedule(every(time.Second), cron.FuncJob(func() { fired <- struct{}{} }))
			began := processor()
			for b.Loop() {
				<-fired
				times++
			}
			report(b, began, times, "fire")
		})
	}
}
