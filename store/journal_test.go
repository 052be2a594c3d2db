package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/store"
)

func TestHeartbeatsAreKeptInOrderAndOncePerRunAndKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, path)
	start := probe.Beat{At: at(0), Kind: probe.BeatStart, Run: "a"}
	end := probe.Beat{At: at(2), Kind: probe.BeatFail, Run: "a", Exit: 3, Body: "out of memory"}
	plain := probe.Beat{At: at(1), Kind: probe.BeatSuccess}
	repeated := start
	repeated.At = at(5)
	for _, b := range []probe.Beat{start, end, plain, repeated, plain} {
		if err := db.Heartbeat("load", b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Heartbeat("load2", plain); err != nil {
		t.Fatal(err)
	}
	got, err := reopen(t, db, path).Beats("load")
	if diff := cmp.Diff([]probe.Beat{start, plain, plain, end}, got); diff != "" || err != nil {
		t.Errorf("beats: %v\n%s", err, diff)
	}
}

func TestHeartbeatsDoNotPileUp(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "pw.db"))
	long := strings.Repeat("ä", 20<<10)
	for n := range 130 {
		if err := db.Heartbeat("load", probe.Beat{At: at(n), Kind: probe.BeatSuccess, Body: long}); err != nil {
			t.Fatal(err)
		}
	}
	beats, err := db.Beats("load")
	if err != nil || len(beats) != 100 {
		t.Fatalf("%d beats, %v, want the newest 100", len(beats), err)
	}
	if !beats[0].At.Equal(at(30)) || len(beats[0].Body) > 10<<10 || !strings.HasPrefix(long, beats[0].Body) {
		t.Errorf("oldest beat is of %s with %d bytes", beats[0].At, len(beats[0].Body))
	}
}

func TestDAGFilesAreReplacedAsASet(t *testing.T) {
	for _, known := range []bool{true, false} { // what was written the time before
		path := filepath.Join(t.TempDir(), "pw.db")
		db := open(t, path)
		for _, files := range []map[string][]byte{
			{"dags/shop.yaml": []byte(shop), "dags/old.yaml": []byte("version: 1")},
			{"dags/shop.yaml": []byte(shop + "# edited"), "dags/feeds.yaml": []byte(feeds)},
			{"dags/shop.yaml": []byte(shop), "dags/feeds.yaml": []byte(feeds), "dags/old.yaml": []byte("version: 1")},
			{},
			{"dags/shop.yaml": []byte(shop)},
		} {
			if err := db.PutDAGFiles(files); err != nil {
				t.Fatal(err)
			}
			if !known {
				db = reopen(t, db, path)
			}
			got, err := db.DAGFiles()
			if diff := cmp.Diff(files, got); diff != "" || err != nil {
				t.Errorf("what is there is known: %t: files: %v\n%s", known, err, diff)
			}
		}
	}
}

func TestPruneRemovesWhatIsOldAndDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	sent := one(t, r.record(r.run("shop", at(0), ordersFresh)))
	r.record(r.run("shop", at(15)))
	sendAll(t, r.db)
	unsent := one(t, r.record(r.run("shop", at(60), ordersFresh)))
	r.record(r.run("shop", at(75)))
	standing := one(t, r.record(r.run("shop", at(120), ordersFresh)))
	const days = 24 * 60
	r.record(r.run("shop", at(3*days), ordersFresh))
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	raw(t, path, func(tx *bbolt.Tx) error { // more than one transaction may remove
		for n := range 1100 {
			key := fmt.Sprintf("%s/%012x", at(0).Format("2006-01-02T15:04:05.000000000Z"), n)
			if err := tx.Bucket([]byte("audit")).Put([]byte(key), frame(key, 1, []byte(`{"did":"ack"}`))); err != nil {
				return err
			}
		}
		return nil
	})
	r.db = open(t, path)
	gone, err := r.db.Prune(at(2 * days))
	if err != nil || gone < 1100+5+1 {
		t.Errorf("removed %d records, %v", gone, err)
	}
	if _, err := r.db.Incident(sent); err == nil {
		t.Error("an old incident whose messages were sent is still there")
	}
	for _, id := range []incident.ID{unsent, standing} {
		if _, err := r.db.Incident(id); err != nil {
			t.Errorf("%s is gone although it is open or unsent: %v", id, err)
		}
	}
	if _, err := r.db.Run("shop", at(75)); err == nil {
		t.Error("an old run is still there")
	}
	if _, err := r.db.Run("shop", at(3*days)); err != nil {
		t.Errorf("a young run is gone: %v", err)
	}
	if again, err := r.db.Prune(at(2 * days)); again != 0 || err != nil {
		t.Errorf("a second time removed %d, %v", again, err)
	}
}

// one is the only incident of a change.
func one(t *testing.T, c incident.Change) incident.ID {
	t.Helper()
	for id := range c.Incidents {
		if len(c.Incidents) == 1 {
			return id
		}
	}
	t.Fatalf("%d incidents changed, want 1", len(c.Incidents))
	return ""
}

// sendAll marks every pending post as sent.
func sendAll(t *testing.T, db *store.DB) {
	t.Helper()
	pending, err := db.Pending()
	if err != nil {
		t.Fatal(err)
	}
	for i := range pending {
		pending[i].Shown, pending[i].Ref = pending[i].Want, notify.Ref{Channel: "C1", TS: "1"}
	}
	if err := db.Save(pending...); err != nil {
		t.Fatal(err)
	}
}

func TestCopyIsAWholeStore(t *testing.T) {
	dir := t.TempDir()
	r := recorder{t, open(t, filepath.Join(dir, "pw.db")), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0), ordersFresh))
	var buf bytes.Buffer
	if _, err := r.db.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	book := r.db.Book()
	r.record(r.run("shop", at(15)))
	backup := filepath.Join(dir, "backup.db")
	if err := os.WriteFile(backup, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	restored := open(t, backup)
	if diff := cmp.Diff(book, restored.Book(), same); diff != "" {
		t.Errorf("book of the copy (-then +copy):\n%s", diff)
	}
	ours, err1 := r.db.Generation()
	theirs, err2 := restored.Generation()
	if err1 != nil || err2 != nil || ours == "" || ours != theirs {
		t.Errorf("generations %q and %q (%v, %v), want the same", ours, theirs, err1, err2)
	}
	if other, err := open(t, filepath.Join(dir, "other.db")).Generation(); err != nil || other == ours {
		t.Errorf("a new file has generation %q (%v) as well", other, err)
	}
	if size, err := r.db.Size(); err != nil || size < 4096 {
		t.Errorf("size %d, %v", size, err)
	}
}
