//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

func TestMain(m *testing.M) {
	writeAsChild()
	os.Exit(m.Run())
}

// traceable skips where no process can be watched.
func traceable(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("strace", "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("no process can be watched with strace here (package strace): %v %s", err, out)
	}
}

func TestEveryStateThatAPowerFailureCanLeaveHoldsWhatWasSafe(t *testing.T) {
	traceable(t)
	var out strings.Builder
	err := run([]string{"-n", "600"}, &out)
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}

// A store that does not wait for the disk must lose something, or leave pages that
// end their reader: by a fault, or by a circle that fills the memory, of which it gets
// 4 GiB.
func TestControlAStoreThatDoesNotSyncIsFoundOut(t *testing.T) {
	traceable(t)
	binary := filepath.Join(t.TempDir(), "images")
	if err := seeded.Build(t.Context(), binary, "test/images", seeded.Named("no-sync").Bug); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -v 4194304; exec "$0" -n 600`, binary).CombinedOutput()
	found := slices.ContainsFunc([]string{errRed.Error(), "unexpected fault address", "out of memory"}, func(s string) bool {
		return strings.Contains(string(out), s)
	})
	if err == nil || !found {
		t.Errorf("the seeded bug was not found (%v):\n%s", err, out[:min(len(out), 4096)])
	}
}
