package store_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/store"
)

// moment is when a test looks after its state.
var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// kept opens a state, writes n DAG files one after the other, and makes a
// snapshot an hour before each.
func kept(t *testing.T, path string, n int) {
	t.Helper()
	db := open(t, path)
	for k := range n {
		at := moment.Add(time.Duration(k-n) * time.Hour)
		if _, err := db.Snapshot(at, store.Check); err != nil {
			t.Fatal(err)
		}
		if err := db.PutDAGFiles(map[string][]byte{"dags/shop.yaml": {byte('0' + k)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// damaged says without looking that one file is damaged and the others are not.
func damaged(bad ...string) func(string) error {
	return func(path string) error {
		if slices.Contains(bad, path) {
			return &store.CorruptError{Path: path, Cause: errors.New("scratched")}
		}
		return nil
	}
}

func TestTheNewestThreeSnapshotsAreKeptAndAreSound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw[1].db") // a name that reads as a pattern
	kept(t, path, 5)
	all := store.Snapshots(path)
	if len(all) != 3 || !all[0].At.Equal(moment.Add(-time.Hour)) {
		t.Fatalf("kept %v", all)
	}
	for _, c := range all {
		if err := store.Check(c.Path); err != nil {
			t.Error(err)
		}
	}
}

func TestASnapshotThatIsDamagedDoesNotCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, path)
	_, err := db.Snapshot(moment, func(file string) error { return damaged(file)(file) })
	if _, ok := errors.AsType[*store.CorruptError](err); !ok {
		t.Errorf("got %v, want a CorruptError", err)
	}
	if left, _ := filepath.Glob(path + "?snap*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestADamagedFileIsReplacedByTheNewestGoodSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	kept(t, path, 3)
	newest := store.Snapshots(path)[0].Path
	done, err := store.Recover(path, moment, damaged(path, newest))
	if err != nil || done == nil {
		t.Fatalf("got %v, %v", done, err)
	}
	if want := store.Snapshots(path)[1].Path; done.From.Path != want {
		t.Errorf("restored %s, want %s", done.From.Path, want)
	}
	db := open(t, path)
	files, err := db.DAGFiles()
	if string(files["dags/shop.yaml"]) != "0" { // of the second snapshot, made after the first write
		t.Errorf("the file holds %q (%v)", files, err)
	}
	troubles := db.Troubles()
	if len(troubles) == 0 || !strings.Contains(troubles[0].Problem, "scratched") || !strings.Contains(troubles[0].Problem, "The copy of 2026-03-01 10:00 UTC is in use") {
		t.Errorf("troubles are %+v", troubles)
	}
	if _, err := os.Stat(done.Aside); err != nil {
		t.Errorf("the damaged file is gone: %v", err)
	}
	_ = os.Remove(done.Aside + ".txt")
	_ = os.Remove(done.Aside)
	for _, tr := range db.Troubles() {
		if tr.Name == "state file" {
			t.Errorf("still said after somebody has looked: %+v", tr)
		}
	}
}

func TestWithoutAGoodSnapshotOneBeginsWithoutAPast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	kept(t, path, 1)
	done, err := store.Recover(path, moment, damaged(path, store.Snapshots(path)[0].Path))
	if err != nil || done == nil || done.From.Path != "" || !strings.Contains(done.Words(moment), "began without a past") {
		t.Fatalf("got %+v, %v", done, err)
	}
	if files, err := open(t, path).DAGFiles(); err != nil || len(files) > 0 {
		t.Errorf("the new file holds %v (%v)", files, err)
	}
}

func TestTheFourthDamageWithinTenMinutesIsALoop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	kept(t, path, 1)
	for n := range 4 {
		_, err := store.Recover(path, moment.Add(time.Duration(n)*time.Minute), damaged(path))
		if _, loops := errors.AsType[*store.LoopError](err); loops != (n == 3) {
			t.Fatalf("damage %d: %v", n+1, err)
		}
	}
	if _, err := store.Recover(path, moment.Add(20*time.Minute), damaged(path)); err != nil {
		t.Errorf("after a while: %v", err)
	}
}

func TestAFileThatAnotherProcessHoldsIsNotPutAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	open(t, path)
	_, err := store.Recover(path, moment, damaged(path))
	if _, held := errors.AsType[*store.HeldError](err); !held {
		t.Errorf("got %v, want a HeldError", err)
	}
}

func TestAFileThatWasFoundDamagedCountsAsNotClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	kept(t, path, 1)
	if store.Unclean(path) {
		t.Fatal("closed and yet unclean")
	}
	flip(t, path, "dagfile", "dags/shop.yaml")
	db := open(t, path)
	if _, err := db.DAGFiles(); err == nil || db.Damage() == nil {
		t.Fatalf("a flipped byte was read: %v", err)
	}
	if err := db.Close(); err != nil || !store.Unclean(path) {
		t.Errorf("closed clean (%v) although damaged", err)
	}
	if _, ok := errors.AsType[*store.CorruptError](store.Check(path)); !ok {
		t.Error("the check finds nothing")
	}
}

func TestBallastTakesItsRoomOnTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, path)
	if err := db.Ballast(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + ".ballast"); err != nil || info.Size() != 16<<20 {
		t.Errorf("ballast is %v (%v)", info, err)
	}
}

func TestCompactKeepsWhatIsThereAndNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, path)
	big := make([]byte, 4<<20)
	for n := range big {
		big[n] = byte(n * n >> 3)
	}
	for range 6 {
		if err := db.PutDAGFiles(map[string][]byte{"big": big}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.PutDAGFiles(map[string][]byte{"dags/shop.yaml": []byte("kept")}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, after, err := store.Compact(path, store.Check)
	if err != nil || after >= before {
		t.Fatalf("%d bytes before, %d after: %v", before, after, err)
	}
	if files, err := open(t, path).DAGFiles(); err != nil || string(files["dags/shop.yaml"]) != "kept" {
		t.Errorf("it holds %v (%v)", files, err)
	}
}

// A process can be killed between the making of the file and the first write.
func TestAFileThatWasOnlyBeingMadeIsNoDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	made, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	if done, err := store.Recover(path, noon, store.Check); err != nil || done != nil {
		t.Errorf("it was put aside: %+v, %v", done, err)
	}
	if n := open(t, path).Book().States.Len(); n != 0 {
		t.Errorf("it holds %d states", n)
	}
}

func TestAFileThatHasBecomeEmptyIsDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Of the two headings the newer one leads to the page of buckets, whose count
	// becomes 0.
	const page, root, txid, count = 4096, 32, 64, 10
	heading := b[:page]
	if other := b[page : 2*page]; binary.LittleEndian.Uint64(other[txid:]) > binary.LittleEndian.Uint64(heading[txid:]) {
		heading = other
	}
	buckets := int(binary.LittleEndian.Uint64(heading[root:])) * page
	if binary.LittleEndian.Uint16(b[buckets+count:]) == 0 {
		t.Fatal("this is not the page of buckets")
	}
	binary.LittleEndian.PutUint16(b[buckets+count:], 0)
	reached.Store(path, true)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, opened := store.Open(path, store.Options{})
	for _, err := range []error{opened, store.Check(path)} {
		if _, is := errors.AsType[*store.CorruptError](err); !is {
			t.Errorf("got %v, want a CorruptError", err)
		}
	}
}
