package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// All of them take minutes (go run ./test/mutants); a few show with every make
// test that a bug turns its suite red.
func TestAFewSeededBugsAreNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles test binaries")
	}
	few := slices.DeleteFunc(seeded.Mutants(), func(m seeded.Mutant) bool { return !m.Short })
	var table strings.Builder
	err := try(t.Context(), few, &table)
	t.Log("\n" + table.String())
	if err != nil {
		t.Error(err)
	}
}

// The control: tests that have nothing to do with a bug must not be said to notice it.
func TestControlABugThatIsNotNoticedSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a test binary")
	}
	m := seeded.Named("error-is-ok")
	m.Run = "TestABrokenFileIsSaidOnce"
	var table strings.Builder
	if err := try(t.Context(), []seeded.Mutant{m}, &table); err == nil || !strings.Contains(table.String(), "SURVIVED") {
		t.Errorf("got %v:\n%s", err, table.String())
	}
}
