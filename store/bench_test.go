package store_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

const benchChecks = 10_000

// bigSuite is one DAG with ten thousand checks.
func bigSuite(b *testing.B) *checks.Suite {
	var text strings.Builder
	text.WriteString("version: 1\ndag: big\nconnection: wh\nnodes:\n")
	for n := range benchChecks {
		fmt.Fprintf(&text, "  t%d: {table: t%d, row_count: {min: 1}}\n", n, n)
	}
	return suite(b, text.String())
}

type counted struct {
	Rows int64 `json:"rows"`
}

func bigRun(r recorder, minute int) incident.Run {
	run := r.run("big", at(minute))
	for i := range run.Results {
		run.Results[i].Memory = nil
		run.Results[i].Verdict.Message = ""
		run.Results[i].Verdict.Observed = counted{1000 + int64(i*7919+minute*104729)%100_000}
	}
	return run
}

// BenchmarkRecord is one run of ten thousand results, all passing: what a
// commit costs beside the decision, and how the file grows.
func BenchmarkRecord(b *testing.B) {
	path := filepath.Join(b.TempDir(), "pw.db")
	r := recorder{b, open(b, path), bigSuite(b), incident.DefaultPolicy()}
	r.record(bigRun(r, 0))
	before := size(b, r.db)
	nothing := func(incident.Book) incident.Change { return incident.Change{} }
	n := 0
	for b.Loop() {
		n++
		b.StopTimer()
		run := bigRun(r, n)
		b.StartTimer()
		if _, err := r.db.Record(run, nothing, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*benchChecks), "ns/result")
	b.ReportMetric(float64(size(b, r.db)-before)/float64(n*benchChecks), "B/result")
}

// BenchmarkDecideAndRecord adds the decision and the states that did not change.
func BenchmarkDecideAndRecord(b *testing.B) {
	r := recorder{b, open(b, filepath.Join(b.TempDir(), "pw.db")), bigSuite(b), incident.DefaultPolicy()}
	n := 0
	for b.Loop() {
		n++
		b.StopTimer()
		run := bigRun(r, n)
		b.StartTimer()
		r.record(run)
	}
}

// BenchmarkOpen is a restart with ten thousand states.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "pw.db")
	r := recorder{b, open(b, path), bigSuite(b), incident.DefaultPolicy()}
	r.record(bigRun(r, 0))
	for b.Loop() {
		r.db = reopen(b, r.db, path)
	}
}

// BenchmarkHistory is the last hundred results of one node of a DAG of eighty
// checks.
func BenchmarkHistory(b *testing.B) {
	r := recorder{b, open(b, filepath.Join(b.TempDir(), "pw.db")), bigSuite(b), incident.DefaultPolicy()}
	var node dag.NodeID
	for n := range 120 {
		run := bigRun(r, n)
		run.Results = run.Results[:80]
		node = run.Results[40].Check.Node()
		r.record(run)
	}
	for b.Loop() {
		runs, err := r.db.History(node, 100)
		if err != nil || len(runs) != 100 {
			b.Fatalf("%d runs, %v", len(runs), err)
		}
	}
}

func size(b *testing.B, db *store.DB) int64 {
	n, err := db.Size()
	if err != nil {
		b.Fatal(err)
	}
	return n
}
