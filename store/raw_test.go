package store_test

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
)

// These helpers reach behind the store, as a failing disk or a newer version
// would.

// reached are the paths of the files behind which a test reached: what they hold
// is not what the store wrote.
var reached sync.Map

// raw runs a transaction on the file itself.
func raw(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	reached.Store(path, true)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func putRaw(t *testing.T, path, bucket, key string, value []byte) {
	t.Helper()
	raw(t, path, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		return b.Put([]byte(key), value)
	})
}

func getRaw(t *testing.T, path, bucket, key string) []byte {
	t.Helper()
	var value []byte
	raw(t, path, func(tx *bbolt.Tx) error {
		value = slices.Clone(tx.Bucket([]byte(bucket)).Get([]byte(key)))
		return nil
	})
	return value
}

// flip changes one byte in the middle of a value and gives its key.
func flip(t *testing.T, path, bucket, key string) string {
	t.Helper()
	raw(t, path, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		if key == "" {
			first, _ := b.Cursor().First()
			key = string(first)
		}
		value := slices.Clone(b.Get([]byte(key)))
		value[len(value)/2] ^= 1
		return b.Put([]byte(key), value)
	})
	return key
}

// frame seals a value as the store does.
func frame(key string, version byte, payload []byte) []byte {
	sum := crc32.Checksum(slices.Concat([]byte(key), []byte{version}, payload), crc32.MakeTable(crc32.Castagnoli))
	return slices.Concat([]byte{version}, binary.BigEndian.AppendUint32(nil, sum), payload)
}
