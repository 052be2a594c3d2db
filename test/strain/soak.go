package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// sample is what must stay flat.
type sample struct{ heap, goroutines, files, state float64 }

// soak breaks and mends tables for a while, with a run every second. Promised:
// memory, goroutines, open files do not grow.
func soak(ctx context.Context, s *stage, o options) (*result, error) {
	shut, err := s.open("root", "t")
	if err != nil {
		return nil, err
	}
	defer shut()
	if err := s.prepare(edited(0)); err != nil {
		return nil, err
	}
	p, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(o.seed, 1))
	var all []sample
	for began := time.Now(); time.Since(began) < o.long; {
		if err := s.fill([]string{"root", "t"}[random.IntN(2)], random.IntN(2)); err != nil {
			return nil, err
		}
		m, err := rig.Metrics(ctx, s.page)
		if err != nil {
			return nil, rig.WithLog(s.file("serve.log"), err)
		}
		all = append(all, sample{m["go_memstats_heap_alloc_bytes"], m["go_goroutines"], m["process_open_fds"], m["pipewatch_state_bytes"]})
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	// What is least in a while is what cannot be given back.
	third := max(1, len(all)/3)
	was, is := floor(all[third:max(third+1, 2*third)]), floor(all[2*third:])
	r := &result{}
	r.figure("%v: heap %.1f then %.1f MiB, goroutines %.0f then %.0f, open files %.0f then %.0f, state %.0f KiB at the end", o.long,
		was.heap/(1<<20), is.heap/(1<<20), was.goroutines, is.goroutines, was.files, is.files, all[len(all)-1].state/1024)
	r.want(is.heap <= was.heap*1.2+(1<<20), "the heap grew from %.0f to %.0f bytes", was.heap, is.heap)
	r.want(is.goroutines <= was.goroutines+2, "goroutines grew from %.0f to %.0f", was.goroutines, is.goroutines)
	r.want(is.files <= was.files+2, "open files grew from %.0f to %.0f", was.files, is.files)
	return r, p.Stop()
}

// floor is the least of each figure.
func floor(all []sample) sample {
	out := all[0]
	for _, s := range all {
		out = sample{min(out.heap, s.heap), min(out.goroutines, s.goroutines), min(out.files, s.files), s.state}
	}
	return out
}
