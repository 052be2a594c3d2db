package store_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// inflated is a file of testdata. schema1.db was written by the last version
// that wrote schema 1, and schema1.jsonl is what that replayed of it.
func inflated(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// schema1 is a copy of the state file of schema 1.
func schema1(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pw.db")
	if err := os.WriteFile(path, inflated(t, "schema1.db"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replayed lists the runs of a store as lines of JSON.
func replayed(t *testing.T, db *store.DB) []string {
	t.Helper()
	var lines []string
	err := db.Replay(func(r incident.Run) error { lines = append(lines, asJSON(t, r)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func asJSON(t *testing.T, r incident.Run) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// expectedRuns are the runs of the file of schema 1, in the words of today.
func expectedRuns(t *testing.T) []string {
	t.Helper()
	var lines []string
	for line := range bytes.Lines(inflated(t, "schema1.jsonl")) {
		var r incident.Run
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, asJSON(t, r))
	}
	return lines
}

func TestFileOfSchema1IsReadAndGoesOn(t *testing.T) {
	path := schema1(t)
	if err := store.Check(path); err != nil {
		t.Fatalf("check before: %v", err)
	}
	r := recorder{t, open(t, path), suite(t, shop, feeds), incident.DefaultPolicy()}
	want := expectedRuns(t)
	if diff := gocmp.Diff(want, replayed(t, r.db)); diff != "" {
		t.Errorf("runs (-of schema 1 +read now):\n%s", diff)
	}
	if r.db.Book().States.Len() == 0 || len(r.db.Book().Incidents) == 0 || len(r.db.Book().Announcements) == 0 {
		t.Errorf("the book is empty: %+v", r.db.Book())
	}
	r.record(r.run("shop", at(1000), ordersFresh))
	past, err := r.db.History("shop/orders", 1000)
	if err != nil || len(past) != 21 || len(past[0].Results) != 2 || len(past[20].Results) != 2 {
		t.Errorf("%d runs of orders, %v, want 20 of then and one of now", len(past), err)
	}
	if _, err := r.db.Run("shop", at(0)); err != nil {
		t.Errorf("first run: %v", err)
	}
	r.db = reopen(t, r.db, path)
	if got := replayed(t, r.db); len(got) != len(want)+1 {
		t.Errorf("%d runs after a restart, want %d", len(got), len(want)+1)
	}
	if n, err := r.db.Prune(at(999)); err != nil || n < len(want) {
		t.Errorf("pruned %d, %v, want all %d runs of schema 1", n, err, len(want))
	}
	if got := replayed(t, r.db); len(got) != 1 {
		t.Errorf("%d runs left, want the one of now", len(got))
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(path); err != nil {
		t.Errorf("check after: %v", err)
	}
}

func TestMigrationThatWasBrokenOffGoesOn(t *testing.T) {
	path := schema1(t)
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	back := 0
	raw(t, path, func(tx *bbolt.Tx) error { // half of the runs are where they were
		b := tx.Bucket([]byte("run"))
		moved := map[string][]byte{}
		_ = b.ForEach(func(k, v []byte) error { moved[string(k)] = bytes.Clone(v); return nil })
		for key, v := range moved {
			part := strings.Split(key, "/")
			if back++; back%2 == 0 {
				continue
			}
			was := part[1] + "/" + part[0] + "/" + part[2]
			if err := b.Delete([]byte(key)); err != nil {
				return err
			}
			if err := b.Put([]byte(was), frame(was, v[0], v[5:])); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), frame("schema", 1, []byte(`1`)))
	})
	if diff := gocmp.Diff(expectedRuns(t), replayed(t, open(t, path))); diff != "" {
		t.Errorf("runs (-of schema 1 +read now):\n%s", diff)
	}
}

func TestDamagedRunOfSchema1IsNoticedWhenItIsMoved(t *testing.T) {
	path := schema1(t)
	key := flip(t, path, "run", "")
	_, err := store.Open(path, store.Options{})
	if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want the damage of %s", err, key)
	}
}
