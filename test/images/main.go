//go:build linux

// Command images makes up every state in which a power failure can leave a disk
// that writes in any order and tears what it writes, and looks whether the state
// file can be read from each.
//
//	go run ./test/images -n 100000 -seed 1
//
// It watches the store write with strace, and builds the states from the log:
// what was written since the last fdatasync may have reached the disk or not,
// each write for itself, and one of them may have got there in part. It needs
// strace. A real file system whose power is cut is test/power.
//
// # Data model
//
// An [epoch] is the writes between two syncs on top of what is durable, with the
// number of steps (test/chronicle) that were said to be safe by then. Each
// [image] drawn from it must be sound and hold those steps, or one more.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/chronicle"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// writeWord as the first argument makes the process a writer of steps.
const writeWord = "write-steps"

// steps are written before the images are drawn.
const steps = 64

func main() {
	writeAsChild()
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

// writeAsChild is the process that strace watches.
func writeAsChild() {
	if len(os.Args) != 4 || os.Args[1] != writeWord {
		return
	}
	n, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = chronicle.WriteSteps(os.Args[2], 0, n, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var errRed = errors.New("a state that a power failure can leave is not what was safe")

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("images", flag.ContinueOnError)
	n := flags.Int("n", 100_000, "how many states to look at")
	seed := flags.Uint64("seed", 1, "of which writes arrive")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-images-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	epochs, err := record(filepath.Join(dir, "recorded"), steps)
	if err != nil {
		return err
	}
	dumps, err := chronicle.Dumps(filepath.Join(dir, "reference"), steps)
	if err != nil {
		return err
	}
	r, err := look(filepath.Join(dir, "state.db"), epochs, dumps, *n, *seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "seed %d: %d states of %d epochs (%d writes) in %v; damaged %d, lost %d, torn %d\n", *seed, r.states, len(epochs),
		r.writes, time.Since(began).Round(time.Second), r.damaged, r.lost, r.torn)
	for _, b := range r.bad {
		fmt.Fprintln(out, "  "+b)
	}
	if r.damaged+r.lost+r.torn > 0 {
		return errRed
	}
	return nil
}
