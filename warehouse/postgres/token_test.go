package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

// counted lets a session tell the server at once what it wrote, which it would do by
// itself within a minute.
const counted = "select pg_stat_force_next_flush()"

// write runs statements in one session.
func write(t *testing.T, database string, statements ...string) {
	t.Helper()
	admin(t, database, append(statements, counted)...)
}

// digest asks for a version unless the table has the token still.
func digest(t *testing.T, source *warehouse.Source, q probe.Digest) probe.Digests {
	t.Helper()
	d, err := probe.Value[probe.Digests](ask(t, source, q)[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestATableThatWasNotWrittenIsNotRead(t *testing.T) {
	setup := []string{"create table t (id int, v text)", "insert into t values (1, 'a'), (2, 'b')"}
	for _, c := range []struct {
		name   string
		setup  []string
		of     string
		after  string // what happens to it
		read   bool   // whether it is read again
		differ bool   // whether its version is another
	}{
		{name: "nothing at all", of: "t"},
		{name: "another table is written", setup: []string{"create table u (id int)"}, of: "t", after: "insert into u values (1)"},
		{name: "it is read by others", of: "t", after: "select * from t"},
		{name: "it is analyzed and vacuumed", of: "t", after: "vacuum analyze t"},
		{name: "a row comes", of: "t", after: "insert into t values (3, 'c')", read: true, differ: true},
		{name: "a row goes", of: "t", after: "delete from t where id = 1", read: true, differ: true},
		{name: "a row changes", of: "t", after: "update t set v = 'z' where id = 1", read: true, differ: true},
		{name: "rows exchange values", of: "t", after: "update t set v = case id when 1 then 'b' else 'a' end", read: true, differ: true},
		{name: "it is emptied", of: "t", after: "truncate t", read: true, differ: true},
		{name: "it is made anew with as many writes", of: "t", after: "drop table t; create table t (id int, v text); insert into t values (1, 'a'), (2, 'c')", read: true, differ: true},
		{name: "a column comes", of: "t", after: "alter table t add w int", read: true, differ: true},
		{name: "a column goes", of: "t", after: "alter table t drop v", read: true, differ: true},
		{name: "a column has another name", of: "t", after: "alter table t rename v to w", read: true, differ: true},
		{name: "a column has another type", of: "t", after: "alter table t alter id type bigint", read: true, differ: true},
		{name: "a write that is rolled back is looked after", of: "t", after: "begin; insert into t values (3, 'c'); rollback", read: true},
		{name: "so is a write of what is there already", of: "t", after: "update t set v = v", read: true},
		{name: "so is another file of the same rows", of: "t", after: "vacuum full t", read: true},
		{name: "a bulk load", of: "t", after: "copy t from program 'printf \"3\\tc\\n\"'", read: true, differ: true},
		{name: "a materialized view is refreshed", setup: []string{"create materialized view m as select * from t"}, of: "m",
			after: "insert into t values (3, 'c'); refresh materialized view m", read: true, differ: true},
		{name: "a materialized view is not", setup: []string{"create materialized view m as select * from t"}, of: "m", after: "insert into t values (3, 'c')"},
		{name: "a partition of it is written", setup: partitioned, of: "p", after: "insert into p values (15)", read: true, differ: true},
		{name: "a partition of it goes", setup: partitioned, of: "p", after: "alter table p detach partition p2", read: true, differ: true},
		{name: "its partitions are left alone", setup: partitioned, of: "p"},
		{name: "a view is always read", setup: []string{"create view w as select * from t"}, of: "w", read: true},
		{name: "a table that others inherit from too", setup: []string{"create table heir () inherits (t)"}, of: "t", after: "insert into heir values (3, 'c')", read: true, differ: true},
		{name: "words of an enum change without a write", setup: []string{"create type mood as enum ('sad', 'ok')", "create table e as select 'sad'::mood as m"}, of: "e",
			after: "alter type mood rename value 'sad' to 'gloomy'", read: true, differ: true},
		{name: "row security decides what is seen", setup: []string{"alter table t enable row level security"}, of: "t", read: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := reused(t, slices.Concat(setup, c.setup, []string{counted})...)
			source := open(t, dsn("postgres", name), warehouse.Limits{})
			q := probe.Digest{Of: rel(c.of)}
			before := digest(t, source, q)
			if before.Unchanged || before.Value == "" {
				t.Fatalf("first sight: %+v", before)
			}
			for sql := range strings.SplitSeq(c.after, "; ") {
				if strings.HasPrefix(c.after, "begin;") {
					sql = c.after
				}
				if sql != "" {
					write(t, name, sql)
				}
			}
			q.Unless = before.Token
			after := digest(t, source, q)
			if after.Unchanged == c.read {
				t.Fatalf("read: %t, want %t (token %q, sound %t, hint %q)", !after.Unchanged, c.read, after.Token, after.Sound, after.Hint)
			}
			if c.read && (after.Value != before.Value) != c.differ {
				t.Errorf("versions %s and %s", before.Value, after.Value)
			}
		})
	}
}

var partitioned = []string{"create table p (id int) partition by range (id)", "create table p1 partition of p for values from (0) to (10)",
	"create table p2 partition of p for values from (10) to (20)", "insert into p values (5), (12)"}

// A condition may depend on the time and on other tables.
func TestATokenIsNoAnswerToACondition(t *testing.T) {
	source := open(t, dsn("postgres", fresh(t, "create table t as select 1 as id", counted)), warehouse.Limits{})
	q := probe.Digest{Of: rel("t"), Where: "id < extract(year from now())"}
	whole := digest(t, source, probe.Digest{Of: rel("t")})
	if d := digest(t, source, q); d.Token != "" || whole.Token == "" {
		t.Errorf("tokens %q with a condition and %q without", d.Token, whole.Token)
	}
	q.Unless = whole.Token
	if d := digest(t, source, q); d.Unchanged {
		t.Error("it was not read")
	}
}

// Two checks that ask for the partitions of one table, with tokens of different ages,
// cost one scan.
func TestDigestsUnlessDifferentTokensAreOneScan(t *testing.T) {
	name := fresh(t, "create table t as select 1 as id, timestamptz '2013-06-15 12:00:00+00' as ts", counted)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	q := probe.Digest{Of: rel("t"), By: probe.TimeColumn{Name: "ts"}, Per: probe.Day}
	old := q
	old.Unless = "an older one"
	a := ask(t, source, q, old)
	if a[0].Err != nil || a[1].Err != nil || a[0].Value.(probe.Digests).Value != a[1].Value.(probe.Digests).Value || a[0].Started != a[1].Started {
		t.Errorf("%+v\n%+v", a[0], a[1])
	}
	old.Unless = a[0].Value.(probe.Digests).Token
	if d := digest(t, source, old); !d.Unchanged {
		t.Errorf("%+v", d)
	}
}

func TestTheChangeTokenAsAVersion(t *testing.T) {
	name := fresh(t, "create table t as select 1 as id", "create view w as select * from t", "create foreign data wrapper dummy",
		"create server far foreign data wrapper dummy", "create foreign table f (id int) server far", "create type mood as enum ('sad', 'ok')", "create table e as select 'sad'::mood as m",
		"create table pf (id int) partition by list (id)", "create foreign table pf1 partition of pf for values in (1) server far", counted)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	native := func(table string) (probe.Digests, error) {
		return probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(table), Tier: probe.NativeTier})[0])
	}
	before, err := native("t")
	if err != nil || !before.Sound || before.Value == "" || len(before.Columns) != 1 {
		t.Fatalf("%+v, %v", before, err)
	}
	if same, err := native("t"); err != nil || same.Value != before.Value {
		t.Errorf("%+v, %v", same, err)
	}
	write(t, name, "insert into t values (2)")
	if after, err := native("t"); err != nil || after.Value == before.Value {
		t.Errorf("%+v, %v", after, err)
	}
	if hint, err := native("e"); err != nil || hint.Sound || !strings.Contains(hint.Hint, "type") {
		t.Errorf("%+v, %v", hint, err)
	}
	for table, why := range map[string]string{"w": "it is a view", "f": "foreign table", "pf": "a partition is a foreign table"} {
		if d, err := native(table); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "use of: content") {
			t.Errorf("%s: %+v, %v", table, d, err)
		}
	}
	for _, off := range []string{"alter role uncounted set track_counts = off", "alter database " + name + " set track_counts = off"} {
		admin(t, name, "drop role if exists uncounted", "create role uncounted", off)
		if d, err := native("t"); err == nil || !strings.Contains(err.Error(), "track_counts") {
			t.Errorf("%s: %+v, %v", off, d, err)
		}
		q := probe.Digest{Of: rel("t"), Unless: before.Token}
		if d := digest(t, source, q); d.Unchanged || d.Sound {
			t.Errorf("%s: %+v", off, d)
		}
		admin(t, name, "alter database "+name+" reset track_counts", "drop role uncounted")
	}
}

