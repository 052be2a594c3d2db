package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterr "go.etcd.io/bbolt/errors"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// Check reads all of the file at path, which nobody may have open: bbolt's
// check of its pages, then every record against its checksum. It changes
// nothing. A [CorruptError] names what is damaged; [HeldError] and [NewerError]
// are as for Open.
//
// A cut file can end the process in a way that nothing catches (bbolt checks in
// goroutines of its own), so that a suspect file is checked in a child process.
func Check(path string) (err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("check state file: %w", err)
	case !info.Mode().IsRegular(): // opening a pipe would wait for somebody to write
		return fmt.Errorf("check state file %s: not a regular file; name a file under state: path", path)
	case info.Size() == 0:
		return &CorruptError{Path: path, Cause: errors.New("it is empty")}
	}
	defer catch(path, &err)()
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, ReadOnly: true, FreelistType: bbolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterr.ErrTimeout):
		return &HeldError{Path: path, PID: holder(path)}
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("check state file: %w", err)
	case err != nil:
		return &CorruptError{Path: path, Cause: err}
	}
	defer bolt.Close()
	if err := headings(bolt); err != nil {
		return err
	}
	d := &DB{bolt: bolt, path: path}
	return d.damaged(bolt.View(func(tx *bbolt.Tx) error {
		if err := references(tx); err != nil {
			return err
		}
		if unmade(tx) {
			return pages(tx)
		}
		if err := format(tx); err != nil {
			return err
		}
		if err := pages(tx); err != nil {
			return err
		}
		return records(tx)
	}))
}

// format refuses files of newer versions before anything else is said of them.
func format(tx *bbolt.Tx) error {
	b := tx.Bucket([]byte(meta))
	if b == nil || b.Get([]byte(keySchema)) == nil {
		return &CorruptError{Cause: errors.New("it holds no format number")}
	}
	known, err := read[int](b, meta, keySchema)
	if err == nil && known > Schema {
		return &NewerError{Path: tx.DB().Path(), Found: known}
	}
	return err
}

// first are the buckets of the first release; later ones may be missing in a
// file that an earlier release wrote.
var first = []string{meta, runs, states, memories, incidents, outbox, sched, heartbeats, dagFiles, audit}

// records checks every record, and that those of each bucket are what the
// bucket is for.
func records(tx *bbolt.Tx) error {
	for _, name := range first {
		if tx.Bucket([]byte(name)) == nil {
			return &CorruptError{Cause: fmt.Errorf("bucket %s is missing", name)}
		}
	}
	err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		if !slices.Contains(buckets, string(name)) {
			return &CorruptError{Cause: fmt.Errorf("bucket %q is none of pipewatch's", name)}
		}
		return eachWith(b, "", func(key string, frame []byte) error {
			return intact(string(name), key, frame)
		})
	})
	if err != nil {
		return err
	}
	return errors.Join(
		tallied(tx, counted...),
		eachRecord(tx, sched, func(string, slot) {}),
		eachRecord(tx, states, func(string, incident.State) {}),
		eachRecord(tx, incidents, func(string, incident.Incident) {}),
		eachRecord(tx, outbox, func(string, notify.Post) {}),
	)
}
