package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/rig"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

func TestMain(m *testing.M) {
	checkOne()
	os.Exit(m.Run())
}

func TestNothingWrongIsReadFromASpoiltFileAndTheCopyIsPutInItsPlace(t *testing.T) {
	dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-damage-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := newSubject(filepath.Join(dir, "subject"))
	if err != nil {
		t.Fatal(err)
	}
	r := s.torment(filepath.Join(dir, "spoilt"), 4*len(spoilings), 1)
	var figures strings.Builder
	r.print(&figures, 1, 0)
	t.Log("\n" + figures.String())
	if !r.green() {
		t.Error("something wrong was read, or too little was restored")
	}
}

// Whoever counts the pages that such a page claims grows until the machine has no
// memory left; the service once took that for no damage, and ended at every start.
func TestAPageThatClaimsMillionsOfOthersIsFoundWithoutCountingThem(t *testing.T) {
	dir := t.TempDir()
	s, err := newSubject(filepath.Join(dir, "subject"))
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(len(s.file)/pageSize - 1)
	for binary.NativeEndian.Uint64(s.file[last*pageSize:]) != last {
		last-- // the rest of a page that is longer
	}
	// The list of free pages is named by the heading with the later transaction.
	heading := s.file
	if second := s.file[pageSize:]; binary.NativeEndian.Uint64(second[64:]) > binary.NativeEndian.Uint64(heading[64:]) {
		heading = second
	}
	for name, number := range map[string]uint64{"the last page": last, "the list of free pages": binary.NativeEndian.Uint64(heading[48:])} {
		spoilt := bytes.Clone(s.file)
		binary.NativeEndian.PutUint32(spoilt[number*pageSize+12:], 700e6)
		if outcome, err := s.start(filepath.Join(dir, name), spoilt); outcome != restored {
			t.Errorf("%s: %s (%v)", name, outcome, err)
		}
	}
}

// Without checksums of records the same spoilings must be missed: something wrong
// is read, or what is damaged is met only later, and no copy takes its place.
func TestControlWithoutChecksumsTheHarnessIsRed(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "damage")
	bug := seeded.Named("no-checksums").Bug
	if err := seeded.Build(t.Context(), binary, "test/damage", bug); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "-n", "240").CombinedOutput()
	if err == nil || !strings.Contains(string(out), errRed.Error()) {
		t.Errorf("the seeded bug was not found (%v):\n%s", err, out)
	}
}
