// Package seeded puts bugs into pipewatch on purpose, to see whether a test
// notices: a harness that no bug turns red proves nothing.
//
// It never touches a source file, and pipewatch needs no hook for it: the file
// with the bug is written elsewhere, and an overlay has the compiler read it
// (go build -overlay).
//
// # Data model
//
// A [Bug] is a piece of one source file and what is compiled in its place. It
// must fit the file in exactly one place: one that does not fit any more would
// prove nothing, and is an error. [Mutants] is the list of all of them, each with
// the tests that must notice; whoever changes a line that a bug is about brings
// the bug up to date (a test in cmd/pipewatch says so).
package seeded

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Module is pipewatch's module path.
const Module = "github.com/pipewatch-dev/pipewatch"

// Bug is a change to one source file.
type Bug struct {
	Pkg, File    string // folder relative to the module, and file name
	Right, Wrong string
}

// Fits tells whether the bug still fits its file, by the file's text.
func (b Bug) Fits(src []byte) error {
	if n := bytes.Count(src, []byte(b.Right)); n != 1 {
		return fmt.Errorf("a seeded bug fits %s/%s in %d places and should in one: bring it up to date in test/seeded (it replaces %q)", b.Pkg, b.File, n, b.Right)
	}
	return nil
}

// Overlay writes the files with the bugs into dir and gives the overlay file for
// go build -overlay and go test -overlay. Bugs of one file are put in one after the
// other.
func Overlay(ctx context.Context, dir string, bugs ...Bug) (string, error) {
	files := map[string]string{}
	for _, b := range bugs {
		out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", Module+"/"+b.Pkg).Output()
		if err != nil {
			return "", fmt.Errorf("find package %s: %w", b.Pkg, err)
		}
		original := filepath.Join(string(bytes.TrimSpace(out)), b.File)
		src, err := os.ReadFile(cmp.Or(files[original], original))
		if err != nil {
			return "", err
		}
		if err := b.Fits(src); err != nil {
			return "", err
		}
		files[original] = filepath.Join(dir, fmt.Sprintf("ill-%d-%s", len(files), b.File))
		if err := os.WriteFile(files[original], bytes.Replace(src, []byte(b.Right), []byte(b.Wrong), 1), 0o600); err != nil {
			return "", err
		}
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": files})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// Build compiles a command of the module as anybody would, with bugs if any are
// given.
func Build(ctx context.Context, binary, command string, bugs ...Bug) error {
	dir := filepath.Dir(binary)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	args := []string{"build", "-o", binary}
	if len(bugs) > 0 {
		overlay, err := Overlay(ctx, dir, bugs...)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	if out, err := exec.CommandContext(ctx, "go", append(args, Module+"/"+command)...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return nil
}
