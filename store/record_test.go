package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// While the last part of a run is written, nothing of it may be in the file yet:
// what a kill leaves at that moment is a copy of the file.
func TestAllOfARunIsOneTransaction(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pw.db")
	db := open(t, path)
	r := recorder{t, db, suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0)))
	before := db.Book()
	run := r.run("shop", at(15), ordersFresh)
	left := filepath.Join(dir, "left.db")
	_, err := db.Record(run, r.decide(run), func(incident.Incident) string {
		whole, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(left, whole, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
		return "#data"
	}, r.fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Check(left); err != nil {
		t.Fatal(err)
	}
	killed := open(t, left)
	if diff := cmp.Diff(before, killed.Book(), same...); diff != "" {
		t.Errorf("half a run was in the file:\n%s", diff)
	}
	if n := len(db.Book().Incidents); n != 1 {
		t.Errorf("the run opened %d incidents, want 1", n)
	}
}
