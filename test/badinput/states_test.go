package badinput_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

// page is the unit of a state file.
const page = 4096

// wrongStates make files that are no sound state of this version, of a sound one.
// Those that a disk makes of a sound file are test/damage's.
var wrongStates = map[string]func(t *testing.T, path string, sound []byte){
	"an empty file":        text(""),
	"a single byte":        text("x"),
	"a page of zeros":      text(strings.Repeat("\x00", page)),
	"a megabyte of zeros":  text(strings.Repeat("\x00", 1<<20)),
	"an operator's file":   text("version: 1\ndags: [dags/*.yaml]\n"),
	"a JSON":               text(`{"version": 1, "incidents": []}`),
	"a page of HTML":       text("<!DOCTYPE html><title>404</title>"),
	"a database of SQLite": text("SQLite format 3\x00" + strings.Repeat("\x00", 2*page)),
	"a database of DuckDB": text("\x00\x00\x00\x00\x00\x00\x00\x00DUCK" + strings.Repeat("\x00", 3*page)),
	"a program":            text("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 2*page)),
	"a compressed copy":    func(t *testing.T, path string, sound []byte) { put(t, path, zipped(t, sound)) },
	"a copy without its zeros": func(t *testing.T, path string, sound []byte) {
		put(t, path, bytes.ReplaceAll(sound, []byte{0}, nil))
	},
	"a copy decoded as text": func(t *testing.T, path string, sound []byte) {
		put(t, path, bytes.ToValidUTF8(sound, []byte("\uFFFD")))
	},
	"a copy with a byte before it":    func(t *testing.T, path string, sound []byte) { put(t, path, append([]byte{'\n'}, sound...)) },
	"the second half of a copy":       func(t *testing.T, path string, sound []byte) { put(t, path, sound[len(sound)/2/page*page:]) },
	"the first page of a copy":        func(t *testing.T, path string, sound []byte) { put(t, path, sound[:page]) },
	"the first three pages of a copy": func(t *testing.T, path string, sound []byte) { put(t, path, sound[:3*page]) },
	"a copy without its last byte":    func(t *testing.T, path string, sound []byte) { put(t, path, sound[:len(sound)-1]) },
	"a copy twice":                    func(t *testing.T, path string, sound []byte) { put(t, path, append(bytes.Clone(sound), sound...)) },
	"a file with a hole of a gigabyte": func(t *testing.T, path string, _ []byte) {
		put(t, path, nil)
		if err := os.Truncate(path, 1<<30); err != nil {
			t.Fatal(err)
		}
	},
	"another program's database": bolt(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("users"))
		if err != nil {
			return err
		}
		return b.Put([]byte("ana"), []byte("1"))
	}),
	"a database without anything": bolt(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error { return tx.DeleteBucket(name) })
	}),
	"a bucket that nobody knows":              bolt(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("extra")); return err }),
	"no bucket of incidents":                  bolt(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("inc")) }),
	"no bucket of the format":                 bolt(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("meta")) }),
	"no number of the format":                 record("meta", "schema", nil),
	"a number of the format that is text":     record("meta", "schema", []byte("two")),
	"a record of no bytes":                    record("meta", "schema", []byte{}),
	"a record of four bytes":                  record("hb", "load\x00x", []byte{1, 2, 3, 4}),
	"a record of zeros":                       record("hb", "load\x00x", make([]byte, 64)),
	"a record of a megabyte of noise":         record("hb", "load\x00x", bytes.Repeat([]byte{0xa5}, 1<<20)),
	"a record without a checksum":             record("inc", "inc-1", []byte(`{"id": "inc-1"}`)),
	"a bucket where a record should be":       nested("inc", "inc-1"),
	"a bucket in a bucket in a bucket":        nested("obx", "a", "b", "c"),
	"a record whose key is empty but for a 0": record("obx", "\x00", []byte("x")),
	"a key of 30,000 bytes":                   record("obx", strings.Repeat("k", 30_000), []byte("x")),
	"a key that is no text":                   record("obx", "\xff\xfe/1", []byte("x")),
	"a folder":                                func(t *testing.T, path string, _ []byte) { must(t, os.Mkdir(path, 0o700)) },
	"a pipe":                                  func(t *testing.T, path string, _ []byte) { must(t, syscall.Mkfifo(path, 0o600)) },
	"a link to itself":                        func(t *testing.T, path string, _ []byte) { must(t, os.Symlink(path, path)) },
	"a link to an endless device":             func(t *testing.T, path string, _ []byte) { must(t, os.Symlink("/dev/zero", path)) },
	"a file that others can read":             func(t *testing.T, path string, sound []byte) { put(t, path, sound); must(t, os.Chmod(path, 0o644)) },
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path string, b []byte) {
	t.Helper()
	must(t, os.WriteFile(path, b, 0o600))
}

