package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// profile is what goes on while pipewatch is killed.
type profile string

const (
	idle   profile = "idle"   // now and then a table breaks or is mended
	storm  profile = "storm"  // all of them break at once, and are mended at once
	reload profile = "reload" // as idle, and the DAG file is written anew, often cut in half
)

// trial is one run of the test.
type trial struct {
	binary, dir string
	seed        uint64
	cycles      int
	profile     profile
	plan        string        // how Slack behaves
	to          sink          // where messages go; toSlack when empty
	most        time.Duration // of killing, however often that was; 0 is no limit
	progress    io.Writer     // may be nil
}

const (
	patience   = 5 * time.Minute // for everything to settle in the end
	patientOne = 25              // one life in so many lasts …
	longest    = 12              // … up to so many seconds, so that look-ups that find nothing end
)

// lived is what happens to one trial.
type lived struct {
	trial
	*project
	*workspace
	page  atomic.Pointer[string] // of the process that runs; nil in between
	beats []int                  // heartbeats that were taken
	seen  []answered             // what the service answered
	made  report
}

// run torments pipewatch, lets everything settle, and judges.
func (t trial) run(ctx context.Context) (report, error) {
	began := time.Now()
	p, known := plans[t.plan]
	if !known {
		return report{}, fmt.Errorf("no plan %q for Slack", t.plan)
	}
	if t.profile != idle && t.profile != storm && t.profile != reload {
		return report{}, fmt.Errorf("no profile %q; there are idle, storm and reload", t.profile)
	}
	w, err := openWorkspace(t.seed, p)
	if err != nil {
		return report{}, err
	}
	defer w.close()
	w.liar = t.plan == lying
	files, err := newProject(t.dir, w.url, t.to)
	if err != nil {
		return report{}, err
	}
	l := &lived{trial: t, project: files, workspace: w, made: report{profile: t.profile, plan: t.plan, seed: t.seed}}
	if err := l.torment(ctx); err != nil {
		return report{}, err
	}
	if err := l.settle(ctx); err != nil {
		return report{}, err
	}
	if err := l.judge(); err != nil {
		return report{}, err
	}
	l.made.took = time.Since(began)
	return l.made, nil
}

// torment kills pipewatch again and again, while others break and mend tables
// and send heartbeats.
func (l *lived) torment(ctx context.Context) error {
	others, enough := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var broken error
	wg.Go(func() { broken = l.change(others) })
	wg.Go(func() { l.heartbeats(others) })
	err := l.kills(ctx)
	enough()
	wg.Wait()
	return errors.Join(err, broken)
}

// kills are the lives and their ends.
func (l *lived) kills(ctx context.Context) error {
	random := rand.New(rand.NewPCG(l.seed, 1))
	for began := time.Now(); l.made.cycles < l.cycles && (l.most == 0 || time.Since(began) < l.most); {
		s, err := start(ctx, l.binary, l.project)
		if err != nil {
			return err
		}
		l.watch(s)
		l.begin()
		life := time.Duration(30+random.IntN(1970)) * time.Millisecond
		aimed, after := random.IntN(2) == 0, time.Duration(random.IntN(25))*time.Millisecond
		if (l.made.cycles+1)%patientOne == 0 {
			life, aimed = time.Duration(8000+random.IntN(longest*1000-8000))*time.Millisecond, false
		}
		if aimed {
			l.await(ctx, 3*time.Second)
			life = after
		}
		if err := pause(ctx, life); err != nil {
			return errors.Join(err, s.Kill())
		}
		if l.busy() > 0 {
			l.made.midway++
		}
		l.page.Store(nil)
		if err := s.Kill(); err != nil {
			return rig.WithLog(l.log(), err)
		}
		if err := l.drain(ctx); err != nil {
			return err
		}
		l.made.cycles++
		if l.progress != nil && l.made.cycles%25 == 0 {
			fmt.Fprintf(l.progress, "%s: killed %d times\n", l.profile, l.made.cycles)
		}
	}
	return nil
}

// watch takes up the page's address as soon as it is known.
func (l *lived) watch(s *rig.Process) {
	go func() {
		if addr, ok := <-s.Page(); ok {
			l.page.Store(&addr)
		}
	}()
}

