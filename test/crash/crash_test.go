package main

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The trials mostly wait, so that all of them run side by side. Those that must
// turn red are controls: without them a green one would mean nothing.
func TestKilledAtAnyMomentNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real service for half a minute")
	}
	dir := t.TempDir()
	well, ill := filepath.Join(dir, "well", "pipewatch"), filepath.Join(dir, "ill", "pipewatch")
	for binary, bug := range map[string]string{well: "", ill: "mark-after"} {
		if err := build(t.Context(), binary, bug); err != nil {
			t.Fatal(err)
		}
	}
	promised := func(t *testing.T, r report) {
		for _, v := range r.violations {
			t.Errorf("I%d: %s", v.invariant, v.what)
		}
		if r.messages == 0 || r.verdicts == 0 || r.beats == 0 {
			t.Error("too little happened to prove anything")
		}
	}
	// A lost message and a doubled one are two ways in which the same bug shows.
	red := func(t *testing.T, r report) {
		if r.doubled+r.lost == 0 {
			t.Error("nothing lost or doubled was found")
		}
	}
	cases := []struct {
		name string
		trial
		holds   func(*testing.T, report)
		control bool
		report  report
		err     error
	}{
		{name: "a storm", trial: trial{binary: well, profile: storm, plan: "faulty"}, holds: promised},
		{name: "files that change", trial: trial{binary: well, profile: reload, plan: "faulty"}, holds: promised},
		{name: "few changes", trial: trial{binary: well, profile: idle, plan: "faulty"}, holds: promised},
		{name: "control: a history that lags beyond timeout and quiet doubles", trial: trial{binary: well, profile: storm, plan: "lagging"}, holds: red, control: true},
		{name: "control: a Slack that says ok and stores nothing loses", trial: trial{binary: well, profile: storm, plan: lying}, holds: red, control: true},
		{name: "control: marking a message after it was sent doubles", trial: trial{binary: ill, profile: storm, plan: "silent"}, holds: red, control: true},
	}
	var wg sync.WaitGroup
	for n := range cases {
		c := &cases[n]
		c.dir, c.seed, c.cycles = t.TempDir(), 1, 8
		wg.Go(func() {
			c.report, c.err = c.run(t.Context())
			// Where the machine was too busy for a kill to meet anything, once more.
			for k := 0; k < 2 && c.control && c.err == nil && c.report.doubled+c.report.lost == 0; k++ {
				c.dir, c.seed = t.TempDir(), c.seed+1
				c.report, c.err = c.run(t.Context())
			}
		})
	}
	wg.Wait()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.err != nil {
				t.Fatal(c.err)
			}
			var figures strings.Builder
			c.report.print(&figures)
			t.Log("\n" + figures.String())
			c.holds(t, c.report)
		})
	}
}
