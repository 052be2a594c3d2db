package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/mysql"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
)

// connect makes the source of one connection. Nothing is contacted before the
// first question: a warehouse that is away makes verdicts, it does not end the
// service.
func connect(dir string, o warehouse.Options) (*warehouse.Source, error) {
	switch o.Driver {
	case "duckdb":
		return duckdb.Open(context.Background(), duckdb.Options{Path: o.Path, Dir: dir, Init: o.Init, Limits: o.Limits(time.Now)})
	case "postgres":
		return postgres.Open(postgres.Options{DSN: o.DSN.Reveal(), Limits: o.Limits(time.Now)})
	case "mysql":
		return mysql.Open(mysql.Options{DSN: o.DSN.Reveal(), Limits: o.Limits(time.Now)})
	}
	return nil, fmt.Errorf("driver %q is not available", o.Driver)
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
func (p *project) sources(heartbeats probe.Source) (probe.Source, func() error, error) {
	all := map[string]probe.Source{probe.HeartbeatConn: heartbeats}
	var opened []*warehouse.Source
	closeAll := func() error {
		var errs []error
		for _, src := range opened {
			errs = append(errs, src.Close())
		}
		return errors.Join(errs...)
	}
	for name, o := range p.config.Connections {
		src, err := connect(p.dir, o)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("connection %s: %w", name, err), closeAll())
		}
		all[name] = src
		opened = append(opened, src)
	}
	return warehouse.Split(all), closeAll, nil
}
