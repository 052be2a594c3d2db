// Command points has something happen to the service at each point at which it could
// matter, one after the other, and looks whether anything is lost, doubled or damaged.
//
//	go run ./test/points -n 200              killed at each of the first 200 writes and of the first 200 syncs of
//	                                         the state; a broken and a full disk at each of the first 50; and at
//	                                         each named point a kill, SIGTERM, an error and a stall
//
// test/crash kills at random moments, which finds what nobody thought of; here the
// moments are all there are. It needs strace.
//
// # Data model
//
// A [fault] strikes the first life of a [trial]; a second life goes on without it.
// What stands in Slack and what was answered is then held against the state file: an
// [outcome]. Named points are laid into pipewatch by a build overlay (test/points/hit);
// system calls are counted and spoilt by strace, for which the same overlay has all
// transactions made by one thread.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

func main() { rig.Main("points", run) }

var errRed = errors.New("a promise was not kept")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("points", flag.ContinueOnError)
	n := flags.Int("n", 200, "how many writes and how many syncs")
	side := flags.Int("side", 4, "how many trials at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-points-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "pipewatch")
	if err := build(ctx, binary); err != nil {
		return err
	}
	began := time.Now()
	all, err := try(ctx, binary, dir, faults(*n), *side)
	if err != nil {
		return err
	}
	wrong, came := report(out, all), 0
	for _, o := range all {
		if o.met {
			came++
		}
	}
	fmt.Fprintf(out, "%d faults, of which %d came, in %v; %d wrong\n", len(all), came, time.Since(began).Round(time.Second), wrong)
	if wrong > 0 {
		return errRed
	}
	return nil
}

// faults are all that there are up to the k-th call.
func faults(k int) []fault {
	var all []fault
	for _, call := range []string{"pwrite64", "fdatasync"} {
		for n := 1; n <= k; n++ {
			all = append(all, fault{call: call, action: "kill", n: n})
		}
	}
	for n := 1; n <= k/4; n++ {
		all = append(all, fault{call: "fdatasync", action: "EIO", n: n}, fault{call: "pwrite64", action: "ENOSPC", n: n})
	}
	for _, point := range points {
		for _, action := range []string{"kill", "term", "error", "stall"} {
			for n := 1; n <= 2; n++ {
				all = append(all, fault{point: point, action: action, n: n})
			}
		}
	}
	return all
}

// try runs a trial for each fault, some side by side.
func try(ctx context.Context, binary, dir string, all []fault, side int) ([]outcome, error) {
	outcomes, errs := make([]outcome, len(all)), make([]error, len(all))
	room := make(chan struct{}, side)
	var wg sync.WaitGroup
	for n, f := range all {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			t := &trial{binary: binary, dir: filepath.Join(dir, fmt.Sprintf("trial-%d", n)), fault: f}
			if errs[n] = os.MkdirAll(t.dir, 0o700); errs[n] == nil {
				outcomes[n], errs[n] = t.run(ctx)
			}
			if len(outcomes[n].wrong) == 0 {
				errs[n] = errors.Join(errs[n], os.RemoveAll(t.dir))
			}
		})
	}
	wg.Wait()
	return outcomes, errors.Join(errs...)
}

// report prints how many faults of each kind came, and what was wrong. It gives how
// many trials were.
func report(out io.Writer, all []outcome) int {
	kinds, tried, met, wrong := []string{}, map[string]int{}, map[string]int{}, map[string]int{}
	total := 0
	for _, o := range all {
		kind := o.action + " at " + o.point + o.call
		if tried[kind]++; tried[kind] == 1 {
			kinds = append(kinds, kind)
		}
		if o.met {
			met[kind]++
		}
		if len(o.wrong) > 0 {
			wrong[kind]++
			total++
			fmt.Fprintf(out, "%v: %s\n", o.fault, strings.Join(o.wrong, "; "))
		}
	}
	for _, kind := range kinds {
		fmt.Fprintf(out, "  %-22s %4d tried, %4d met, %d wrong\n", kind, tried[kind], met[kind], wrong[kind])
	}
	return total
}
