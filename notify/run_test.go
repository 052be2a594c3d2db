package notify_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify"
)

func TestRunSendsWhatIsDueBeforeItEnds(t *testing.T) {
	t.Run("all that is due", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box, slack := &notify.MemOutbox{}, &service{}
			_, stop := start(t, notify.Config{Outbox: box, Channel: slack})
			time.Sleep(time.Second)
			for n := range 8 {
				box.Commit(fresh(fmt.Sprint("inc-", n), time.Now()), "#a", time.Now())
			}
			begun := time.Now()
			if err := stop(); err != nil || len(slack.all()) != 8 {
				t.Errorf("%d messages, error %v", len(slack.all()), err)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("but not longer than 10 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box, slack := &notify.MemOutbox{}, &service{script: func(call) (effect, bool) { return effect{hang: true}, true }}
			box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
			_, stop := start(t, notify.Config{Outbox: box, Channel: slack, Timeout: time.Hour})
			time.Sleep(time.Second)
			begun := time.Now()
			if err := stop(); err != nil {
				t.Error(err)
			}
			if took := time.Since(begun); took != 10*time.Second {
				t.Errorf("took %v", took)
			}
			if p := box.Posts()[0]; p.Intent.IsZero() {
				t.Error("the attempt that was cut off has no intent: it could be doubled")
			}
		})
	})
}

func TestOutboxErrorEndsRun(t *testing.T) {
	for _, method := range []string{"Pending", "Incident", "Save"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := errors.New("input/output error")
				box, slack := &notify.MemOutbox{}, &service{}
				box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
				box.Fault = func(m string) error {
					if m == method {
						return disk
					}
					return nil
				}
				s := notify.NewSender(notify.Config{Outbox: box, Channel: slack, Compose: compose})
				if err := s.Run(t.Context()); !errors.Is(err, disk) {
					t.Errorf("Run returned %v", err)
				}
				if s.Idle() && method == "Pending" {
					t.Error("an outbox that cannot be read is not idle")
				}
				if method == "Save" && len(slack.ops("post")) > 0 {
					t.Error("posted without a durable intent")
				}
			})
		})
	}
}

func TestTroubleNamesWhatWentWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: times(1, "post", effect{hang: true})}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(11 * time.Second)
		if p := box.Posts()[0]; !strings.Contains(p.Trouble, "no answer within 10s") || !p.Next.Equal(p.Intent.Started.Add(40*time.Second)) {
			t.Errorf("post %+v", p)
		}
	})
}
