package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// call is one attempt that reached the service.
type call struct {
	op      string // post, edit, find
	id      string
	seq     int
	at      time.Time
	n       notify.Notice
	channel string
}

// effect is what a scripted attempt does: store or not, and what it answers.
type effect struct {
	store bool
	late  time.Duration // store this long after the answer
	hang  bool          // answer only when the attempt's time is over
	err   error
}

// told is a message that stands in the service.
type told struct {
	id, channel, ts, thread string
	seq                     int // as shown now
	notice                  notify.Notice
	at                      time.Time
}

// service is a channel of our own with a script of what goes wrong.
type service struct {
	mu       sync.Mutex
	script   func(c call) (effect, bool) // false: all goes well
	calls    []call
	messages []*told
	writing  int // attempts under way, by destination and incident at once
	most     int
	deleted  map[string]bool
}

func (s *service) begin(c call) (effect, bool) {
	s.mu.Lock()
	c.at = time.Now()
	s.calls = append(s.calls, c)
	s.writing++
	s.most = max(s.most, s.writing)
	script := s.script
	s.mu.Unlock()
	if script == nil {
		return effect{}, false
	}
	return script(c)
}

func (s *service) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing--
}

// carryOut applies an effect around a change of the service.
func (s *service) carryOut(ctx context.Context, e effect, scripted bool, change func()) error {
	switch {
	case !scripted:
		change()
		return nil
	case e.store:
		change()
	case e.late > 0:
		time.AfterFunc(e.late, change)
	}
	if e.hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return e.err
}

func (s *service) Post(ctx context.Context, channel string, thread notify.Ref, n notify.Notice) (notify.Ref, error) {
	e, scripted := s.begin(call{op: "post", id: n.ID, seq: n.Seq, n: n, channel: channel})
	defer s.end()
	var ref notify.Ref
	err := s.carryOut(ctx, e, scripted, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := &told{id: n.ID, channel: channel, ts: fmt.Sprint(len(s.messages) + 1), thread: thread.TS, seq: n.Seq, notice: n, at: time.Now()}
		s.messages = append(s.messages, m)
		ref = notify.Ref{Channel: channel, TS: m.ts}
	})
	if err != nil {
		return notify.Ref{}, err
	}
	return ref, nil
}

func (s *service) Update(ctx context.Context, at notify.Ref, n notify.Notice) error {
	e, scripted := s.begin(call{op: "edit", id: n.ID, seq: n.Seq, n: n, channel: at.Channel})
	defer s.end()
	var missing error
	err := s.carryOut(ctx, e, scripted, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.deleted[at.TS] {
			missing = notify.Gone(errors.New("message_not_found"))
			return
		}
		for _, m := range s.messages {
			if m.ts == at.TS {
				m.seq, m.notice = n.Seq, n
			}
		}
	})
	return errors.Join(err, missing)
}

func (s *service) Find(ctx context.Context, channel string, thread notify.Ref, id string, since time.Time) (notify.Ref, bool, error) {
	e, scripted := s.begin(call{op: "find", id: id, channel: channel})
	defer s.end()
	var ref notify.Ref
	var found bool
	err := s.carryOut(ctx, e, scripted, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, m := range s.messages {
			if m.id == id && m.thread == thread.TS && !m.at.Before(since) {
				ref, found = notify.Ref{Channel: channel, TS: m.ts}, true
			}
		}
	})
	return ref, found, err
}

// change makes a change while a sender may be at work.
func (s *service) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// all lists every message.
func (s *service) all() []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []told
	for _, m := range s.messages {
		out = append(out, *m)
	}
	return out
}

// of lists the messages with an id.
func (s *service) of(id string) []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []told
	for _, m := range s.messages {
		if m.id == id {
			out = append(out, *m)
		}
	}
	return out
}

// ops lists the attempts of one kind.
func (s *service) ops(op string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c call) bool { return op != "" && c.op != op })
}

// times scripts the first n attempts of a kind.
func times(n int, op string, e effect) func(call) (effect, bool) {
	var mu sync.Mutex
	return func(c call) (effect, bool) {
		mu.Lock()
		defer mu.Unlock()
		if c.op != op || n == 0 {
			return effect{}, false
		}
		n--
		return e, true
	}
}

// fresh is an incident that has just opened.
func fresh(id string, at time.Time) incident.Incident {
	return incident.Incident{
		ID: incident.ID(id), Kind: incident.Data, Status: incident.Open, Root: "d/flights", Severity: dag.Error,
		Onset: at, OpenedAt: at, Refreshed: at, Seq: 1,
		Lines: []incident.Line{{N: 1, At: at, Kind: incident.Opened, Seq: 1}},
	}
}

// then is the incident after one thing more has happened.
func then(i incident.Incident, kind incident.LineKind, at time.Time) incident.Incident {
	i.Seq++
	i.Refreshed = at
	i.Lines = append(slices.Clip(i.Lines), incident.Line{N: len(i.Lines) + 1, At: at, Kind: kind, Seq: i.Seq})
	if kind == incident.Closed {
		i.Status, i.ResolvedAt = incident.Resolved, at
	}
	return i
}

func compose(i incident.Incident, line *incident.Line, _ ...incident.Incident) notify.Notice {
	return notify.Notice{Incident: i, Seq: i.Seq, Line: line}
}

// start runs a sender until the test ends or stop is called; wait gives what
// Run returned.
func start(t *testing.T, c notify.Config) (s *notify.Sender, stop func() error) {
	t.Helper()
	if c.Compose == nil {
		c.Compose = compose
	}
	if c.Jitter == nil {
		c.Jitter = func() float64 { return 0.999 }
	}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError + 1}))
	s = notify.NewSender(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var once sync.Once
	var err error
	stop = func() error {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

// settle lets virtual time pass until nothing is pending, and gives how long
// that took.
func settle(t *testing.T, s *notify.Sender, within time.Duration) time.Duration {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < within {
		if s.Idle() {
			return time.Since(begun)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("still pending after %v", within)
	return 0
}
