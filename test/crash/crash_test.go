package main

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// attempt is a trial and what must hold of it.
type attempt struct {
	name string
	trial
	holds   func(*testing.T, report)
	control bool
	report  report
	err     error
}

// said tells whether enough happened to say whether it holds.
func (a attempt) said() bool {
	r := a.report
	if a.control {
		return r.doubled+r.lost > 0
	}
	return len(r.violations) > 0 || r.messages > 0 && r.verdicts > 0 && r.beats > 0
}

// The trials mostly wait, so that all of them run side by side. Those that must
// turn red are controls: without them a green one would mean nothing.
func TestKilledAtAnyMomentNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real service for half a minute")
	}
	dir := t.TempDir()
	well, ill := filepath.Join(dir, "well", "pipewatch"), filepath.Join(dir, "ill", "pipewatch")
	for binary, bugs := range map[string][]string{well: nil, ill: {"mark-after", "secret-logged"}} {
		if err := build(t.Context(), binary, bugs...); err != nil {
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
	tells := func(t *testing.T, r report) {
		red(t, r)
		if !slices.ContainsFunc(r.violations, func(v violation) bool { return v.invariant == 9 }) {
			t.Error("no secret was found in the log")
		}
	}
	cases := []attempt{
		{name: "a storm", trial: trial{binary: well, profile: storm, plan: "faulty"}, holds: promised},
		{name: "files that change", trial: trial{binary: well, profile: reload, plan: "faulty"}, holds: promised},
		{name: "few changes", trial: trial{binary: well, profile: idle, plan: "faulty"}, holds: promised},
		{name: "a webhook", trial: trial{binary: well, profile: idle, plan: "faulty", to: toWebhook}, holds: promised},
		{name: "control: a history that lags beyond timeout and quiet doubles", trial: trial{binary: well, profile: storm, plan: "lagging"}, holds: red, control: true},
		{name: "control: a Slack that says ok and stores nothing loses", trial: trial{binary: well, profile: storm, plan: lying}, holds: red, control: true},
		{name: "control: marking a message after it was sent doubles, a token in the log is found", trial: trial{binary: ill, profile: storm, plan: "silent"}, holds: tells, control: true},
	}
	var wg sync.WaitGroup
	for n := range cases {
		c := &cases[n]
		c.dir, c.seed, c.cycles = t.TempDir(), 1, 8
		wg.Go(func() {
			// Where the machine was too busy for a kill to meet anything, once more.
			for range 3 {
				if c.report, c.err = c.run(t.Context()); c.err != nil || c.said() {
					return
				}
				c.dir, c.seed = t.TempDir(), c.seed+1
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
