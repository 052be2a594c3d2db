package postgres_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// attacks are what a person with a DAG file could try against a server whose
// connection is a superuser's.
var attacks = []string{
	// More than one statement, or something else than a SELECT.
	"select 1; drop table t", "select 1; select 2", "; select 1; select 2", "set transaction_read_only = off; insert into t values (2)", "commit; insert into t values (2)",
	"commit", "begin", "begin read write", "rollback", "set transaction read write", "set default_transaction_read_only = off", "set statement_timeout = 0", "reset all", "discard all",
	"set session authorization postgres", "set role postgres", "drop table t", "delete from t", "delete from t returning i", "insert into t values (2)", "insert into t values (2) returning i",
	"update t set i = 2", "truncate t", "merge into t using t s on t.i = s.i when matched then delete", "create table u as select 1", "create temp table u as select 1", "select 1 into u",
	"select i into u from t", "create or replace view v as select 2", "alter table t add column j int", "vacuum", "analyze t", "checkpoint", "lock table t", "explain analyze select 1",
	"call p()", "do $$ begin insert into t values (2); end $$", "prepare x as select 1", "execute x", "deallocate all", "declare c cursor for select 1", "fetch c", "listen x", "notify x",
	"load 'x'", "show data_directory", "refresh materialized view m", "reindex table t", "cluster t", "comment on table t is 'x'", "grant all on t to public", "alter system set fsync = off",
	"copy t to '/tmp/pipewatch_attack'", "copy t from program 'id'", "copy (select 1) to program 'id'",
	"with x as (insert into t values (2) returning i) select count(*) from x", "with x as (delete from t returning 1) select count(*) from x", "with x as (select 1) delete from t",
	"select * from (with x as (delete from t returning 1) select * from x) y",
	// Functions that leave a trace, wait, lock, read files or run text.
	"select set_config('default_transaction_read_only', 'off', false)", "select SET_CONFIG ('statement_timeout', '0', false)", "select pg_catalog.set_config('statement_timeout', '0', false)",
	`select "set_config"('statement_timeout', '0', false)`, "select set_config/**/('statement_timeout', '0', false)", "select set_config -- x\n('statement_timeout', '0', false)",
	`select U&"\0073et_config"('statement_timeout', '0', false)`, `select pg_catalog."set_config" /* " */ ('statement_timeout', '0', false)`,
	"select '\"' || set_config('statement_timeout', '0', false) || '\" ('", "select $$ '$$ || set_config('statement_timeout', '0', false) || $$' $$",
	"select nextval('seq')", "select setval('seq', 100)", "select lo_create(0)", "select lo_from_bytea(0, 'x')", "select lo_import('/etc/passwd')", "select lo_export(1, '/tmp/pipewatch_attack')",
	"select pg_sleep(100)", "select pg_advisory_lock(1)", "select pg_try_advisory_lock(1)", "select pg_terminate_backend(pg_backend_pid())", "select pg_cancel_backend(1)", "select pg_notify('x', 'y')",
	"select pg_read_file('/etc/passwd')", "select pg_ls_dir('/')", "select pg_stat_file('/etc/passwd')", "select pg_reload_conf()", "select pg_switch_wal()", "select pg_stat_reset()",
	"select pg_logical_emit_message(false, 'x', 'y')", "select query_to_xml('select 1', true, false, '')", "select table_to_xml('t', true, false, '')", "select count(*) from ts_stat('select to_tsvector(''x'')')",
	"select current_setting('data_directory')", "select write_row()", "select * from write_row()", "select i from t where i in (select write_row())", "select 1 order by write_row()",
	// Locks, parentheses, comments, quotes and parameters.
	"select i from t for update", "select i from t for share", "select 1) as q; drop table t; select * from (select 1", "select 1) as q union all select * from (select 2", "select 1 /*", "select '", `select "`,
	"select $x$", "select $1", "select 1 -- ;\n; drop table t", "select E'\\'; drop table t; --", "", ";", "--", "/* */", "select",
}

