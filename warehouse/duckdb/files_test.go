package duckdb_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

func rel(parts ...string) probe.Relation {
	return probe.Relation{Conn: "wh", Table: probe.List(parts...)}
}

// ask asks one question now.
func ask(t *testing.T, source probe.Source, q probe.Question) probe.Answer {
	t.Helper()
	return source.Ask(t.Context(), time.Now(), []probe.Question{q})[0]
}

func count(t *testing.T, source probe.Source, of probe.Relation) int64 {
	t.Helper()
	n, err := probe.Value[int64](ask(t, source, probe.Rows{Of: of}))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func names(t *testing.T, source probe.Source, of probe.Relation) []string {
	t.Helper()
	columns, err := probe.Value[[]probe.Column](ask(t, source, probe.Columns{Of: of}))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range columns {
		all = append(all, c.Name+" "+c.Type)
	}
	return all
}

// parquet replaces a file by rename, as loaders do.
func parquet(t *testing.T, path, query string) {
	t.Helper()
	fresh := path + ".new"
	commit(t, filepath.Join(t.TempDir(), "scratch.duckdb"), "copy ("+query+") to '"+fresh+"' (format parquet)")
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
}

func TestEachRunReadsViewsOverFilesAfresh(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f.parquet")
	parquet(t, file, "select 1 as a, 'x' as b")
	source := open(t, duckdb.Options{Dir: dir, Init: []string{
		"create view all_of_it as select * from 'f.parquet'",
		`create view a_only as select a from "f.parquet" -- no other columns`,
		"create table once as select * from 'f.parquet'",
	}})
	if n := count(t, source, rel("all_of_it")); n != 1 {
		t.Fatalf("%d rows", n)
	}

	parquet(t, file, "select i as a, 'x' as b, 2.5 as c from range(3) t(i)")
	if n := count(t, source, rel("all_of_it")); n != 3 {
		t.Errorf("%d rows after a file was replaced, want 3", n)
	}
	want := []string{"a BIGINT", "b VARCHAR", "c DECIMAL(2,1)"}
	if diff := cmp.Diff(want, names(t, source, rel("all_of_it"))); diff != "" {
		t.Errorf("columns after one was added: %s", diff)
	}
	if a := ask(t, source, probe.BadRows{Of: rel("all_of_it"), Rule: probe.Nulls, Columns: probe.List("c")}); a.Err != nil || a.Value != (probe.Bad{Rows: 3}) {
		t.Errorf("the new column: %v, %v", a.Value, a.Err)
	}
	if n := count(t, source, rel("a_only")); n != 3 {
		t.Errorf("%d rows through the view of one column", n)
	}
	if n := count(t, source, rel("once")); n != 1 {
		t.Errorf("a table that init made has %d rows, want the 1 it was made with", n)
	}

	parquet(t, file, "select 'now text' as a")
	if diff := cmp.Diff([]string{"a VARCHAR"}, names(t, source, rel("all_of_it"))); diff != "" {
		t.Errorf("columns after two went: %s", diff)
	}
	a := ask(t, source, probe.BadRows{Of: rel("all_of_it"), Rule: probe.Nulls, Columns: probe.List("c")})
	if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.NoColumn {
		t.Errorf("a column that went: %v, %v", a.Value, a.Err)
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	a = ask(t, source, probe.Rows{Of: rel("all_of_it")})
	if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.Connection {
		t.Errorf("a file that went: %v, %v", a.Value, a.Err)
	}
	if n := count(t, source, rel("once")); n != 1 {
		t.Errorf("the file that went spoilt another table")
	}
}

func TestFilesAreThoseOfTheFolderWhereverPipewatchWasStarted(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "data/part1.csv"), "a\n1\n")
	write(t, filepath.Join(dir, "data/part2.csv"), "a\n2\n")
	write(t, filepath.Join(elsewhere, "data/part1.csv"), "a\n8\n9\n")
	t.Chdir(elsewhere)
	source := open(t, duckdb.Options{Dir: dir, Init: []string{
		"create view one as select * from 'data/part1.csv' where a::varchar <> 'it''s.x'",
		"create view parts as select * from read_csv('data/*.csv', all_varchar = true)",
	}})
	if one, parts := count(t, source, rel("one")), count(t, source, rel("parts")); one != 1 || parts != 2 {
		t.Errorf("read %d and %d rows, want 1 and 2", one, parts)
	}
}

