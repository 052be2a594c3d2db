package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// traceable skips where no call can be spoilt, unless PIPEWATCH_TEST_ENGINES wants it.
func traceable(t *testing.T) {
	t.Helper()
	out, err := exec.Command("strace", "-f", "-o", os.DevNull, "-e", "inject=fdatasync:error=EIO:when=1", "true").CombinedOutput()
	switch {
	case err == nil:
	case slices.Contains(strings.Split(os.Getenv("PIPEWATCH_TEST_ENGINES"), ","), "strace"):
		t.Fatalf("PIPEWATCH_TEST_ENGINES wants strace: %v %s", err, out)
	default:
		t.Skipf("no call can be spoilt with strace here (package strace): %v %s", err, out)
	}
}

// folder is one that costs no waiting for a disk.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-points-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// tried runs faults and gives what came of them, by the fault's words.
func tried(t *testing.T, binary string, all ...fault) map[string]outcome {
	t.Helper()
	outcomes, err := try(t.Context(), binary, folder(t), all, len(all))
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	report(&told, outcomes)
	t.Log("\n" + told.String())
	by := map[string]outcome{}
	for _, o := range outcomes {
		by[o.fault.String()] = o
	}
	return by
}

// A few points; all of them take minutes (go run ./test/points).
func TestWhateverHappensAtAPointNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real service for half a minute")
	}
	binary := filepath.Join(folder(t), "pipewatch")
	if err := build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	few := []fault{
		{point: "intended", action: "kill", n: 1}, {point: "posted", action: "kill", n: 1}, {point: "marking", action: "error", n: 1},
		{point: "edited", action: "kill", n: 1}, {point: "committed", action: "error", n: 9}, {point: "posted", action: "term", n: 1},
	}
	t.Run("at named points", func(t *testing.T) { kept(t, tried(t, binary, few...)) })
	t.Run("at calls", func(t *testing.T) {
		traceable(t)
		kept(t, tried(t, binary, fault{call: "fdatasync", action: "kill", n: 12}, fault{call: "pwrite64", action: "kill", n: 9},
			fault{call: "fdatasync", action: "EIO", n: 12}, fault{call: "pwrite64", action: "ENOSPC", n: 9}))
	})
}

func kept(t *testing.T, all map[string]outcome) {
	t.Helper()
	for name, o := range all {
		if !o.met {
			t.Errorf("%s never came, so that nothing is proved", name)
		}
		for _, w := range o.wrong {
			t.Errorf("%s: %s", name, w)
		}
	}
}

// The controls: a sender that writes down afterwards that it will send doubles when it
// is killed in between, and a store that takes a failed write for done goes on after it.
func TestControlBugsAreFoundOut(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real service for a while")
	}
	binary := filepath.Join(folder(t), "pipewatch")
	if err := build(t.Context(), binary, "mark-after", "commit-error-ignored"); err != nil {
		t.Fatal(err)
	}
	all := tried(t, binary, fault{point: "posted", action: "kill", n: 1}, fault{point: "committed", action: "error", n: 9})
	for name, o := range all {
		if len(o.wrong) == 0 {
			t.Errorf("%s: the seeded bug was not found", name)
		}
	}
}
