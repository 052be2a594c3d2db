// Command strain puts the real service under more than it will ever meet, and
// holds what it does against figures that were promised.
//
//	go run ./test/strain storm -n 10000       one root takes down 10,000 nodes; then all fail for themselves
//	go run ./test/strain reload -n 10000      files change all the time, 30 % of them broken
//	go run ./test/strain recovery -n 1000000  killed with a million results in its state, is it back in 2 s?
//	go run ./test/strain soak -d 10m          memory, goroutines and files must not grow
//
// Every command takes -seed and -bin (a pipewatch that is built already). What a
// kill does to messages is test/crash.
//
// # Data model
//
// A [stage] is a folder with pipewatch.yaml and DAG files over CSV files, a
// strict Slack, and one life of the service after another. A strain does things
// to it and gives a [result]: figures, and every promise that was not kept.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

func main() { rig.Main("strain", run) }

var errRed = errors.New("a promise was not kept")

// options are the command line's.
type options struct {
	n    int
	long time.Duration
	seed uint64
}

// strains by name.
var strains = map[string]func(context.Context, *stage, options) (*result, error){
	"storm": storm, "reload": reload, "recovery": recovery, "soak": soak,
}

func run(ctx context.Context, args []string, out io.Writer) error {
	names := strings.Join(slices.Sorted(maps.Keys(strains)), ", ")
	if len(args) == 0 || strains[args[0]] == nil {
		return fmt.Errorf("name a strain: %s", names)
	}
	flags := flag.NewFlagSet("strain", flag.ContinueOnError)
	var o options
	flags.IntVar(&o.n, "n", 10000, "how much of it")
	flags.DurationVar(&o.long, "d", 10*time.Minute, "how long (soak)")
	flags.Uint64Var(&o.seed, "seed", 1, "of everything that is drawn")
	binary := flags.String("bin", "", "a pipewatch that is built already")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pipewatch-strain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *binary == "" {
		*binary = filepath.Join(dir, "pipewatch")
		if err := seeded.Build(ctx, *binary, "cmd/pipewatch"); err != nil {
			return err
		}
	}
	began := time.Now()
	r, err := strains[args[0]](ctx, newStage(filepath.Join(dir, "stage"), *binary), o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, n %d, seed %d, %v\n", args[0], o.n, o.seed, time.Since(began).Round(time.Second))
	r.print(out)
	if len(r.broken) > 0 {
		return errRed
	}
	return nil
}

// result is what came of a strain.
type result struct {
	figures []string
	broken  []string // promises that were not kept
}

func (r *result) figure(format string, args ...any) {
	r.figures = append(r.figures, fmt.Sprintf(format, args...))
}

// want notes a promise as broken unless it was kept.
func (r *result) want(kept bool, format string, args ...any) {
	if !kept {
		r.broken = append(r.broken, fmt.Sprintf(format, args...))
	}
}

func (r *result) print(w io.Writer) {
	for _, f := range r.figures {
		fmt.Fprintln(w, "  "+f)
	}
	for _, b := range r.broken {
		fmt.Fprintln(w, "  NOT KEPT: "+b)
	}
}