// await waits for the next post or edit to reach Slack.
func (l *lived) await(ctx context.Context, most time.Duration) {
	select {
	case <-l.arrived: // of an earlier life
	default:
	}
	select {
	case <-l.arrived:
	case <-time.After(most):
	case <-ctx.Done():
	}
}

// change breaks and mends until ctx ends.
func (l *lived) change(ctx context.Context) error {
	random := rand.New(rand.NewPCG(l.seed, 3))
	for n := 0; ; n++ {
		wait := time.Duration(300+random.IntN(1700)) * time.Millisecond
		if l.profile == storm {
			wait = time.Duration(1500+random.IntN(3500)) * time.Millisecond
		}
		if pause(ctx, wait) != nil {
			return nil
		}
		var err error
		if l.profile == storm {
			err = l.tempest(n%2 == 0, random)
		} else {
			err = l.turn(tables[random.IntN(len(tables))].name, random)
		}
		if err == nil && l.profile == reload {
			err = l.edit(ctx, random)
		}
		l.recheck(ctx, random)
		if err != nil {
			return err
		}
	}
}

// turn mends a table that is broken, mostly, and breaks one that is not.
func (l *lived) turn(name string, random *rand.Rand) error {
	to := []mode{empty, badRow}[random.IntN(2)]
	if is := l.is(name); is == to || is != good && random.IntN(4) > 0 {
		to = good
	}
	return l.set(name, to)
}

// tempest breaks all tables at once, or mends them.
func (l *lived) tempest(bad bool, random *rand.Rand) error {
	if !bad {
		return l.mendAll()
	}
	for _, t := range tables {
		if err := l.set(t.name, []mode{empty, badRow}[random.IntN(2)]); err != nil {
			return err
		}
	}
	return nil
}

// edit writes the DAG file anew and has it taken up, if anybody is there.
func (l *lived) edit(ctx context.Context, random *rand.Rand) error {
	if err := l.rewrite(random.IntN(3) == 0); err != nil {
		return err
	}
	page := l.page.Load()
	if page == nil {
		return nil
	}
	_, _, _ = rig.Post(ctx, *page+"/-/reload") // fails when it is killed meanwhile
	return nil
}

// recheck asks now and then for a table to be looked at out of turn.
func (l *lived) recheck(ctx context.Context, random *rand.Rand) {
	name, now := tables[random.IntN(len(tables))].name, random.IntN(4) == 0
	if page := l.page.Load(); page != nil && now {
		_, _, _ = rig.Post(ctx, *page+"/api/v1/nodes/crash/"+name+"/check") // fails when it is killed meanwhile
	}
}

// heartbeats sends one several times a second and keeps those that were taken.
func (l *lived) heartbeats(ctx context.Context) {
	for n := 1; pause(ctx, 150*time.Millisecond) == nil; n++ {
		if page := l.page.Load(); page != nil && beat(ctx, *page, n) {
			l.beats = append(l.beats, n)
		}
	}
}

// settle mends everything, has Slack behave, waits until nothing is open or
// waiting, and asks pipewatch to end.
func (l *lived) settle(ctx context.Context) error {
	if err := errors.Join(l.mendAll(), l.rewrite(false)); err != nil {
		return err
	}
	l.recover()
	l.begin()
	s, err := start(ctx, l.binary, l.project)
	if err != nil {
		return err
	}
	if err := l.calm(ctx, s); err != nil {
		l.made.violate(1, "nothing settles: %v", err)
	}
	if err := s.Stop(); err != nil {
		l.made.violate(0, "%v", rig.WithLog(l.log(), err))
	}
	return ctx.Err()
}

// calm waits until nothing has been open or waiting for a while.
func (l *lived) calm(ctx context.Context, s *rig.Process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("messages wait or incidents are open after %v", patience))
	defer cancel()
	var page string
	select {
	case page = <-s.Page():
	case <-s.Over():
		return rig.WithLog(l.log(), rig.ErrEnded)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// Two slots have to pass before what was mended is seen for certain.
	for still, began := 0, time.Now(); still < 5 || time.Since(began) < 3*time.Second; {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-s.Over():
			return rig.WithLog(l.log(), rig.ErrEnded)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		n, err := unrest(ctx, page)
		if still++; err != nil || n > 0 {
			still = 0
		}
	}
	return l.read(ctx, page)
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