// conditions are more of them, for where.
var conditions = []string{
	"1 = 1; drop table t", "1 = 1) or (1 = 1", "1 = 1) union select (1", "1 = 1 union select 2", "1 = 1 group by i", "1 = 1 limit 1", "1 = 1 /* ", "i from t where 1 = 1", "i as j", "*", "i, i",
	"1 = 1 then 1 when 2 = 2", "1 = 1 then 1 end, case when 1 = 1", "1 = 1 for update", "pg_sleep(100) is null", "i in (select nextval('seq'))", "(select 1; drop table t)", "write_row() = 1",
	"1 = 1 -- \n; drop table t", "$1", "exists (select set_config('statement_timeout', '0', false))", "i into u", "1 = 1 window w as ()", "true else",
}

var playground = []string{
	"create table t (i int)", "insert into t values (1)", "create sequence seq", "create view v as select i from t", "create materialized view m as select 1 as i",
	"create function write_row() returns int language plpgsql as $$ begin insert into t values (2); return 1; end $$",
	// Lies to the server about itself, as a person without care might: only the read-only session stands before it.
	"create function sneaky() returns int language plpgsql stable as $$ begin return (select count(*) from set_config('default_transaction_read_only', 'off', false)); end $$",
	"create view writes as select write_row() as i", "create procedure p() language sql as $$ insert into t values (2) $$",
}

func TestNoTextOfAPersonChangesAnything(t *testing.T) {
	name := fresh(t, playground...)
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 4, StatementTimeout: 2 * time.Second, FreeSQL: true, Now: time.Now})
	state := "select (select string_agg(i::text, ',') from t) || (select last_value || is_called::text from seq) || (select count(*) from pg_class) || (select count(*) from pg_largeobject_metadata)"
	before := value(t, name, state)
	relation := rel("t")
	var qs []probe.Question
	for _, attack := range attacks {
		qs = append(qs, probe.Scalar{Conn: "wh", SQL: attack}, probe.LastRuns{Conn: "wh", Job: "j", SQL: attack + "\n"})
		if attack != "" { // without a query there would be no relation
			qs = append(qs, probe.Rows{Of: probe.Relation{Conn: "wh", Query: attack + " "}})
		}
	}
	for _, condition := range conditions {
		qs = append(qs, probe.Rows{Of: relation, Where: condition}, probe.Coverage{Child: relation, Keys: probe.List("i"), Parent: relation, ParentKeys: probe.List("i"), Where: condition})
	}
	started := time.Now()
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		e, ok := errors.AsType[*probe.Error](a.Err)
		if !ok || !slices.Contains([]probe.Class{probe.Refused, probe.Statement, probe.NoTable, probe.NoColumn}, e.Class) {
			t.Errorf("%#v was answered with %v, %v", qs[i], a.Value, a.Err)
		}
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("the attacks took %s", took)
	}
	// What stands behind the vetting: a view that writes, and a function that opens the session.
	if a := ask(t, source, probe.BadRows{Of: rel("writes"), Rule: probe.Nulls, Columns: probe.List("i")})[0]; classOf(a.Err) != probe.Refused {
		t.Errorf("a view that writes: %v, %v", a.Value, a.Err)
	}
	for range 8 {
		ask(t, source, probe.Scalar{Conn: "wh", SQL: "select sneaky()"})
		if a := ask(t, source, probe.BadRows{Of: rel("writes"), Rule: probe.Nulls, Columns: probe.List("i")})[0]; classOf(a.Err) != probe.Refused {
			t.Errorf("a view that writes, after a session was opened: %v, %v", a.Value, a.Err)
		}
	}
	if after := value(t, name, state); after != before {
		t.Errorf("the database was %s and is %s", before, after)
	}
	if n := value(t, name, "select count(*) from pg_locks where locktype = 'advisory'"); n != "0" {
		t.Errorf("%s advisory locks are held", n)
	}
	if n := value(t, name, "select count(*) from pg_stat_activity where application_name = 'pipewatch' and datname = current_database()"); n > "4" {
		t.Errorf("%s connections", n)
	}
	for sql, want := range map[string]float64{
		"select count(*) from t": 1, "select sum(i) from v": 1, "select count(*) from generate_series(1, 3)": 3, "select count(*) from t where random() >= 0": 1,
		"with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select sum(n) from r": 15, "values (7)": 7, "select length('set_config')": 10, "(select 1)": 1,
	} {
		if v, err := probe.Value[probe.ScalarValue](ask(t, source, probe.Scalar{Conn: "wh", SQL: sql})[0]); err != nil || v.Number != want {
			t.Errorf("%s: %v, %v; want %v", sql, v, err, want)
		}
	}
}
