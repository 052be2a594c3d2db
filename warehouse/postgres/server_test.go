package postgres_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

var (
	server    *servertest.Server
	serverErr error
	databases atomic.Int64
)

func TestMain(m *testing.M) {
	server, serverErr = servertest.Postgres()
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func dsn(user, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", user, server.Port, database)
}

// admin runs statements in a database with every right.
func admin(t *testing.T, database string, statements ...string) {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn("postgres", database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the statements have been answered
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// lock holds a lock until release is called.
func lock(t *testing.T, database, sql string) (release func()) {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn("postgres", database))
	if err == nil {
		_, err = conn.Exec(t.Context(), "begin; "+sql).ReadAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { conn.Close(context.Background()) } //nolint:errcheck // the lock goes with it
}

// value reads one value with every right; NULL is "".
func value(t *testing.T, database, sql string) string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn("postgres", database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the statement has been answered
	results, err := conn.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return string(results[len(results)-1].Rows[0][0])
}

// reused empties one database and runs the statements in it: a database for each of
// hundreds of cases would take a minute and a half.
func reused(t *testing.T, setup ...string) string {
	t.Helper()
	servertest.Need(t, "postgres", serverErr)
	const clear = `do $$ declare s text; begin
for s in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop execute format('drop schema %I cascade', s); end loop;
create schema public; end $$`
	admin(t, "postgres", append([]string{clear, "set timezone = 'UTC'"}, setup...)...)
	return "postgres"
}

// fresh makes a database in which the statements have run.
func fresh(t *testing.T, setup ...string) string {
	t.Helper()
	servertest.Need(t, "postgres", serverErr)
	name := fmt.Sprintf("db%d", databases.Add(1))
	admin(t, "postgres", "create database "+name+"")
	admin(t, name, append([]string{"set timezone = 'UTC'"}, setup...)...)
	return name
}

func open(t *testing.T, dsn string, limits warehouse.Limits) *warehouse.Source {
	t.Helper()
	if limits.MaxQueries == 0 {
		limits = warehouse.Limits{MaxQueries: 4, StatementTimeout: time.Minute, FreeSQL: true, Now: time.Now}
	}
	source, err := postgres.Open(postgres.Options{DSN: dsn, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

// TestMeaning runs what every question means on this engine.
func TestMeaning(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, dsn("postgres", reused(t, setup...)), warehouse.Limits{})
	})
}

// analyzed makes tables known to be small, as they are before long on a server in use.
const analyzed = `do $$ declare t regclass; begin
for t in select oid from pg_class where relkind = 'r' and relnamespace::regnamespace::text !~ '^(pg_|information_schema)' loop execute format('analyze %s', t); end loop; end $$`

// TestCases runs what every check kind means on this engine.
func TestCases(t *testing.T) {
	checkstest.Run(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, dsn("postgres", reused(t, append(setup, analyzed)...)), warehouse.Limits{})
	})
}

// TestDifferential holds random checks on random tables against a slow oracle.
func TestDifferential(t *testing.T) {
	checkstest.Differential(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, dsn("postgres", reused(t, append(setup, analyzed)...)), warehouse.Limits{})
	})
}
