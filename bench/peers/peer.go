package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// peer is another checker.
type peer struct {
	name, title string

	// pip lists what is installed, one call of pip install a line; without a line the
	// peer is not on PyPI and is run only where its program is there already.
	pip []string

	// write makes the files of a project, steps are the commands of a pass (the first
	// word is a program in the peer's environment), found reads what they found as
	// the lines of [tables.Failing], in any order.
	write func(p project) error
	steps [][]string
	found func(dir string) ([]string, error)
}

// peers are all that can be run, the fastest first.
var peers = []peer{bruin, soda3, soda4, greatExpectations, dbt}

func peerNames() (names []string) {
	for _, p := range peers {
		names = append(names, p.name)
	}
	return names
}

// project is what a pass looks at.
type project struct {
	dir    string
	port   int // of PostgreSQL on 127.0.0.1
	tables int
}

// file writes a file of the project.
func (p project) file(name, text string) error {
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// names are the tables' names.
func (p project) names() (names []string) {
	for n := range p.tables {
		names = append(names, tables.Name(n))
	}
	return names
}

// silence switches every peer's reporting of its use off.
var silence = []string{
	"SODA_CORE_TELEMETRY_ENABLED=false", "DBT_SEND_ANONYMOUS_USAGE_STATS=false", "GX_ANALYTICS_ENABLED=false",
	"DO_NOT_TRACK=1", "TELEMETRY_OPTOUT=1",
}

// command is a step of a pass, ready to run in the project's folder. HOME is the
// project's, so that nothing of the user's is read or written.
func (p peer) command(ctx context.Context, envs, dir string, step []string) *exec.Cmd {
	bin := filepath.Join(envs, p.name, "bin")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, step[0]), step[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), silence...)
	cmd.Env = append(cmd.Env, "HOME="+dir, "TZ=UTC", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

// installed are those of the peers that are in envs, after what can be installed was.
func installed(ctx context.Context, chosen []peer, envs string) (ready []peer, err error) {
	for _, p := range chosen {
		_, err := os.Stat(filepath.Join(envs, p.name, "bin", p.steps[0][0]))
		switch {
		case err == nil:
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case len(p.pip) == 0:
			fmt.Printf("%s: left out, as it is not on PyPI; put its program into bin/ of %s in the -envs folder\n", p.title, p.name)
			continue
		default:
			if err := p.install(ctx, envs); err != nil {
				return nil, err
			}
		}
		ready = append(ready, p)
	}
	return ready, nil
}

// install makes the peer's environment. Half of one is removed, as it would pass
// for a whole one.
func (p peer) install(ctx context.Context, envs string) error {
	fmt.Fprintf(os.Stderr, "installing %s\n", p.title)
	env := filepath.Join(envs, p.name)
	calls := [][]string{{"python3", "-m", "venv", env}}
	for _, line := range p.pip {
		calls = append(calls, append([]string{filepath.Join(env, "bin", "pip"), "install", "--quiet"}, strings.Fields(line)...))
	}
	for _, call := range calls {
		if text, err := exec.CommandContext(ctx, call[0], call[1:]...).CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("install %s: %s: %w\n%s", p.title, strings.Join(call, " "), err, text), os.RemoveAll(env))
		}
	}
	return nil
}
