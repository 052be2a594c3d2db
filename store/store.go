// Package store keeps everything that must survive a restart in one bbolt file:
// what every check is like over time, what it remembers, the incidents, the
// messages that wait to be sent, the runs, and the heartbeats of jobs.
//
// It decides nothing: [DB.Record] takes the decision as a function and writes
// what it says in one transaction. It reads no clock (every time in it was
// given), knows no warehouse and no Slack, and keeps no SQL and no row values.
// One process holds the file; others ask that process over HTTP.
//
// # Data model
//
// Keys are readable; times in them are UTC with nine decimals, so that their
// order is the order of time.
//
//	meta      schema, gen            format of the file; a random id of the file
//	          tally/<bucket>         how many records a bucket has (see tally.go)
//	run       <dag>/<slot>/<n>       one run, packed (see packed.go); n counts recordings
//	layout    <dag>/<digest>         texts that the runs of a DAG have in common
//	state     <check>                incident.State, written only when it changed
//	mem       <check>                checks.Memory under the fingerprint it was made with
//	inc       <incident>             incident.Incident
//	obx       <incident>/<line>      notify.Post
//	sched     <dag>                  last slot and the moment it was judged at
//	hb        <name>\x00<at>/<n>     probe.Beat
//	dagfile   <path>                 last good text of a DAG file
//	audit     <at>/<n>               who did what
//	announced <announcement>         incident.Announcement
//
// Every value is framed as version, CRC-32C, payload (see frame.go); a value
// that does not match its checksum is a [CorruptError] and never a wrong
// answer. Record types are private to this package. Adding a field with
// omitempty is safe; anything else needs a new frame version or a migration.
//
// What lies beside the file, and how damage is met, is in snapshot.go,
// recover.go and ballast.go.
//
// The states, the open incidents and the posts that are not done are also kept
// in memory, as one immutable view that is replaced after each commit: reading
// the book costs nothing and never sees half a run.
package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Schema is the format that this version writes and the newest it reads.
const Schema = 3

// Options are the limits of a store; the zero value is right for the service.
type Options struct {
	// MaxSize is how large the file may grow, in bytes; 0 is 2 GiB. A write
	// beyond it is a [CommitError], as on a full disk.
	MaxSize int
	// Recall is how long a resolved incident stays in the book, so that it
	// can be reopened; 0 is 24 h.
	Recall time.Duration
}

// DB is an open store. Its methods are safe for concurrent use; writers wait
// for each other.
type DB struct {
	bolt   *bbolt.DB
	path   string
	recall time.Duration

	writing sync.Mutex // held from reading the view to replacing it
	// dagFiles are the stored DAG files, once this process has written them.
	dagFiles map[string][]byte
	layouts  inUse
	view     atomic.Pointer[view]
	broken   atomic.Pointer[CommitError]
	hurt     atomic.Pointer[CorruptError]
}

// Open opens the file at path and takes its lock; it creates the file (0600)
// and its folder (0700) where they do not exist. It waits a second for another
// process to let go, then gives a [HeldError]. A file of a newer version is a
// [NewerError] and stays untouched; one that is damaged is a [CorruptError].
func Open(path string, o Options) (*DB, error) {
	if err := prepare(path); err != nil {
		return nil, err
	}
	bolt, err := openBolt(path, o)
	if err != nil {
		return nil, err
	}
	sign(path) // before the first look, which a damaged file may make the last
	db := &DB{bolt: bolt, path: path, recall: o.Recall, layouts: inUse{byDAG: map[string]*use{}}}
	if db.recall == 0 {
		db.recall = 24 * time.Hour
	}
	if err := db.begin(); err != nil {
		_ = bolt.Close()
		return nil, err
	}
	return db, nil
}

// sign leaves the process's number beside the file until Close: to whoever
// finds the file held it is a courtesy (the lock is the truth), to whoever
// finds it left behind a sign that the file was not closed.
func sign(path string) {
	if os.WriteFile(pidFile(path), []byte(strconv.Itoa(os.Getpid())), 0o600) == nil {
		_ = syncDir(path)
	}
}

// prepare makes the folder and refuses a file that others can read: it holds
// names of tables and people.
func prepare(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("create folder of state file: %w", err)
	}
	if err := local(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("open state file: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("open state file %s: not a regular file; name a file under state: path", path)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("open state file %s: its mode is %#o and others can read it; run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}

func openBolt(path string, o Options) (bolt *bbolt.DB, err error) {
	// A panic in the middle leaves the file mapped and its lock taken.
	var file *os.File
	defer func() {
		if err != nil && file != nil {
			_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
			_ = file.Close()
		}
	}()
	defer catch(path, &err)()
	size := o.MaxSize
	if size == 0 {
		size = 2 << 30
	}
	bolt, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: time.Second, FreelistType: bbolt.FreelistMapType, MaxSize: size,
		// Mapped, not resident: a file that outgrows it is mapped anew, for
		// which all readers must be done.
		InitialMmapSize: min(64<<20, size),
		OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
			file, err = os.OpenFile(name, flag, mode)
			return file, err
		},
	})
	switch {
	case errors.Is(err, bolterr.ErrTimeout):
		return nil, &HeldError{Path: path, PID: holder(path)}
	case errors.Is(err, bolterr.ErrInvalid), errors.Is(err, bolterr.ErrChecksum), errors.Is(err, bolterr.ErrVersionMismatch):
		return nil, &CorruptError{Path: path, Cause: err}
	case err != nil:
		return nil, fmt.Errorf("open state file %s: %w", path, err)
	}
	return bolt, nil
}

// catch turns the panic of a library that met a damaged page, or of a page that
// lies behind the end of a cut file, into an error.
func catch(path string, err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if r := recover(); r != nil {
			*err = &CorruptError{Path: path, Cause: fmt.Errorf("%v", r)}
		}
	}
}

