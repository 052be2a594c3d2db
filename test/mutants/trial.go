package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// patience is for one suite; one that hangs with the bug has noticed it.
const patience = 3 * time.Minute

// noticed gives what notices a bug: a test, or a promise of test/strain. Empty is
// a bug that nothing noticed.
func noticed(ctx context.Context, dir string, m seeded.Mutant) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if len(m.Strain) > 0 {
		return strained(ctx, dir, m)
	}
	if err := green(ctx, m); err != nil {
		return "", err
	}
	return red(ctx, dir, m)
}

// green wants the suite to pass without the bug. The go command remembers it.
func green(ctx context.Context, m seeded.Mutant) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-vet=off", "-run", m.Run, seeded.Module+"/"+m.Suite).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the tests of %s are red without the bug: %w\n%s", m.Suite, err, tail(out))
	}
	return nil
}

// failed finds the first test that failed; one that panics is named by its trace.
var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^panic: .*running tests:\n\s+(\S+)|^(panic: .*|fatal error: .*|.*test timed out.*)$`)

// red compiles the suite with the bug and runs it.
func red(ctx context.Context, dir string, m seeded.Mutant) (string, error) {
	overlay, err := seeded.Overlay(ctx, dir, m.Bug)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "suite.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, seeded.Module+"/"+m.Suite).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the tests of %s with the bug: %w\n%s", m.Suite, err, tail(out))
	}
	home, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", seeded.Module+"/"+m.Suite).Output()
	if err != nil {
		return "", fmt.Errorf("find package %s: %w", m.Suite, err)
	}
	suite := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout", patience.String(), "-test.run", m.Run)
	suite.Dir = strings.TrimSpace(string(home))
	out, err := suite.CombinedOutput()
	if err == nil {
		return "", nil
	}
	if _, ended := errors.AsType[*exec.ExitError](err); !ended {
		return "", err
	}
	found := failed.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("the tests of %s ended with %w and named no test:\n%s", m.Suite, err, tail(out))
	}
	for _, name := range found[1:] {
		if len(name) > 0 {
			return m.Suite + ": " + string(name), nil
		}
	}
	return m.Suite, nil
}

// strained builds the service with the bug and puts it under a strain.
func strained(ctx context.Context, dir string, m seeded.Mutant) (string, error) {
	binary := filepath.Join(dir, "pipewatch")
	if err := seeded.Build(ctx, binary, "cmd/pipewatch", m.Bug); err != nil {
		return "", err
	}
	args := append([]string{"run", seeded.Module + "/test/strain"}, m.Strain...)
	out, err := exec.CommandContext(ctx, "go", append(args, "-bin", binary)...).CombinedOutput()
	if _, promise, broken := strings.Cut(string(out), "NOT KEPT: "); broken {
		promise, _, _ = strings.Cut(promise, "\n")
		return "test/strain " + m.Strain[0] + ": " + promise, nil
	}
	if err != nil {
		return "", fmt.Errorf("test/strain: %w\n%s", err, tail(out))
	}
	return "", nil
}

// tail is the end of a long output.
func tail(out []byte) string { return string(out[max(0, len(out)-2000):]) }
