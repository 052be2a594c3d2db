package store

import (
	"slices"
	"strings"
)

// migrateStep is how many bytes of runs one transaction moves.
const migrateStep = 8 << 20

// migrate brings a file of an earlier schema to the present one.
//
// In schema 1 a run's key began with its slot; now it begins with the DAG, so
// that one DAG's past lies together. The runs themselves stay as they were
// written (runs_schema1.go). They are moved in steps; a migration that is broken
// off goes on at the next start, as keys of the two forms begin differently.
//
// Before schema 3 there were no tallies. They are made last, of what is there.
func (d *DB) migrate() error {
	for more := true; more; {
		err := d.update("move runs of schema 1", func(tx *writeTx) (err error) {
			more, err = moveRuns(tx.table(runs))
			return err
		})
		if err != nil {
			return err
		}
	}
	return d.update("count records", func(tx *writeTx) error {
		for _, name := range counted {
			t := tx.table(name)
			t.tally = count(t.rows)
		}
		return write(tx.Bucket([]byte(meta)), keySchema, Schema)
	})
}

// moveRuns moves some runs and tells whether there may be more. Names of DAGs
// begin with a letter, and only times with a digit.
func moveRuns(t *table) (more bool, err error) {
	moved := map[string][]byte{}
	size := 0
	_ = eachFrom(t.rows, "0", func(key string, frame []byte) (bool, error) {
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
		if err := t.put(to, seal(to, frame[0], frame[frameHead:])); err != nil {
			return false, err
		}
		if err := t.remove(key); err != nil {
			return false, err
		}
	}
	return len(moved) > 0, nil
}
