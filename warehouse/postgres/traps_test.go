package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

func rel(parts ...string) probe.Relation {
	return probe.Relation{Conn: "wh", Table: probe.List(parts...)}
}

func ask(t *testing.T, source *warehouse.Source, qs ...probe.Question) []probe.Answer {
	t.Helper()
	return source.Ask(t.Context(), time.Now(), qs)
}

func classOf(err error) probe.Class {
	if e, ok := errors.AsType[*probe.Error](err); ok {
		return e.Class
	}
	return ""
}

// busy counts the statements of pipewatch that the server is executing.
const busy = "select count(*) from pg_stat_activity where application_name = 'pipewatch' and state = 'active' and datname = current_database()"

// eventually asks until the server says so, for at most 20 seconds.
func eventually(t *testing.T, database, sql, want string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for value(t, database, sql) != want {
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s, want %s", sql, value(t, database, sql), want)
		}
	}
}

// slow takes longer than any test waits, without a function that is refused.
const slow = "select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b where a % 7 = b"

func TestAStatementThatTakesTooLongIsEndedByTheServerAndSpoilsNoOther(t *testing.T) {
	name := fresh(t, "create table t (i int)")
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: 300 * time.Millisecond, FreeSQL: true, Now: time.Now})
	answers := ask(t, source, probe.Rows{Of: rel("t")}, probe.Scalar{Conn: "wh", SQL: slow}, probe.Scalar{Conn: "wh", SQL: "select 1"})
	if answers[0].Value != int64(0) || answers[2].Value != (probe.ScalarValue{Number: 1}) {
		t.Errorf("the others: %+v", answers)
	}
	if classOf(answers[1].Err) != probe.Timeout || !strings.Contains(answers[1].Err.Error(), "statement timeout") {
		t.Errorf("got %v, %v", answers[1].Value, answers[1].Err)
	}
	eventually(t, name, busy, "0")
}

func TestACancelledRunLeavesNothingRunningOnTheServer(t *testing.T) {
	name := fresh(t)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	var qs []probe.Question
	for i := range 40 {
		qs = append(qs, probe.Scalar{Conn: "wh", SQL: fmt.Sprintf("%s and b <> -%d", slow, i)})
	}
	done := make(chan []probe.Answer)
	go func() { done <- source.Ask(ctx, time.Now(), qs) }()
	eventually(t, name, "select ("+busy+") > 0", "t")
	cancel()
	for i, a := range <-done {
		if classOf(a.Err) != probe.Timeout {
			t.Errorf("question %d: %v, %v", i, a.Value, a.Err)
		}
	}
	eventually(t, name, busy, "0")
	if a := ask(t, source, probe.Scalar{Conn: "wh", SQL: "select 1"})[0]; a.Err != nil {
		t.Errorf("the next run: %v", a.Err)
	}
}

func TestAConnectionThatIsLostIsOpenedAgain(t *testing.T) {
	name := fresh(t, "create table t (i int)")
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: time.Minute, FreeSQL: true})
	done := make(chan []probe.Answer)
	go func() {
		done <- source.Ask(t.Context(), time.Now(), []probe.Question{probe.Scalar{Conn: "wh", SQL: slow}})
	}()
	eventually(t, name, "select count(*) from pg_stat_activity where query like '%generate_series(1, 100000000)%' and state = 'active' and application_name = 'pipewatch' and backend_type = 'client backend'", "1")
	kill := "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'pipewatch' and datname = current_database() and backend_type = 'client backend'"
	value(t, name, kill)
	if a := (<-done)[0]; classOf(a.Err) != probe.Connection {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
	if a := ask(t, source, probe.Rows{Of: rel("t")})[0]; a.Err != nil {
		t.Errorf("the next run: %v", a.Err)
	}
}

func TestAThousandTablesAreFewRoundTripsAndOneMissingTableSpoilsItsOwnQuestion(t *testing.T) {
	setup := []string{"do $$ begin for n in 1..300 loop execute format('create table t%s (id int, ts timestamptz)', n); end loop; end $$", "create view broken as select id, 1 / id as inverse from t1", "insert into t1 values (0, now())"}
	name := fresh(t, setup...)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	var qs []probe.Question
	for n := 1; n <= 301; n++ {
		table := rel(fmt.Sprintf("t%d", n))
		qs = append(qs, probe.Rows{Of: table}, probe.Watermark{Of: table, Column: probe.TimeColumn{Name: "ts"}}, probe.BadRows{Of: table, Rule: probe.Nulls, Columns: probe.List("id")})
	}
	qs = append(qs, probe.Rows{Of: rel("broken")}, probe.BadRows{Of: rel("broken"), Rule: probe.OutOfRange, Columns: probe.List("inverse"), Max: "1"})
	statements := map[string]bool{}
	for i, a := range ask(t, source, qs...) {
		gone := i >= 900 && i < 903
		switch {
		case gone && classOf(a.Err) != probe.NoTable:
			t.Errorf("the absent table: %v, %v", a.Value, a.Err)
		case i == len(qs)-1 && classOf(a.Err) != probe.Statement:
			t.Errorf("the broken column: %v, %v", a.Value, a.Err)
		case !gone && i < len(qs)-1 && a.Err != nil:
			t.Errorf("%#v: %v", qs[i], a.Err)
		}
		if !gone && i < 900 {
			statements[a.Statement] = true
		}
	}
	if len(statements) != 300 {
		t.Errorf("%d statements for 300 tables", len(statements))
	}
	if n := value(t, name, "select count(*) from pg_stat_activity where application_name = 'pipewatch' and datname = current_database()"); n != "4" {
		t.Errorf("%s connections, want 4", n)
	}
}

