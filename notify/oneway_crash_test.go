package notify_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify"
)

func TestOneWayMessageThatAKillInterruptedIsRepeatedOnceAndMarked(t *testing.T) {
	repeats := 0
	for n := 1; n <= 10; n++ {
		t.Run(fmt.Sprint("step ", n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, hook := &notify.MemOutbox{}, &service{}
				box.Commit(fresh("inc-1", time.Now()), "webhook", time.Now())
				// The first process dies at its n-th step, the second lives.
				for _, left := range []int{n, 1000} {
					l := &life{Channel: hook, left: left}
					box.Fault = l.fault
					ctx, cancel := context.WithCancel(t.Context())
					s := notify.NewSender(notify.Config{
						Outbox: box, Channel: &service{}, OneWay: map[string]notify.Channel{"webhook": l}, Compose: compose,
					})
					done := make(chan error, 1)
					go func() { done <- s.Run(ctx) }()
					time.Sleep(5 * time.Minute)
					cancel()
					<-done
				}
				got := hook.of("inc-1/0")
				if len(got) == 0 || len(got) > 2 {
					t.Fatalf("told %d times", len(got))
				}
				for _, again := range got[1:] {
					repeats++
					if !again.notice.Repeat {
						t.Error("the repeat is not marked")
					}
				}
			})
		})
	}
	if repeats == 0 {
		t.Error("no kill met an attempt, so nothing is proved")
	}
}
