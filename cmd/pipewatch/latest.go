package main

import (
	"maps"
	"sync"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// latest keeps the newest result of every check since the start, with its
// statements, which the store does not keep.
type latest struct {
	mu      sync.Mutex
	results map[dag.CheckID]checks.Result
}

func newLatest() *latest { return &latest{results: map[dag.CheckID]checks.Result{}} }

// keep takes over the results of a run.
func (l *latest) keep(run incident.Run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range run.Results {
		r.Memory = nil
		l.results[r.Check] = r
	}
}

// all is a copy of the newest results.
func (l *latest) all() map[dag.CheckID]checks.Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.results)
}
