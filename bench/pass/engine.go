package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // sql.Open knows it
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/bench/cost"
	"github.com/pipewatch-dev/pipewatch/bench/delay"
	"github.com/pipewatch-dev/pipewatch/bench/tables"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

// engine is a database with the tables in it.
type engine struct {
	name, title string
	dsn         string // postgres
	path        string // duckdb
	pid         int    // of a server of our own, or 0
	close       func() error
}

// link is one way to reach an engine.
type link struct {
	connection string   // of pipewatch.yaml
	floor      []string // arguments of the floor
	proxy      *delay.Proxy
	pid        int
	close      func() error
}

func openEngine(ctx context.Context, dir string, count int) (*engine, error) {
	switch *engineName {
	case "postgres":
		return openPostgres(ctx, count)
	case "duckdb":
		return openDuckDB(ctx, filepath.Join(dir, fmt.Sprintf("tables-%d.duckdb", count)), count)
	}
	return nil, fmt.Errorf("-engine %q is not one of postgres, duckdb", *engineName)
}

// openPostgres fills a server of our own, or the database that was named.
func openPostgres(ctx context.Context, count int) (*engine, error) {
	e := &engine{name: "postgres", dsn: *dsn, close: func() error { return nil }}
	if e.dsn == "" {
		s, err := servertest.Postgres("shared_buffers=2GB", "autovacuum=off", "max_wal_size=8GB")
		if err != nil {
			return nil, err
		}
		e.dsn, e.pid, e.close = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.Port), s.PID, s.Stop
	}
	conn, err := pgconn.Connect(ctx, e.dsn)
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost
	e.title = "PostgreSQL " + conn.ParameterStatus("server_version")
	if e.pid == 0 {
		e.pid = cost.Parent(conn.PID())
	}
	if err := fillPostgres(ctx, conn, count); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// fillPostgres makes the tables, unless an earlier call left as many.
func fillPostgres(ctx context.Context, conn *pgconn.PgConn, count int) error {
	there, err := conn.Exec(ctx, fmt.Sprintf("select 1 from pg_class where relname = '%s'", tables.Name(count-1))).ReadAll()
	if err != nil || len(there[0].Rows) > 0 {
		return err
	}
	exec := func(statement string) error { _, err := conn.Exec(ctx, statement).ReadAll(); return err }
	// Not in one text: analyze would then keep the locks of all tables to its end.
	return errors.Join(tables.Postgres.Fill(count, exec), exec("analyze"), exec("checkpoint"))
}

// openDuckDB fills a file, or takes one of an earlier call that is young enough.
func openDuckDB(ctx context.Context, path string, count int) (*engine, error) {
	e := &engine{name: "duckdb", path: path, close: func() error { return nil }}
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > 12*time.Hour {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	_, missing := os.Stat(path)
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // nothing is lost
	var version string
	if err := db.QueryRowContext(ctx, "select version()").Scan(&version); err != nil {
		return nil, err
	}
	e.title = "DuckDB " + version
	if missing == nil {
		return e, nil
	}
	if _, err := db.ExecContext(ctx, "begin"); err != nil {
		return nil, err
	}
	exec := func(statement string) error { _, err := db.ExecContext(ctx, statement); return err }
	db.SetMaxOpenConns(1)
	if err := errors.Join(tables.DuckDB.Fill(count, exec), exec("commit"), exec("checkpoint")); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return e, nil
}

// reach makes the way to the engine; through a proxy where something is to be
// delayed.
func (e *engine) reach(rtt time.Duration) (link, error) {
	l := link{pid: e.pid, close: func() error { return nil }}
	if e.name == "duckdb" {
		if rtt > 0 {
			return l, errors.New("-rtt is for an engine with a server")
		}
		l.connection = fmt.Sprintf("{driver: duckdb, path: %q}", e.path)
		l.floor = []string{"-path", e.path}
		return l, nil
	}
	address := e.dsn
	if rtt > 0 {
		u, err := url.Parse(e.dsn)
		if err != nil || u.Scheme == "" {
			return l, errors.New("-rtt needs a -dsn of the form postgres://…")
		}
		if l.proxy, err = delay.Listen(u.Host, rtt); err != nil {
			return l, err
		}
		l.close = l.proxy.Close
		u.Host = fmt.Sprintf("127.0.0.1:%d", l.proxy.Port())
		address = u.String()
	}
	l.connection = fmt.Sprintf("{driver: postgres, dsn: %q}", address)
	l.floor = []string{"-dsn", address}
	return l, nil
}
