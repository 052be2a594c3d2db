// Package tables makes what the benchmarks watch: many tables of 1,000 rows, some
// with a planted fault, and the files with which pipewatch watches them.
//
// It measures nothing and judges nothing; it knows what must be found.
//
// # Data model
//
// Table n is called t00000, t00001, … and has the columns id, dim_id, val, ts and
// note; dim_id names a row of the table dim, which has 1,000 rows and a primary
// key. Of every 50 tables five have one [Fault] each, a different one. Each table
// has five checks: freshness, number of rows, NULLs, duplicates and orphans.
package tables

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Fault is what is wrong with a table.
type Fault string

// The faults, one for each of the five checks.
const (
	None       Fault = ""
	Stale      Fault = "stale"      // the newest ts is three days old
	Few        Fault = "few"        // 500 rows where at least 900 belong
	Nulls      Fault = "nulls"      // val is NULL in some rows
	Duplicates Fault = "duplicates" // some ids stand twice
	Orphans    Fault = "orphans"    // some dim_id are not in dim
)

// FaultOf tells what is wrong with table n.
func FaultOf(n int) Fault {
	switch n % 50 {
	case 7:
		return Stale
	case 17:
		return Few
	case 23:
		return Nulls
	case 31:
		return Duplicates
	case 43:
		return Orphans
	}
	return None
}

// Name is what table n is called.
func Name(n int) string { return fmt.Sprintf("t%05d", n) }

// Failing lists what must be found among the first count tables, as lines
// "t00007 stale", in order.
func Failing(count int) []string {
	var lines []string
	for n := range count {
		if f := FaultOf(n); f != None {
			lines = append(lines, Name(n)+" "+string(f))
		}
	}
	return lines
}

// Dialect is the little in which the statements of two engines differ.
type Dialect struct {
	create string // how a table begins
	series string // %d rows numbered g from 1
}

// The engines.
var (
	Postgres = Dialect{"create unlogged table", "generate_series(1, %d) as s(g)"}
	DuckDB   = Dialect{"create table", "range(1, %d + 1) as s(g)"}
)

// Dim is the statements that make the table which all others refer to.
func (d Dialect) Dim() []string {
	return []string{
		d.create + " dim (id bigint primary key, name text not null)",
		"insert into dim select g, 'dim ' || g from " + fmt.Sprintf(d.series, 1000),
	}
}

// Create is the statement that makes table n; its rows end at the moment now.
func (d Dialect) Create(n int, now time.Time) string {
	id, dim, val, rows := "g", "1 + (g * 7919) % 1000", "g % 97", 1000
	switch FaultOf(n) {
	case Stale:
		now = now.AddDate(0, 0, -3)
	case Few:
		rows = 500
	case Nulls:
		val = "case when g % 100 <> 0 then g % 97 end"
	case Duplicates:
		id = "case when g % 250 = 0 then g - 1 else g end"
	case Orphans:
		dim = "1 + (g * 7919) % 1000 + case when g % 200 = 0 then 5000 else 0 end"
	}
	return fmt.Sprintf("%s %s as select cast(%s as bigint) as id, cast(%s as bigint) as dim_id, cast(%s as bigint) as val, "+
		"timestamptz '%s' - g * interval '1 second' as ts, 'note ' || g as note from "+d.series,
		d.create, Name(n), id, dim, val, now.UTC().Format("2006-01-02 15:04:05+00"), rows)
}

// Fill makes dim and the first count tables, whose rows end now, one statement at a
// time.
func (d Dialect) Fill(count int, exec func(string) error) error {
	now := time.Now()
	statements := d.Dim()
	for n := range count {
		statements = append(statements, d.Create(n, now))
	}
	for _, s := range statements {
		if err := exec(s); err != nil {
			return err
		}
	}
	return nil
}

// tablesPerFile is how many tables one DAG file watches.
const tablesPerFile = 100

// Write puts pipewatch.yaml and the DAG files for the first count tables into a new
// folder. connection is the YAML of the one connection, such as
// {driver: postgres, dsn: "…"}.
func Write(dir string, count int, connection string) error {
	if err := os.MkdirAll(filepath.Join(dir, "dags"), 0o755); err != nil {
		return err
	}
	operator := "version: 1\ndags: [dags/*.yaml]\nconnections:\n  wh: " + connection + "\n"
	if err := os.WriteFile(filepath.Join(dir, "pipewatch.yaml"), []byte(operator), 0o600); err != nil {
		return err
	}
	for from := 0; from < count; from += tablesPerFile {
		name := fmt.Sprintf("part_%03d", from/tablesPerFile)
		var b strings.Builder
		fmt.Fprintf(&b, "version: 1\ndag: %s\nconnection: wh\nschedule: \"@hourly\"\nnodes:\n  dim: {table: dim}\n", name)
		for n := from; n < min(from+tablesPerFile, count); n++ {
			fmt.Fprintf(&b, `  %[1]s:
    table: %[1]s
    freshness: {column: ts, error_after: 2d}
    row_count: {min: 900}
    values: {not_null: [val], unique: [id]}
    joins: {to: dim, on: {left: dim_id, right: id}, max_orphans: 0}
`, Name(n))
		}
		if err := os.WriteFile(filepath.Join(dir, "dags", name+".yaml"), []byte(b.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}
