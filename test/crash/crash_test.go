package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// binaryOf builds pipewatch for a test, with a seeded bug if one is named.
func binaryOf(t *testing.T, bug string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "pipewatch")
	if err := build(t.Context(), binary, bug); err != nil {
		t.Fatal(err)
	}
	return binary
}

// figures runs a trial and logs what came of it.
func figures(t *testing.T, tr trial) report {
	t.Helper()
	tr.dir = t.TempDir()
	r, err := tr.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	r.print(&b)
	t.Log("\n" + b.String())
	return r
}

// The trials mostly wait, so that they run side by side. Those that must turn
// red are controls: without them a green one would mean nothing.
func TestKilledAtAnyMomentNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real service for half a minute")
	}
	binary := binaryOf(t, "")
	for _, p := range []profile{storm, reload} {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			r := figures(t, trial{binary: binary, seed: 1, cycles: 8, profile: p, plan: "faulty"})
			for _, v := range r.violations {
				t.Errorf("I%d: %s", v.invariant, v.what)
			}
			if p == storm && (r.incidents == 0 || r.messages == 0 || r.verdicts == 0 || r.midway == 0) {
				t.Error("too little happened to prove anything")
			}
		})
	}
	t.Run("control: a history that lags beyond timeout and quiet doubles", func(t *testing.T) {
		t.Parallel()
		if r := figures(t, trial{binary: binary, seed: 1, cycles: 6, profile: storm, plan: "lagging"}); r.doubled == 0 {
			t.Error("no double was found")
		}
	})
	t.Run("control: a Slack that says ok and stores nothing loses", func(t *testing.T) {
		t.Parallel()
		if r := figures(t, trial{binary: binary, seed: 1, cycles: 6, profile: storm, plan: "lying"}); r.lost == 0 {
			t.Error("no loss was found")
		}
	})
	t.Run("control: marking a message after it was sent doubles", func(t *testing.T) {
		t.Parallel()
		ill := binaryOf(t, "mark-after")
		if r := figures(t, trial{binary: ill, seed: 1, cycles: 8, profile: storm, plan: "silent"}); r.doubled == 0 {
			t.Error("no double was found")
		}
	})
}

func TestSeededBugsStillFitTheSource(t *testing.T) {
	for _, bug := range bugNames() {
		if _, err := infect(t.Context(), t.TempDir(), bug); err != nil {
			t.Error(err)
		}
	}
}
