// Package mysql opens MySQL and MariaDB servers for package warehouse.
//
// It only reads: every session is a connection of its own whose transactions are
// read-only and whose statements the server itself ends when they take too long.
// A statement that is given up is killed from a second connection, as the server
// would go on with it otherwise, for minutes, for nobody. What a person wrote is
// first prepared, alone and in the place where it will stand, so that it can be
// nothing but one SELECT or one condition.
//
// It renders no question (package warehouse does) and keeps no pool: a run opens
// its connections and closes them at its end. It is the only package that imports
// the driver.
//
// # Data model
//
// A [database] is an address. A session is one connection to it, in UTC, with an
// sql_mode that is the same on every server; it is opened anew when it breaks, so
// that one statement that kills its connection does not take the others with it.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Options say which server to ask.
type Options struct {
	// DSN is mysql://user:password@host:3306/database?tls=true (or mariadb://), or
	// what the driver itself takes: user:password@tcp(host:3306)/database.
	DSN string
	warehouse.Limits
}

// patience bounds what is done beside the statements of a run: connecting where
// the DSN says nothing, and killing.
const patience = 10 * time.Second

// mode is the sql_mode of every session: that of current servers without
// only_full_group_by, which old servers judge in ways of their own.
const mode = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

// Open makes a source. It does not contact the server: that is done by the first
// question of each run. Source.Ping tells at once.
func Open(o Options) (*warehouse.Source, error) {
	config, err := parse(o.DSN)
	if err != nil {
		return nil, err
	}
	// What a DSN may not bring along: statements behind a statement, files of ours,
	// and cells in other types than session.go reads.
	config.MultiStatements, config.AllowAllFiles, config.ParseTime = false, false, false
	config.InterpolateParams, config.ColumnsWithAlias = false, false
	config.Logger = &driver.NopLogger{}
	config.ConnectionAttributes = "program_name:pipewatch"
	if config.Timeout == 0 {
		config.Timeout = patience
	}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxIdleConns(-1)
	return warehouse.New(&database{sql: pool, schema: config.DBName, timeout: o.StatementTimeout, now: o.Now}, o.Limits), nil
}

// parse reads a DSN in either form. No error repeats any of it, as it holds a
// password.
func parse(dsn string) (*driver.Config, error) {
	if dsn == "" {
		return nil, errors.New("dsn is missing: write mysql://user:password@host:3306/database")
	}
	scheme, _, isURL := strings.Cut(dsn, "://")
	if !isURL || strings.ContainsAny(scheme, "@/(") {
		config, err := driver.ParseDSN(dsn)
		if err != nil {
			return nil, errors.New("dsn cannot be read: write mysql://user:password@host:3306/database, or user:password@tcp(host:3306)/database")
		}
		return config, nil
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("dsn is no URL: write mysql://user:password@host:3306/database, with special characters of the password as %40 and the like")
	}
	if scheme != "mysql" && scheme != "mariadb" {
		return nil, fmt.Errorf("dsn begins with %q: write mysql:// or mariadb://", scheme)
	}
	config, err := driver.ParseDSN("tcp(" + u.Host + ")/?" + u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("dsn has parameters that the driver does not know: %w", err)
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.DBName = strings.Trim(u.Path, "/")
	return config, nil
}

// database is one server.
type database struct {
	sql     *sql.DB
	schema  string // where unqualified tables are; empty: nowhere
	timeout time.Duration
	now     func() time.Time // nil: the server's clock is held against no other

	mu     sync.Mutex
	server string        // as it calls itself
	skew   time.Duration // of the server's clock, when it was last seen
}

// Dialect implements warehouse.DB.
func (db *database) Dialect() warehouse.Dialect {
	db.mu.Lock()
	defer db.mu.Unlock()
	return warehouse.MySQL(db.server)
}

// Close implements warehouse.DB.
func (db *database) Close() error {
	if err := db.sql.Close(); err != nil {
		return fmt.Errorf("close mysql: %w", err)
	}
	return nil
}

// Session implements warehouse.DB. The moment of the run is in the statements
// alone: {{ as_of }} is a literal.
func (db *database) Session(ctx context.Context, _ time.Time) (warehouse.Session, error) {
	s := &session{db: db, zones: make(map[string]bool)}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// connect opens the session's connection and makes it what the dialect stands on.
func (s *session) connect(ctx context.Context) error {
	conn, err := s.db.sql.Conn(ctx)
	if err == nil {
		if err = s.prepare(ctx, conn); err != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	if err == nil {
		s.conn = conn
		return nil
	}
	known := classify(ctx, err)
	if e, ok := errors.AsType[*probe.Error](known); ok && e.Class != probe.Timeout {
		return &probe.Error{Class: probe.Connection, Msg: "connect to the server: " + e.Msg, Cause: err}
	}
	return known
}

func (s *session) prepare(ctx context.Context, conn *sql.Conn) error {
	var server string
	var clock int64
	sent := s.now()
	err := conn.QueryRowContext(ctx, "select version(), connection_id(), @@lower_case_table_names, timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', utc_timestamp(6))").
		Scan(&server, &s.id, &s.folds, &clock)
	received := s.now()
	if err != nil {
		return err
	}
	// A limit on rows that the administrator set for all would shorten answers in silence.
	settings := []string{"time_zone = '+00:00'", "sql_mode = '" + mode + "'", "sql_select_limit = 18446744073709551615"}
	if limit := s.db.timeout; limit > 0 {
		// Half a second beyond ours, for when killing is not possible.
		limit += 500 * time.Millisecond
		if strings.Contains(server, "MariaDB") {
			settings = append(settings, fmt.Sprintf("max_statement_time = %.3f", limit.Seconds()))
		} else {
			settings = append(settings, fmt.Sprintf("max_execution_time = %d", limit.Milliseconds()))
		}
	}
	for _, statement := range []string{"set session " + strings.Join(settings, ", "), "set session transaction read only"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	s.db.server = server
	if !sent.IsZero() {
		s.db.skew = warehouse.Skew(sent, clock, received)
	}
	return nil
}

// now is our clock; the zero time where there is none.
func (s *session) now() time.Time {
	if s.db.now == nil {
		return time.Time{}
	}
	return s.db.now()
}

// Skew implements warehouse.Clocked.
func (s *session) Skew() time.Duration {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return s.db.skew
}

// kill ends what a connection does on the server. The driver only hangs up.
func (db *database) kill(id int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := db.sql.ExecContext(ctx, fmt.Sprintf("kill query %d", id))
	if e, ok := errors.AsType[*driver.MySQLError](err); ok && e.Number == noThread {
		return nil // it has ended by itself
	}
	return err
}