// begin checks the format, creates the buckets of a new file, and loads the view.
func (d *DB) begin() (err error) {
	defer catch(d.path, &err)()
	if err := headings(d.bolt); err != nil {
		return d.damaged(err)
	}
	known := 0
	err = d.bolt.View(func(tx *bbolt.Tx) error {
		if unmade(tx) {
			return nil
		}
		b := tx.Bucket([]byte(meta))
		if b == nil || b.Get([]byte(keySchema)) == nil {
			return &CorruptError{Cause: errors.New("it holds no format number")}
		}
		known, err = read[int](b, meta, keySchema)
		return err
	})
	switch {
	case err != nil:
		return d.damaged(err)
	case known > Schema:
		return &NewerError{Path: d.path, Found: known}
	case known == 0:
		if err := d.create(); err != nil {
			return err
		}
	default:
		if err := d.extend(); err != nil {
			return err
		}
		if known < Schema {
			if err := d.migrate(); err != nil {
				return err
			}
		}
	}
	v, err := d.load()
	if err != nil {
		return d.damaged(err)
	}
	d.view.Store(v)
	return nil
}

// unmade tells whether nothing was ever written to a file: it is new, or the
// process that made it ended at once. One that is empty after writes is damaged.
func unmade(tx *bbolt.Tx) bool {
	first, _ := tx.Cursor().First()
	return first == nil && tx.ID() <= 1
}

// create makes the buckets of a new file.
func (d *DB) create() error {
	return d.update("create", func(tx *writeTx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		b := tx.Bucket([]byte(meta))
		if err := write(b, keySchema, Schema); err != nil {
			return err
		}
		return write(b, keyGeneration, rand.Text())
	})
}

// extend adds the buckets that an earlier release did not have.
func (d *DB) extend() error {
	missing := false
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		missing = slices.ContainsFunc(buckets, func(name string) bool { return tx.Bucket([]byte(name)) == nil })
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return d.update("extend", func(tx *writeTx) error {
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// damaged puts the file's name into an error about one of its records, and
// remembers that there was one.
func (d *DB) damaged(err error) error {
	if c, ok := errors.AsType[*CorruptError](err); ok {
		if c.Path == "" {
			c.Path = d.path
		}
		d.hurt.CompareAndSwap(nil, c)
	}
	return err
}

// Damage is the first damaged record that was met since Open; nil while there
// was none. The process should end then: the next start puts the file aside.
func (d *DB) Damage() error {
	if e := d.hurt.Load(); e != nil {
		return e
	}
	return nil
}

// Close waits for transactions under way and lets go of the file. A file that
// was found damaged is left as not closed, so that the next start checks it.
func (d *DB) Close() error {
	d.writing.Lock()
	defer d.writing.Unlock()
	err := d.bolt.Close()
	if d.Damage() == nil {
		_ = os.Remove(pidFile(d.path))
	}
	if err != nil {
		return fmt.Errorf("close state file %s: %w", d.path, err)
	}
	return nil
}

// Book is what is known now. The caller must not change it; it never changes
// by itself.
func (d *DB) Book() incident.Book { return d.view.Load().book }

// Err is the commit error after which nothing can be written any more; nil
// while all is well.
func (d *DB) Err() error {
	if e := d.broken.Load(); e != nil {
		return e
	}
	return nil
}

// Prove commits a transaction of one record, which shows that the state can be
// written.
func (d *DB) Prove(at time.Time) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.update("prove that it can be written", func(tx *writeTx) error {
		return write(tx.Bucket([]byte(meta)), keyProved, at.UTC())
	})
}

// Size is the length of the file in bytes.
func (d *DB) Size() (int64, error) {
	var n int64
	err := d.read(func(tx *bbolt.Tx) error { n = tx.Size(); return nil })
	return n, err
}

// Generation identifies the file: a restored backup has that of the original,
// a new start another one.
func (d *DB) Generation() (string, error) {
	var g string
	err := d.read(func(tx *bbolt.Tx) (err error) {
		g, err = read[string](tx.Bucket([]byte(meta)), meta, keyGeneration)
		return err
	})
	return g, err
}

// WriteTo writes a consistent copy of the whole file while the store goes on,
// and returns how many bytes that was.
func (d *DB) WriteTo(w io.Writer) (int64, error) {
	var n int64
	err := d.read(func(tx *bbolt.Tx) (err error) {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("copy state: %w", err)
	}
	return n, nil
}

// errNothing ends a transaction that turned out to have nothing to write.
var errNothing = errors.New("nothing to write")

// update runs one read-write transaction. An error of fn undoes it; an error of
// the commit is final (the file may or may not hold the transaction, and what
// is in memory must not run ahead of it), so that every later call gives it.
func (d *DB) update(doing string, fn func(*writeTx) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	var refused error
	err := d.bolt.Update(func(tx *bbolt.Tx) error {
		refused = tallying(tx, fn)
		return refused
	})
	switch {
	case err == nil || errors.Is(err, errNothing):
		return nil
	case refused != nil:
		return fmt.Errorf("%s: %w", doing, d.damaged(refused))
	}
	lost := &CommitError{Path: d.path, Doing: doing, Cause: err}
	d.broken.Store(lost)
	d.release(err)
	return lost
}

// read runs one read transaction.
func (d *DB) read(fn func(*bbolt.Tx) error) error {
	if err := d.Err(); err != nil {
		return err
	}
	return d.damaged(d.bolt.View(fn))
}

func pidFile(path string) string { return path + ".pid" }

// holder is the process that last took the lock; 0 when it left no word.
func holder(path string) int {
	b, err := os.ReadFile(pidFile(path))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}