func text(s string) func(*testing.T, string, []byte) {
	return func(t *testing.T, path string, _ []byte) { put(t, path, []byte(s)) }
}

func zipped(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	must(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

// bolt changes a sound file through the door of the library.
func bolt(change func(*bbolt.Tx) error) func(*testing.T, string, []byte) {
	return func(t *testing.T, path string, sound []byte) {
		put(t, path, sound)
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
		must(t, err)
		must(t, errors.Join(db.Update(change), db.Close()))
	}
}

// record puts bytes in the place of a record; nil takes it away.
func record(bucket, key string, value []byte) func(*testing.T, string, []byte) {
	return bolt(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		if value == nil {
			return b.Delete([]byte(key))
		}
		return b.Put([]byte(key), value)
	})
}

// nested puts buckets into one another.
func nested(names ...string) func(*testing.T, string, []byte) {
	return bolt(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(names[0]))
		for _, name := range names[1:] {
			if err == nil {
				b, err = b.CreateBucketIfNotExists([]byte(name))
			}
		}
		return err
	})
}

// soundState is a state with a past, and what it holds.
func soundState(t *testing.T) (file []byte, holds string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.db")
	w, err := chronicle.New()
	must(t, err)
	db, err := store.Open(path, store.Options{})
	must(t, err)
	for n := range 24 {
		must(t, w.Step(db, n))
	}
	holds, err = chronicle.Dump(db)
	must(t, errors.Join(err, db.Close()))
	file, err = os.ReadFile(path)
	must(t, err)
	return file, holds
}

// A wrong state is explained and left as it is by whoever asks; the service puts it
// aside and takes the newest copy, in which nothing is missing.
func TestAStateFileThatIsWrongIsExplainedAndTheCopyIsStillGood(t *testing.T) {
	sound, holds := soundState(t)
	all, said := read(t, "states"), map[string][]string{}
	if len(all) != len(wrongStates) && !*update {
		t.Errorf("%d files are made and %d are described", len(wrongStates), len(all))
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	room := make(chan struct{}, 2)
	command := binary(t)
	for name, spoil := range wrongStates {
		dir := t.TempDir()
		path := filepath.Join(dir, "state.db")
		spoil(t, path, sound)
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			answer := checked(t, command, path, name)
			if strings.Contains(answer[0], "is damaged") {
				replaced(t, path, sound, holds, name)
			}
			mu.Lock()
			defer mu.Unlock()
			said[name] = answer
		})
	}
	wg.Wait()
	compare(t, "states", all, said)
}

// checked has the command look at a file, which must stay as it is.
func checked(t *testing.T, command, path, name string) []string {
	before, unread := stateBytes(path)
	cmd := exec.CommandContext(t.Context(), command, "state", "check", path)
	out, err := cmd.CombinedOutput()
	if after, _ := stateBytes(path); unread == nil && !bytes.Equal(before, after) {
		t.Errorf("%s: the file is another one after it was looked at", name)
	}
	if cmd.ProcessState == nil {
		t.Errorf("%s: %v", name, err)
		return []string{"not run"}
	}
	if cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); cpu > mostCPU {
		t.Errorf("%s: it took %v of processor time", name, cpu)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(string(out), filepath.Dir(path)+"/", "")), "\n")
	if sound, _, ok := strings.Cut(line, " is sound:"); ok {
		line = sound + " is sound" // without its size and the time
	}
	if whole, _, ok := strings.Cut(line, "not one of pipewatch's: "); ok && strings.HasPrefix(name, "the first ") {
		line = whole + "not one of pipewatch's" // what is met first in a cut file is chance
	}
	return []string{fmt.Sprintf("%d: %s", cmd.ProcessState.ExitCode(), line)}
}

// stateBytes reads what can be read whole.
func stateBytes(path string) ([]byte, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() > 64<<20 {
		return nil, errors.New("not to be read")
	}
	return os.ReadFile(path)
}

// replaced does what the service does with a damaged file at its start.
func replaced(t *testing.T, path string, sound []byte, holds, name string) {
	now := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	if err := os.WriteFile(path+".snap-20260301T230000.000Z", sound, 0o600); err != nil {
		t.Error(err)
		return
	}
	done, err := store.Recover(path, now, func(file string) error {
		if file == path {
			return &store.CorruptError{Path: file, Cause: errors.New("as the command has found")}
		}
		return store.Check(file)
	})
	if err != nil || done == nil || done.From.Path == "" {
		t.Errorf("%s: it was not replaced by the copy (%v)", name, err)
		return
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Errorf("%s: the copy in its place cannot be opened: %v", name, err)
		return
	}
	defer db.Close()
	if is, err := chronicle.Dump(db); err != nil || is != holds {
		t.Errorf("%s: the copy in its place holds something else (%v)", name, err)
	}
}
