package chronicle_test

import (
	"path/filepath"
	"testing"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

// A file whose power was cut is opened again and written on: what it holds must
// not depend on when that was.
func TestAStepIsTheSameWheneverTheFileWasOpened(t *testing.T) {
	w, err := chronicle.New()
	if err != nil {
		t.Fatal(err)
	}
	whole, cut := &file{path: filepath.Join(t.TempDir(), "whole.db")}, &file{path: filepath.Join(t.TempDir(), "cut.db")}
	whole.open(t)
	for n := range 64 {
		cut.open(t)
		want, got := whole.step(t, w, n), cut.step(t, w, n)
		if got != want {
			t.Fatalf("step %d differs in a file that was opened before each step", n)
		}
		if err := cut.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := whole.db.Close(); err != nil {
		t.Fatal(err)
	}
}

// file is a state file and its store while that is open.
type file struct {
	path string
	db   *store.DB
}

func (f *file) open(t *testing.T) {
	t.Helper()
	var err error
	if f.db, err = store.Open(f.path, store.Options{}); err != nil {
		t.Fatal(err)
	}
}

// step writes a step and digests what the file holds.
func (f *file) step(t *testing.T, w *chronicle.Writer, n int) string {
	t.Helper()
	if err := w.Step(f.db, n); err != nil {
		t.Fatal(err)
	}
	dump, err := chronicle.Dump(f.db)
	if err != nil {
		t.Fatal(err)
	}
	return dump
}