func TestARoleWithoutRightsIsToldSoAndReadsTheRest(t *testing.T) {
	name := fresh(t, "create table open (i int)", "create table closed (i int)", "create schema hidden", "create table hidden.t (i int)",
		"drop role if exists reader", "create role reader login", "grant select on open to reader")
	source := open(t, dsn("reader", name), warehouse.Limits{})
	answers := ask(t, source, probe.Rows{Of: rel("open")}, probe.Rows{Of: rel("closed")}, probe.Rows{Of: rel("hidden", "t")})
	if answers[0].Err != nil || classOf(answers[1].Err) != probe.Refused || classOf(answers[2].Err) != probe.Refused || !strings.Contains(answers[1].Err.Error(), "permission denied for table closed") {
		t.Errorf("got %+v", answers)
	}
}

func TestALockedTableIsATimeoutOfItsOwn(t *testing.T) {
	name := fresh(t, "create table t (i int)", "create table u (i int)")
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: 200 * time.Millisecond, FreeSQL: true})
	release := lock(t, name, "lock table t")
	defer release()
	answers := ask(t, source, probe.Rows{Of: rel("t")}, probe.Rows{Of: rel("u")})
	if classOf(answers[0].Err) != probe.Timeout || answers[1].Err != nil {
		t.Errorf("got %+v", answers)
	}
}

func TestInfiniteTimesSetNoWatermark(t *testing.T) {
	name := fresh(t, "create table z as select unnest(array['infinity', '-infinity', '2013-01-01 00:00:00+00']::timestamptz[]) as ts", "create table n as select ts::timestamp as ts from z", "create table d as select ts::date as ts from z")
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	at := probe.At(time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC))
	for _, table := range []string{"z", "n", "d"} {
		for _, horizon := range []probe.Instant{0, probe.At(time.Date(2013, 6, 15, 0, 0, 0, 0, time.UTC))} {
			m, err := probe.Value[probe.Mark](ask(t, source, probe.Watermark{Of: rel(table), Column: probe.TimeColumn{Name: "ts"}, Horizon: horizon})[0])
			if err != nil || m.Max != at || m.Timed != 3 {
				t.Errorf("%s, horizon %d: %+v, %v", table, horizon, m, err)
			}
		}
		b, err := probe.Value[probe.BucketRows](ask(t, source, probe.Buckets{Of: rel(table), By: probe.TimeColumn{Name: "ts"}, Per: probe.Day})[0])
		if err != nil || len(b.Buckets) != 1 || b.First != at {
			t.Errorf("%s: %+v, %v", table, b, err)
		}
	}
}

func TestValuesOfEveryTypeHaveSoundDigests(t *testing.T) {
	pairs := [][3]string{
		{"int", "null", "0"}, {"smallint", "1", "2"}, {"bigint", "1", "4294967296"}, {"bigint", "0", "-1"}, {"numeric", "0.1", "0.10000000000000000001"}, {"numeric", "'NaN'", "null"},
		{"real", "1", "2"}, {"double precision", "0.1", "0.10000000000000002"}, {"text", "''", "null"}, {"text", "'a'", "'A'"}, {"varchar(9)", "'a'", "'a '"}, {"char(9)", "'a'", "'b'"}, {"name", "'a'", "'b'"},
		{`text collate "nocase"`, "'a'", "'A'"}, {"mood", "'sad'", "'happy'"}, {"posint", "1", "2"}, {"boolean", "true", "false"}, {"boolean", "false", "null"}, {"date", "'2013-01-01'", "'2013-01-02'"},
		{"date", "'infinity'", "'-infinity'"}, {"date", "'infinity'", "null"}, {"date", "'5874897-12-31'", "'5874897-12-30'"}, {"timestamp", "'2013-01-01 00:00:00.000001'", "'2013-01-01 00:00:00.000002'"},
		{"timestamptz", "'2013-01-01 00:00:00+00'", "'2013-01-01 00:00:00+01'"}, {"timestamptz", "'infinity'", "null"}, {"time", "'10:00:00'", "'10:00:01'"}, {"interval", "'1 month'", "'30 days'"},
		{"bytea", `'\x00ff'`, `'\x00fe'`}, {"json", `'{"a": 1}'`, `'{"a": 2}'`}, {"jsonb", `'{"a": null}'`, "'{}'"}, {"uuid", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"},
		{"int[]", "'{}'", "null"}, {"int[]", "'{null}'", "'{}'"}, {"text[]", `'{null}'`, `'{"null"}'`}, {"text[]", `'{"a,b"}'`, "'{a,b}'"}, {"int4range", "'[1,3)'", "'[1,4)'"}, {"inet", "'10.0.0.1/8'", "'10.0.0.1'"},
		{"money", "1", "2"}, {"bit(3)", "'101'", "'100'"}, {"xml", "'<a/>'", "'<b/>'"}, {"point", "'(1,2)'", "'(2,1)'"}, {"tsvector", "'a'", "'b'"},
	}
	setup := []string{"create type mood as enum ('sad', 'happy')", "create domain posint as int check (value > 0)", `create collation "nocase" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`}
	for i, p := range pairs {
		for side := range 2 {
			setup = append(setup, fmt.Sprintf("create table t%d_%d (v %s)", i, side, p[0]), fmt.Sprintf("insert into t%d_%d values (%s)", i, side, p[1+side]))
		}
	}
	source := open(t, dsn("postgres", fresh(t, setup...)), warehouse.Limits{})
	for i, p := range pairs {
		var values [2]string
		for side := range values {
			d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("t%d_%d", i, side))})[0])
			if err != nil {
				t.Errorf("%v: %v", p, err)
			}
			values[side] = d.Value
		}
		if values[0] == values[1] {
			t.Errorf("%s and %s as %s have the same version", p[1], p[2], p[0])
		}
	}
}

