package duckdb_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// attacks are what a person with a DAG file could try. DIR is the folder of
// pipewatch.yaml, which holds a secret and a data file.
var attacks = []string{
	// More than one statement, or something else than a SELECT.
	`select 1; drop table mem`,
	`select 1; select 2`,
	`commit`,
	`begin`,
	`rollback`,
	`drop table mem`,
	`delete from mem`,
	`insert into mem values (2)`,
	`insert into mem values (2) returning 1`,
	`update mem set i = 2`,
	`update file set i = 2`,
	`truncate mem`,
	`create table other as select 1`,
	`create or replace view mem_view as select 2`,
	`create macro f() as 1`,
	`alter table mem add column j int`,
	`vacuum`,
	`checkpoint`,
	`explain analyze select 1`,
	`pragma database_list`,
	`pragma enable_profiling`,
	`call pragma_version()`,
	`set memory_limit = '100GB'`,
	`reset lock_configuration`,
	`set variable as_of = timestamptz '2000-01-01 00:00:00+00'`,
	`prepare p as select 1`,
	`execute p`,
	`use file`,
	`detach warehouse`,
	// Code and files.
	`install httpfs`,
	`load httpfs`,
	`attach 'DIR/evil.duckdb'`,
	`attach 'DIR/evil.duckdb' as evil; create table evil.t as select 1`,
	`copy mem to 'DIR/data/evil.csv'`,
	`copy (select 1) to 'DIR/data/evil.parquet'`,
	`export database 'DIR/evil'`,
	`import database 'DIR/evil'`,
	`select count(*) from read_csv('/etc/passwd')`,
	`select count(*) from '/etc/passwd'`,
	`select count(*) from read_text('DIR/pipewatch.yaml')`,
	`select ascii(content) from read_text('pipewatch.yaml')`,
	`select count(*) from read_blob('DIR/pipewatch.yaml')`,
	`select count(*) from glob('DIR/*')`,
	`select count(*) from 'DIR/data/x.csv'`,
	`select count(*) from "DIR/data/x.csv"`,
	`select count(*) from data.csv`,
	`select count(*) from x.csv`,
	`select count(*) from read_csv_auto('DIR/data/x.csv')`,
	`select count(*) from sniff_csv('DIR/data/x.csv')`,
	`select count(*) from parquet_metadata('DIR/data/x.parquet')`,
	`select (select count(*) from 'DIR/data/x.csv')`,
	`with x as (select * from read_csv('DIR/data/x.csv')) select count(*) from x`,
	`select count(*) from mem where exists (select 1 from read_text('DIR/pipewatch.yaml'))`,
	`select i in (select 1 from 'DIR/data/x.csv') from mem`,
	`select count(*) from (values (1)) v, lateral (select * from read_text('DIR/pipewatch.yaml')) l`,
	`select count(*) from query('select 1')`,
	`select count(*) from query('drop table mem')`,
	`select count(*) from query_table('DIR/data/x.csv')`,
	`select count(*) from json_execute_serialized_sql(json_serialize_sql('select 1'))`,
	`select count(*) from duckdb_secrets()`,
	`select count(*) from duckdb_settings()`,
	`select count(*) from enable_logging()`,
	`select count(*) from checkpoint()`,
	`summarize 'DIR/data/x.csv'`,
	`describe mem`,
	`show tables`,
	// Functions that leave a trace or tell what they should not.
	`select getenv('HOME')`,
	`select current_setting('secret_directory')`,
	`select nextval('seq')`,
	`select setseed(0.5)`,
	`select write_log('x')`,
	// Data changes hidden in a SELECT.
	`with gone as (delete from mem returning *) select count(*) from gone`,
	`with new as (insert into mem values (3) returning *) select count(*) from new`,
	`select * from (delete from mem returning *)`,
	`select 1 into mem`,
	// Comments, parentheses and parameters.
	`select 1 -- ;
; drop table mem`,
	`select 1 /* ; */; drop table mem /* */`,
	`select 1) as q; drop table mem; select * from (select 1`,
	`select 1) as q union all select * from (select 2`,
	`select 1 /*`,
	`select '`,
	`select $1`,
	`select ?`,
	`select $as_of`,
	``,
	`;`,
	`--`,
}

// conditions are more of them, for where.
var conditions = []string{
	`1 = 1; drop table mem`,
	`1 = 1) or (1 = 1`,
	`1 = 1) union select count(*) from mem where (1 = 1`,
	`1 = 1 union select 2`,
	`1 = 1 group by i`,
	`1 = 1 limit 1`,
	`1 = 1 /* `,
	`i from mem where 1 = 1`,
	`i as j`,
	`*`,
	`i, i`,
	`exists (select 1 from read_text('DIR/pipewatch.yaml'))`,
	`exists (from 'DIR/data/x.csv')`,
	`i in (select nextval('seq'))`,
	`(delete from mem returning true)`,
	`(select 1; drop table mem)`,
}

