package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/mysql"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

// server is the MariaDB that the tests of this package share; nil where there is
// none, and missing says why.
var (
	server  *mariadb
	missing error
)

func TestMain(m *testing.M) {
	server, missing = start()
	code := m.Run()
	if err := server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// mariadb is a server of our own, with nothing in it.
type mariadb struct {
	process *servertest.Server
	addr    string
	root    *sql.DB
	made    atomic.Int64 // databases
}

// need skips a test where there is no server, or fails it where one was promised.
func need(t *testing.T) *mariadb {
	t.Helper()
	servertest.Need(t, "mariadb", missing)
	return server
}

func start() (*mariadb, error) {
	process, err := servertest.MariaDB()
	if err != nil {
		return nil, err
	}
	s := &mariadb{process: process, addr: fmt.Sprintf("127.0.0.1:%d", process.Port)}
	if s.root, err = sql.Open("mysql", "root:secret@tcp("+s.addr+")/?sql_mode=%27ANSI_QUOTES,STRICT_ALL_TABLES%27&time_zone=%27%2B00:00%27"); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	s.root.SetMaxOpenConns(1)
	if err := s.zones("America/New_York", "America/Sao_Paulo", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *mariadb) stop() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.root.Close(), s.process.Stop())
}

// zones teaches the server time zones, as mariadb-tzinfo-to-sql does with all.
func (s *mariadb) zones(names ...string) error {
	for i, name := range names {
		loc, err := time.LoadLocation(name)
		if err != nil {
			return err
		}
		id := i + 1
		statements := []string{
			fmt.Sprintf("insert into mysql.time_zone values (%d, 'N')", id),
			fmt.Sprintf("insert into mysql.time_zone_name values ('%s', %d)", name, id),
		}
		kinds := make(map[string]int)
		at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
		for at.Year() < 2037 {
			abbreviation, offset := at.Zone()
			kind := fmt.Sprintf("%d, %t, '%s'", offset, at.IsDST(), abbreviation)
			if _, known := kinds[kind]; !known {
				kinds[kind] = len(kinds)
				statements = append(statements, fmt.Sprintf("insert into mysql.time_zone_transition_type values (%d, %d, %s)", id, kinds[kind], kind))
			}
			statements = append(statements, fmt.Sprintf("insert into mysql.time_zone_transition values (%d, %d, %d)", id, at.Unix(), kinds[kind]))
			_, end := at.ZoneBounds()
			if end.IsZero() {
				break
			}
			at = end
		}
		for _, statement := range statements {
			if _, err := s.root.Exec(statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
	}
	return nil
}

// exec runs statements as the administrator, in a database.
func (s *mariadb) exec(t *testing.T, database string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := s.root.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // statements tell
	if database != "" {
		statements = append([]string{"use " + database}, statements...)
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// fresh makes a database in which the statements have run; it is dropped with the
// test, and the schemas that they make as well.
func (s *mariadb) fresh(t *testing.T, setup ...string) string {
	t.Helper()
	name := fmt.Sprintf("t%d", s.made.Add(1))
	drop := []string{"drop database if exists " + name}
	statements := []string{"create database " + name + " character set utf8mb4", "use " + name}
	for _, statement := range setup {
		if schema, ok := strings.CutPrefix(statement, "create schema "); ok {
			drop = append(drop, "drop database if exists "+schema)
		}
		statements = append(statements, spoken(statement))
	}
	t.Cleanup(func() { s.exec(t, "", drop...) })
	s.exec(t, "", statements...)
	return name
}

// Words of the shared cases that mean something else here: a timestamp is a
// moment, and a datetime the clock on a wall.
var (
	moments = regexp.MustCompile(`\b(timestamp with time zone|timestamptz)\b`)
	walls   = regexp.MustCompile(`\btimestamp\b([^(]|$)`)
	days    = regexp.MustCompile(`\+ (\w+) \* interval '(\d+)' (\w+)`)
	offset  = regexp.MustCompile(`(\d\d:\d\d:\d\d)\+00'`)
)

func spoken(statement string) string {
	if strings.HasPrefix(statement, "create table") || strings.HasPrefix(statement, "alter table") {
		statement = moments.ReplaceAllString(statement, "moment")
		statement = walls.ReplaceAllString(statement, "datetime(6)$1")
		statement = strings.ReplaceAll(strings.ReplaceAll(statement, " moment,", " timestamp(6) null,"), " moment)", " timestamp(6) null)")
	}
	statement = days.ReplaceAllString(strings.ReplaceAll(statement, "timestamptz '", "timestamp '"), "+ interval $1 * $2 $3")
	return offset.ReplaceAllString(statement, "$1'")
}

// dsn is the address of a database for a user of the tests.
func (s *mariadb) dsn(user, database string) string {
	return "mysql://" + user + ":secret@" + s.addr + "/" + database
}

// open makes a source that is closed with the test.
func open(t *testing.T, dsn string, limits warehouse.Limits) *warehouse.Source {
	t.Helper()
	if limits.MaxQueries == 0 {
		limits = warehouse.Limits{MaxQueries: 2, FreeSQL: true}
	}
	source, err := mysql.Open(mysql.Options{DSN: dsn, Limits: limits})
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
