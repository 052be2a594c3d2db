package store

import (
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// migrateStep is how many bytes of runs one transaction moves.
const migrateStep = 8 << 20

// migrate brings a file of schema 1 to the present one. There a run's key began
// with its slot; now it begins with the DAG, so that one DAG's past lies
// together. The runs themselves stay as they were written (runs_schema1.go).
// Runs are moved in steps; a migration that is broken off goes on at the next
// start, as keys of the two forms begin differently.
func (d *DB) migrate() error {
	for more := true; more; {
		err := d.update("move runs of schema 1", func(tx *bbolt.Tx) (err error) {
			if more, err = moveRuns(tx.Bucket([]byte(runs))); err != nil || more {
				return err
			}
			return write(tx.Bucket([]byte(meta)), keySchema, Schema)
		})
		if err != nil {
			return d.damaged(err)
		}
	}
	return nil
}

// moveRuns moves some runs and tells whether there may be more. Names of DAGs
// begin with a letter, and only times with a digit.
func moveRuns(b *bbolt.Bucket) (more bool, err error) {
	moved := map[string][]byte{}
	size := 0
	_ = eachFrom(b, "0", func(key string, frame []byte) (bool, error) {
		if key >= ":" || size >= migrateStep {
			return false, nil
		}
		moved[key] = slices.Clone(frame)
		size += len(frame)
		return true, nil
	})
	for key, frame := range moved {
		if err := intact(runs, key, frame); err != nil {
			return false, err
		}
		slot, rest, _ := strings.Cut(key, "/")
		dag, n, _ := strings.Cut(rest, "/")
		to := dag + "/" + slot + "/" + n
		if err := b.Put([]byte(to), seal(to, frame[0], frame[frameHead:])); err != nil {
			return false, err
		}
		if err := b.Delete([]byte(key)); err != nil {
			return false, err
		}
	}
	return len(moved) > 0, nil
}