// Whatever a writer does while a table is read, the next look finds it: the token is
// read before the rows.
func TestNoWriteIsMissedThatComesWhileTheTableIsRead(t *testing.T) {
	name := fresh(t, "create table t as select n as id, 0 as v from generate_series(1, 2000) as n", counted)
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	q := probe.Digest{Of: rel("t")}
	seen := digest(t, source, q)
	for n := range 30 {
		written := make(chan error)
		go func() {
			conn, err := pgconn.Connect(t.Context(), dsn("postgres", name))
			if err == nil {
				_, err = conn.Exec(t.Context(), fmt.Sprintf("update t set v = v + 1 where id = %d; %s", n+1, counted)).ReadAll()
				conn.Close(t.Context()) //nolint:errcheck // the statement has been answered
			}
			written <- err
		}()
		for range 3 {
			q.Unless = seen.Token
			if d := digest(t, source, q); !d.Unchanged {
				seen = d
			}
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		write(t, name) // whatever is left to count
		q.Unless = seen.Token
		if d := digest(t, source, q); !d.Unchanged {
			seen = d
		}
		if whole := digest(t, source, probe.Digest{Of: rel("t")}); whole.Value != seen.Value {
			t.Fatalf("write %d was missed", n)
		}
	}
}

// A crash loses the counters, so that they could come to where they were with other
// rows; a standby has none.
func TestTokensOfAServerThatCrashedAndOfAStandby(t *testing.T) {
	own, err := servertest.Postgres()
	servertest.Need(t, "postgres", err)
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	address := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", own.Port)
	try := func(sql string) error {
		conn, err := pgconn.Connect(t.Context(), address)
		if err != nil {
			return err
		}
		defer conn.Close(t.Context()) //nolint:errcheck // the statements have been answered
		_, err = conn.Exec(t.Context(), sql+"; "+counted).ReadAll()
		return err
	}
	exec := func(sql string) { // again and again while the server starts
		t.Helper()
		err := try(sql)
		for n := 0; err != nil && n < 10_000; n++ {
			err = try(sql)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	exec("create table t (id int)")
	exec("insert into t values (1)")
	q := probe.Digest{Of: rel("t")}
	look := func() probe.Digests {
		t.Helper()
		return digest(t, open(t, address, warehouse.Limits{}), q)
	}
	before := look()
	q.Unless = before.Token
	if d := look(); !d.Unchanged {
		t.Fatalf("%+v", d)
	}
	conn, err := pgconn.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(int(conn.PID()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "select 1").ReadAll(); err == nil {
		t.Fatal("the session survived")
	}
	exec("insert into t values (2)") // one row since the counters were lost, as before
	if d := look(); d.Unchanged || d.Value == before.Value {
		t.Errorf("after a crash: %+v", d)
	}
	if err := own.Standby(); err != nil {
		t.Fatal(err)
	}
	if d := look(); d.Sound || d.Unchanged || !strings.Contains(d.Hint, "standby") {
		t.Errorf("on a standby: %+v", d)
	}
	q = probe.Digest{Of: rel("t"), Tier: probe.NativeTier}
	if a := ask(t, open(t, address, warehouse.Limits{}), q)[0]; a.Err == nil || !strings.Contains(a.Err.Error(), "standby") {
		t.Errorf("on a standby: %+v", a)
	}
}
