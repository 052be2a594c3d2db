package warehouse_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// named answers every question with its own name and the question's job.
type named string

func (n named) Ask(ctx context.Context, _ time.Time, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	for i, q := range qs {
		answers[i].Value = string(n) + " " + q.(probe.LastRuns).Job
	}
	return answers
}

func TestQuestionsGoToTheSourceOfTheirConnection(t *testing.T) {
	source := warehouse.Split(map[string]probe.Source{"a": named("A"), "b": named("B"), probe.HeartbeatConn: named("beat")})
	job := func(conn, name string) probe.Question { return probe.LastRuns{Conn: conn, Job: name} }
	answers := source.Ask(t.Context(), time.Now(), []probe.Question{job("b", "1"), job("a", "2"), job(probe.HeartbeatConn, "3"), job("b", "4"), job("bb", "5")})
	var got []any
	for _, a := range answers[:4] {
		got = append(got, a.Value)
	}
	if diff := cmp.Diff([]any{"B 1", "A 2", "beat 3", "B 4"}, got); diff != "" {
		t.Error(diff)
	}
	if e, ok := errors.AsType[*probe.Error](answers[4].Err); !ok || e.Class != probe.Connection || !strings.Contains(e.Msg, `did you mean "b"?`) {
		t.Errorf("an unknown connection: %v", answers[4].Err)
	}
}

func TestOptionsOfAConnection(t *testing.T) {
	cases := []struct {
		name, yaml string
		want       warehouse.Limits
		problem    string
	}{
		{"DuckDB has two queries at once and two minutes", "driver: duckdb\npath: w.duckdb\n", warehouse.Limits{MaxQueries: 2, StatementTimeout: 2 * time.Minute, FreeSQL: true}, ""},
		{"what is said is taken", "driver: duckdb\nmax_queries: 7\nstatement_timeout: 30s\nfree_sql: false\nread_only: true\ninit: [select 1]\n",
			warehouse.Limits{MaxQueries: 7, StatementTimeout: 30 * time.Second}, ""},
		{"a driver is needed", "path: w.duckdb\n", warehouse.Limits{}, "driver"},
		{"an unknown driver", "driver: dukdb\n", warehouse.Limits{}, "duckdb"},
		{"DuckDB has no server", "driver: duckdb\ndsn: x\n", warehouse.Limits{}, "path: warehouse.duckdb"},
		{"a server has four queries at once", "driver: mysql\ndsn: mysql://u:p@h/d\n", warehouse.Limits{MaxQueries: 4, StatementTimeout: 2 * time.Minute, FreeSQL: true}, ""},
		{"a server needs an address", "driver: mysql\n", warehouse.Limits{}, "needs dsn"},
		{"a server has no file", "driver: mysql\ndsn: mysql://u:p@h/d\npath: w.duckdb\n", warehouse.Limits{}, "path belongs to duckdb"},
		{"a warehouse is never written", "driver: duckdb\nread_only: false\n", warehouse.Limits{}, "read-only"},
		{"no time is no timeout", "driver: duckdb\nstatement_timeout: 0\n", warehouse.Limits{}, "at least 1s"},
		{"no query at all", "driver: duckdb\nmax_queries: 0\n", warehouse.Limits{}, "max_queries"},
		{"a key that nobody knows", "driver: duckdb\nfree_sq: true\n", warehouse.Limits{}, "free_sql"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, problems := conf.Parse("pipewatch.yaml", []byte(c.yaml))
			var o warehouse.Options
			problems.Merge(v.Decode(&o))
			if c.problem != "" {
				var out strings.Builder
				conf.Render(&out, problems.Err(), func(string) ([]byte, bool) { return nil, false })
				if len(problems) != 1 || !strings.Contains(out.String(), c.problem) {
					t.Errorf("problems: %s", out.String())
				}
				return
			}
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			got := o.Limits(nil)
			if got.Now != nil {
				t.Error("a clock came from nowhere")
			}
			if diff := cmp.Diff(c.want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Now" }, cmp.Ignore())); diff != "" {
				t.Error(diff)
			}
		})
	}
}
