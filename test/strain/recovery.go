package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

const (
	mostChecks = 20_000
	runsKept   = 50
	lives      = 10
)

// recovery kills the service with n results in its state and 20,000 checks, and
// starts it again with cold caches. Promised: ready within 2 s, a first
// evaluation within 5 s.
func recovery(ctx context.Context, s *stage, o options) (*result, error) {
	shut, err := s.open("root", "t")
	if err != nil {
		return nil, err
	}
	defer shut()
	text := twice(max(1, min(mostChecks, o.n/runsKept)/2))
	if err := s.prepare(text); err != nil {
		return nil, err
	}
	size, err := s.past(text)
	if err != nil {
		return nil, err
	}
	var ready, judged []time.Duration
	for range lives {
		dropCaches()
		began := time.Now()
		p, err := s.serve(ctx)
		if err != nil {
			return nil, err
		}
		ready = append(ready, time.Since(began))
		err = s.until(ctx, patience, "a first evaluation", func() (bool, error) {
			m, err := rig.Metrics(ctx, s.page)
			return m[`pipewatch_checks_total{result="pass"}`] > 0, err
		})
		if err != nil {
			return nil, err
		}
		judged = append(judged, time.Since(began))
		if err := p.Kill(); err != nil {
			return nil, p.WithLog(err)
		}
	}
	r := &result{}
	slices.Sort(ready)
	slices.Sort(judged)
	r.figure("%d results of %d checks in %d MiB, killed %d times: ready after %v (median %v), evaluated after %v (median %v)", o.n,
		strings.Count(text, "\n")*2, size>>20, lives, ready[lives-1].Round(time.Millisecond), ready[lives/2].Round(time.Millisecond),
		judged[lives-1].Round(time.Millisecond), judged[lives/2].Round(time.Millisecond))
	r.want(ready[lives-1] <= 2*time.Second, "ready only after %v", ready[lives-1])
	r.want(judged[lives-1] <= 5*time.Second, "evaluated only after %v", judged[lives-1])
	return r, nil
}

// twice is a DAG of n nodes with two checks each.
func twice(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndag: shop\nconnection: wh\nschedule: \"@every 1s\"\nnodes:\n")
	for k := range n {
		fmt.Fprintf(&b, "  n%d: {table: t, row_count: {min: 1}, values: {not_null: [k]}}\n", k)
	}
	return b.String()
}

// past writes runs of all checks into the state, as the service would have, and
// gives the size of the file.
func (s *stage) past(text string) (int64, error) {
	g, problems := dag.Load([]dag.File{{Name: "dags/shop.yaml", Src: []byte(text)}}, dag.Known{Connections: map[string]bool{"wh": true}})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		return 0, err
	}
	db, err := store.Open(s.file("state.db"), store.Options{})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	now := time.Now().UTC().Truncate(time.Minute)
	for k := range runsKept {
		at := now.Add(time.Duration(k-runsKept) * time.Minute)
		run := incident.Run{DAG: "shop", Slot: at, Moment: at}
		for c := range suite.All() {
			run.Results = append(run.Results, checks.Result{
				Check: c.ID(), StartedAt: at, Took: time.Millisecond,
				Verdict: checks.Verdict{Outcome: checks.Pass, Observed: map[string]int{"rows": 1000 + k}},
			})
		}
		_, err := db.Record(run,
			func(b incident.Book) incident.Change { return incident.Decide(suite, b, run, incident.DefaultPolicy()) },
			func(incident.Incident) string { return channel },
			func(id dag.CheckID) string { return suite.Check(id).Fingerprint })
		if err != nil {
			return 0, err
		}
	}
	return db.Size()
}

// dropCaches has the kernel forget what it read; only root can.
func dropCaches() { _ = os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0o200) }
