package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Split makes one source of many: each question goes to the source under the name
// of its connection, and all sources work at once. A question for a connection
// that is not there is answered with a Connection error.
func Split(sources map[string]probe.Source) probe.Source { return split(sources) }

type split map[string]probe.Source

func (s split) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	places := make(map[string][]int)
	for i, q := range qs {
		if _, ok := s[q.On()]; !ok {
			answers[i].Err = s.unknown(q.On())
			continue
		}
		places[q.On()] = append(places[q.On()], i)
	}
	var wg sync.WaitGroup
	for name, at2 := range places {
		wg.Go(func() {
			part := make([]probe.Question, len(at2))
			for i, place := range at2 {
				part[i] = qs[place]
			}
			for i, a := range s[name].Ask(ctx, at, part) {
				answers[at2[i]] = a
			}
		})
	}
	wg.Wait()
	return answers
}

func (s split) unknown(name string) error {
	known := slices.Sorted(maps.Keys(s))
	msg := fmt.Sprintf("no connection is called %q; known: %s", name, strings.Join(known, ", "))
	if near := conf.Nearest(name, known); near != "" {
		msg = fmt.Sprintf("no connection is called %q; did you mean %q?", name, near)
	}
	return &probe.Error{Class: probe.Connection, Msg: msg}
}

// Deadline bounds every Ask of a source: what is not answered after d is a Timeout.
func Deadline(source probe.Source, d time.Duration) probe.Source { return deadline{source, d} }

type deadline struct {
	source probe.Source
	after  time.Duration
}

func (s deadline) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	ctx, cancel := context.WithTimeoutCause(ctx, s.after, fmt.Errorf("the deadline of %s for a run passed", s.after))
	defer cancel()
	return s.source.Ask(ctx, at, qs)
}
