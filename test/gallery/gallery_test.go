package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// few are exhibits of every sort: eight faults and two stretches that stay quiet.
var few = []string{
	"a loader fails", "a heartbeat stops", "an hour is lost", "rows twice", "parent keys twice", "a burst of NULL keys",
	"labels that contradict each other", "two faults at once", "a job retried with success", "a column added",
}

// chosen are the exhibits with these names.
func chosen(t *testing.T, names []string) []exhibit {
	t.Helper()
	all := slices.DeleteFunc(exhibits(), func(e exhibit) bool { return !slices.Contains(names, e.name) })
	if len(all) != len(names) {
		t.Fatalf("%d of %d exhibits are there", len(all), len(names))
	}
	return all
}

// policy is how patient the gallery is.
func policy() incident.Policy {
	p := incident.DefaultPolicy()
	p.FailAfter = 1
	return p
}

func TestAFewExhibitsAreToldAsTheyShould(t *testing.T) {
	if testing.Short() {
		t.Skip("plays a hundred hours")
	}
	verdicts, err := hold(t.Context(), chosen(t, few), policy(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		for _, w := range v.wrong {
			t.Errorf("%s: %s", v.exhibit.name, w)
		}
	}
}

// The control: with nothing that explains anything, symptoms are told as causes,
// and the score has to say so. The bug is compiled in; pipewatch has no hook for it.
func TestAnEmptyMatrixTurnsTheScoreRed(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles pipewatch with a bug")
	}
	const judged = "\tjob := below.Spec.Kind == \"job\"\n"
	bug := seeded.Bug{Pkg: "incident", File: "matrix.go", Right: judged, Wrong: "\tif what != (Finding{}) {\n\t\treturn false\n\t}\n" + judged}
	binary := filepath.Join(t.TempDir(), "gallery")
	if err := seeded.Build(t.Context(), binary, "test/gallery", bug); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-only", "^(a table is emptied|parent keys twice)$")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a symptom told apart") {
		t.Fatalf("it is not red: %v\n%s", err, out)
	}
}

func TestEveryExhibitIsWhole(t *testing.T) {
	suite, err := compile()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	faults, calm := 0, 0
	for _, e := range exhibits() {
		if names[e.name] {
			t.Errorf("%s is there twice", e.name)
		}
		names[e.name] = true
		if !e.from.Before(e.until) || e.what == "" {
			t.Errorf("%s has no stretch or says nothing", e.name)
		}
		if len(e.truths) == 0 {
			calm++
			continue
		}
		for _, truth := range e.truths {
			faults++
			if !truth.knowable.After(e.broke()) || !truth.knowable.Before(e.until) {
				t.Errorf("%s is known at %s, which is not after it broke and before it ends", e.name, truth.knowable)
			}
			if truth.root != connection && suite.Graph.Node(truth.root) == nil {
				t.Errorf("%s is about %s, which is not watched", e.name, truth.root)
			}
		}
	}
	if faults < 50 || calm < 12 {
		t.Errorf("%d faults and %d quiet stretches", faults, calm)
	}
}
