package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// connect opens one connection of the operator's file.
func connect(ctx context.Context, dir string, o warehouse.Options) (*warehouse.Source, error) {
	switch o.Driver {
	case "duckdb":
		return duckdb.Open(ctx, duckdb.Options{Path: o.Path, Dir: dir, Init: o.Init, Limits: o.Limits(time.Now)})
	}
	return nil, fmt.Errorf("driver %q is not available", o.Driver)
}

// lazySource opens its connection when it is first asked, and again after it
// could not: a warehouse that is away makes verdicts, it does not end the
// service.
type lazySource struct {
	name string
	open func(context.Context) (*warehouse.Source, error)

	mu     sync.Mutex
	source *warehouse.Source
}

// Ask answers with a connection error while the connection cannot be opened.
func (l *lazySource) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	src, err := l.get(ctx)
	if err == nil {
		return src.Ask(ctx, at, qs)
	}
	answers := make([]probe.Answer, len(qs))
	for n := range answers {
		answers[n] = probe.Answer{Err: &probe.Error{Class: probe.Connection, Msg: fmt.Sprintf("connection %s: %v", l.name, err), Cause: err}, Started: time.Now()}
	}
	return answers
}

func (l *lazySource) get(ctx context.Context) (*warehouse.Source, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil {
		src, err := l.open(ctx)
		if err != nil {
			return nil, err
		}
		l.source = src
	}
	return l.source, nil
}

// Close closes what was opened.
func (l *lazySource) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.source == nil {
		return nil
	}
	return l.source.Close()
}

// noHeartbeats stands where no service collects heartbeats.
type noHeartbeats struct{}

// Ask says that they cannot be known.
func (noHeartbeats) Ask(_ context.Context, _ time.Time, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	for n := range answers {
		answers[n].Err = &probe.Error{Class: probe.Refused, Msg: "heartbeats are known to the service only: this check is judged by pipewatch serve"}
	}
	return answers
}

// sources is the door to every connection of the project, and how to close it.
func (p *project) sources(heartbeats probe.Source) (probe.Source, func() error) {
	all := map[string]probe.Source{probe.HeartbeatConn: heartbeats}
	var opened []*lazySource
	for name, o := range p.config.Connections {
		l := &lazySource{name: name, open: func(ctx context.Context) (*warehouse.Source, error) { return connect(ctx, p.dir, o) }}
		all[name] = l
		opened = append(opened, l)
	}
	return warehouse.Split(all), func() error {
		var errs []error
		for _, l := range opened {
			errs = append(errs, l.Close())
		}
		return errors.Join(errs...)
	}
}