func TestNothingAPersonWritesReachesOutOfTheSandbox(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pipewatch.yaml"), "token: secret\n")
	write(t, filepath.Join(dir, "data/x.csv"), "a\n1\n")
	write(t, filepath.Join(dir, "x.csv"), "a\n1\n")
	commit(t, filepath.Join(dir, "warehouse.duckdb"), "create table file as select 1 as i")
	source := open(t, duckdb.Options{Dir: dir, Path: "warehouse.duckdb", Init: []string{
		"create table mem as select 1 as i", "create view mem_view as select * from mem", "create sequence seq",
		"create view csv as select * from 'data/x.csv'", "create macro twice(n) as table select n * 2 as d"}})
	relation := probe.Relation{Conn: "wh", Table: probe.List("mem")}
	before := files(t, dir)

	var qs []probe.Question
	for _, attack := range attacks {
		attack = strings.ReplaceAll(attack, "DIR", dir)
		qs = append(qs, probe.Scalar{Conn: "wh", SQL: attack}, probe.Rows{Of: probe.Relation{Conn: "wh", Query: attack + " "}},
			probe.LastRuns{Conn: "wh", Job: "j", SQL: attack + "\n"})
	}
	for _, condition := range conditions {
		condition = strings.ReplaceAll(condition, "DIR", dir)
		qs = append(qs, probe.Rows{Of: relation, Where: condition},
			probe.Coverage{Child: relation, Keys: probe.List("i"), Parent: relation, ParentKeys: probe.List("i"), Where: condition})
	}
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		e, ok := errors.AsType[*probe.Error](a.Err)
		if !ok || e.Class != probe.Refused && e.Class != probe.Statement && e.Class != probe.NoTable {
			t.Errorf("%#v was answered with %v, %v", qs[i], a.Value, a.Err)
		}
	}

	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("the folder changed: %s", diff)
	}
	for sql, want := range map[string]float64{
		"select sum(i) from mem":                                   1,
		"select sum(i) from file":                                  1,
		"select count(*) from mem_view":                            1,
		"select count(*) from csv":                                 1,
		"select sum(d) from twice(4)":                              8, // a macro that init made
		"select count(*) from range(3)":                            3,
		"select count(*) from warehouse.main.file":                 1,
		"select currval('seq') from mem where i = 0":               -1, // never drawn
		"select count(*) from information_schema.tables where 1=0": 0,
		"select count(*) from mem where getvariable('as_of') > timestamptz '2001-01-01 00:00:00+00'": 1,
	} {
		v, err := probe.Value[probe.ScalarValue](source.Ask(t.Context(), time.Now(), []probe.Question{probe.Scalar{Conn: "wh", SQL: sql}})[0])
		if want < 0 && v.Null {
			continue
		}
		if err != nil || v.Number != want {
			t.Errorf("%s: %v, %v; want %v", sql, v, err, want)
		}
	}
}

func TestFreeSQLCanBeForbidden(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{"create table t as select 1 as i"}, Limits: warehouse.Limits{MaxQueries: 1}})
	relation := probe.Relation{Conn: "wh", Table: probe.List("t")}
	answers := source.Ask(t.Context(), time.Now(), []probe.Question{
		probe.Scalar{Conn: "wh", SQL: "select 1"},
		probe.Rows{Of: probe.Relation{Conn: "wh", Query: "select 1"}},
		probe.LastRuns{Conn: "wh", SQL: "select 1"},
		probe.Rows{Of: relation, Where: "i = 1"},
	})
	for _, a := range answers[:3] {
		if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.Refused || !strings.Contains(e.Msg, "free_sql") {
			t.Errorf("got %v, %v", a.Value, a.Err)
		}
	}
	if n, err := probe.Value[int64](answers[3]); err != nil || n != 1 {
		t.Errorf("a condition was answered with %d, %v", n, err)
	}
}

// The doors of the engine itself, without the vetting in front of them: a view that
// init makes over a file outside of the folder cannot be read.
func TestAViewOverAFileOutsideOfTheFolderIsRefusedByTheEngine(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "out.csv")
	write(t, outside, "a\n1\n")
	source := open(t, duckdb.Options{Init: []string{"create view out as select * from '" + outside + "'"}})
	a := source.Ask(t.Context(), time.Now(), []probe.Question{probe.Rows{Of: probe.Relation{Conn: "wh", Table: probe.List("out")}}})[0]
	if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.Refused {
		t.Errorf("got %v, %v", a.Value, a.Err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commit changes a database file as another program would.
func commit(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// files lists the folder with the content of each file.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
