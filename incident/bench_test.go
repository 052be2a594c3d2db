package incident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// wide is a graph of n tables below one, in chains of ten.
func wide(b *testing.B, n int) *checks.Suite {
	b.Helper()
	var yaml strings.Builder
	yaml.WriteString("version: 1\ndag: wide\nconnection: wh\nnodes:\n  root: {table: root, freshness: {column: at, error_after: 1h}}\n")
	var files []dag.File
	for i := range n {
		up := "root"
		if i%10 > 0 {
			up = fmt.Sprintf("t%d", i-1)
		}
		fmt.Fprintf(&yaml, "  t%d: {table: t%d, depends_on: [%s], freshness: {column: at, error_after: 1h}}\n", i, i, up)
	}
	files = append(files, dag.File{Name: "wide.yaml", Src: []byte(yaml.String())})
	g, problems := dag.Load(files, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	return suite
}

// verdicts gives every check the same verdict, the root's an hour before the
// others where it fails.
func verdicts(s *checks.Suite, v checks.Verdict) incident.Run {
	r := incident.Run{DAG: "wide", Slot: minute(60), Moment: minute(60)}
	for c := range s.All() {
		w := v
		if v.Outcome == checks.Fail {
			w.Onset = minute(50)
			if c.Node.ID == "wide/root" {
				w.Onset = minute(0)
			}
		}
		r.Results = append(r.Results, checks.Result{Check: c.ID(), Verdict: w})
	}
	return r
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		s := wide(b, n)
		p := incident.DefaultPolicy()
		p.FailAfter = 1
		for name, v := range map[string]checks.Verdict{
			"healthy": {Outcome: checks.Pass},
			"storm":   {Outcome: checks.Fail, Reason: checks.Stale, Message: "old"},
		} {
			run := verdicts(s, v)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					c := incident.Decide(s, incident.Book{}, run, p)
					if v.Outcome == checks.Fail && len(c.Incidents) != 1 {
						b.Fatalf("%d incidents of one cause", len(c.Incidents))
					}
				}
			})
		}
		independent := verdicts(s, checks.Verdict{Outcome: checks.Fail, Reason: checks.OutOfRange})
		for i := range independent.Results {
			independent.Results[i].Verdict.Reason = []checks.Reason{checks.OutOfRange, checks.Leakage}[i%2]
		}
		b.Run(fmt.Sprintf("independent/%d", n), func(b *testing.B) {
			for b.Loop() {
				incident.Decide(s, incident.Book{}, independent, p)
			}
		})
		b.Run(fmt.Sprintf("assess/%d", n), func(b *testing.B) {
			book := incident.Book{}.Apply(incident.Decide(s, incident.Book{}, verdicts(s, checks.Verdict{Outcome: checks.Fail, Reason: checks.Stale}), p))
			for b.Loop() {
				incident.Assess(s, func(id dag.CheckID) incident.State { return book.States.Of(id) })
			}
		})
	}
}
