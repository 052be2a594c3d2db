// Command load runs the loop, the decisions and the state file under a steady
// load, with a warehouse that answers at once, and holds figures against limits:
// what is measured is pipewatch and nothing else.
//
//	go run ./test/load                                 10,000 nodes, 1,000 evaluations a second, two minutes
//	go run ./test/load -nodes 1000 -rate 100 -d 20s    smaller
//
// It is no benchmark of a warehouse (bench/pass), and it sends no messages.
//
// # Data model
//
// A hundred DAGs share the nodes, of which each has two checks. Their intervals
// differ, so that slots are spread over time, and are such that the evaluations
// of a second are the rate. A slot's delay is from the instant that the schedule
// named to the end of the transaction that recorded its run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/watch"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// The promises.
const (
	mostDelay    = time.Second // of 99 in 100 slots
	mostResident = 400 << 20   // bytes
	leastShare   = 0.95        // of the rate
)

// options are what is asked for.
type options struct {
	nodes, rate int
	long        time.Duration
	dir         string
}

func run(args []string, out io.Writer) error {
	o := options{}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.IntVar(&o.nodes, "nodes", 10_000, "nodes, with two checks each")
	flags.IntVar(&o.rate, "rate", 1000, "evaluations a second")
	flags.DurationVar(&o.long, "d", 2*time.Minute, "how long")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pipewatch-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.dir = dir
	f, err := measure(o)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, f)
	return f.broken(o)
}

// project writes the DAG files' texts.
func project(o options) []dag.File {
	const dags = 100
	each := max(o.nodes/dags, 1)
	var files []dag.File
	for d := range dags {
		// From a half to one and a half of the interval that gives the rate.
		interval := time.Duration(float64(2*o.nodes) / float64(o.rate) * (0.5 + float64(d)/(dags-1)) * float64(time.Second))
		var text strings.Builder
		fmt.Fprintf(&text, "version: 1\ndag: d%d\nconnection: wh\nschedule: \"@every %s\"\nnodes:\n", d, max(interval.Round(time.Second), time.Second))
		for n := range each {
			fmt.Fprintf(&text, "  t%d: {table: t%d, freshness: {column: at, error_after: 6h}, row_count: {min: 1}", n, n)
			if n%10 > 0 {
				fmt.Fprintf(&text, ", depends_on: [t%d]", n-1)
			}
			text.WriteString("}\n")
		}
		files = append(files, dag.File{Name: fmt.Sprintf("d%d.yaml", d), Src: []byte(text.String())})
	}
	return files
}

// prompt answers every question at once.
type prompt struct{}

// Ask is for probe.Source.
func (prompt) Ask(_ context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	out := make([]probe.Answer, len(qs))
	for n, q := range qs {
		out[n].Started, out[n].Took = at, time.Millisecond
		if out[n].Value = any(int64(1000 + at.Unix()%1000)); isWatermark(q) {
			out[n].Value = probe.Mark{Max: probe.At(at.Add(-time.Minute)), Rows: 1000, Timed: 1000, Class: probe.Zoned}
		}
	}
	return out
}

func isWatermark(q probe.Question) bool {
	_, is := q.(probe.Watermark)
	return is
}

// figures are what was measured.
type figures struct {
	load, open time.Duration // from texts to a suite, of the empty state file
	long       time.Duration
	results    int
	delays     []time.Duration // sorted
	skipped    int64
	resident   int64 // bytes, the most there was
	state      int64 // bytes of the state file
	processor  time.Duration
}

func (f figures) delay(share float64) time.Duration {
	if len(f.delays) == 0 {
		return 0
	}
	return f.delays[min(int(share*float64(len(f.delays))), len(f.delays)-1)]
}

// String is the figures in a few lines.
func (f figures) String() string {
	return fmt.Sprintf("load %v, open %v; %d evaluations in %d runs over %v: %.0f a second, %.0f%% of a processor\n"+
		"slot delay p50 %v, p99 %v, most %v, skipped %d; resident at most %d MiB; state %d MiB",
		f.load.Round(time.Millisecond), f.open.Round(time.Millisecond), f.results, len(f.delays), f.long.Round(time.Second), float64(f.results)/f.long.Seconds(),
		100*f.processor.Seconds()/f.long.Seconds(), f.delay(.5).Round(time.Millisecond), f.delay(.99).Round(time.Millisecond), f.delay(1).Round(time.Millisecond),
		f.skipped, f.resident>>20, f.state>>20)
}

// broken tells the promises that were not kept.
func (f figures) broken(o options) error {
	var errs []error
	if d := f.delay(.99); d > mostDelay {
		errs = append(errs, fmt.Errorf("p99 of the slot delay is %v, limit %v", d, mostDelay))
	}
	if f.resident > mostResident {
		errs = append(errs, fmt.Errorf("%d bytes were resident, limit %d", f.resident, mostResident))
	}
	if rate := float64(f.results) / f.long.Seconds(); rate < leastShare*float64(o.rate) {
		errs = append(errs, fmt.Errorf("%.0f evaluations a second, asked for %d", rate, o.rate))
	}
	return errors.Join(errs...)
}

// measure runs it all.
func measure(o options) (figures, error) {
	var f figures
	began := time.Now()
	g, problems := dag.Load(project(o), dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		return f, err
	}
	f.load = time.Since(began)
	began = time.Now()
	db, err := store.Open(filepath.Join(o.dir, "state.db"), store.Options{})
	if err != nil {
		return f, err
	}
	defer db.Close()
	f.open = time.Since(began)
	debug.FreeOSMemory()
	if err := f.serve(o, db, suite); err != nil {
		return f, err
	}
	if f.state, err = db.Size(); err != nil {
		return f, err
	}
	f.resident, err = mostResidentSoFar()
	slices.Sort(f.delays)
	return f, err
}

// serve lets the loop run. The first runs, which are all due at once, are not
// counted.
func (f *figures) serve(o options, db *store.DB, suite *checks.Suite) error {
	var mu sync.Mutex
	first := map[string]bool{}
	clock := watch.Clock{}
	var counting time.Time
	s, err := watch.New(watch.Config{
		Source: prompt{}, Store: db, Policy: incident.DefaultPolicy, Now: clock.Now, Wait: clock.Wait,
		Route: func(*checks.Suite, incident.Incident) string { return "#data" },
		Recorded: func(r incident.Run, _ incident.Change) {
			now := time.Now()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case r.DAG == "":
			case !counting.IsZero():
				f.results += len(r.Results)
				f.delays = append(f.delays, now.Sub(r.Slot))
			case !first[r.DAG]:
				if first[r.DAG] = true; len(first) == len(suite.Graph.DAGs()) {
					counting = now
				}
			}
		},
		Log: slog.New(slog.DiscardHandler),
	}, suite)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.long)
	defer cancel()
	before := processorTime()
	if err := s.Run(ctx); err != nil {
		return err
	}
	if counting.IsZero() {
		return errors.New("the first runs did not end in time; give it longer with -d")
	}
	f.long, f.skipped, f.processor = time.Since(counting), s.Skipped(), processorTime()-before
	return nil
}

// usage is what the kernel says of this process.
func usage() syscall.Rusage {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("load: " + err.Error()) // unreachable: the arguments are valid
	}
	return u
}

func processorTime() time.Duration {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mostResidentSoFar is in bytes; Linux counts in KiB.
func mostResidentSoFar() (int64, error) {
	kib := usage().Maxrss
	if kib <= 0 {
		return 0, errors.New("the kernel does not say how much memory is resident")
	}
	return kib << 10, nil
}
