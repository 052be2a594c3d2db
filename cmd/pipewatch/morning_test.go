package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/watch"
)

// mailbox is a channel that notes when a morning's digest came.
type mailbox struct {
	slot
	zone *time.Location
	came []string
}

func (m *mailbox) Post(ctx context.Context, to string, thread notify.Ref, n notify.Notice) (notify.Ref, error) {
	if n.Bulletin != nil && n.Bulletin.Kind == notify.Morning {
		m.came = append(m.came, time.Now().In(m.zone).Format("2 Jan 15:04 MST"))
	}
	return m.slot.Post(ctx, to, thread, n)
}

// On 2 April 2000 the clocks of New York went from two to three, on 29 October
// from two back to one. The bubble's time begins with that year.
func TestTheMorningsDigestComesOnceADayByTheClockOnTheWall(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	type life struct{ from, to string }
	for name, c := range map[string]struct {
		at    conf.ClockTime
		lives []life
		want  []string
	}{
		"over the change to summer time": {
			conf.ClockTime{Hour: 8, Minute: 30}, []life{{"Apr 1 08:00", "Apr 2 09:00"}},
			[]string{"1 Apr 08:30 EST", "2 Apr 08:30 EDT"},
		},
		"over the change to winter time": {
			conf.ClockTime{Hour: 8, Minute: 30}, []life{{"Oct 28 08:00", "Oct 29 09:00"}},
			[]string{"28 Oct 08:30 EDT", "29 Oct 08:30 EST"},
		},
		"at an hour that does not exist": {conf.ClockTime{Hour: 2, Minute: 30}, []life{{"Apr 2 00:00", "Apr 2 05:00"}}, []string{"2 Apr 03:00 EDT"}},
		"at an hour that comes twice":    {conf.ClockTime{Hour: 1, Minute: 30}, []life{{"Oct 29 00:00", "Oct 29 05:00"}}, []string{"29 Oct 01:30 EDT"}},
		"not again after a restart":      {conf.ClockTime{Hour: 8}, []life{{"Jan 10 07:00", "Jan 10 08:05"}, {"Jan 10 08:10", "Jan 10 12:00"}}, []string{"10 Jan 08:00 EST"}},
		"late where nobody watched at its hour": {
			conf.ClockTime{Hour: 8}, []life{{"Jan 10 07:00", "Jan 10 07:30"}, {"Jan 10 09:15", "Jan 10 12:00"}}, []string{"10 Jan 09:15 EST"},
		},
		"not at all where that is long over": {conf.ClockTime{Hour: 8}, []life{{"Jan 10 10:15", "Jan 10 12:00"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, path := &mailbox{zone: zone}, filepath.Join(t.TempDir(), "state.db")
				moment := func(s string) time.Time {
					at, err := time.ParseInLocation("2006 Jan 2 15:04", "2000 "+s, zone)
					if err != nil {
						t.Fatal(err)
					}
					return at
				}
				for _, l := range c.lives {
					time.Sleep(time.Until(moment(l.from)))
					serveUntil(t, path, box, c.at, moment(l.to))
				}
				if diff := cmp.Diff(c.want, box.came); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// serveUntil is one life of a service that has nothing to check.
func serveUntil(t *testing.T, path string, channel notify.Channel, digest conf.ClockTime, until time.Time) {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "a.yaml", Src: []byte("version: 1\ndag: a\nconnection: wh\nnodes: {t: {table: t}}\n")}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var cfg config
	cfg.defaults(t.TempDir())
	cfg.Timezone = "America/New_York"
	cfg.Alerts.Slack.DefaultChannel, cfg.Alerts.Digest = "#a", &digest
	s, err := newService(parts{
		project: &project{config: cfg, suite: suite}, store: db, channel: channel, now: watch.Clock{}.Now, wait: watch.Clock{}.Wait,
		log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithDeadline(t.Context(), until)
	defer stop()
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{s.keep, s.sender.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
