package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/mysql"
)

func rel(parts ...string) probe.Relation {
	return probe.Relation{Conn: "wh", Table: probe.List(parts...)}
}

func scalar(text string) probe.Scalar { return probe.Scalar{Conn: "wh", SQL: text} }

func classOf(err error) probe.Class {
	if e, ok := errors.AsType[*probe.Error](err); ok {
		return e.Class
	}
	return ""
}

func ask(t *testing.T, source *warehouse.Source, qs ...probe.Question) []probe.Answer {
	t.Helper()
	return source.Ask(t.Context(), time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC), qs)
}

// endless is a statement that takes an hour; the number makes it findable.
func endless(n int) string {
	return fmt.Sprintf("select count(*) + %d from seq_1_to_1000000 a, seq_1_to_1000000 b where a.seq %% 7 < b.seq %% 5", n)
}

// running waits until the server runs so many statements that hold a text; the
// second connection of the administrator is its own.
func (s *mariadb) running(t *testing.T, text string, want int) (id int64) {
	t.Helper()
	admin, err := sql.Open("mysql", "root:secret@tcp("+s.addr+")/")
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close() //nolint:errcheck // it only looks
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	for {
		var n int
		err := admin.QueryRowContext(ctx, "select count(*), coalesce(max(id), 0) from information_schema.processlist where id <> connection_id() and info like ?", "%"+text+"%").Scan(&n, &id)
		if err != nil {
			t.Fatalf("%d statements with %q, want %d: %v", n, text, want, err)
		}
		if n == want {
			return id
		}
	}
}

func TestAStatementThatIsGivenUpIsGoneOnTheServer(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t)), warehouse.Limits{MaxQueries: 1, StatementTimeout: 300 * time.Millisecond, FreeSQL: true})
	started := time.Now()
	answers := ask(t, source, scalar(endless(4711)), scalar("select 1"))
	s.running(t, "4711", 0)
	if took := time.Since(started); took > 1300*time.Millisecond {
		t.Errorf("it was gone after %s", took)
	}
	if classOf(answers[0].Err) != probe.Timeout || !strings.Contains(answers[0].Err.Error(), "statement_timeout of 300ms passed") {
		t.Errorf("got %v, %v", answers[0].Value, answers[0].Err)
	}
	if answers[1].Value != (probe.ScalarValue{Number: 1}) {
		t.Errorf("the next question: %v, %v", answers[1].Value, answers[1].Err)
	}
}

func TestACancelledRunLeavesNothingBehind(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t)), warehouse.Limits{MaxQueries: 2, FreeSQL: true})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan []probe.Answer)
	go func() {
		done <- source.Ask(ctx, time.Now(), []probe.Question{scalar(endless(815)), scalar(endless(8152))})
	}()
	s.running(t, " 815%limit 2", 2)
	cancel()
	for i, a := range <-done {
		if classOf(a.Err) != probe.Timeout {
			t.Errorf("question %d: %v, %v", i, a.Value, a.Err)
		}
	}
	s.running(t, " 815", 0)
}

// The limit of the server itself is for when nobody is left who could kill.
func TestTheServerHasALimitOfItsOwn(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t)), warehouse.Limits{MaxQueries: 1, StatementTimeout: 3 * time.Second, FreeSQL: true})
	const limit = "select cast(variable_value as decimal(9, 3)) from information_schema.session_variables where variable_name = 'MAX_STATEMENT_TIME'"
	if a := ask(t, source, scalar(limit))[0]; a.Value != (probe.ScalarValue{Number: 3.5}) {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
}

func TestAConnectionThatIsLostTakesOnlyItsOwnStatement(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t)), warehouse.Limits{MaxQueries: 1, FreeSQL: true})
	done := make(chan []probe.Answer)
	go func() { done <- ask(t, source, scalar(endless(17)), scalar("select 2")) }()
	s.exec(t, "", fmt.Sprintf("kill %d", s.running(t, " 17 from%limit 2", 1)))
	answers := <-done
	if classOf(answers[0].Err) != probe.Connection {
		t.Errorf("got %v, %v", answers[0].Value, answers[0].Err)
	}
	if answers[1].Value != (probe.ScalarValue{Number: 2}) {
		t.Errorf("the next question: %v, %v", answers[1].Value, answers[1].Err)
	}
}

