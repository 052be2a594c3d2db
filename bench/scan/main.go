// Command scan measures what pipewatch's one statement over a big table costs: number of
// rows, newest time, NULLs of three columns and a sound hash of all rows, against the
// same written by hand, against count(*), and against the hash by MD5 that comparing
// tools use.
//
// It starts its own PostgreSQL, or makes a DuckDB file in a temporary folder, and removes
// both. It is no test: figures depend on the machine, ratios on what else runs there.
//
// # Data model
//
// An engine has the table and runs a text of SQL. A form is a way to look at the table;
// the forms run in turn, and the median of each counts.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // sql.Open knows it
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

var (
	rows    = flag.Int("rows", 10_000_000, "how many rows the table has")
	rounds  = flag.Int("rounds", 3, "how often each form runs")
	engines = flag.String("engines", "duckdb,postgres", "which engines, separated by commas")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for name := range strings.SplitSeq(*engines, ",") {
		if err := measure(ctx, name); err != nil {
			stop()
			log.Fatal(err)
		}
	}
}

// engine is where the table is.
type engine struct {
	title  string
	source *warehouse.Source
	run    func(ctx context.Context, sql string) error
	close  func() error
	forms  map[string]string // by name
}

// columns are seven, of 109 bytes a row in PostgreSQL.
const columns = "id bigint, ref bigint, ts timestamptz, amount numeric(12,2), n integer, name text, note text"

// fill is the rows; %s is a series called g, and a text of 37 bytes.
const fill = `insert into big select g, case when g %% 50 <> 0 then g * 7919 %% 1000003 end, timestamptz '2013-01-01 00:00:00+00' + g %% 31536000 * interval '1 second',
  cast(g %% 9999999 as numeric(12,2)) / 100, cast(g %% 1000 as integer), 'name ' || g %% 5000, case when g %% 10 <> 0 then md5(cast(g as varchar)) || ' note' end from %s`

func openPostgres(ctx context.Context) (*engine, error) {
	s, err := servertest.Postgres("shared_buffers=2GB", "autovacuum=off", "max_wal_size=8GB", "max_parallel_workers_per_gather=0", "jit=off")
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.Port)
	conn, err := pgconn.Connect(ctx, address)
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	e := &engine{title: "PostgreSQL " + conn.ParameterStatus("server_version")}
	e.run = func(ctx context.Context, sql string) error { _, err := conn.Exec(ctx, sql).ReadAll(); return err }
	e.close = func() error { return errors.Join(conn.Close(ctx), e.source.Close(), s.Stop()) }
	e.source, err = postgres.Open(postgres.Options{DSN: address, Limits: limits()})
	if err != nil {
		return nil, errors.Join(err, conn.Close(ctx), s.Stop())
	}
	for _, sql := range []string{"create unlogged table big (" + columns + ")", fmt.Sprintf(fill, fmt.Sprintf("generate_series(1, cast(%d as bigint)) as s(g)", *rows)), "vacuum analyze big", "checkpoint"} {
		if err := e.run(ctx, sql); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	hash := `hashint8extended(0, coalesce(hashint8extended(1, id), 1) # coalesce(hashint8extended(2, ref), 2) # coalesce(timestamp_hash_extended(cast(ts as timestamp), 3), 3)
 # coalesce(hash_numeric_extended(amount, 4), 4) # coalesce(hashint8extended(5, cast(n as bigint)), 5) # coalesce(hashtextextended(name collate "C", 6), 6) # coalesce(hashtextextended(note collate "C", 7), 7))`
	md5 := `cast(cast(('x' || substr(md5(concat_ws('|', id, coalesce(cast(ref as text), '<null>'), ts, amount, n, name, coalesce(note, '<null>'))), 18, 15)) as bit(60)) as bigint)`
	e.forms = forms(hash, md5)
	return e, nil
}