func TestAReplayShowsThePast(t *testing.T) {
	source := open(t, duckdb.Options{Init: []string{
		"create table raw as select timestamptz '2013-01-01 00:00:00+00' + interval 1 day * i as ts from range(10) t(i)",
		"create view seen as select * from raw where ts <= getvariable('as_of')",
	}})
	for day, want := range map[int]int64{1: 1, 5: 5, 20: 10} {
		at := time.Date(2013, 1, day, 12, 0, 0, 0, time.UTC)
		// More statements than sessions, so that all sessions of the run are used.
		qs := []probe.Question{probe.Rows{Of: rel("seen")}}
		for i := range 6 {
			qs = append(qs, probe.Scalar{Conn: "wh", SQL: "select count(*) from seen -- " + strings.Repeat("x", i)})
		}
		for i, a := range source.Ask(t.Context(), at, qs) {
			if a.Value != want && a.Value != (probe.ScalarValue{Number: float64(want)}) {
				t.Errorf("day %d, question %d: %v, %v; want %d", day, i, a.Value, a.Err, want)
			}
		}
	}
}

func TestEachRunSeesWhatAnotherProgramCommitted(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "my warehouse.duckdb")
	commit(t, file, "create table t as select 1 as i", "create schema staging", "create table staging.s as select 1 as i")
	source := open(t, duckdb.Options{Dir: dir, Path: "my warehouse.duckdb", Init: []string{"create view v as select * from t"}})
	for _, of := range []probe.Relation{rel("t"), rel("v"), rel("s"), rel("staging", "s"), rel("my warehouse", "t"), rel("my warehouse", "staging", "s")} {
		if n := count(t, source, of); n != 1 {
			t.Errorf("%s has %d rows", of.Table, n)
		}
	}
	commit(t, file, "insert into t values (2)", "alter table staging.s add column j int", "create table fresh as select 1 as i")
	if n := count(t, source, rel("v")); n != 2 {
		t.Errorf("%d rows through a view, want the 2 that were committed", n)
	}
	if n := count(t, source, rel("fresh")); n != 1 {
		t.Errorf("a table that was made since has %d rows", n)
	}
	if diff := cmp.Diff([]string{"i INTEGER", "j INTEGER"}, names(t, source, rel("s"))); diff != "" {
		t.Error(diff)
	}
	before := files(t, dir)
	count(t, source, rel("t"))
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("asking changed the file: %s", diff)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	a := ask(t, source, probe.Rows{Of: rel("t")})
	if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.Connection || !strings.Contains(e.Msg, "no such file") {
		t.Errorf("a database that went: %v, %v", a.Value, a.Err)
	}
	commit(t, file, "create table t as select 1 as i")
	if n := count(t, source, rel("t")); n != 1 {
		t.Errorf("a database that came back has %d rows", n)
	}
}

// holdLock names the file that a copy of this test program holds open for writing.
const holdLock = "PIPEWATCH_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if file := os.Getenv(holdLock); file != "" {
		os.Exit(hold(file))
	}
	os.Exit(m.Run())
}