func TestATableThatVanishesDuringARunSpoilsOnlyItsOwnQuestion(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table a (i int)", "create table b (i int)", "create table c (i int)")
	source := open(t, s.dsn("root", name), warehouse.Limits{MaxQueries: 1})
	conn, err := s.root.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a scratch database
	if _, err := conn.ExecContext(t.Context(), "lock tables "+name+".a write, "+name+".b write"); err != nil {
		t.Fatal(err)
	}
	done := make(chan []probe.Answer)
	go func() {
		done <- ask(t, source, probe.Rows{Of: rel("a")}, probe.Rows{Of: rel("b")}, probe.Rows{Of: rel("c")})
	}()
	s.running(t, "from `a`", 1)
	for _, statement := range []string{"drop table " + name + ".b", "unlock tables"} {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	answers := <-done
	if classOf(answers[1].Err) != probe.NoTable || !strings.Contains(answers[1].Err.Error(), name+".b") {
		t.Errorf("got %v, %v", answers[1].Value, answers[1].Err)
	}
	if answers[0].Value != int64(0) || answers[2].Value != int64(0) {
		t.Errorf("the others: %+v", answers)
	}
}

func TestAServerThatCannotBeAskedSaysWhyAndNoPassword(t *testing.T) {
	s := need(t)
	for _, c := range []struct{ name, dsn, says string }{
		{"nobody listens", "mysql://root:secret@127.0.0.1:1/x", "refused"},
		{"a wrong password", "mysql://root:geheim@" + s.addr + "/mysql", "Access denied for user 'root'"},
		{"no such database", s.dsn("root", "nowhere"), "Unknown database 'nowhere'"},
	} {
		a := ask(t, open(t, c.dsn, warehouse.Limits{}), probe.Rows{Of: rel("t")})[0]
		if classOf(a.Err) != probe.Connection || !strings.Contains(a.Err.Error(), c.says) || strings.Contains(a.Err.Error(), "secret") || strings.Contains(a.Err.Error(), "geheim") {
			t.Errorf("%s: %v, %v", c.name, a.Value, a.Err)
		}
	}
}

func TestADSNThatCannotBeReadIsNotRepeated(t *testing.T) {
	for _, dsn := range []string{"", "secret", "mysql://u:secret@:3306/d", "mysql://u:secret%zz@h/d", "postgres://u:secret@h/d", "u:secret@tcp(h:1)", "mysql://u:secret@h/d?timeout=soon"} {
		if _, err := mysql.Open(mysql.Options{DSN: dsn}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", dsn, err)
		}
	}
	for _, dsn := range []string{"mysql://u:p@h/d", "mariadb://u:p%40@h:3307/d?tls=skip-verify", "u:p@tcp(h:3306)/d", "u@unix(/run/mysqld.sock)/d"} {
		source, err := mysql.Open(mysql.Options{DSN: dsn})
		if err != nil {
			t.Errorf("%q: %v", dsn, err)
			continue
		}
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsNotGrantedIsNotThere(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table seen (i int)", "create table hidden (i int)", "create view broken as select i from hidden", "drop table hidden", "create table hidden (j int)")
	s.exec(t, name, "create or replace user 'reader'@'127.0.0.1' identified by 'secret'", "grant select on seen to 'reader'@'127.0.0.1'")
	source := open(t, s.dsn("reader", name), warehouse.Limits{})
	answers := ask(t, source, probe.Rows{Of: rel("seen")}, probe.Rows{Of: rel("hidden")}, scalar("select count(*) from hidden"))
	if answers[0].Value != int64(0) {
		t.Errorf("got %v, %v", answers[0].Value, answers[0].Err)
	}
	if classOf(answers[1].Err) != probe.NoTable || !strings.Contains(answers[1].Err.Error(), "select is not granted; there is seen") {
		t.Errorf("got %v, %v", answers[1].Value, answers[1].Err)
	}
	if classOf(answers[2].Err) != probe.Refused || !strings.Contains(answers[2].Err.Error(), "SELECT command denied") {
		t.Errorf("got %v, %v", answers[2].Value, answers[2].Err)
	}
	view := ask(t, open(t, s.dsn("root", name), warehouse.Limits{}), probe.Rows{Of: rel("broken")})[0]
	if view.Err == nil || !strings.Contains(view.Err.Error(), "invalid") {
		t.Errorf("a broken view: %v, %v", view.Value, view.Err)
	}
}

// A zone that was never loaded makes every time NULL: that must not read as an
// empty table.
func TestAZoneThatTheServerDoesNotKnowIsAnError(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t, "create table t (ts timestamp)", "insert into t values ('2013-01-01 00:00:00')")), warehouse.Limits{})
	answers := ask(t, source, probe.Watermark{Of: rel("t"), Column: probe.TimeColumn{Name: "ts", Zone: "Pacific/Chatham"}},
		probe.Watermark{Of: rel("t"), Column: probe.TimeColumn{Name: "ts", Zone: "Asia/Kolkata"}})
	if classOf(answers[0].Err) != probe.Statement || !strings.Contains(answers[0].Err.Error(), "Pacific/Chatham") {
		t.Errorf("got %v, %v", answers[0].Value, answers[0].Err)
	}
	if answers[1].Err != nil {
		t.Error(answers[1].Err)
	}
}

