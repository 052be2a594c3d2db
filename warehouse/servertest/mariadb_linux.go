package servertest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// MariaDB starts MariaDB with one user who may do everything, root with the password
// secret. It knows no time zone by name. The system ends it with us, also where we
// are killed; only Linux can.
func MariaDB() (*Server, error) {
	server, err := program("mariadbd")
	if err != nil {
		return nil, err
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pipewatch-mariadb-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	as, err := owner(dir)
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := run(as, dir, install, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal"); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.startMariaDB(server, as); err != nil {
		return nil, errors.Join(fmt.Errorf("start MariaDB: %w", err), s.Stop())
	}
	return s, nil
}

// startMariaDB starts the server and waits until it listens.
func (s *Server) startMariaDB(server string, as *syscall.Credential) (err error) {
	first := filepath.Join(s.dir, "first.sql")
	const users = "create or replace user 'root'@'127.0.0.1' identified by 'secret';\ngrant all privileges on *.* to 'root'@'127.0.0.1' with grant option;\n"
	if err := os.WriteFile(first, []byte(users), 0o644); err != nil {
		return err
	}
	if s.Port, err = freePort(); err != nil {
		return err
	}
	cmd := exec.Command(server, "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"), "--socket="+filepath.Join(s.dir, "s"), "--pid-file="+filepath.Join(s.dir, "pid"),
		fmt.Sprintf("--port=%d", s.Port), "--bind-address=127.0.0.1", "--skip-name-resolve", "--init-file="+first, "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0",
		"--skip-innodb-doublewrite", "--sync-frm=0", "--innodb-buffer-pool-size=64M", "--max-connections=100")
	cmd.Dir, cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.PID = cmd.Process.Pid
	s.stop = func() error {
		if err := cmd.Process.Kill(); err != nil { // its data is thrown away
			return err
		}
		cmd.Wait() //nolint:errcheck // it was killed
		return nil
	}
	return ready(said)
}

// ready reads what a server says until it listens, and then lets it speak.
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

// program finds a program of a server, also where Debian keeps them: where only the
// administrator's shell looks.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w: no %s; apt-get install mariadb-server, as tools/engines.sh does", ErrMissing, name)
	}
	return path, nil
}
