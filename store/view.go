package store

import (
	"errors"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// view is what is read all the time, as it was after one commit. It is never
// changed, only replaced.
type view struct {
	book    incident.Book
	pending map[string]notify.Post // posts that are not done, by key
	latest  time.Time              // newest moment recorded
}

// load builds the view from the file.
func (d *DB) load() (*view, error) {
	v := &view{
		book: incident.Book{
			Incidents:     map[incident.ID]incident.Incident{},
			Announcements: map[incident.AnnouncementID]incident.Announcement{},
		},
		pending: map[string]notify.Post{},
	}
	all := map[dag.CheckID]incident.State{}
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		return errors.Join(
			tallied(tx, sched, states, incidents, announced, outbox),
			eachRecord(tx, sched, func(_ string, s slot) {
				if s.Moment.After(v.latest) {
					v.latest = s.Moment
				}
			}),
			eachRecord(tx, states, func(key string, s incident.State) { all[dag.CheckID(key)] = s }),
			eachRecord(tx, incidents, func(_ string, i incident.Incident) { v.book.Incidents[i.ID] = i }),
			eachRecord(tx, announced, func(_ string, a incident.Announcement) { v.book.Announcements[a.ID] = a }),
			eachRecord(tx, outbox, func(key string, p notify.Post) {
				p.Recheck = v.stands(p)
				if !p.Done() {
					v.pending[key] = p
				}
			}),
		)
	})
	v.book.States = v.book.States.With(all)
	v.forget(d.recall)
	return v, err
}

// stands tells whether a message that tells something still open should be in
// its channel: after a start it is edited once, which also shows whether it is
// still there and makes it look as this version draws it.
func (v *view) stands(p notify.Post) bool {
	if b := p.Bulletin; b != nil {
		return b.Kind == notify.Trouble && len(b.Members) > 0 && p.Shown > 0
	}
	return p.Line == 0 && !p.Ref.IsZero() && p.Shown > 0 && v.book.Incidents[p.Incident].Status == incident.Open
}

// eachRecord decodes every record of a bucket.
func eachRecord[T any](tx *bbolt.Tx, bucket string, fn func(key string, v T)) error {
	return eachWith(tx.Bucket([]byte(bucket)), "", func(key string, frame []byte) error {
		v, err := decode[T](bucket, key, frame)
		if err == nil {
			fn(key, v)
		}
		return err
	})
}

// after is the view after a change at a moment, with the posts that it wrote.
func (v *view) after(c incident.Change, at time.Time, posts []notify.Post, recall time.Duration) *view {
	next := &view{book: v.book.Apply(c), pending: v.withPosts(posts), latest: v.latest}
	if at.After(next.latest) {
		next.latest = at
	}
	next.forget(recall)
	return next
}

// remembered is how long an announcement explains what is seen after its end: a
// check that runs once a month shall still know of it.
const remembered = 32 * 24 * time.Hour

// forget drops from the book incidents that ended too long ago to be reopened,
// and announcements that ended too long ago to explain anything.
func (v *view) forget(recall time.Duration) {
	v.book.Announcements = without(v.book.Announcements, func(a incident.Announcement) bool { return v.latest.Sub(a.Until) > remembered })
	v.book.Incidents = without(v.book.Incidents, func(i incident.Incident) bool {
		return i.Status != incident.Open && v.latest.Sub(i.ResolvedAt) > recall
	})
}

// without is a map without what is over; the same one, which others may share, where
// nothing is.
func without[K comparable, V any](m map[K]V, over func(V) bool) map[K]V {
	var kept map[K]V
	for k, v := range m {
		if !over(v) {
			continue
		}
		if kept == nil {
			kept = maps.Clone(m)
		}
		delete(kept, k)
	}
	if kept == nil {
		return m
	}
	return kept
}

// withPosts is the pending posts after some were written.
func (v *view) withPosts(posts []notify.Post) map[string]notify.Post {
	if len(posts) == 0 {
		return v.pending
	}
	next := maps.Clone(v.pending)
	for _, p := range posts {
		key := postKey(p)
		if p.Done() {
			delete(next, key)
		} else {
			next[key] = p
		}
	}
	return next
}

// sorted lists the pending posts: incident by incident, the root before the
// lines. Ids of incidents begin with their time.
func (v *view) sorted() []notify.Post {
	posts := make([]notify.Post, 0, len(v.pending))
	for _, key := range slices.Sorted(maps.Keys(v.pending)) {
		posts = append(posts, v.pending[key])
	}
	return posts
}
