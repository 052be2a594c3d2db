package store

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// The buckets.
const (
	meta       = "meta"
	runs       = "run"
	layouts    = "layout"
	states     = "state"
	memories   = "mem"
	incidents  = "inc"
	outbox     = "obx"
	sched      = "sched"
	heartbeats = "hb"
	dagFiles   = "dagfile"
	audit      = "audit"
	announced  = "announced"
)

// counted are the buckets of records, of which there is a tally each.
var counted = []string{runs, layouts, states, memories, incidents, outbox, sched, heartbeats, dagFiles, audit, announced}

var buckets = append([]string{meta}, counted...)

// The keys of meta.
const (
	keySchema     = "schema"
	keyProved     = "proved" // when it was last shown that the file can be written
	keyGeneration = "gen"
)

// timeKey is a time whose order as text is its order.
func timeKey(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// runKey is where the n-th recorded run is. Ticks, and what people did, have no
// DAG; re-checks have no slot and are filed under their moment.
func runKey(r incident.Run, n uint64) string {
	at := r.Slot
	if at.IsZero() {
		at = r.Moment
	}
	return fmt.Sprintf("%s/%s/%012x", r.DAG, timeKey(at), n)
}

func postKey(p notify.Post) string { return string(p.Incident) + "/" + p.Place() }

// eachWith calls fn for the entries of a bucket whose keys begin with prefix, in
// order. The value is valid until the transaction ends.
func eachWith(b *bbolt.Bucket, prefix string, fn func(key string, frame []byte) error) error {
	return eachFrom(b, prefix, func(key string, frame []byte) (bool, error) {
		if !strings.HasPrefix(key, prefix) {
			return false, nil
		}
		return true, fn(key, frame)
	})
}

// eachFrom calls fn for the entries of a bucket from the key first on, in order,
// until fn has enough.
func eachFrom(b *bbolt.Bucket, first string, fn func(key string, frame []byte) (more bool, err error)) error {
	c := b.Cursor()
	for k, v := c.Seek([]byte(first)); k != nil; k, v = c.Next() {
		if more, err := fn(string(k), v); err != nil || !more {
			return err
		}
	}
	return nil
}

// eachBack calls fn for the entries of a bucket from below the key before (from
// the end when that is empty) to the beginning, until fn has enough.
func eachBack(b *bbolt.Bucket, before string, fn func(key string, frame []byte) (more bool, err error)) error {
	c := b.Cursor()
	k, v := c.Last()
	if before != "" {
		if at, _ := c.Seek([]byte(before)); at != nil {
			k, v = c.Prev()
		}
	}
	for ; k != nil; k, v = c.Prev() {
		if more, err := fn(string(k), v); err != nil || !more {
			return err
		}
	}
	return nil
}

// eachBackOf calls fn for the runs of a DAG from the newest slot backwards,
// until fn has enough. Key and frame are valid until the transaction ends.
func eachBackOf(b *bbolt.Bucket, dag string, fn func(key, frame []byte) (more bool, err error)) error {
	prefix := []byte(dag + "/")
	c := b.Cursor()
	newest := c.Prev
	if after, _ := c.Seek([]byte(dag + "0")); after == nil { // the first key that cannot be the DAG's
		newest = c.Last
	}
	for k, v := newest(); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Prev() {
		if more, err := fn(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}
