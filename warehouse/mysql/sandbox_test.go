package mysql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// attacks are what a person with a DAG file could try against a server whose
// connection has every right there is.
var attacks = []string{
	// More than one statement, or something else than a SELECT.
	"select 1; drop table t", "select 1; select 2", "; select 1; select 2", "commit", "begin", "rollback", "start transaction read write", "set session transaction read write",
	"set autocommit = 0", "set session max_statement_time = 0", "set statement max_statement_time = 0 for select 1", "drop table t", "delete from t", "delete from t returning i",
	"insert into t values (2)", "insert into t values (2) returning i", "replace into t values (2)", "update t set i = 2", "truncate t", "create table u as select 1",
	"create temporary table u as select 1", "create or replace view v as select 2", "alter table t add column j int", "rename table t to u", "analyze table t", "optimize table t",
	"lock tables t write", "flush tables", "explain select 1", "describe t", "show tables", "show processlist", "call p()", "do sleep(1)", "handler t open", "kill 1", "shutdown", "use mysql",
	"prepare p from 'select 1'", "execute immediate 'drop table t'", "grant all on *.* to x", "install soname 'x'", "load data infile '/etc/passwd' into table t", "table t", "values (1)",
	"begin not atomic drop table t; end", "xa start 'x'",
	// Files and variables.
	"select 1 into outfile 'pipewatch_attack'", "select 1 into dumpfile 'pipewatch_attack'", "select i from t into outfile 'pipewatch_attack'", "select 1 into @x",
	"select load_file('/etc/passwd')", "select length(LOAD_FILE ('/etc/passwd'))", "select @x := 1", "select @@datadir", "select @@global.secure_file_priv", "select `load_file`('/etc/passwd')",
	// Locks, waiting, and functions that leave a trace.
	"select sleep(100)", "select benchmark(1000000000, md5('x'))", "select get_lock('x', 100)", "select release_all_locks()", "select i from t for update", "select i from t lock in share mode",
	"select * from (select i from t for update) as x", "select nextval(seq)", "select next value for seq", "select setval(seq, 100)", "select last_insert_id(5)", "select write_row()",
	"select i from t procedure analyse()", "with x as (select 1) select sleep(100) from x", "with x as (select 1) delete from t", "select i from t where i in (select sleep(10))",
	// Comments that run, hints, parentheses, quotes and parameters.
	"select 1 /*! into outfile 'pipewatch_attack' */", "select 1 /*!50000 , sleep(100) */", "select 1 /*M! , sleep(100) */", "select /*+ set_var(max_execution_time = 0) */ 1",
	"select 1 -- ;\n; drop table t", "select 1 # ;\n; drop table t", "select 1 /* ; */; drop table t /* */", "select 1) as q; drop table t; select * from (select 1",
	"select 1) as q union all select * from (select 2", "select 1 /*", "select '", "select \"", "select `", "select ?", "select 'a\\'; drop table t; -- '; drop table t", "", ";", "--", "#", "/* */",
	// Tables of the server itself.
	"select count(*) from mysql.user", "select count(*) from `mysql`.`global_priv`", "select count(*) from MySQL . user", "select count(*) from performance_schema.threads", "select count(*) from sys.version",
}

// conditions are more of them, for where.
var conditions = []string{
	"1 = 1; drop table t", "1 = 1) or (1 = 1", "1 = 1) union select count(*) from t where (1 = 1", "1 = 1 union select 2", "1 = 1 group by i", "1 = 1 limit 1", "1 = 1 into outfile 'pipewatch_attack'",
	"1 = 1 /* ", "i from t where 1 = 1", "i as j", "*", "i, i", "1 then 1 when 2", "1 = 1 then 1 end, case when 1 = 1", "1 = 1 for update", "sleep(100) = 0", "i in (select nextval(seq))",
	"exists (select 1 from mysql.user)", "(select 1; drop table t)", "@x := 1", "load_file('/etc/passwd') is null", "write_row() = 1", "1 = 1 -- \n; drop table t", "", "?",
}

func TestNothingAPersonWritesReachesOutOfTheSandbox(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table t (i int)", "insert into t values (1)", "create view v as select * from t", "create sequence seq", "create procedure p() insert into t values (9)",
		"create function write_row() returns int begin insert into t values (9); return 1; end", "create function twice(n int) returns int return n * 2")
	// Even a DSN that allows several statements does not.
	source := open(t, s.dsn("root", name)+"?multiStatements=true&allowAllFiles=true", warehouse.Limits{MaxQueries: 2, FreeSQL: true, StatementTimeout: 5 * time.Second})
	var qs []probe.Question
	for _, attack := range attacks {
		qs = append(qs, scalar(attack), probe.Rows{Of: probe.Relation{Conn: "wh", Query: attack + " "}}, probe.LastRuns{Conn: "wh", Job: "j", SQL: attack + "\n"})
	}
	for _, condition := range conditions {
		if condition == "" {
			continue // is no condition at all
		}
		qs = append(qs, probe.Rows{Of: rel("t"), Where: condition},
			probe.Coverage{Child: rel("t"), Keys: probe.List("i"), Parent: rel("t"), ParentKeys: probe.List("i"), Where: condition})
	}
	started := time.Now()
	for i, a := range ask(t, source, qs...) {
		if class := classOf(a.Err); class != probe.Refused && class != probe.Statement {
			t.Errorf("%#v was answered with %v, %v", qs[i], a.Value, a.Err)
		}
	}
	if took := time.Since(started); took > 60*time.Second {
		t.Errorf("it took %s: something waited", took)
	}
	for text, want := range map[string]float64{
		"select sum(i) from t": 1, "select count(*) from v": 1, "select twice(4)": 8, "(select 3)": 3, "with x as (select 2 as a) select a from x": 2,
		"select count(*) from information_schema.tables where table_schema = 'mysql' and 1 = 0": 0, "select length('into outfile; -- /* \\' ?')": 23, "select `i` from `t` -- where\n": 1,
		"select count(*) from t where {{ as_of }} > '2001-01-01'": 1, "select 5--1": 6,
	} {
		if a := ask(t, source, scalar(text))[0]; a.Value != (probe.ScalarValue{Number: want}) {
			t.Errorf("%s: %v, %v; want %v", text, a.Value, a.Err, want)
		}
	}
}

// The wall behind the sandbox: the server refuses to write for our connection,
// whatever its rights.
func TestTheServerRefusesToWriteForUs(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table t (i int)", "create table m (i int) engine = MyISAM", "create sequence seq",
		"create function write_t() returns int begin insert into t values (1); return 1; end", "create function write_m() returns int begin insert into m values (1); return 1; end")
	source := open(t, s.dsn("root", name), warehouse.Limits{})
	for _, f := range []string{"write_t()", "write_m()"} {
		a := ask(t, source, scalar("select "+f))[0]
		if classOf(a.Err) != probe.Refused || !strings.Contains(a.Err.Error(), "READ ONLY") {
			t.Errorf("%s: %v, %v", f, a.Value, a.Err)
		}
	}
	answers := ask(t, source, probe.Rows{Of: rel("t")}, probe.Rows{Of: rel("m")})
	if answers[0].Value != int64(0) || answers[1].Value != int64(0) {
		t.Errorf("rows were written: %+v", answers)
	}
}
