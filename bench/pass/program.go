package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/cost"
	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// program is one of those that compete.
type program struct {
	name string
	args []string
	read func(io.Reader) ([]string, error) // what it found, as lines; nil: not looked at
}

// run runs the program once. Its output goes to a file, so that reading it takes no
// time from it.
func (p program) run(ctx context.Context, l link, count int) (c cost.Cost, err error) {
	out, err := os.CreateTemp("", "pipewatch-bench-out-")
	if err != nil {
		return c, err
	}
	defer func() { out.Close(); os.Remove(out.Name()) }() //nolint:errcheck // a temporary file
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	var trouble strings.Builder
	cmd.Stdout, cmd.Stderr = out, &trouble
	c, err = cost.Server{PID: l.pid, Proxy: l.proxy}.Run(cmd)
	// 1 is what check says where something fails, as it must here.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		return c, fmt.Errorf("%s: %w\n%s", strings.Join(p.args, " "), err, trouble.String())
	}
	return c, p.verify(out, count)
}

// verify holds what was found against what was planted.
func (p program) verify(out *os.File, count int) error {
	if p.read == nil {
		return nil
	}
	if _, err := out.Seek(0, 0); err != nil {
		return err
	}
	found, err := p.read(out)
	if err != nil {
		return err
	}
	slices.Sort(found)
	want := tables.Failing(count)
	if !slices.Equal(found, want) {
		return fmt.Errorf("%s finds %d faults and %d were planted; found: %.300q, planted: %.300q", p.name, len(found), len(want), found, want)
	}
	return nil
}
