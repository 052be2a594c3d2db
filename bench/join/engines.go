package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // sql.Open knows it
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

// asked is the statement that pipewatch makes of a join, with the orphans that it
// reckons from what that counts.
func asked(ctx context.Context, source *warehouse.Source) (string, error) {
	of := func(table string) probe.Relation { return probe.Relation{Conn: "wh", Table: probe.List(table)} }
	question := probe.Coverage{Child: of("child"), Keys: probe.List("k"), Parent: of("parent"), ParentKeys: probe.List("id")}
	planned, _, err := source.Plan(ctx, time.Now(), []probe.Question{question})
	if err == nil && len(planned) != 1 {
		err = fmt.Errorf("a join is asked in %d statements; one was expected", len(planned))
	}
	if err != nil {
		return "", errors.Join(err, source.Close())
	}
	return "select cast(total - null_keys - matched as bigint) as orphans from (\n" + planned[0].Statement + "\n) as asked", source.Close()
}

func openPostgres(ctx context.Context) (*engine, error) {
	s, err := servertest.Postgres("work_mem=4MB", "shared_buffers=2GB", "autovacuum=off", "max_wal_size=8GB", "jit=off", "max_parallel_workers_per_gather=0")
	if err != nil {
		return nil, err
	}
	dsn := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.Port)
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	e := &engine{name: "PostgreSQL " + conn.ParameterStatus("server_version") + ", work_mem 4 MB, one worker", close: func() error { return errors.Join(conn.Close(context.Background()), s.Stop()) }}
	for _, statement := range data("create unlogged table", "generate_series(1, %d) as s(g)") {
		if _, err := conn.Exec(ctx, statement).ReadAll(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", statement, err), e.close())
		}
	}
	e.count = func(ctx context.Context, sql string) (int64, error) {
		// The server ends what takes too long; the connection lives on.
		if _, err := conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf("set statement_timeout = %d", limit.Milliseconds())).ReadAll(); err != nil {
			return 0, err
		}
		r := conn.ExecParams(context.WithoutCancel(ctx), sql, nil, nil, nil, nil).Read()
		if r.Err != nil {
			return 0, r.Err
		}
		return strconv.ParseInt(string(r.Rows[0][0]), 10, 64)
	}
	source, err := postgres.Open(postgres.Options{DSN: dsn, Limits: warehouse.Limits{MaxQueries: 1, Now: time.Now}})
	if err == nil {
		e.asks, err = asked(ctx, source)
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func openDuckDB(ctx context.Context) (*engine, error) {
	dir, err := os.MkdirTemp("", "pipewatch-join-")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("duckdb", filepath.Join(dir, "join.duckdb"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e := &engine{name: "DuckDB", close: func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) }}
	for _, statement := range append(data("create table", "range(1, %d + 1) as s(g)"), "checkpoint") {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", statement, err), e.close())
		}
	}
	// pipewatch opens files read-only, which needs them to be closed; so do the forms,
	// by a connection of their own.
	if err := db.Close(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	source, err := duckdb.Open(ctx, duckdb.Options{Path: "join.duckdb", Dir: dir, Limits: warehouse.Limits{MaxQueries: 1, Now: time.Now}})
	if err == nil {
		e.asks, err = asked(ctx, source)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if db, err = sql.Open("duckdb", filepath.Join(dir, "join.duckdb")+"?access_mode=READ_ONLY"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	e.count = func(ctx context.Context, text string) (n int64, err error) {
		err = db.QueryRowContext(ctx, text).Scan(&n)
		return n, err
	}
	return e, nil
}
