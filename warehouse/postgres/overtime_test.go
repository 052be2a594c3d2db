package postgres_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// endless is what a person could write that would run for minutes or for ever. The
// functions lie to the server about what they do, or they would not run at all.
var endless = []string{
	slow,
	"select count(*) from many a, many b, many c, many d",
	"select count(*) from many a join many b on a.i <> b.i join many c on b.i <> c.i",
	"select max(i) from (select i from generate_series(1, 10000000000) as s(i)) as t",
	"select i from generate_series(1, 10000000000) as s(i) order by i desc limit 1",
	"select count(distinct (a.i, b.i, c.i)) from many a, many b, many c",
	"select sum(n) over () from generate_series(1, 10000000000) as s(n) limit 1",
	"select count(*) from many where exists (select 1 from many b, many c, many d where b.i + c.i + d.i < 0)",
	"with recursive r(n) as (select 1 union all select n + 1 from r) select count(*) from r",
	"with recursive r(n) as (select 1 union all select (n + 1) % 1000000007 from r where n >= 0) select max(n) from r",
	"with recursive r(n) as (select 1.0 union all select n * 1.0000001 from r) select count(*) from r",
	"select length(string_agg(repeat('x', 100), '')) from many a, many b, many c",
	"select count(*) from many where md5(repeat(cast(i as text), 10000000)) = ''",
	"select count(*) from many a, many b where repeat(cast(a.i + b.i as text), 1000) ~ '(a|1)*b'",
	"select factorial(20000) > 0 and factorial(30000) > 0 and factorial(32000) > 0 from many a, many b",
	"select count(*) from sleeps",
	"select count(*) from sleeps where slept is null",
	"select case when (select count(*) from sleeps) > 0 then 1 end",
	"select count(*) from locked",
	"select count(*) from waits_for_lock()",
	"select stubborn()",
	"select count(*) from many where stubborn() > 0",
	"select untimed()",
	"select count(*) from many where (select untimed()) > 0",
	"select untimed() + stubborn()",
	"select i + (select stubborn()) from many order by 1 limit 1",
}

var asylum = []string{
	"create table many as select i from generate_series(1, 5000) as s(i)", "create table locked (i int)", "create view sleeps as select cast(pg_sleep(600) as text) as slept",
	// Holds on when it is told to stop.
	`create function stubborn() returns int language plpgsql stable as $$ begin
		loop begin perform pg_sleep(600); exception when query_canceled then perform 1; end; end loop; end $$`,
	// Takes the session's time-out away, and waits in another statement of its own.
	`create function untimed() returns int language plpgsql stable as $$ begin
		perform set_config('statement_timeout', '0', false);
		loop begin perform pg_sleep(600); exception when query_canceled then perform 1; end; end loop; end $$`,
	"create function waits_for_lock() returns int language sql stable as $$ select 1 from pg_advisory_lock(42) $$",
}

// How much longer than its time a statement may take: room for a machine that does
// many other things. What it took is logged.
const mercy = 8 * time.Second

func TestNothingOutlivesItsTime(t *testing.T) {
	const limit = 300 * time.Millisecond
	name := fresh(t, asylum...)
	release := lock(t, name, "lock table locked; select pg_advisory_lock(42)")
	defer release()
	took := make([]time.Duration, len(endless))
	var wg sync.WaitGroup
	places := make(chan struct{}, 6) // at a time
	for i, sql := range endless {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: limit, FreeSQL: true, Now: time.Now})
			ask(t, source, probe.Scalar{Conn: "wh", SQL: "select 1"}) // connects
			began := time.Now()
			a := ask(t, source, probe.Scalar{Conn: "wh", SQL: sql})[0]
			took[i] = time.Since(began) - limit
			if classOf(a.Err) != probe.Timeout {
				t.Errorf("%s: %v, %v", sql, a.Value, a.Err)
			}
			if next := ask(t, source, probe.Scalar{Conn: "wh", SQL: "select 1"})[0]; next.Err != nil {
				t.Errorf("after %s: %v", sql, next.Err)
			}
		})
	}
	wg.Wait()
	eventually(t, name, busy, "0")
	worst := slices.MaxFunc(endless, func(a, b string) int {
		return cmp.Compare(took[slices.Index(endless, a)], took[slices.Index(endless, b)])
	})
	late := took[slices.Index(endless, worst)]
	t.Logf("%d statements, ended %s after their time at the latest: %s", len(endless), late.Round(time.Millisecond), worst)
	if late > mercy {
		t.Errorf("%s took %s longer than its time", worst, late)
	}
}

func TestWhatWaitedBehindAStatementThatHadToBeEndedIsAnswered(t *testing.T) {
	name := fresh(t, asylum...)
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: 300 * time.Millisecond, FreeSQL: true, Now: time.Now})
	one := probe.Scalar{Conn: "wh", SQL: "select 1"}
	answers := ask(t, source, one, probe.Rows{Of: rel("many")}, probe.Scalar{Conn: "wh", SQL: "select stubborn()"}, probe.Scalar{Conn: "wh", SQL: "select 2"},
		probe.Scalar{Conn: "wh", SQL: "select untimed()"}, probe.Rows{Of: rel("locked")}, probe.Scalar{Conn: "wh", SQL: "select 3"})
	for i, a := range answers {
		if stuck := i == 2 || i == 4; stuck != (classOf(a.Err) == probe.Timeout) || !stuck && a.Err != nil {
			t.Errorf("answer %d: %v, %v", i, a.Value, a.Err)
		}
	}
	eventually(t, name, busy, "0")
}

func TestAValueOfAnySizeTakesNoMoreMemoryThanOneStatementMay(t *testing.T) {
	source := open(t, dsn("postgres", fresh(t)), warehouse.Limits{MaxQueries: 1, StatementTimeout: time.Minute, FreeSQL: true, Now: time.Now})
	answers := ask(t, source, probe.Scalar{Conn: "wh", SQL: "select 1"}, probe.Scalar{Conn: "wh", SQL: "select repeat('x', 140000000)"}, probe.Scalar{Conn: "wh", SQL: "select 2"})
	if classOf(answers[1].Err) != probe.BadAnswer || !strings.Contains(answers[1].Err.Error(), "more than 128 MiB") {
		t.Errorf("got %.20v, %v", answers[1].Value, answers[1].Err)
	}
	for _, i := range []int{0, 2} {
		if answers[i].Err != nil {
			t.Errorf("answer %d: %v", i, answers[i].Err)
		}
	}
}

// What the test of time holds up is real: the server alone does not end it.
func TestTheServerAloneLetsAFunctionOutliveItsTime(t *testing.T) {
	name := fresh(t, asylum...)
	conn, err := pgconn.Connect(t.Context(), dsn("postgres", name)+"&application_name=control&statement_timeout=100")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the server has ended it
	done := make(chan error)
	go func() {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), "select stubborn()").ReadAll()
		done <- err
	}()
	eventually(t, name, "select count(*) from pg_stat_activity where application_name = 'control' and state = 'active' and clock_timestamp() - query_start > interval '1100 ms'", "1")
	value(t, name, "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'control'")
	if err := <-done; err == nil || !strings.Contains(err.Error(), "57P01") {
		t.Errorf("the statement ended with %v", err)
	}
}
