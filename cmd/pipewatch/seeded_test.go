package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// A seeded bug names the line that it spoils. Whoever changes that line changes
// the bug with it, in test/seeded, so that its test goes on to prove something.
func TestEverySeededBugFits(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range seeded.Mutants() {
		if seen[m.Name] {
			t.Errorf("two seeded bugs are called %s", m.Name)
		}
		seen[m.Name] = true
		src, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m.Pkg), m.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Fits(src); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}
