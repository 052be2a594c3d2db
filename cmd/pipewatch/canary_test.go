package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/watch"
)

// slot is a channel that takes every message, and may keep none.
type slot struct{ keeps bool }

func (slot) Post(context.Context, string, notify.Ref, notify.Notice) (notify.Ref, error) {
	return notify.Ref{Channel: "C1", TS: "1.1"}, nil
}

func (slot) Update(context.Context, notify.Ref, notify.Notice) error { return nil }

func (s slot) Find(context.Context, string, notify.Ref, string, time.Time) (notify.Ref, bool, error) {
	return notify.Ref{}, s.keeps, nil
}

func TestACanaryThatIsNotFoundAgainIsATroubleOfTheAlarm(t *testing.T) {
	for name, keeps := range map[string]bool{"the channel keeps it": true, "the channel takes it and shows nothing": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stillService(t, slot{keeps})
				began := s.now()
				next := s.canary().turn(t.Context(), began)
				alarm := slices.ContainsFunc(s.troublesNow(), func(t incident.Trouble) bool { return t.Name == "alarm" })
				if alarm == keeps || (s.sung.Load() != nil) != keeps || len(s.ails()) > 0 == keeps {
					t.Errorf("a trouble: %v, came through at %v, the dead man's switch hears %q", alarm, s.sung.Load(), s.ails())
				}
				want := map[bool]time.Duration{true: 24 * time.Hour, false: canaryAgain}[keeps]
				if got := next.Sub(began); got != want {
					t.Errorf("the next look is after %v, want %v", got, want)
				}
			})
		})
	}
}

// stillService runs a service with nothing to check, whose canary is due.
func stillService(t *testing.T, channel notify.Channel) *service {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "a.yaml", Src: []byte("version: 1\ndag: a\nconnection: wh\nnodes: {t: {table: t}}\n")}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(t.TempDir(), "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var cfg config
	cfg.defaults(t.TempDir())
	cfg.Alerts.Slack.DefaultChannel = "#a"
	cfg.Alerts.Canary.At = &conf.ClockTime{}
	s, err := newService(parts{
		project: &project{config: cfg, suite: suite}, store: db, channel: channel, now: watch.Clock{}.Now, wait: watch.Clock{}.Wait,
		log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background()) // t.Context would end before its cleanup
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{s.loop.Run, s.sender.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		wg.Wait()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
