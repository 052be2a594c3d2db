package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

func classOf(err error) probe.Class {
	if e, ok := errors.AsType[*probe.Error](err); ok {
		return e.Class
	}
	return ""
}

// The columns of this view are fine until its rows are read: as when a table
// changes between the two.
func TestAScanThatFailsIsAskedAgainQuestionByQuestion(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{
		"create table raw as select i, case when i = 7 then 'seven' else i::varchar end as s, timestamp '2013-01-01 00:00:00' as ts from range(10) t(i)",
		"create view v as select i, cast(s as integer) as n, ts from raw",
	}})
	qs := []probe.Question{
		probe.Rows{Of: rel("v")},
		probe.BadRows{Of: rel("v"), Rule: probe.OutOfRange, Columns: probe.List("n"), Max: "100"},
		probe.BadRows{Of: rel("v"), Rule: probe.Nulls, Columns: probe.List("i")},
		probe.Watermark{Of: rel("v"), Column: probe.TimeColumn{Name: "ts"}},
	}
	answers := source.Ask(t.Context(), time.Now(), qs)
	if classOf(answers[1].Err) != probe.Statement || !strings.Contains(answers[1].Err.Error(), "seven") {
		t.Errorf("the column that cannot be read: %v, %v", answers[1].Value, answers[1].Err)
	}
	if answers[0].Value != int64(10) || answers[2].Value != (probe.Bad{Rows: 10}) || answers[3].Err != nil {
		t.Errorf("the others: %+v", answers)
	}
	if strings.Contains(answers[0].Statement, "timed_ts") {
		t.Errorf("the statement shown is not the one that answered:\n%s", answers[0].Statement)
	}
}

func TestAStatementThatTakesTooLongIsATimeout(t *testing.T) {
	source := open(t, duckdb.Options{Limits: warehouse.Limits{MaxQueries: 1, StatementTimeout: 100 * time.Millisecond, FreeSQL: true}})
	const endless = "select count(*) from range(100000000000) a, range(1000) b where a.range % 7 = b.range"
	started := time.Now()
	answers := source.Ask(t.Context(), time.Now(), []probe.Question{probe.Scalar{Conn: "wh", SQL: endless}, probe.Scalar{Conn: "wh", SQL: "select 1"}})
	if e := answers[0].Err; classOf(e) != probe.Timeout || !strings.Contains(e.Error(), "statement_timeout of 100ms") || !errors.Is(e, context.DeadlineExceeded) && e == nil {
		t.Errorf("got %v, %v", answers[0].Value, e)
	}
	if answers[1].Value != (probe.ScalarValue{Number: 1}) {
		t.Errorf("the next question: %v, %v", answers[1].Value, answers[1].Err)
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("ended after %s", took)
	}
}

func TestADeadlineOfARunEndsAllOfIt(t *testing.T) {
	source := warehouse.Deadline(open(t, duckdb.Options{}), 100*time.Millisecond)
	var qs []probe.Question
	for i := range 5 {
		qs = append(qs, probe.Scalar{Conn: "wh", SQL: fmt.Sprintf("select count(*) + %d from range(100000000000) a, range(1000) b where a.range %% 7 = b.range", i)})
	}
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		if classOf(a.Err) != probe.Timeout || !strings.Contains(a.Err.Error(), "deadline of 100ms") {
			t.Errorf("question %d: %v, %v", i, a.Value, a.Err)
		}
	}
}

