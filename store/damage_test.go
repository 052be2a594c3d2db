package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

func TestDamagedFileIsAnErrorThatNamesIt(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	r := recorder{t, open(t, good), suite(t, shop), incident.AtOnce()}
	for n := range 40 {
		r.record(r.run("shop", at(15*n), ordersFresh))
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"text instead of a database":        []byte(strings.Repeat("this is no database\n", 1000)),
		"a single byte":                     {'x'},
		"a file cut after its first pages":  whole[:3*os.Getpagesize()],
		"a file with both headings cleared": append(make([]byte, 2*os.Getpagesize()), whole[2*os.Getpagesize():]...),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(path, store.Options{})
			if db != nil {
				_ = db.Close()
			}
			if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != path {
				t.Errorf("got %v, want a CorruptError about %s", err, path)
			}
		})
	}
}

func TestDatabaseOfAnotherProgramIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	putRaw(t, path, "customers", "1", []byte("Ada"))
	before := digest(t, path)
	_, err := store.Open(path, store.Options{})
	if _, ok := errors.AsType[*store.CorruptError](err); !ok || digest(t, path) != before {
		t.Errorf("got %v, want a CorruptError and the file untouched", err)
	}
}

func TestFlippedByteIsAnErrorNamingBucketAndKey(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		bucket string
		key    string // empty: whichever is first
		read   func(*store.DB) error
	}{
		{"run", "", func(db *store.DB) error { _, err := db.Run("shop", at(0)); return err }},
		{"mem", string(ordersFresh), func(db *store.DB) error {
			_, err := db.Memories(map[dag.CheckID]string{ordersFresh: "any"})
			return err
		}},
		{"dagfile", "dags/shop.yaml", func(db *store.DB) error { _, err := db.DAGFiles(); return err }},
		{"sched", "shop", nil},
		{"state", string(ordersFresh), nil},
		{"inc", "", nil},
		{"obx", "", nil},
	}
	for _, tt := range tests {
		t.Run("in "+tt.bucket, func(t *testing.T) {
			path := filepath.Join(dir, tt.bucket+".db")
			r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
			r.record(r.run("shop", at(0), ordersFresh))
			if err := r.db.PutDAGFiles(map[string][]byte{"dags/shop.yaml": []byte(shop)}); err != nil {
				t.Fatal(err)
			}
			if err := r.db.Close(); err != nil {
				t.Fatal(err)
			}
			key := flip(t, path, tt.bucket, tt.key)
			db, err := store.Open(path, store.Options{})
			if err == nil {
				defer db.Close()
				if tt.read == nil {
					t.Fatal("the file opened as if nothing were wrong")
				}
				err = tt.read(db)
			}
			c, ok := errors.AsType[*store.CorruptError](err)
			if !ok || c.Bucket != tt.bucket || c.Key != key || c.Path != path {
				t.Errorf("got %v, want record %q in %s", err, key, tt.bucket)
			}
		})
	}
}

func TestValueUnderAnotherKeyIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0), ordersFresh))
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	putRaw(t, path, "state", "shop/customers/freshness", getRaw(t, path, "state", string(ordersFresh)))
	if _, err := store.Open(path, store.Options{}); err == nil {
		t.Error("a failing check's state passed for that of another check")
	}
}

func TestLostWriteIsFinal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db, err := store.Open(path, store.Options{MaxSize: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r := recorder{t, db, suite(t, shop), incident.AtOnce()}
	var lost error
	moment := 0
	var before incident.Book
	for ; lost == nil && moment < 10_000; moment += 15 {
		before = db.Book()
		run := r.run("shop", at(moment), ordersFresh)
		_, lost = db.Record(run, r.decide(run), func(incident.Incident) string { return "#data" }, r.fingerprint)
	}
	if _, ok := errors.AsType[*store.CommitError](lost); !ok {
		t.Fatalf("got %v, want a CommitError once the file is full", lost)
	}
	if diff := cmp.Diff(before, db.Book(), states); diff != "" {
		t.Errorf("the book ran ahead of the file:\n%s", diff)
	}
	_, pending := db.Pending()
	_, _, root := db.Root("inc", "")
	for call, err := range map[string]error{
		"Err": db.Err(), "Save": db.Save(), "Pending": pending, "Root": root, "Audit": db.Audit(store.Entry{}),
	} {
		if !errors.Is(err, lost) {
			t.Errorf("%s after the lost write gives %v, want %v", call, err, lost)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	slots, err := open(t, path).LastSlots()
	if want := at(moment - 30); err != nil || !slots["shop"].Equal(want) {
		t.Errorf("last slot after the loss is %v (%v), want %v", slots["shop"], err, want)
	}
}
