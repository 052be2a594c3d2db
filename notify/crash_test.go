package notify_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var errCrash = errors.New("killed")

// life is one process that dies at its n-th step. Steps are the calls of the
// outbox and both sides of each call of the channel: before the service has
// heard of it and after.
type life struct {
	notify.Channel
	mu   sync.Mutex
	left int
	dead bool
}

// step counts one step and tells whether the process is still alive after it.
func (l *life) step() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left--; l.left == 0 {
		l.dead = true
	}
	return !l.dead
}

func (l *life) fault(string) error {
	if !l.step() {
		return errCrash
	}
	return nil
}

func (l *life) Post(ctx context.Context, channel string, thread notify.Ref, n notify.Notice) (notify.Ref, error) {
	if !l.step() {
		return notify.Ref{}, errCrash
	}
	ref, err := l.Channel.Post(ctx, channel, thread, n)
	if !l.step() {
		return notify.Ref{}, errCrash
	}
	return ref, err
}

func (l *life) Update(ctx context.Context, at notify.Ref, n notify.Notice) error {
	if !l.step() {
		return errCrash
	}
	err := l.Channel.Update(ctx, at, n)
	if !l.step() {
		return errCrash
	}
	return err
}

// blind is a channel whose look-ups never find anything.
type blind struct{ notify.Channel }

func (blind) Find(context.Context, string, notify.Ref, string, time.Time) (notify.Ref, bool, error) {
	return notify.Ref{}, false, nil
}

// story is told by processes that die at every n-th step, until it is told; it
// gives how often each message stands in the service.
func story(t *testing.T, n int, channel func(*service) notify.Channel) (times map[string]int, crashes int, root int) {
	box, slack := &notify.MemOutbox{}, &service{}
	begun := time.Now()
	i := fresh("inc-1", begun)
	for _, kind := range []incident.LineKind{"", incident.Joined, incident.Closed} {
		if kind != "" {
			i = then(i, kind, time.Now())
		}
		box.Commit(i, "#a", time.Now())
		for first := true; ; first = false {
			l := &life{Channel: channel(slack), left: n}
			if !first {
				l.left = n + crashes // a longer life each time, so that the story ends
			}
			box.Fault = l.fault
			ctx, cancel := context.WithCancel(t.Context())
			s := notify.NewSender(notify.Config{Outbox: box, Channel: l, Compose: compose})
			done := make(chan error, 1)
			go func() { done <- s.Run(ctx) }()
			time.Sleep(5 * time.Minute)
			cancel()
			<-done
			box.Fault = nil
			if !l.dead {
				break
			}
			crashes++
		}
	}
	times = map[string]int{}
	for _, m := range slack.all() {
		times[m.id]++
	}
	return times, crashes, slack.of("inc-1/0")[0].seq
}

func TestKilledAtAnyStepNothingIsLostOrDoubled(t *testing.T) {
	most := 0
	for n := 1; n <= 40; n++ {
		t.Run(fmt.Sprint("step ", n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told, crashes, root := story(t, n, func(s *service) notify.Channel { return s })
				most = max(most, crashes)
				for _, id := range []string{"inc-1/0", "inc-1/2", "inc-1/3"} {
					if told[id] != 1 {
						t.Errorf("%s is told %d times after %d crashes", id, told[id], crashes)
					}
				}
				if root != 3 {
					t.Errorf("the root message shows seq %d", root)
				}
			})
		})
	}
	if most < 5 {
		t.Errorf("at most %d crashes: the processes lived too long to prove anything", most)
	}
}

// The control for the test above: without a look-up the same crashes double.
func TestWithoutLookUpACrashDoubles(t *testing.T) {
	doubled := 0
	for n := 1; n <= 40; n++ {
		synctest.Test(t, func(t *testing.T) {
			told, _, _ := story(t, n, func(s *service) notify.Channel { return blind{s} })
			for _, k := range told {
				doubled += k - 1
			}
		})
	}
	if doubled == 0 {
		t.Error("nothing was doubled: the crashes come at harmless steps only")
	}
}
