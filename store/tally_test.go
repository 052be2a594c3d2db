package store_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// aged is a closed file with a past, and what two of its records were before
// they were written last.
func aged(t *testing.T) (path string, oldState, oldSlot []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0), ordersFresh))
	if err := errors.Join(r.db.Audit(store.Entry{At: at(1), Who: "ana", Did: "ack"}), r.db.Close()); err != nil {
		t.Fatal(err)
	}
	oldState, oldSlot = getRaw(t, path, "state", string(ordersFresh)), getRaw(t, path, "sched", "shop")
	r.db = open(t, path)
	r.record(r.run("shop", at(15)))
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, oldState, oldSlot
}

// hide removes the first record of a bucket, as a page does whose head says that
// it has fewer.
func hide(t *testing.T, path, bucket string) {
	t.Helper()
	raw(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		k, _ := b.Cursor().First()
		return b.Delete(slices.Clone(k))
	})
}

func TestWhatIsMissingFromAFileIsNoticed(t *testing.T) {
	tests := []struct {
		name   string
		bucket string // whose first record is hidden
		says   string
		atOnce bool // by opening it, which reads what decides
	}{
		{"a run", "run", "bucket run holds 1 records and 2 were written", false},
		{"a state", "state", "bucket state holds", true},
		{"an incident", "inc", "bucket inc holds 0 records", true},
		{"a message", "obx", "bucket obx holds", true},
		{"the last slot of a DAG", "sched", "bucket sched holds 0 records and 1 were written", true},
		{"an entry of the audit trail", "audit", "bucket audit holds 0 records and 1 were written", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, _, _ := aged(t)
			hide(t, path, tt.bucket)
			noticed(t, path, tt.says, tt.atOnce)
		})
	}
}

// noticed holds that a file is found damaged by reading all of it, and whether it
// is by opening it.
func noticed(t *testing.T, path, says string, atOnce bool) {
	t.Helper()
	err := store.Check(path)
	if _, damaged := errors.AsType[*store.CorruptError](err); !damaged || !strings.Contains(err.Error(), says) {
		t.Errorf("check says %v, want %q", err, says)
	}
	db, err := store.Open(path, store.Options{})
	if err == nil {
		_ = db.Close()
	}
	if _, damaged := errors.AsType[*store.CorruptError](err); damaged != atOnce {
		t.Errorf("opened with %v, want damage: %v", err, atOnce)
	}
}

func TestWhatIsOlderThanWhatWasWrittenIsNoticed(t *testing.T) {
	older := "does not hold the records that were written last"
	t.Run("a state", func(t *testing.T) {
		path, was, _ := aged(t)
		putRaw(t, path, "state", string(ordersFresh), was)
		noticed(t, path, "bucket state "+older, true)
	})
	t.Run("the last slot of a DAG", func(t *testing.T) {
		path, _, was := aged(t)
		putRaw(t, path, "sched", "shop", was)
		noticed(t, path, "bucket sched "+older, true)
	})
	t.Run("the number of the last run", func(t *testing.T) {
		path, _, _ := aged(t)
		raw(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("run")).SetSequence(1) })
		noticed(t, path, "bucket run "+older, false)
	})
	t.Run("a tally that is gone", func(t *testing.T) {
		path, _, _ := aged(t)
		raw(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Delete([]byte("tally/run")) })
		noticed(t, path, "bucket run holds 2 records and 0 were written", false)
	})
}

// A file of schema 2 is one of today without tallies.
func TestFileOfSchema2GetsItsTallies(t *testing.T) {
	path, _, _ := aged(t)
	raw(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("meta"))
		var keys [][]byte
		_ = b.ForEach(func(k, _ []byte) error { keys = append(keys, slices.Clone(k)); return nil })
		for _, k := range keys {
			if bytes.HasPrefix(k, []byte("tally/")) {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
		}
		return b.Put([]byte("schema"), frame("schema", 1, []byte("2")))
	})
	if err := store.Check(path); err != nil {
		t.Fatalf("check before: %v", err)
	}
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(30), ordersFresh))
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(path); err != nil {
		t.Errorf("check after: %v", err)
	}
	hide(t, path, "run")
	noticed(t, path, "bucket run holds 2 records and 3 were written", false)
}