func TestAFileThatAnotherProcessWritesIsAConnectionError(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "w.duckdb")
	commit(t, file, "create table t as select 1 as i")
	source := open(t, duckdb.Options{Dir: dir, Path: "w.duckdb"})

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	writer := exec.CommandContext(t.Context(), self)
	writer.Env = append(os.Environ(), holdLock+"="+file)
	stdin, err := writer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatalf("wait for the writer: %v", err)
	}

	a := ask(t, source, probe.Rows{Of: rel("t")})
	e, ok := errors.AsType[*probe.Error](a.Err)
	if !ok || e.Class != probe.Connection || !strings.Contains(e.Msg, "another process is writing") {
		t.Errorf("while another process writes: %v, %v", a.Value, a.Err)
	}
	if err := source.Ping(t.Context(), time.Now()); err == nil {
		t.Error("ping succeeded while another process writes")
	}

	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Wait(); err != nil {
		t.Fatalf("the writer could not commit: %v", err)
	}
	if n := count(t, source, rel("t")); n != 2 {
		t.Errorf("%d rows after the writer ended, want 2", n)
	}
	if err := source.Ping(t.Context(), time.Now()); err != nil {
		t.Error(err)
	}
}

// A loader that was killed leaves its commits in a log beside the file.
func TestADatabaseElsewhereAndCommitsThatAreOnlyInItsLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "elsewhere.duckdb")
	commit(t, file, "create table t as select 1 as i")
	source := open(t, duckdb.Options{Path: file})
	if n := count(t, source, rel("t")); n != 1 {
		t.Fatalf("%d rows", n)
	}
	commit(t, file, "pragma disable_checkpoint_on_shutdown", "insert into t values (2)")
	if _, err := os.Stat(file + ".wal"); err != nil {
		t.Fatalf("the commit is not in a log, so this shows nothing: %v", err)
	}
	if n := count(t, source, rel("t")); n != 2 {
		t.Errorf("%d rows, want the 2 of which one is in the log", n)
	}
}

func TestSomethingThatIsNoDatabaseIsAConnectionError(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "w.duckdb"), strings.Repeat("this is no database\n", 1000))
	for path, says := range map[string]string{"w.duckdb": "w.duckdb", "gone.duckdb": "no such file", ".": "open database file"} {
		source := open(t, duckdb.Options{Dir: dir, Path: path})
		a := ask(t, source, probe.Rows{Of: rel("t")})
		if e, ok := errors.AsType[*probe.Error](a.Err); !ok || e.Class != probe.Connection || !strings.Contains(e.Msg, says) {
			t.Errorf("%s: %v, %v", path, a.Value, a.Err)
		}
	}
	if _, err := duckdb.Open(t.Context(), duckdb.Options{Dir: filepath.Join(dir, "nowhere")}); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

// Size and time of a file are no proof that its content is the same.
func TestAFileReplacedWithinOneTickOfItsClockIsReadAfresh(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f.parquet")
	then := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	source := open(t, duckdb.Options{Dir: dir, Init: []string{"create table none as select 1 as i", "create view v as select * from read_parquet('./f.par*')"}})
	for i := range 3 {
		parquet(t, file, fmt.Sprintf("select %d as a from range(1000)", i))
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
		if a := ask(t, source, probe.Scalar{Conn: "wh", SQL: "select sum(a) from v"}); a.Value != (probe.ScalarValue{Number: float64(i * 1000)}) {
			t.Errorf("version %d: %v, %v", i, a.Value, a.Err)
		}
	}
}

func TestAFileIsOneThatCannotBeWritten(t *testing.T) {
	for _, tt := range []struct{ name, path, says string }{
		{"a file", "rights.duckdb", "attached read-only"},
		{"memory", ":memory:", "goes with this process"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.path != ":memory:" {
				commit(t, filepath.Join(dir, tt.path), "create table t (i int)")
			}
			source, err := duckdb.Open(t.Context(), duckdb.Options{Path: tt.path, Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close() //nolint:errcheck // nothing is lost
			r, err := source.Rights(t.Context(), time.Now())
			if err != nil || r.User != "" || r.Beyond != nil || r.Fence == nil || !strings.Contains(r.Fence.Error(), tt.says) {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}
