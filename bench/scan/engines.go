package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // sql.Open knows it
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/bench/meter"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

// engine is where the table is.
type engine struct {
	title  string
	source *warehouse.Source
	run    func(ctx context.Context, sql string) error
	held   func(ctx context.Context, sql string) error // without opening the file; nil where there is none
	used   func() time.Duration                        // processor time of who does the work
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
	e.used = func() time.Duration { return usedBelow(s.PID) }
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
	hash := `hashint8extended(0, coalesce(hashint8extended(1, id), 1) # coalesce(hashint8extended(2, ref), 2) # coalesce(timestamp_hash_extended(timezone(interval '0', ts), 3), 3)
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
	// Now the file is only read: by pipewatch's source, by forms that open it for
	// themselves, and by one that holds it.
	if err := db.Close(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if db, err = sql.Open("duckdb", path+"?access_mode=READ_ONLY"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	memory, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, errors.Join(err, db.Close(), os.RemoveAll(dir))
	}
	memory.SetMaxOpenConns(1) // use belongs to a connection
	e.close = func() error { return errors.Join(db.Close(), memory.Close(), os.RemoveAll(dir)) }
	e.source, err = duckdb.Open(ctx, duckdb.Options{Path: path, Dir: dir, Limits: limits()})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.close = func() error { return errors.Join(db.Close(), memory.Close(), e.source.Close(), os.RemoveAll(dir)) }
	e.held = e.run
	e.run = func(ctx context.Context, sql string) error {
		err := drain(ctx, memory, "attach '"+path+"' as anew (read_only); use anew; "+sql)
		return errors.Join(err, drain(ctx, memory, "use memory; detach anew"))
	}
	e.used = func() time.Duration { return sinceStart.Used() }
	e.forms = forms("hash(hash(id, ref, ts, amount, n, name, note))",
		"cast('0x' || substr(md5(concat_ws('|', id, coalesce(cast(ref as varchar), '<null>'), ts, amount, n, name, coalesce(note, '<null>'))), 18, 15) as bigint)")
	return e, errors.Join(drain(ctx, db, threads), drain(ctx, memory, threads))
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

var sinceStart = meter.Start()

// usedBelow is the processor time of the processes that one has started and that live.
func usedBelow(pid int) (used time.Duration) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // where there is none, nothing is shown
	for child := range strings.FieldsSeq(string(children)) {
		text, _ := os.ReadFile("/proc/" + child + "/schedstat")
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		used += time.Duration(ns)
	}
	return used
}
