//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/chronicle"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

func TestMain(m *testing.M) {
	writeAsChild()
	os.Exit(m.Run())
}

// mountable skips where no disk of one's own can be had.
func mountable(t *testing.T, kind string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount a disk and cut its power")
	}
	if _, err := exec.LookPath("mkfs." + kind); err != nil {
		t.Skipf("%v (package e2fsprogs or xfsprogs)", err)
	}
	d, err := newDisk(t.TempDir(), kind)
	if err == nil {
		err = d.mount()
	}
	if err != nil {
		t.Skipf("no loop device can be mounted here: %v", err)
	}
	if err := d.unmount(); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasSafeIsThereAfterThePowerIsCut(t *testing.T) {
	dumps, err := chronicle.Dumps(t.TempDir(), steps)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"ext4", "xfs"} {
		t.Run(kind, func(t *testing.T) {
			mountable(t, kind)
			r := &report{}
			// On a busy machine the power may be cut before anything is safe.
			for seed := uint64(1); r.safe == 0 && seed <= 5; seed++ {
				if r, err = torment(t.TempDir(), kind, 6, seed, dumps); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d cuts, %d safe steps", r.cuts, r.safe)
			for _, b := range r.bad {
				t.Error(b)
			}
			if r.safe == 0 {
				t.Error("nothing was written, so nothing is proved")
			}
		})
	}
}

// A store that does not wait for the disk must lose something.
func TestControlAStoreThatDoesNotSyncLoses(t *testing.T) {
	mountable(t, "ext4")
	binary := filepath.Join(t.TempDir(), "power")
	bug := seeded.Named("no-sync").Bug
	if err := seeded.Build(t.Context(), binary, "test/power", bug); err != nil {
		t.Fatal(err)
	}
	// On a busy machine the power may be cut before anything is safe.
	for seed := range 5 {
		out, err := exec.CommandContext(t.Context(), binary, "-fs", "ext4", "-n", "4", "-seed", fmt.Sprint(seed)).CombinedOutput()
		if err != nil && strings.Contains(string(out), errRed.Error()) {
			return
		}
		t.Logf("seed %d: %v\n%s", seed, err, out)
	}
	t.Error("no loss was found")
}
