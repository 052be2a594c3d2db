package store

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var _ notify.Outbox = (*DB)(nil)

// Pending lists the posts that are not done, oldest incident first (by the time
// in its id), each incident's root before its lines.
func (d *DB) Pending() ([]notify.Post, error) {
	if err := d.Err(); err != nil {
		return nil, err
	}
	return d.view.Load().sorted(), nil
}

// Incident is an incident as it is now; ErrUnknown when there is none.
func (d *DB) Incident(id incident.ID) (incident.Incident, error) {
	if err := d.Err(); err != nil {
		return incident.Incident{}, err
	}
	if i, ok := d.view.Load().book.Incidents[id]; ok {
		return i, nil
	}
	return one[incident.Incident](d, incidents, string(id))
}

// Root is the root post of an incident, or its copy in a channel; false when
// there is none.
func (d *DB) Root(id incident.ID, copyIn string) (notify.Post, bool, error) {
	key := postKey(notify.Post{Incident: id, Channel: copyIn, Copy: copyIn != ""})
	if p, ok := d.view.Load().pending[key]; ok {
		return p, true, d.Err()
	}
	p, err := one[notify.Post](d, outbox, key)
	if errors.Is(err, ErrUnknown) {
		return p, false, nil
	}
	return p, err == nil, err
}

// one reads one record.
func one[T any](d *DB, bucket, key string) (T, error) {
	var v T
	err := d.read(func(tx *bbolt.Tx) (err error) {
		v, err = read[T](tx.Bucket([]byte(bucket)), bucket, key)
		return err
	})
	return v, err
}

// Save writes posts in one transaction, as notify.Post.Over says. A copy or a
// bulletin may be new; another post that was never planned is refused.
func (d *DB) Save(posts ...notify.Post) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	saved := make([]notify.Post, 0, len(posts))
	err := d.update("save posts", func(tx *writeTx) error {
		t := tx.table(outbox)
		for _, p := range posts {
			key := postKey(p)
			stored, err := read[notify.Post](t.rows, outbox, key)
			switch {
			case err == nil:
				p = p.Over(stored)
			case !errors.Is(err, ErrUnknown) || !p.Copy && p.Bulletin == nil:
				return err
			}
			if err := t.write(key, p); err != nil {
				return err
			}
			saved = append(saved, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	before := d.view.Load()
	d.view.Store(&view{book: before.book, pending: before.withPosts(saved), latest: before.latest})
	return nil
}

// Incidents lists incidents, newest first: at most limit, and only those older
// than before when that is set, so that the last id of one page fetches the
// next. With open set, only those that are open now.
func (d *DB) Incidents(before incident.ID, limit int, open bool) ([]incident.Incident, error) {
	var found []incident.Incident
	err := d.read(func(tx *bbolt.Tx) error {
		return eachBack(tx.Bucket([]byte(incidents)), string(before), func(key string, frame []byte) (bool, error) {
			if len(found) >= limit {
				return false, nil
			}
			i, err := decode[incident.Incident](incidents, key, frame)
			if err == nil && (!open || i.Status == incident.Open) {
				found = append(found, i)
			}
			return true, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return found, nil
}
