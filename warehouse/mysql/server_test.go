package mysql_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/mysql"
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
	if server != nil {
		server.stop()
	}
	os.Exit(code)
}

// mariadb is a server of our own, with nothing in it.
type mariadb struct {
	dir, addr string
	process   *exec.Cmd
	root      *sql.DB
	made      atomic.Int64 // databases
}

// need skips a test where there is no server, or fails it where one was promised.
func need(t *testing.T) *mariadb {
	t.Helper()
	if missing != nil {
		if slices.Contains(strings.Split(os.Getenv("PIPEWATCH_TEST_ENGINES"), ","), "mariadb") {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return server
}

func start() (*mariadb, error) {
	// Debian keeps servers where only the administrator's shell looks.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/usr/local/sbin"); err != nil {
		return nil, err
	}
	for _, program := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("no MariaDB here: %w; apt-get install mariadb-server", err)
		}
	}
	dir, err := os.MkdirTemp("", "pipewatch-mariadb-")
	if err != nil {
		return nil, err
	}
	s := &mariadb{dir: dir}
	if err := s.run(); err != nil {
		s.stop()
		return nil, fmt.Errorf("start MariaDB: %w", err)
	}
	return s, nil
}

// run starts the server and waits until it answers.
func (s *mariadb) run() error {
	as, err := ordinary(s.dir)
	if err != nil {
		return err
	}
	data, first := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "first.sql")
	if err := os.WriteFile(first, []byte("create or replace user 'root'@'127.0.0.1' identified by 'secret';\ngrant all privileges on *.* to 'root'@'127.0.0.1' with grant option;\n"), 0o644); err != nil {
		return err
	}
	install := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, "--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal")
	install.SysProcAttr, install.Dir = as, s.dir
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.addr = free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.addr)
	s.process = exec.Command("mariadbd", "--no-defaults", "--datadir="+data, "--socket="+filepath.Join(s.dir, "s"), "--pid-file="+filepath.Join(s.dir, "pid"),
		"--port="+port, "--bind-address=127.0.0.1", "--skip-name-resolve", "--init-file="+first, "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--sync-frm=0",
		"--innodb-buffer-pool-size=64M", "--max-connections=100")
	s.process.SysProcAttr, s.process.Dir = as, s.dir
	said, err := s.process.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.process.Start(); err != nil {
		return err
	}
	if err := ready(said); err != nil {
		return err
	}
	if s.root, err = sql.Open("mysql", "root:secret@tcp("+s.addr+")/?sql_mode=%27ANSI_QUOTES,STRICT_ALL_TABLES%27&time_zone=%27%2B00:00%27"); err != nil {
		return err
	}
	s.root.SetMaxOpenConns(1)
	return s.zones("America/New_York", "America/Sao_Paulo", "America/Havana", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")
}

// ready reads what the server says until it listens, and then lets it speak.
func ready(said io.Reader) error {
	lines := bufio.NewScanner(said)
	var all strings.Builder
	for lines.Scan() {
		if strings.Contains(lines.Text(), "ready for connections") {
			go io.Copy(io.Discard, said) //nolint:errcheck // it ends with the server
			return nil
		}
		all.WriteString(lines.Text() + "\n")
	}
	return errors.New("it ended:\n" + all.String())
}

// ordinary is how a server process runs when we are the administrator: as a user
// without rights, who owns the folder.
func ordinary(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		return as, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, os.Chown(dir, uid, gid)
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

func (s *mariadb) stop() {
	if s.root != nil {
		_ = s.root.Close()
	}
	if s.process != nil && s.process.Process != nil {
		_ = s.process.Process.Signal(syscall.SIGKILL) // its data is thrown away
		_ = s.process.Wait()
	}
	_ = os.RemoveAll(s.dir)
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
