package main

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// Strains mostly wait, so that all of them run side by side.
func TestTheServiceKeepsItsPromisesUnderStrain(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real service for half a minute")
	}
	dir := t.TempDir()
	well, ill := filepath.Join(dir, "well", "pipewatch"), filepath.Join(dir, "ill", "pipewatch")
	leak := seeded.Named("reload-leaks").Bug
	for binary, bugs := range map[string][]seeded.Bug{well: nil, ill: {leak}} {
		if err := seeded.Build(t.Context(), binary, "cmd/pipewatch", bugs...); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name   string
		binary string
		strain string
		o      options
		red    string // a promise that must be broken
		result *result
		err    error
	}{
		{name: "one root or many", binary: well, strain: "storm", o: options{n: 100}},
		{name: "files that change all the time", binary: well, strain: "reload", o: options{n: 40}},
		{name: "killed and started with a long past", binary: well, strain: "recovery", o: options{n: 20_000}},
		{name: "a while of breaking and mending", binary: well, strain: "soak", o: options{long: 8 * time.Second}},
		{name: "control: a reload that leaves something running", binary: ill, strain: "reload", o: options{n: 40}, red: "grew"},
	}
	var wg sync.WaitGroup
	for n := range cases {
		c := &cases[n]
		stage := newStage(t.TempDir(), c.binary)
		c.o.seed = 1
		wg.Go(func() { c.result, c.err = strains[c.strain](t.Context(), stage, c.o) })
	}
	wg.Wait()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.err != nil {
				t.Fatal(c.err)
			}
			for _, f := range c.result.figures {
				t.Log(f)
			}
			broken := strings.Join(c.result.broken, "; ")
			switch {
			case c.red != "" && !strings.Contains(broken, c.red):
				t.Errorf("no promise was broken, of those: %q", broken)
			case c.red == "" && broken != "":
				t.Error(broken)
			}
		})
	}
}