func TestADateOfZeroIsNever(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t, "set sql_mode = ''", "create table z (d date, n datetime, m timestamp null)",
		"insert into z values ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00')", "insert into z values ('2013-01-01', '2013-01-01 00:00:00', '2013-01-01 00:00:00')",
		"set sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'")), warehouse.Limits{})
	for _, column := range []string{"d", "n", "m"} {
		m, err := probe.Value[probe.Mark](ask(t, source, probe.Watermark{Of: rel("z"), Column: probe.TimeColumn{Name: column}})[0])
		if want := probe.At(time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || m.Max != want {
			t.Errorf("%s: %+v, %v", column, m, err)
		}
		b, err := probe.Value[probe.BucketRows](ask(t, source, probe.Buckets{Of: rel("z"), By: probe.TimeColumn{Name: column}, Per: probe.Day})[0])
		if err != nil || len(b.Buckets) != 1 {
			t.Errorf("%s: %+v, %v", column, b, err)
		}
	}
}

// The collations of this engine take many words for the same; a list of accepted
// ones is meant as it is written, as on every engine.
func TestAcceptedWordsAreMeantAsWritten(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t, "create table t (w varchar(20), l varchar(20) character set latin1, e enum('paid', 'Open'))",
		`insert into t values ('paid', 'é', 'paid'), ('Paid', 'e', 'Open'), ('paid ', 'é', null), ('a\\b', 'é', null)`)), warehouse.Limits{})
	for _, c := range []struct {
		column   string
		accepted []string
		bad      int64
	}{{"w", []string{`"paid"`}, 3}, {"w", []string{`"paid"`, `"Paid"`, `"paid "`, `"a\\b"`}, 0}, {"l", []string{`"é"`}, 1}, {"e", []string{`"open"`, `"paid"`}, 1}} {
		a := ask(t, source, probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List(c.column), Accepted: probe.List(c.accepted...)})[0]
		if a.Value != (probe.Bad{Bad: c.bad, Rows: 4}) {
			t.Errorf("%s of %v: %v, %v", c.column, c.accepted, a.Value, a.Err)
		}
	}
}

func TestTheColumnsOfEveryType(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t, `create table t (i int not null, u bigint unsigned, y year, b boolean, d decimal(10,2), f float, g double, c char(3), v varchar(5),
		x text, e enum('a'), s set('a', 'b'), day date, n datetime(6), m timestamp(6) null, tm time, j json, bin varbinary(5), bl blob, bt bit(3), id uuid, ip inet6, geo point)`)), warehouse.Limits{})
	classes := func(q probe.Relation) map[string]probe.TypeClass {
		columns, err := probe.Value[[]probe.Column](ask(t, source, probe.Columns{Of: q})[0])
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]probe.TypeClass)
		for _, c := range columns {
			got[c.Name] = c.Class
			if c.Nullable != (c.Name != "i") {
				t.Errorf("%s is nullable: %t", c.Name, c.Nullable)
			}
		}
		return got
	}
	want := map[string]probe.TypeClass{"i": probe.Integer, "u": probe.Integer, "y": probe.Integer, "b": probe.Boolean, "d": probe.Decimal, "f": probe.Float, "g": probe.Float,
		"c": probe.Text, "v": probe.Text, "x": probe.Text, "e": probe.Text, "s": probe.Text, "day": probe.Date, "n": probe.Naive, "m": probe.Zoned, "tm": probe.Other,
		"j": probe.Text, "bin": probe.Other, "bl": probe.Other, "bt": probe.Other, "id": probe.Other, "ip": probe.Other, "geo": probe.Other}
	if diff := cmp.Diff(want, classes(rel("t"))); diff != "" {
		t.Error(diff)
	}
	// The columns of a query are known by what the server sends of them.
	want["b"] = probe.Integer
	got := classes(probe.Relation{Conn: "wh", Query: "select i, u, y, b, d, f, g, c, v, x, e, s, day, n, m, tm, bin, bl, bt, geo from t"})
	for _, gone := range []string{"j", "id", "ip"} {
		delete(want, gone)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("of a query: %s", diff)
	}
}

