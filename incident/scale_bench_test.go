package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/meter"
	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// shaped is a graph of n tables; above names the one that table i needs, "" for none.
func shaped(b *testing.B, n int, above func(i int) string) *checks.Suite {
	b.Helper()
	var yaml strings.Builder
	yaml.WriteString("version: 1\ndag: wide\nconnection: wh\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&yaml, "  t%d: {table: t%d, freshness: {column: at, error_after: 1h}", i, i)
		if up := above(i); up != "" {
			fmt.Fprintf(&yaml, ", depends_on: [%s]", up)
		}
		yaml.WriteString("}\n")
	}
	g, problems := dag.Load([]dag.File{{Name: "wide.yaml", Src: []byte(yaml.String())}}, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return suite
}

// failing is a run in which the first n tables are stale, t0 first, and all others pass.
func failing(s *checks.Suite, n, at int) incident.Run {
	r := incident.Run{DAG: "wide", Slot: minute(at), Moment: minute(at)}
	for c := range s.All() {
		var i int
		fmt.Sscanf(c.Node.ID.Name(), "t%d", &i)
		v := checks.Verdict{Outcome: checks.Pass}
		if i < n {
			v = checks.Verdict{Outcome: checks.Fail, Reason: checks.Stale, Message: "old", Onset: minute(-60).Add(time.Duration(i) * time.Millisecond)}
		}
		r.Results = append(r.Results, checks.Result{Check: c.ID(), Verdict: v})
	}
	return r
}

// What a decision costs in graphs of ten thousand: all of a chain fails, all below
// one table, or all by themselves; and a run of ten checks while much is open, or nothing.
func BenchmarkDecideAtScale(b *testing.B) {
	const n = 10_000
	p := incident.DefaultPolicy()
	p.FailAfter = 1
	alone := shaped(b, n, func(int) string { return "" })
	for _, shape := range []struct {
		name  string
		suite *checks.Suite
		open  int
	}{
		{"chain", shaped(b, n, func(i int) string {
			if i == 0 {
				return ""
			}
			return fmt.Sprintf("t%d", i-1)
		}), 1},
		{"star", shaped(b, n, func(i int) string {
			if i == 0 {
				return ""
			}
			return "t0"
		}), 1},
		{"independent", alone, n},
	} {
		run := failing(shape.suite, n, 0)
		b.Run("all fail/"+shape.name, func(b *testing.B) {
			m := meter.Start()
			for b.Loop() {
				if c := incident.Decide(shape.suite, incident.Book{}, run, p); len(c.Incidents) != shape.open {
					b.Fatalf("%d incidents", len(c.Incidents))
				}
			}
			m.Report(b, b.N, "decision")
		})
	}
	for _, open := range []int{0, 5000} {
		book := incident.Book{}.Apply(incident.Decide(alone, incident.Book{}, failing(alone, open, 0), p))
		for name, from := range map[string]int{"10 that pass": 9000, "10 that fail": 0} {
			run := failing(alone, open, 5)
			run.Results = run.Results[:0]
			for _, r := range failing(alone, open, 5).Results {
				var i int
				fmt.Sscanf(r.Check.Node().Name(), "t%d", &i)
				if i >= from && i < from+10 {
					run.Results = append(run.Results, r)
				}
			}
			b.Run(fmt.Sprintf("a run of %s/%d open", name, open), func(b *testing.B) {
				m := meter.Start()
				for b.Loop() {
					book.Apply(incident.Decide(alone, book, run, p))
				}
				m.Report(b, b.N, "decision")
			})
		}
		b.Run(fmt.Sprintf("a tick/%d open", open), func(b *testing.B) {
			m := meter.Start()
			for b.Loop() {
				book.Apply(incident.Decide(alone, book, incident.Run{Moment: minute(6)}, p))
			}
			m.Report(b, b.N, "decision")
		})
	}
}
