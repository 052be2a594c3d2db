package pulse_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/pulse"
)

func TestAPartThatDoesNotMoveIsNamed(t *testing.T) {
	woken := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after, before := woken.Add(time.Second), woken.Add(-time.Second)
	for name, c := range map[string]struct {
		signs pulse.Signs
		stuck []string
	}{
		"all have moved": {pulse.Signs{Loop: after, Sender: after, Commit: after, Overdue: 2 * time.Minute}, nil},
		"the loop hangs": {pulse.Signs{Loop: before, Sender: after, Commit: after}, []string{"the scheduler does not go round"}},
		"the disk hangs": {pulse.Signs{Loop: after, Sender: after, Commit: before}, []string{"nothing can be written to the state"}},
		"the sender hangs": {
			pulse.Signs{Loop: after, Sender: before, Commit: after}, []string{"the outbox is not read"},
		},
		"the loop goes round and takes nothing": {
			pulse.Signs{Loop: after, Sender: after, Commit: after, Overdue: 2*time.Minute + time.Second},
			[]string{"a slot has been due for 2m1s and is not taken"},
		},
		"nothing ever moved": {
			pulse.Signs{}, []string{"the scheduler does not go round", "nothing can be written to the state", "the outbox is not read"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.stuck, c.signs.Stuck(woken)); d != "" {
				t.Error(d)
			}
		})
	}
}

// patient is a body whose parts move when they are woken, until it hangs.
type patient struct {
	hangs time.Time // when it does
	signs pulse.Signs
}

func (p *patient) Wake() {
	if now := time.Now(); now.Before(p.hangs) {
		p.signs = pulse.Signs{Loop: now, Sender: now, Commit: now}
	}
}

func (p *patient) Signs() pulse.Signs { return p.signs }

// heard keeps what it was told at each beat.
type heard []string

func (h *heard) Beat(_ context.Context, stuck []string) { *h = append(*h, strings.Join(stuck, "; ")) }

func TestEachBeatLooksAtWhatTheOneBeforeWoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 65*time.Second)
		defer stop()
		p, h := &patient{hangs: time.Now().Add(30 * time.Second)}, &heard{}
		pulse.Pulse{Body: p, Listeners: []pulse.Listener{h}}.Run(ctx)
		all := "the scheduler does not go round; nothing can be written to the state; the outbox is not read"
		if d := cmp.Diff(heard{"", "", all}, *h); d != "" {
			t.Error(d)
		}
	})
}

func TestSystemdHearsThatTheServiceWorksAndItsWatchdogStarvesWhenItIsStuck(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	t.Setenv("WATCHDOG_USEC", "30000000")
	said := func() string {
		t.Helper()
		b := make([]byte, 4096)
		if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	s := pulse.Systemd{Log: slog.New(slog.DiscardHandler), Status: func() string { return "12 nodes, 1 red" }}
	if s.Every() != 10*time.Second {
		t.Errorf("a watchdog of 30 s is fed every %v", s.Every())
	}
	s.Ready()
	if got := said(); got != "READY=1\nSTATUS=12 nodes, 1 red" {
		t.Errorf("ready is said as %q", got)
	}
	s.Beat(t.Context(), nil)
	if got := said(); got != "WATCHDOG=1\nSTATUS=12 nodes, 1 red" {
		t.Errorf("a good beat is said as %q", got)
	}
	s.Beat(t.Context(), []string{"the outbox is not read"})
	if got := said(); got != "STATUS=stuck: the outbox is not read" {
		t.Errorf("a bad beat is said as %q", got)
	}
	s.Reloading()
	if got := said(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("reloading is said as %q", got)
	}
	s.Stopping()
	if got := said(); got != "STOPPING=1" {
		t.Errorf("stopping is said as %q", got)
	}
}

// exchange is a switch that keeps what it was told.
type exchange struct {
	mu     sync.Mutex
	calls  []string
	answer int
}

func (e *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, strings.TrimSpace(r.URL.Path+" "+string(body)))
	w.WriteHeader(e.answer)
}

func TestTheDeadMansSwitchIsCalledInTimeAndHearsOfFailures(t *testing.T) {
	e := &exchange{answer: 200}
	server := httptest.NewServer(e)
	defer server.Close()
	var ails []string
	d := pulse.NewDeadMan(server.URL+"/ping/secret-key", time.Hour, func() []string { return ails }, slog.New(slog.DiscardHandler))
	d.Beat(t.Context(), nil)
	d.Beat(t.Context(), nil) // not due again
	d.Beat(t.Context(), []string{"the outbox is not read"})
	ails = []string{"disk: it is full"}
	d.Beat(t.Context(), nil) // still bad, and not due
	ails = nil
	d.Beat(t.Context(), nil) // good again: told at once
	if err := d.Err(); err != nil {
		t.Error(err)
	}
	want := []string{"/ping/secret-key", "/ping/secret-key/fail the outbox is not read", "/ping/secret-key"}
	if diff := cmp.Diff(want, e.calls); diff != "" {
		t.Error(diff)
	}
}

func TestASwitchThatCannotBeCalledIsSaidWithoutItsSecret(t *testing.T) {
	e := &exchange{answer: 500}
	server := httptest.NewServer(e)
	var log strings.Builder
	d := pulse.NewDeadMan(server.URL+"/ping/secret-key", time.Hour, func() []string { return nil }, slog.New(slog.NewTextHandler(&log, nil)))
	d.Beat(t.Context(), nil)
	answered := d.Err()
	server.Close()
	d.Beat(t.Context(), nil) // at once, as the last call failed
	silent := d.Err()
	if answered == nil || !strings.Contains(answered.Error(), "it answered 500") || silent == nil || !strings.Contains(silent.Error(), "connect") {
		t.Errorf("the errors are %v and %v", answered, silent)
	}
	if text := answered.Error() + silent.Error() + log.String(); strings.Contains(text, "secret-key") {
		t.Error("the secret of the URL is told:", text)
	}
}