func TestNumbersOfEverySize(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t)), warehouse.Limits{})
	for text, want := range map[string]float64{
		"select 18446744073709551615": 18446744073709551615, "select -9223372036854775808": -9223372036854775808, "select 1.50": 1.5, "select 1e300": 1e300,
		"select sum(seq) from seq_1_to_10": 55, "select avg(seq) from seq_1_to_2": 1.5, "select year(date'2013-01-01')": 2013, "select 2 > 1": 1, "select true": 1,
		"select 99999999999999999999999999999999999999": 1e38,
	} {
		if a := ask(t, source, scalar(text))[0]; a.Value != (probe.ScalarValue{Number: want}) {
			t.Errorf("%s: %v, %v", text, a.Value, a.Err)
		}
	}
}

func TestKeysGoByTheirCollation(t *testing.T) {
	s := need(t)
	source := open(t, s.dsn("root", s.fresh(t, "create table c (k varchar(9), l varchar(9) character set latin1, g varchar(9) collate utf8mb4_general_ci, id uuid)",
		"create table p (k varchar(9), u varchar(9) collate utf8mb4_unicode_ci, id uuid)",
		"insert into c values ('A', 'é', 'a', '00000000-0000-0000-0000-000000000001'), ('b', 'b', 'b', null)", "insert into p values ('a', 'a', '00000000-0000-0000-0000-000000000001'), ('é', 'b', null)")), warehouse.Limits{})
	on := func(left, right string) probe.Coverage {
		return probe.Coverage{Child: rel("c"), Keys: probe.List(left), Parent: rel("p"), ParentKeys: probe.List(right), KeySample: 10}
	}
	for _, c := range []struct {
		left, right string
		matched     int64
		orphans     int
	}{{"k", "k", 1, 1}, {"l", "k", 1, 1}, {"id", "id", 1, 0}} {
		j, err := probe.Value[probe.Covered](ask(t, source, on(c.left, c.right))[0])
		if err != nil || j.Matched != c.matched || len(j.OrphanHashes) != c.orphans {
			t.Errorf("%s with %s: %+v, %v", c.left, c.right, j, err)
		}
	}
	if a := ask(t, source, on("g", "u"))[0]; classOf(a.Err) != probe.Statement || !strings.Contains(a.Err.Error(), "Illegal mix of collations") {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
	accepted := probe.BadRows{Of: rel("c"), Rule: probe.Unexpected, Columns: probe.List("id"), Accepted: probe.List(`"00000000-0000-0000-0000-000000000001"`)}
	if a := ask(t, source, accepted)[0]; a.Value != (probe.Bad{Rows: 2}) {
		t.Errorf("a UUID: %v, %v", a.Value, a.Err)
	}
}

// Servers on Windows and macOS do not tell the case of names apart; this one does.
func TestNamesOfTablesAndTheirDatabases(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table Orders (Id int)", "insert into Orders values (1)")
	source := open(t, s.dsn("root", name), warehouse.Limits{})
	answers := ask(t, source, probe.Rows{Of: rel("Orders")}, probe.Rows{Of: rel(name, "Orders")}, probe.Rows{Of: rel("orders")}, probe.Rows{Of: rel("a", "b", "c")},
		probe.BadRows{Of: rel("Orders"), Rule: probe.Nulls, Columns: probe.List("id")})
	if answers[0].Value != int64(1) || answers[1].Value != int64(1) || answers[4].Value != (probe.Bad{Rows: 1}) {
		t.Errorf("got %+v", answers)
	}
	if classOf(answers[2].Err) != probe.NoTable || !strings.Contains(answers[2].Err.Error(), `did you mean "Orders"?`) {
		t.Errorf("another case: %v", answers[2].Err)
	}
	if classOf(answers[3].Err) != probe.NoTable || !strings.Contains(answers[3].Err.Error(), "database.table") {
		t.Errorf("three parts: %v", answers[3].Err)
	}
	nowhere := open(t, s.dsn("root", ""), warehouse.Limits{})
	if a := ask(t, nowhere, probe.Rows{Of: rel("Orders")}, probe.Rows{Of: rel(name, "Orders")}); classOf(a[0].Err) != probe.NoTable || !strings.Contains(a[0].Err.Error(), "names no database") || a[1].Value != int64(1) {
		t.Errorf("without a database: %+v", a)
	}
}