func openDuckDB(ctx context.Context) (*engine, error) {
	dir, err := os.MkdirTemp("", "pipewatch-bench-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "big.duckdb")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &engine{title: "DuckDB", run: func(ctx context.Context, sql string) error { return drain(ctx, db, sql) }}
	e.close = func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }
	threads := fmt.Sprintf("set threads = %d", min(runtime.GOMAXPROCS(0), 4)) // as pipewatch does
	for _, sql := range []string{threads, "create table big (" + strings.ReplaceAll(columns, "numeric", "decimal") + ")",
		fmt.Sprintf(strings.ReplaceAll(fill, "g % 31536000 * interval", "cast(g % 31536000 as integer) * interval"), fmt.Sprintf("range(1, %d) as s(g)", *rows+1)), "checkpoint"} {
		if err := e.run(ctx, sql); err != nil {
			return nil, errors.Join(err, e.close())
		}
	}
	// The file is opened by pipewatch's source, and by this program with the same lock.
	if err := db.Close(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if db, err = sql.Open("duckdb", path+"?access_mode=READ_ONLY"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e.source, err = duckdb.Open(ctx, duckdb.Options{Path: path, Dir: dir, Limits: limits()})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.close = func() error { return errors.Join(db.Close(), e.source.Close(), os.RemoveAll(dir)) }
	e.forms = forms("hash(hash(id, ref, ts, amount, n, name, note))",
		"cast('0x' || substr(md5(concat_ws('|', id, coalesce(cast(ref as varchar), '<null>'), ts, amount, n, name, coalesce(note, '<null>'))), 18, 15) as bigint)")
	return e, errors.Join(e.run(ctx, threads))
}

func drain(ctx context.Context, db *sql.DB, text string) error {
	r, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // r.Err tells
	for r.Next() {
	}
	return r.Err()
}

func limits() warehouse.Limits {
	return warehouse.Limits{MaxQueries: 1, StatementTimeout: time.Hour, Now: time.Now}
}

// The forms.
const (
	asked   = "pipewatch: rows, newest, NULLs, hash"
	byHand  = "the same by hand"
	noHash  = "the same without the hash"
	counted = "count(*)"
	texts   = "the dearest column: count of a text"
	byMD5   = "hash by MD5"
)

func forms(hash, md5 string) map[string]string {
	figures := "count(*), count(ts), max(ts), min(ts), count(*) - count(ref), count(*) - count(amount), count(*) - count(note)"
	return map[string]string{
		byHand:  "select " + figures + ", sum(" + hash + ") from big",
		noHash:  "select " + figures + " from big",
		counted: "select count(*) from big",
		texts:   "select count(note), max(strlen(note)) from big",
		byMD5:   "select count(*), sum(" + md5 + ") from big",
	}
}

// questions are what the checks freshness, row_count, values and version ask.
func questions() []probe.Question {
	of := probe.Relation{Conn: "wh", Table: probe.List("big")}
	qs := []probe.Question{probe.Rows{Of: of}, probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "ts"}}, probe.Digest{Of: of}}
	for _, column := range []string{"ref", "amount", "note"} {
		qs = append(qs, probe.BadRows{Of: of, Rule: probe.Nulls, Columns: probe.List(column)})
	}
	return qs
}

func measure(ctx context.Context, name string) (err error) {
	open := map[string]func(context.Context) (*engine, error){"postgres": openPostgres, "duckdb": openDuckDB}[name]
	if open == nil {
		return fmt.Errorf("-engines %q: there are duckdb and postgres", name)
	}
	e, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	names := []string{asked, byHand, noHash, counted, texts, byMD5}
	took := map[string][]time.Duration{}
	for round := range *rounds + 1 { // the first fills caches
		for _, form := range names {
			started := time.Now()
			if err := e.look(ctx, form); err != nil {
				return fmt.Errorf("%s, %s: %w", e.title, form, err)
			}
			if round > 0 {
				took[form] = append(took[form], time.Since(started))
			}
		}
	}
	report(e.title, names, took)
	return nil
}

// look runs one form.
func (e *engine) look(ctx context.Context, form string) error {
	if form != asked {
		return e.run(ctx, strings.ReplaceAll(e.forms[form], "strlen(", map[bool]string{true: "strlen(", false: "octet_length("}[e.title == "DuckDB"]))
	}
	statement := ""
	for _, a := range e.source.Ask(ctx, time.Now(), questions()) {
		switch {
		case a.Err != nil:
			return a.Err
		case statement != "" && a.Statement != statement:
			return fmt.Errorf("it took two statements:\n%s\n%s", statement, a.Statement)
		}
		statement = a.Statement
	}
	return nil
}

func report(title string, names []string, took map[string][]time.Duration) {
	median := func(form string) time.Duration {
		slices.Sort(took[form])
		return took[form][len(took[form])/2]
	}
	fmt.Printf("%s, %d rows, medians of %d\n\n| | ns a row | pipewatch is |\n|---|---|---|\n", title, *rows, *rounds)
	for _, form := range names {
		fmt.Printf("| %s | %.1f | %.2f times that |\n", form, float64(median(form).Nanoseconds())/float64(*rows), float64(median(asked))/float64(median(form)))
	}
	fmt.Println()
}
