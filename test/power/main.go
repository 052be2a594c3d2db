//go:build linux

// Command power cuts the power of a disk while pipewatch's store writes to it,
// again and again, and looks whether everything that was promised to be safe
// still is.
//
//	sudo go run ./test/power -fs ext4,xfs -n 1000 -seed 1
//
// The disk is a file system of its own in a file (a loop device). Its power is
// cut with the ioctl FS_IOC_SHUTDOWN without flushing the log: what has not
// reached the device by then never does. It needs root, mkfs and loop devices.
// A killed process is test/crash; writes that the device itself reorders or
// tears are test/images.
//
// # Data model
//
// A [disk] is mounted for one life of a [writer], a child process that writes
// the steps of a chronicle (test/chronicle) and says after each that it is
// safe. After the cut the file must be sound and hold exactly the steps that
// were said to be safe, or one more: the dump of every number of steps is known
// beforehand.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

func main() {
	writeAsChild()
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "power:", err)
		os.Exit(1)
	}
}

var errRed = errors.New("something that was safe is gone, or the file is damaged")

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("power", flag.ContinueOnError)
	n := flags.Int("n", 1000, "how often to cut the power, on each file system")
	seed := flags.Uint64("seed", 1, "of when the power is cut")
	kinds := flags.String("fs", "ext4,xfs", "file systems")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pipewatch-power-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dumps, err := chronicle.Dumps(filepath.Join(dir, "reference"), steps)
	if err != nil {
		return err
	}
	red := false
	for kind := range strings.SplitSeq(*kinds, ",") {
		began := time.Now()
		r, err := torment(filepath.Join(dir, kind), kind, *n, *seed, dumps)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		fmt.Fprintf(out, "%s, seed %d: %d cuts in %v after %d safe steps (%d in flight reached the disk); lost %d, damaged %d, torn %d\n",
			kind, *seed, r.cuts, time.Since(began).Round(time.Second), r.safe, r.more, r.lost, r.damaged, r.torn)
		for _, b := range r.bad {
			fmt.Fprintln(out, "  "+b)
		}
		red = red || r.red()
	}
	if red {
		return errRed
	}
	return nil
}
