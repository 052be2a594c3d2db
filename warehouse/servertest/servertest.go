// Package servertest starts database servers for tests: a real one, on a random
// port of the loopback address, with a data folder of its own that goes with it.
//
// It installs nothing: a server that is not on the machine is a reason that the
// tests print, and a failure where PIPEWATCH_TEST_ENGINES names the engine. It
// knows no SQL and no driver.
//
// # Data model
//
// A [Server] is one process and its folder. Servers refuse to run as root, so as
// root it runs as user nobody, who owns the folder. [Postgres] and [MariaDB] start
// one; the test binary that started it stops it in TestMain.
package servertest

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Server is a running server.
type Server struct {
	Port    int
	PID     int // of its first process
	dir     string
	stop    func() error
	standby func() error // restarts it as one
}

// ErrMissing says that the engine is not on this machine.
var ErrMissing = errors.New("the server is not installed")

// Need ends a test without a server: with a reason, or as a failure where the
// environment names the engine among those that must be tested.
func Need(t *testing.T, engine string, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && !slices.Contains(strings.Split(os.Getenv("PIPEWATCH_TEST_ENGINES"), ","), engine):
		t.Skipf("%s: %v", engine, err)
	default:
		t.Fatalf("%s: %v", engine, err)
	}
}

// Postgres starts PostgreSQL with one superuser called postgres, who needs no
// password from this machine. Settings, such as "shared_buffers=2GB", are added to
// those that suit a test.
func Postgres(settings ...string) (*Server, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pipewatch-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	as, err := owner(dir)
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	data := filepath.Join(dir, "data")
	if err := run(as, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if s.Port, err = freePort(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	ctl := filepath.Join(bin, "pg_ctl")
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories=%s -c fsync=off -c max_connections=50 -c shared_buffers=32MB", s.Port, dir)
	options = strings.Join(append([]string{options}, settings...), " -c ")
	if err := run(as, dir, ctl, "-D", data, "-w", "-t", "30", "-l", filepath.Join(dir, "log"), "-o", options, "start"); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.PID = pidOf(filepath.Join(data, "postmaster.pid"))
	s.stop = func() error { return run(as, dir, ctl, "-D", data, "-w", "-t", "30", "-m", "immediate", "stop") }
	s.standby = func() error {
		signal := filepath.Join(data, "standby.signal")
		if err := os.WriteFile(signal, nil, 0o644); err != nil {
			return err
		}
		return run(as, dir, ctl, "-D", data, "-w", "-t", "30", "-m", "fast", "-l", filepath.Join(dir, "log"), "-o", options, "restart")
	}
	return s, nil
}

// Standby restarts a PostgreSQL as a standby whose primary never comes: it answers, and
// takes no writes.
func (s *Server) Standby() error { return s.standby() }

// pidOf reads the first line of a file that a server keeps; 0 where there is none.
func pidOf(file string) int {
	text, _ := os.ReadFile(file) // a server without the file runs all the same
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	if s == nil {
		return nil
	}
	var err error
	if s.stop != nil {
		err = s.stop()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// postgresBin is the folder of the newest PostgreSQL on this machine, or the one that
// the environment names, to try another version.
func postgresBin() (string, error) {
	if named := os.Getenv("PIPEWATCH_TEST_POSTGRES"); named != "" {
		return named, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		path, err := exec.LookPath("initdb")
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%w: install postgresql, as tools/engines.sh does", ErrMissing)
		}
		return filepath.Dir(path), err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 where it is no number
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

// owner gives the folder to the user who runs the server: nobody where this is root.
func owner(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

func run(as *syscall.Credential, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	// Output goes to a file: a server that inherits a pipe would keep it open.
	log, err := os.Create(filepath.Join(dir, filepath.Base(name)+".log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // it is read below
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name()) // the error is told either way
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, text)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