func TestOddTypesAreComparedByTheirText(t *testing.T) {
	name := fresh(t, "create type mood as enum ('sad', 'happy')", "create table t (m mood, u uuid, j json, a int[], c char(5), d numeric)", `create table words (w text)`, "insert into words values ('sad')",
		`insert into t values ('sad', '00000000-0000-0000-0000-000000000001', '{"a": 1}', '{1,2}', 'x', 1.00)`)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	for column, item := range map[string]string{"m": `"sad"`, "u": `"00000000-0000-0000-0000-000000000001"`, "j": `"{\"a\": 1}"`, "a": `"{1,2}"`, "c": `"x"`, "d": "1"} {
		b, err := probe.Value[probe.Bad](ask(t, source, probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List(column), Accepted: probe.List(item)})[0])
		if err != nil || b != (probe.Bad{Rows: 1}) {
			t.Errorf("%s: %+v, %v", column, b, err)
		}
	}
	b, err := probe.Value[probe.Bad](ask(t, source, probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List("m"), Accepted: probe.List(`"no such mood"`)})[0])
	if err != nil || b.Bad != 1 {
		t.Errorf("a word that the enum does not have: %+v, %v", b, err)
	}
	c, err := probe.Value[probe.Covered](ask(t, source, probe.Coverage{Child: rel("t"), Keys: probe.List("m"), Parent: rel("words"), ParentKeys: probe.List("w")})[0])
	if err != nil || c.Matched != 1 {
		t.Errorf("an enum joins text: %+v, %v", c, err)
	}
}

func TestAServerThatIsAwayIsAnAnswerWithoutThePassword(t *testing.T) {
	servertest.Need(t, "postgres", serverErr)
	source := open(t, "postgres://someone:hunter2hunter2@127.0.0.1:1/db?sslmode=disable", warehouse.Limits{})
	a := ask(t, source, probe.Rows{Of: rel("t")})[0]
	if classOf(a.Err) != probe.Connection || strings.Contains(a.Err.Error(), "hunter2") || !strings.Contains(a.Err.Error(), "127.0.0.1:1") {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
	if _, err := postgres.Open(postgres.Options{DSN: "postgres://u:hunter2hunter2@h:port/db"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a dsn that cannot be read: %v", err)
	}
}

// Names are found as they are, whatever is in them.
func TestATableOfAnyNameIsFound(t *testing.T) {
	var setup []string
	names := []string{`it's`, `"quoted"`, `back\slash`, `{a,b}`, `null`, `NULL`, ` a b `, `日本`, `new
line`}
	for i, n := range names {
		setup = append(setup, fmt.Sprintf("create table \"%s\" as select generate_series(1, %d) as i", strings.ReplaceAll(n, `"`, `""`), i))
	}
	source := open(t, dsn("postgres", fresh(t, setup...)), warehouse.Limits{})
	for i, n := range names {
		if a := ask(t, source, probe.Rows{Of: rel("public", n)})[0]; a.Value != int64(i) || a.Err != nil {
			t.Errorf("%q has %v rows, %v", n, a.Value, a.Err)
		}
	}
	if a := ask(t, source, probe.Rows{Of: rel("public", `{"a"}`)})[0]; classOf(a.Err) != probe.NoTable {
		t.Errorf("a table that is not there: %v, %v", a.Value, a.Err)
	}
}
