// Command crash kills pipewatch with -9, again and again and at the worst
// moments it can find, while Slack fails too, and then counts: is every message
// there, is any there twice?
//
//	go run ./test/crash -n 300 -seed 1
//
// It is a test of the whole, of the real binary as it is installed; what one
// package does alone is tested in that package, where time can be made to stand
// still. It knows nothing of power failures, which take a disk and not a process
// (a killed process leaves behind all that it wrote).
//
// # Data model
//
// A [trial] is one run of the test: a [project] on disk, a [workspace] (the
// strict Slack, which fails by a [plan] and outlives everything), and one
// [process] after another. The project keeps a ledger of what it broke and
// mended and when; the workspace has every request and every message; the state
// file has what pipewatch believes. [judge] holds the three against each other
// and gives a [report] with every [violation] of an invariant by its number
// (docs/reliability.md). A [seeded.Bug] is a change to pipewatch's source that
// must turn the report red: a test that cannot fail proves nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

// errRed is the end of a run in which an invariant did not hold.
var errRed = errors.New("an invariant does not hold")

// run is the command line.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	cycles := flags.Int("n", 300, "how often to kill, over all profiles")
	seed := flags.Uint64("seed", 1, "of everything that is drawn")
	names := flags.String("profile", "idle,storm,reload", "what goes on meanwhile")
	slack := flags.String("slack", "faulty", "how Slack behaves: "+strings.Join(planNames(), ", "))
	bug := flags.String("bug", "", "build pipewatch with a seeded bug: "+strings.Join(bugs, ", "))
	keep := flags.String("keep", "", "keep project, state and logs in this folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bug != "" && !slices.Contains(bugs, *bug) {
		return fmt.Errorf("no seeded bug %q; there are: %s", *bug, strings.Join(bugs, ", "))
	}
	dir := *keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "pipewatch-crash-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	fmt.Println("building pipewatch")
	binary := filepath.Join(dir, "pipewatch")
	if err := build(ctx, binary, *bug); err != nil {
		return err
	}
	profiles := strings.Split(*names, ",")
	red := false
	for k, name := range profiles {
		t := trial{
			binary: binary, dir: filepath.Join(dir, name), seed: *seed + uint64(k), cycles: *cycles / len(profiles),
			profile: profile(name), plan: *slack, progress: os.Stdout,
		}
		r, err := t.run(ctx)
		if err != nil {
			return fmt.Errorf("profile %s: %w", name, err)
		}
		r.print(os.Stdout)
		red = red || len(r.violations) > 0
	}
	if red {
		return errRed
	}
	return nil
}
