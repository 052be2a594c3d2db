// Package postgres asks PostgreSQL for package warehouse.
//
// It opens few connections and keeps them, sends statements through the extended
// protocol without waiting for each answer, and vets what a person wrote with the
// server's own parser. It renders no question (package warehouse does), it has no
// prepared statements on the server, and it never writes. It is the only package
// that imports pgx.
//
// # Data model
//
// A database has up to four lanes, each one connection and a lock. A session is
// one run's use of all lanes: it holds none of them between calls, so any number
// of runs share them. Package warehouse sends what concerns one table to one lane
// only, so that the server keeps what it knows about a table once, not four times.
//
//	statement ─ Sync ─ statement ─ Sync ─ …   one window, one round trip
//	    │                  │
//	implicit transaction, read-only by the session's default: an error, a time-out or
//	a lock is the trouble of its own statement only
//
// Why there is no BEGIN around them: docs/decisions/010-one-sync-per-statement.md.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Options say which database to open.
type Options struct {
	// DSN is a postgres:// address or a list of key=value. It is never shown.
	DSN string
	warehouse.Limits
}

// maxLanes is how many connections a database has at most: more are slower for
// client and server alike.
const maxLanes = 4

// Open makes a source. The server is contacted by the first question.
func Open(o Options) (*warehouse.Source, error) {
	config, err := pgconn.ParseConfig(o.DSN)
	if err != nil {
		return nil, errors.New("read dsn of a postgres connection: it is neither postgres://user:password@host:5432/database nor key=value pairs")
	}
	config.RuntimeParams = settings(config.RuntimeParams, o.StatementTimeout)
	// A statement whose time is over is cancelled on the server and the connection
	// goes on; it is dropped only when the server does not answer that either.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		f := pgproto3.NewFrontend(r, w)
		f.SetMaxBodyLen(warehouse.MaxBytes) // a row is one message
		return f
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	db := &database{config: config, timeout: o.StatementTimeout, now: o.Now}
	for range min(max(o.MaxQueries, 1), maxLanes) {
		db.lanes = append(db.lanes, &lane{db: db, free: make(chan struct{}, 1)})
	}
	return warehouse.New(db, o.Limits), nil
}

// settings are what every connection starts with; the server falls back to them
// whenever a session is reset.
func settings(own map[string]string, timeout time.Duration) map[string]string {
	all := map[string]string{
		"application_name":                    "pipewatch",
		"search_path":                         "",
		"default_transaction_read_only":       "on",
		"jit":                                 "off", // compiling takes longer than most scans; estimates decide it, not rows
		"enable_parallel_append":              "off", // ten small tables would be read by workers, which start slower than they read
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "60s",
		"statement_timeout":                   strconv.FormatInt(timeout.Milliseconds(), 10),
		"TimeZone":                            "UTC",
		"DateStyle":                           "ISO, YMD",
		"IntervalStyle":                       "postgres",
		"bytea_output":                        "hex",
		"extra_float_digits":                  "1",
		"lc_monetary":                         "C",
		"array_nulls":                         "on", // names of tables are a list in which NULL is no name
		"standard_conforming_strings":         "on",
		"client_encoding":                     "UTF8",
	}
	for _, name := range []string{"application_name", "search_path"} {
		if own[name] != "" {
			all[name] = own[name]
		}
	}
	if all["search_path"] == "" {
		delete(all, "search_path") // the role's own
	}
	return all
}

// database implements warehouse.DB.
type database struct {
	config  *pgconn.Config
	timeout time.Duration
	now     func() time.Time // nil: the server's clock is held against no other
	lanes   []*lane

	mu      sync.Mutex
	dialect warehouse.Dialect
	skew    time.Duration // of the server's clock, when it was last seen
}

// lane is one connection and the right to use it.
type lane struct {
	db   *database
	free chan struct{} // holds one token while the lane is taken
	conn *pgconn.PgConn
}

// Session implements warehouse.DB. It connects the first lane, as the version of
// the server decides how SQL is written.
func (db *database) Session(ctx context.Context, _ time.Time) (warehouse.Session, error) {
	s := &session{db: db}
	err := s.with(ctx, func(conn *pgconn.PgConn) error {
		major, _, _ := strings.Cut(conn.ParameterStatus("server_version"), ".")
		if n, err := strconv.Atoi(major); err == nil && n < 14 {
			return &probe.Error{Class: probe.Connection, Msg: "the server is PostgreSQL " + major + "; 14 or later is needed"}
		}
		db.mu.Lock()
		db.dialect = warehouse.Postgres(major)
		db.mu.Unlock()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Dialect implements warehouse.DB.
func (db *database) Dialect() warehouse.Dialect {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.dialect
}

// Close implements warehouse.DB.
func (db *database) Close() error {
	for _, l := range db.lanes {
		l.free <- struct{}{}
		l.drop()
		<-l.free
	}
	return nil
}

// take waits for the lane and connects it where it is not.
func (l *lane) take(ctx context.Context) error {
	select {
	case l.free <- struct{}{}:
	case <-ctx.Done():
		return ended(ctx)
	}
	if l.conn != nil && l.conn.IsClosed() {
		l.conn = nil
	}
	if l.conn != nil {
		return nil
	}
	conn, err := pgconn.ConnectConfig(ctx, l.db.config)
	if err != nil {
		<-l.free
		if ctx.Err() != nil {
			return ended(ctx)
		}
		return &probe.Error{Class: probe.Connection, Msg: unreachable(l.db.config, err), Cause: err}
	}
	l.conn = conn
	return nil
}

// give lets go of the lane. A connection that is no longer what it was at its start
// is not used again.
func (l *lane) give() {
	if l.conn != nil && (l.conn.IsClosed() || l.conn.TxStatus() != 'I' || l.conn.ParameterStatus("default_transaction_read_only") != "on") {
		l.drop()
	}
	<-l.free
}

func (l *lane) drop() {
	if l.conn != nil {
		closeConn(l.conn)
		l.conn = nil
	}
}

func closeConn(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx) //nolint:errcheck // the connection is given up either way
}

// terminate ends what the server does for a connection of ours, from another one. A
// cancel request ends one statement, and those that were sent behind it would then
// run, for nobody: the server does not look whether a client is still there. The
// connection must not be closed yet, so that its process id is still its own; behind
// a pool that makes ids up, the name keeps strangers safe.
func (db *database) terminate(pid uint32) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, db.config)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	_, err = conn.ExecParams(ctx, "select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where pid = $1 and application_name = current_setting('application_name')", [][]byte{strconv.AppendUint(nil, uint64(pid), 10)}, []uint32{oidInt4}, nil, nil).Close()
	return err
}

// unreachable says in the server's words why there is no connection. The driver's
// own text repeats the address but no password.
func unreachable(config *pgconn.Config, err error) string {
	where := fmt.Sprintf("connect to PostgreSQL at %s:%d, database %q: ", config.Host, config.Port, config.Database)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return where + e.Message
	}
	inner := err
	for errors.Unwrap(inner) != nil {
		inner = errors.Unwrap(inner)
	}
	// One line for each attempt, with encryption and without, as a rule the same twice.
	return where + strings.Join(slices.Compact(strings.Split(inner.Error(), "\n")), "; ")
}

// ended says that the time for a statement is over.
func ended(ctx context.Context) error {
	return &probe.Error{Class: probe.Timeout, Cause: context.Cause(ctx), Msg: "the statement was ended: " + context.Cause(ctx).Error()}
}
