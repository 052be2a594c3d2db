package main

import (
	"maps"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

// latest keeps the newest result of every check since the start, with its
// statements, which the store does not keep.
type latest struct {
	mu      sync.Mutex
	results map[dag.CheckID]web.Latest
	runs    map[string]time.Time // moment of the last run, by DAG
}

func newLatest() *latest {
	return &latest{results: map[dag.CheckID]web.Latest{}, runs: map[string]time.Time{}}
}

// keep takes over the results of a run.
func (l *latest) keep(run incident.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range run.Results {
		r.Memory = nil
		l.results[r.Check] = web.Latest{Moment: run.Moment, Result: r}
	}
	if run.DAG != "" {
		l.runs[run.DAG] = run.Moment
	}
}

// all is a copy of the newest results.
func (l *latest) all() map[dag.CheckID]web.Latest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.results)
}

// ran is the moment of a DAG's last run; zero when it has not run yet.
func (l *latest) ran(name string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[name]
}
