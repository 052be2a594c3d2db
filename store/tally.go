package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// A tally says what a bucket holds, and is written in each transaction that
// changes it. The checksum of a record tells nothing about one that is missing:
// of a page whose head was spoilt bbolt reads fewer records, or older ones, and
// finds all in order.
type tally struct {
	Records  int    `json:"n"`
	Sum      uint32 `json:"sum"` // of the records' checksums
	Sequence uint64 `json:"seq,omitempty"`
}

func (t *tally) add(frame []byte) {
	t.Records++
	t.Sum += sumOf(frame)
}

func (t *tally) drop(frame []byte) {
	t.Records--
	t.Sum -= sumOf(frame)
}

// sumOf is the checksum that a frame has of itself.
func sumOf(frame []byte) uint32 {
	if len(frame) < frameHead {
		return 0 // no record: intact says so
	}
	return binary.BigEndian.Uint32(frame[1:])
}

func tallyKey(bucket string) string { return "tally/" + bucket }

// readTally is what was written down about a bucket; nothing about one that was
// never written to.
func readTally(tx *bbolt.Tx, bucket string) (tally, error) {
	t, err := read[tally](tx.Bucket([]byte(meta)), meta, tallyKey(bucket))
	if errors.Is(err, ErrUnknown) {
		return tally{}, nil
	}
	return t, err
}

// count is what a bucket holds in truth; nothing when it is missing.
func count(b *bbolt.Bucket) tally {
	if b == nil {
		return tally{}
	}
	t := tally{Sequence: b.Sequence()}
	_ = eachWith(b, "", func(_ string, frame []byte) error {
		t.add(frame)
		return nil
	})
	return t
}

// tallied holds buckets against their tallies. Files of before schema 3
// have none.
func tallied(tx *bbolt.Tx, names ...string) error {
	schema, err := read[int](tx.Bucket([]byte(meta)), meta, keySchema)
	if err != nil || schema < 3 {
		return err
	}
	for _, name := range names {
		want, err := readTally(tx, name)
		if err != nil {
			return err
		}
		got := count(tx.Bucket([]byte(name)))
		switch {
		case got.Records != want.Records:
			err = fmt.Errorf("bucket %s holds %d records and %d were written", name, got.Records, want.Records)
		case got != want:
			err = fmt.Errorf("bucket %s does not hold the records that were written last", name)
		}
		if err != nil {
			return &CorruptError{Cause: err}
		}
	}
	return nil
}

// writeTx is a transaction that writes. Records other than those of meta are
// changed through its tables only, which keep the tallies.
type writeTx struct {
	*bbolt.Tx
	tables map[string]*table
	err    error // why a table could not be opened; it undoes the transaction
}

// table is a bucket that is being written.
type table struct {
	rows    *bbolt.Bucket
	tally   tally
	written tally // the tally in the file
}

// table opens a bucket for writing.
func (tx *writeTx) table(name string) *table {
	if t, open := tx.tables[name]; open {
		return t
	}
	written, err := readTally(tx.Tx, name)
	tx.err = errors.Join(tx.err, err)
	t := &table{tx.Bucket([]byte(name)), written, written}
	tx.tables[name] = t
	return t
}

// empty removes all that is in a bucket.
func (tx *writeTx) empty(name string) (*table, error) {
	t := tx.table(name)
	if err := tx.DeleteBucket([]byte(name)); err != nil {
		return nil, err
	}
	var err error
	t.rows, err = tx.CreateBucket([]byte(name))
	t.tally = tally{}
	return t, err
}

// tallying runs fn and writes the tallies of what it changed.
func tallying(bolt *bbolt.Tx, fn func(*writeTx) error) error {
	tx := &writeTx{Tx: bolt, tables: map[string]*table{}}
	err := fn(tx)
	if err = errors.Join(err, tx.err); err != nil {
		return err
	}
	b := tx.Bucket([]byte(meta))
	for name, t := range tx.tables {
		if t.tally.Sequence = t.rows.Sequence(); t.tally == t.written {
			continue
		}
		if err := write(b, tallyKey(name), t.tally); err != nil {
			return err
		}
	}
	return nil
}

// put puts a record under a key, in place of the one that is there. It writes
// nothing where that is the same.
func (t *table) put(key string, frame []byte) error {
	old := t.rows.Get([]byte(key))
	if bytes.Equal(old, frame) {
		return nil
	}
	if old != nil {
		t.tally.drop(old)
	}
	t.tally.add(frame)
	return t.rows.Put([]byte(key), frame)
}

// write puts a value under a key.
func (t *table) write(key string, v any) error {
	frame, err := encode(key, v)
	if err != nil {
		return err
	}
	return t.put(key, frame)
}

// remove removes the record under a key, if there is one.
func (t *table) remove(key string) error {
	old := t.rows.Get([]byte(key))
	if old == nil {
		return nil
	}
	t.tally.drop(old)
	return t.rows.Delete([]byte(key))
}
