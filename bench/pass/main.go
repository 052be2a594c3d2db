// Command pass measures a whole `pipewatch check` (start, files, questions, verdicts,
// report) against the floor: a program that sends the least SQL that finds the same.
//
// It starts its own PostgreSQL, or makes its own DuckDB file, fills it with the
// tables of package tables, lets both look at them in turn, and prints medians and
// their ratio. It fails when one of them does not find what was planted. It is no
// test: figures depend on the machine, and ratios on what else runs there.
//
// # Data model
//
// An engine is where the tables are and how the two programs are told. A contest is
// some rounds of programs in turn over the same tables; a program's round is a cost.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

var (
	engineName = flag.String("engine", "postgres", "postgres or duckdb")
	sizes      = flag.String("tables", "100,1000", "numbers of tables, separated by commas")
	rounds     = flag.Int("rounds", 7, "how often each program runs")
	rtts       = flag.String("rtt", "0s", "round-trip times, separated by commas, such as 0s,2ms,20ms (postgres)")
	dsn        = flag.String("dsn", "", "use this PostgreSQL database, empty or filled by an earlier call within a day, and leave the tables there")
	keep       = flag.String("dir", "", "keep files, and a DuckDB database for the next call, in this folder")
	separate   = flag.Bool("separate", false, "also run the floor with one statement a check")
	output     = flag.String("o", "table", "what pipewatch prints: table, json, ndjson, …")
	profile    = flag.String("profile", "", "run this pipewatch, built with care, instead of one built here")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	counts, err := numbers(*sizes)
	if err != nil {
		return err
	}
	dir, done, err := folder(*keep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := build(ctx, dir); err != nil {
		return err
	}
	e, err := openEngine(ctx, dir, slices.Max(counts))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	fmt.Printf("%s, %d rounds, pipewatch check -o %s\n\n%s", e.title, *rounds, *output, heading)
	var all []contest
	for rtt := range strings.SplitSeq(*rtts, ",") {
		d, err := time.ParseDuration(rtt)
		if err != nil {
			return err
		}
		for _, count := range counts {
			c, err := compete(ctx, e, dir, count, d)
			if err != nil {
				return err
			}
			fmt.Print(c)
			if d == 0 {
				all = append(all, c)
			}
		}
	}
	fmt.Print(growth(all))
	return nil
}

// compete lets the programs look at the same tables in turn.
func compete(ctx context.Context, e *engine, dir string, count int, rtt time.Duration) (c contest, err error) {
	link, err := e.reach(rtt)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, link.close()) }()
	project, err := os.MkdirTemp(dir, "project-")
	if err != nil {
		return c, err
	}
	if err := tables.Write(project, count, link.connection); err != nil {
		return c, err
	}
	config := filepath.Join(project, "pipewatch.yaml")
	state := filepath.Join(project, "memory.json")
	pipewatch := filepath.Join(dir, "pipewatch")
	if *profile != "" {
		pipewatch = *profile
	}
	floor := append([]string{filepath.Join(dir, e.name), "-tables", strconv.Itoa(count)}, link.floor...)
	programs := []program{
		{"floor", floor, tables.ReadLines},
		{"pipewatch", []string{pipewatch, "check", "-c", config, "-o", *output}, nil},
		{"with --state", []string{pipewatch, "check", "-c", config, "-o", *output, "--state", state}, nil},
	}
	if *separate {
		programs = append(programs, program{"one a check", append(slices.Clone(floor), "-apart"), tables.ReadLines})
	}
	// What is found is compared once, in a form that is easy to read; this also fills
	// caches.
	verify := program{"pipewatch", []string{pipewatch, "check", "-c", config, "-o", "ndjson"}, tables.ReadReport}
	if _, err := verify.run(ctx, link, count); err != nil {
		return c, err
	}
	c = contest{tables: count, rtt: rtt}
	for _, p := range programs {
		c.lanes = append(c.lanes, lane{name: p.name})
	}
	for range *rounds {
		for i, p := range programs {
			cost, err := p.run(ctx, link, count)
			if err != nil {
				return c, err
			}
			c.lanes[i].costs = append(c.lanes[i].costs, cost)
		}
	}
	return c, nil
}

// build makes the programs that compete.
func build(ctx context.Context, dir string) error {
	for name, of := range map[string]string{"pipewatch": "./cmd/pipewatch", "postgres": "./bench/floor/postgres", "duckdb": "./bench/floor/duckdb"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(dir, name), of)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s (run this in the module's folder): %w\n%s", of, err, text)
		}
	}
	return nil
}

// folder is where files go: the named one, or one that is removed at the end.
func folder(named string) (string, func() error, error) {
	if named != "" {
		dir, err := filepath.Abs(named)
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		return dir, func() error { return nil }, err
	}
	dir, err := os.MkdirTemp("", "pipewatch-bench-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

func numbers(list string) (counts []int, err error) {
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-tables %q: %q is no number of tables", list, s)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
