package store

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/probe"
)

const (
	keptBeats = 100      // of each name
	keptBody  = 10 << 10 // bytes of what a job sent along
)

// Heartbeat appends a sign of life of a job. One with the same run and kind as a
// stored one is the same call repeated, and changes nothing. The newest hundred
// of each name are kept, each with at most the first 10 KiB of its body.
func (d *DB) Heartbeat(name string, b probe.Beat) error {
	if name == "" || strings.ContainsRune(name, 0) {
		return fmt.Errorf("record heartbeat: %q is no name", name)
	}
	if len(b.Body) > keptBody {
		b.Body = strings.ToValidUTF8(b.Body[:keptBody], "")
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.update("record heartbeat of "+name, func(tx *writeTx) error {
		t := tx.table(heartbeats)
		keys, beats, err := beatsOf(t.rows, name)
		if err != nil {
			return err
		}
		repeated := func(old probe.Beat) bool { return b.Run != "" && old.Run == b.Run && old.Kind == b.Kind }
		if slices.ContainsFunc(beats, repeated) {
			return errNothing
		}
		n, err := t.rows.NextSequence()
		if err != nil {
			return err
		}
		for _, old := range keys[:max(0, len(keys)+1-keptBeats)] {
			if err := t.remove(old); err != nil {
				return err
			}
		}
		return t.write(fmt.Sprintf("%s\x00%s/%012x", name, timeKey(b.At), n), b)
	})
}

// Beats lists the stored signs of life of a job, oldest first.
func (d *DB) Beats(name string) ([]probe.Beat, error) {
	var beats []probe.Beat
	err := d.read(func(tx *bbolt.Tx) (err error) {
		_, beats, err = beatsOf(tx.Bucket([]byte(heartbeats)), name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read heartbeats of %s: %w", name, err)
	}
	return beats, nil
}

func beatsOf(b *bbolt.Bucket, name string) (keys []string, beats []probe.Beat, err error) {
	err = eachWith(b, name+"\x00", func(key string, frame []byte) error {
		beat, err := decode[probe.Beat](heartbeats, key, frame)
		keys, beats = append(keys, key), append(beats, beat)
		return err
	})
	return keys, beats, err
}

// PutDAGFiles makes the stored DAG files exactly these: texts by path, each the
// last that was good. The texts must not change after: those that are the same the next
// time are not written again.
func (d *DB) PutDAGFiles(files map[string][]byte) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	before := d.dagFiles
	d.dagFiles = nil
	err := d.update("keep DAG files", func(tx *writeTx) error {
		t := tx.table(dagFiles)
		if before == nil { // nothing is known of what is there
			var err error
			if t, err = tx.empty(dagFiles); err != nil {
				return err
			}
		}
		for path := range before {
			if _, still := files[path]; !still {
				if err := t.remove(path); err != nil {
					return err
				}
			}
		}
		for path, text := range files {
			if was, is := before[path]; is && bytes.Equal(was, text) {
				continue
			}
			if err := t.put(path, seal(path, deflated, deflate(text))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		d.dagFiles = maps.Clone(files)
	}
	return err
}

// DAGFiles gives the stored DAG files by path.
func (d *DB) DAGFiles() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := d.read(func(tx *bbolt.Tx) error {
		return eachWith(tx.Bucket([]byte(dagFiles)), "", func(path string, frame []byte) error {
			text, err := unseal(dagFiles, path, frame)
			files[path] = text
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read DAG files: %w", err)
	}
	return files, nil
}
