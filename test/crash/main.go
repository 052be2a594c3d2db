// Command crash kills pipewatch with -9, again and again and at the worst
// moments it can find, while Slack fails too, and then counts: is every message
// there, is any there twice?
//
//	go run ./test/crash -n 300 -seed 1
//	go run ./test/crash -n 10000 -side 6              six trials at a time
//	go run ./test/crash -n 300 -to webhook            nothing can be looked up there
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
	"sync"
	"syscall"
	"time"
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
	to := flags.String("to", string(toSlack), "where messages go: slack, or webhook, which cannot be looked through")
	bug := flags.String("bug", "", "build pipewatch with a seeded bug: "+strings.Join(bugs, ", "))
	binary := flags.String("bin", "", "a pipewatch that is built already")
	side := flags.Int("side", 1, "how many trials of each profile go on side by side, each with a share of the kills and a seed of its own")
	most := flags.Duration("d", 0, "stop killing after so long, however often that was")
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
	if *binary == "" {
		*binary = filepath.Join(dir, "pipewatch")
		fmt.Println("building pipewatch")
		if err := build(ctx, *binary, strings.Fields(*bug)...); err != nil {
			return err
		}
	}
	var all []trial
	for range *side {
		for name := range strings.SplitSeq(*names, ",") {
			k := len(all)
			all = append(all, trial{
				binary: *binary, dir: filepath.Join(dir, fmt.Sprint(name, "-", k)), seed: *seed + uint64(k),
				profile: profile(name), plan: *slack, to: sink(*to), progress: os.Stdout,
			})
		}
	}
	for k := range all {
		all[k].cycles = (*cycles + k) / len(all)
		all[k].most = *most * time.Duration(*side) / time.Duration(len(all))
	}
	return try(ctx, all, *side)
}

// try runs trials, so many side by side, and prints what came of each, once it is
// over, and of all.
func try(ctx context.Context, all []trial, side int) error {
	sum := report{profile: "all", plan: all[0].plan, seed: all[0].seed}
	var errs []error
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, max(side, 1))
	for _, t := range all {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			r, err := t.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				err = fmt.Errorf("profile %s, seed %d: %w", t.profile, t.seed, err)
				fmt.Fprintln(os.Stderr, "crash:", err)
				errs = append(errs, err)
				return
			}
			r.print(os.Stdout)
			sum.add(r)
		})
	}
	wg.Wait()
	if len(all) > 1 {
		sum.print(os.Stdout)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if len(sum.violations) > 0 {
		return errRed
	}
	return nil
}
