package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

// The steps that the copy holds, and that the file holds.
const (
	copied  = 160
	written = 240
)

var now = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// subject is what gets spoilt.
type subject struct {
	file, copy         []byte // contents
	fileHolds, copyHas string // dumps
}

// newSubject writes a past into a state file.
func newSubject(dir string) (*subject, error) {
	path := filepath.Join(dir, "state.db")
	w, err := chronicle.New()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, err
	}
	s := &subject{}
	for n := range written {
		if n == copied {
			if _, err := db.Snapshot(now.Add(-time.Hour), store.Check); err != nil {
				return nil, err
			}
			if s.copyHas, err = chronicle.Dump(db); err != nil {
				return nil, err
			}
		}
		if err := w.Step(db, n); err != nil {
			return nil, err
		}
	}
	if s.fileHolds, err = chronicle.Dump(db); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	// Without the room that bbolt takes in advance every page is one of use.
	if _, _, err := store.Compact(path, store.Check); err != nil {
		return nil, err
	}
	if s.file, err = os.ReadFile(path); err != nil {
		return nil, err
	}
	s.copy, err = os.ReadFile(store.Snapshots(path)[0].Path)
	return s, err
}

// torment spoils the file n times, each in its own way.
func (s *subject) torment(dir string, n int, seed uint64) *report {
	random := rand.New(rand.NewPCG(seed, 1))
	r := &report{outcomes: map[string]int{}}
	for k := range n {
		way := spoilings[k%len(spoilings)]
		spoilt := way.do(random, bytes.Clone(s.file))
		outcome, err := s.start(filepath.Join(dir, fmt.Sprint(k)), spoilt)
		r.note(fmt.Sprintf("%d, %s", k, way.name), outcome, err)
	}
	return r
}

// The outcomes of a start.
const (
	harmless = "harmless: all that was written is read"
	restored = "damaged: the copy was put in its place"
	fresh    = "damaged: begun without a past"
	late     = "damage met only when it was read: refused"
	wrong    = "WRONG: something else was read"
	failed   = "FAILED: it could not be started"
)

// start does with a spoilt file what serve does at its start, and tells what
// came of it.
func (s *subject) start(dir string, spoilt []byte) (string, error) {
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "state.db")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(path, spoilt, 0o600),
		os.WriteFile(path+".snap-20260301T230000.000Z", s.copy, 0o600)); err != nil {
		return failed, err
	}
	done, err := store.Recover(path, now, checkApart)
	if err != nil {
		return failed, err
	}
	got, err := read(path)
	if _, damaged := errors.AsType[*store.CorruptError](err); damaged && done == nil {
		return late, nil
	}
	switch {
	case err != nil:
		return failed, err
	case done == nil && got == s.fileHolds:
		return harmless, nil
	case done != nil && done.From.Path != "" && got == s.copyHas:
		return restored, nil
	case done != nil && done.From.Path == "":
		return fresh, nil
	}
	return wrong, fmt.Errorf("it reads as neither the file nor the copy (put aside: %v)", done != nil)
}

// read opens a state and reads all of it. A spoilt length that nobody notices can
// lead beyond the file, where memory faults: that ends the reading, not the harness.
func read(path string) (holds string, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("reading %s: %v", path, fault)
		}
	}()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return "", err
	}
	defer db.Close()
	return chronicle.Dump(db)
}

// checkApart checks a file as the service does: in a process of its own, within bounds.
func checkApart(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if out, err := exec.Command(self, checkWord, path).CombinedOutput(); err != nil {
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return &store.CorruptError{Path: path, Cause: fmt.Errorf("%w: %s", err, line)}
	}
	return nil
}

// report counts outcomes.
type report struct {
	outcomes map[string]int
	bad      []string
}

func (r *report) note(what, outcome string, err error) {
	r.outcomes[outcome]++
	if outcome == wrong || outcome == failed {
		r.bad = append(r.bad, fmt.Sprintf("%s: %s: %v", what, outcome, err))
	}
}

// green wants nothing wrong, no failed start, and the copy in place of 99 % of
// what was damaged.
func (r *report) green() bool {
	damaged := r.outcomes[restored] + r.outcomes[fresh] + r.outcomes[late]
	return r.outcomes[wrong]+r.outcomes[failed] == 0 && damaged > 0 && r.outcomes[restored]*100 >= damaged*99
}

func (r *report) print(w io.Writer, seed uint64, took time.Duration) {
	fmt.Fprintf(w, "state files spoilt, seed %d, %v\n", seed, took.Round(time.Second))
	for _, o := range slices.Sorted(maps.Keys(r.outcomes)) {
		fmt.Fprintf(w, "  %5d %s\n", r.outcomes[o], o)
	}
	for n, b := range r.bad {
		if n == 20 {
			fmt.Fprintf(w, "  … and %d more\n", len(r.bad)-n)
			break
		}
		fmt.Fprintf(w, "  %s\n", b)
	}
}
