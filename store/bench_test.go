package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/meter"
	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// big is one DAG with n checks.
func big(b *testing.B, n int) *checks.Suite {
	var text strings.Builder
	text.WriteString("version: 1\ndag: big\nconnection: wh\nnodes:\n")
	for n := range n {
		fmt.Fprintf(&text, "  table_%d: {table: t%d, freshness: {column: at, error_after: 6h}}\n", n, n)
	}
	return suite(b, text.String())
}

// What a check of freshness says of a table that is well.
type (
	observed struct {
		Watermark  *time.Time `json:"watermark"`
		AgeSeconds *int64     `json:"age_seconds"`
		FutureRows int64      `json:"future_rows"`
		Rows       int64      `json:"rows"`
	}
	expected struct {
		ErrorAfterSeconds *int64 `json:"error_after_seconds,omitempty"`
	}
)

// bigRun is the run of a minute, in which every table has other figures.
func bigRun(r recorder, minute int) incident.Run {
	run := r.run("big", at(minute))
	for i := range run.Results {
		res := &run.Results[i]
		age := int64(i*7919+minute*104729) % 20_000
		mark := at(minute).Add(-time.Duration(age) * time.Second)
		res.Memory, res.Verdict.Message, res.Verdict.GoodUntil = nil, "", mark
		res.Verdict.Observed = observed{Watermark: &mark, AgeSeconds: &age, Rows: 1000 + age*31}
		res.Verdict.Expected = expected{ErrorAfterSeconds: new(int64(21600))}
		res.StartedAt, res.Took = run.Moment.Add(time.Duration(age)*12347), time.Duration(age)*1013
	}
	return run
}

// BenchmarkRecord is one run, all passing, as it is written: one transaction
// with one fsync, and how the file grows.
func BenchmarkRecord(b *testing.B) {
	nothing := func(incident.Book) incident.Change { return incident.Change{} }
	for _, n := range []int{80, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := recorder{b, open(b, filepath.Join(b.TempDir(), "pw.db")), big(b, n), incident.DefaultPolicy()}
			r.record(bigRun(r, 0))
			record(b, r, n, func(run incident.Run) error {
				_, err := r.db.Record(run, nothing, nil, nil)
				return err
			})
		})
	}
}

// BenchmarkDecideAndRecord adds the decision and the states that did not change.
func BenchmarkDecideAndRecord(b *testing.B) {
	const n = 10_000
	r := recorder{b, open(b, filepath.Join(b.TempDir(), "pw.db")), big(b, n), incident.DefaultPolicy()}
	r.record(bigRun(r, 0))
	record(b, r, n, func(run incident.Run) error { r.record(run); return nil })
}

// record measures what is done with a run of n results.
func record(b *testing.B, r recorder, n int, do func(incident.Run) error) {
	var runs []incident.Run // made before, as to make them is garbage
	for minute := range 8 {
		runs = append(runs, bigRun(r, 1+minute))
	}
	before := size(b, r.db)
	m := meter.Start()
	times := 0
	for b.Loop() {
		run := runs[times%len(runs)]
		times++
		run.Slot, run.Moment = at(times), at(times).Add(time.Second)
		if err := do(run); err != nil {
			b.Fatal(err)
		}
	}
	m.Report(b, times*n, "result")
	b.ReportMetric(float64(size(b, r.db)-before)/float64(times*n), "B/result")
}

// BenchmarkOpen is a restart with ten thousand states.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "pw.db")
	r := recorder{b, open(b, path), big(b, 10_000), incident.DefaultPolicy()}
	r.record(bigRun(r, 0))
	m := meter.Start()
	times := 0
	for b.Loop() {
		times++
		r.db = reopen(b, r.db, path)
	}
	m.Report(b, times, "restart")
}

// BenchmarkHistory is the last hundred results of one node.
func BenchmarkHistory(b *testing.B) {
	for _, n := range []int{80, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := recorder{b, open(b, filepath.Join(b.TempDir(), "pw.db")), big(b, n), incident.DefaultPolicy()}
			var node dag.NodeID
			for minute := range 120 {
				run := bigRun(r, minute)
				node = run.Results[n/2].Check.Node()
				if _, err := r.db.Record(run, func(incident.Book) incident.Change { return incident.Change{} }, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			m := meter.Start()
			times := 0
			for b.Loop() {
				times++
				runs, err := r.db.History(node, 100)
				if err != nil || len(runs) != 100 {
					b.Fatalf("%d runs, %v", len(runs), err)
				}
			}
			m.Report(b, times, "history")
		})
	}
}

func size(b *testing.B, db *store.DB) int64 {
	n, err := db.Size()
	if err != nil {
		b.Fatal(err)
	}
	return n
}