func TestACancelledRunAnswersEveryQuestionWithAnError(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{"create table t as select 1 as i"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, a := range source.Ask(ctx, time.Now(), []probe.Question{probe.Rows{Of: rel("t")}, probe.Columns{Of: rel("t")}}) {
		if a.Value != nil || classOf(a.Err) != probe.Timeout {
			t.Errorf("question %d: %v, %v", i, a.Value, a.Err)
		}
	}
	if n := count(t, source, rel("t")); n != 1 {
		t.Errorf("the next run counts %d", n)
	}
}

func TestABrokenInitIsNamedAndTriedAgain(t *testing.T) {
	dir := t.TempDir()
	source := open(t, duckdb.Options{Dir: dir, Init: []string{"create table t as select 1 as i", "create view v as select * from 'late.csv'"}})
	a := ask(t, source, probe.Rows{Of: rel("t")})
	if classOf(a.Err) != probe.Connection || !strings.Contains(a.Err.Error(), "init statement 2") {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
	write(t, dir+"/late.csv", "a\n1\n")
	if n := count(t, source, rel("v")); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestManyRunsAtOnceShareTheConnections(t *testing.T) {
	dir := t.TempDir()
	commit(t, dir+"/w.duckdb", "create table t as select * from range(1000) r(i)")
	source := open(t, duckdb.Options{Dir: dir, Path: "w.duckdb", Init: []string{"create view past as select * from t where i < epoch(getvariable('as_of'))"}})
	var wg sync.WaitGroup
	for run := range 20 {
		wg.Go(func() {
			at := time.Unix(int64(run), 0)
			qs := []probe.Question{probe.Rows{Of: rel("past")}, probe.Rows{Of: rel("t")}, probe.Scalar{Conn: "wh", SQL: "select max(i) from t"}, probe.Digest{Of: rel("t")}}
			answers := source.Ask(t.Context(), at, qs)
			for _, a := range answers {
				if a.Err != nil {
					t.Error(a.Err)
				}
			}
			if answers[0].Value != int64(run) || answers[1].Value != int64(1000) {
				t.Errorf("run %d: %v and %v rows", run, answers[0].Value, answers[1].Value)
			}
		})
	}
	wg.Wait()
	commit(t, dir+"/w.duckdb", "insert into t values (1000)")
	if n := count(t, source, rel("t")); n != 1001 {
		t.Errorf("%d rows after all runs let go of the file", n)
	}
}

func TestThePlanIsWhatIsAsked(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{"create table t as select 1 as i, timestamp '2013-01-01 00:00:00' as ts"}})
	watermark := probe.Watermark{Of: rel("t"), Where: "i > 0 and ts < {{ as_of }}", Column: probe.TimeColumn{Name: "ts", Zone: newYork}}
	qs := []probe.Question{
		watermark,
		probe.Rows{Of: rel("t"), Where: watermark.Where},
		probe.Rows{Of: rel("u")},
		probe.Columns{Of: rel("t")},
	}
	at := time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC)
	planned, known, err := source.Plan(t.Context(), at, qs)
	if err != nil {
		t.Fatal(err)
	}
	want := []warehouse.Planned{{Questions: qs[:2], Times: []warehouse.Reading{{Column: "ts", Type: "TIMESTAMP", Zone: "America/New_York"}}, Statement: `select
  count(*) as n_rows,
  count("ts") as timed_ts,
  epoch_us(max(case when isfinite(timezone('America/New_York', "ts")) then timezone('America/New_York', "ts") end)) as newest_ts,
  0 as future_ts
from "t"
where (
i > 0 and ts < timestamptz '2013-06-15 12:00:00+00'
)`}}
	if diff := cmp.Diff(want, planned, cmpopts.IgnoreUnexported(warehouse.Planned{})); diff != "" {
		t.Error(diff)
	}
	if len(known) != 2 || classOf(known[qs[2]].Err) != probe.NoTable || known[qs[3]].Err != nil {
		t.Errorf("known without asking: %+v", known)
	}
	if got := source.Ask(t.Context(), at, qs)[0].Statement; got != planned[0].Statement {
		t.Errorf("asked\n%s\nplanned\n%s", got, planned[0].Statement)
	}
}

func TestInfiniteTimesSetNoWatermark(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{
		"create table z as select unnest(['infinity'::timestamptz, '-infinity'::timestamptz, '2013-01-01 00:00:00+00'::timestamptz]) as ts",
		"create table n as select ts::timestamp as ts from z", "create table d as select unnest(['infinity'::date, '-infinity'::date, date '2013-01-01']) as ts",
	}})
	for _, table := range []string{"z", "n", "d"} {
		for _, horizon := range []probe.Instant{0, at("2013-06-15T00:00:00Z")} {
			m, err := probe.Value[probe.Mark](ask(t, source, probe.Watermark{Of: rel(table), Column: probe.TimeColumn{Name: "ts"}, Horizon: horizon}))
			future := int64(0)
			if horizon != 0 {
				future = 1
			}
			if err != nil || m.Max != at("2013-01-01T00:00:00Z") || m.Timed != 3 || m.Future != future {
				t.Errorf("%s, horizon %d: %+v, %v", table, horizon, m, err)
			}
		}
		b, err := probe.Value[probe.BucketRows](ask(t, source, probe.Buckets{Of: rel(table), By: probe.TimeColumn{Name: "ts"}, Per: probe.Day}))
		if err != nil || len(b.Buckets) != 1 || b.First != at("2013-01-01T00:00:00Z") {
			t.Errorf("%s: %+v, %v", table, b, err)
		}
	}
}
