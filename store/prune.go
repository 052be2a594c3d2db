package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// pruneStep is how many keys one transaction removes: others want to write too.
const pruneStep = 1000

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Prune removes what is older than before: runs, audit entries, announcements
// and incidents that ended before then, these with their posts, and bulletins.
// What is open, could be reopened, could still explain something or waits to be
// sent stays. It returns how many records are gone.
func (d *DB) Prune(before time.Time) (int, error) {
	total := 0
	for {
		n, err := d.pruneOnce(before)
		total += n
		switch {
		case err != nil:
			return total, err
		case n < pruneStep:
			return total, d.pruneLayouts()
		}
	}
}

func (d *DB) pruneOnce(before time.Time) (int, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	n := 0
	err := d.update("remove old records", func(tx *writeTx) error {
		old := staleKeys{limit: pruneStep}
		err := old.collect(tx.Tx, before, d.view.Load())
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		for _, k := range old.keys {
			if err := tx.table(k.bucket).remove(k.key); err != nil {
				return err
			}
		}
		if n = len(old.keys); n == 0 {
			return errNothing
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// staleKeys gathers what may go. Keys are gathered first and removed after,
// because a cursor does not survive what is removed under it.
type staleKeys struct {
	keys  []record
	limit int
}

type record struct{ bucket, key string }

func (s *staleKeys) add(bucket, key string) error {
	s.keys = append(s.keys, record{bucket, key})
	if len(s.keys) >= s.limit {
		return errEnough
	}
	return nil
}

func (s *staleKeys) collect(tx *bbolt.Tx, before time.Time, v *view) error {
	if err := s.runs(tx.Bucket([]byte(runs)), timeKey(before)); err != nil {
		return err
	}
	err := eachFrom(tx.Bucket([]byte(audit)), "", func(key string, _ []byte) (bool, error) {
		if key >= timeKey(before) {
			return false, nil
		}
		return true, s.add(audit, key)
	})
	if err != nil {
		return err
	}
	if err := s.announcements(tx, before, v); err != nil {
		return err
	}
	if err := s.bulletins(tx, before, v); err != nil {
		return err
	}
	return eachWith(tx.Bucket([]byte(incidents)), "", func(key string, frame []byte) error {
		i, err := decode[incident.Incident](incidents, key, frame)
		if err != nil {
			return err
		}
		if _, known := v.book.Incidents[i.ID]; known || i.Status == incident.Open || !i.ResolvedAt.Before(before) {
			return nil
		}
		return s.incident(tx, key)
	})
}

// runs adds the old runs of each DAG.
func (s *staleKeys) runs(b *bbolt.Bucket, before string) error {
	c := b.Cursor()
	for k, _ := c.First(); k != nil; {
		dag, rest, _ := strings.Cut(string(k), "/")
		if rest >= before {
			k, _ = c.Seek([]byte(dag + "0")) // the next DAG's first
			continue
		}
		if err := s.add(runs, string(k)); err != nil {
			return err
		}
		k, _ = c.Next()
	}
	return nil
}

// announcements adds those that ended and explain nothing any more, which the
// book has forgotten.
func (s *staleKeys) announcements(tx *bbolt.Tx, before time.Time, v *view) error {
	return eachWith(tx.Bucket([]byte(announced)), "", func(key string, frame []byte) error {
		a, err := decode[incident.Announcement](announced, key, frame)
		if _, known := v.book.Announcements[a.ID]; err != nil || known || !a.Until.Before(before) {
			return err
		}
		return s.add(announced, key)
	})
}

// bulletins adds those that were sent and will not be edited again: a storm's
// digest is while one of its incidents is open, a trouble's while it lasts.
func (s *staleKeys) bulletins(tx *bbolt.Tx, before time.Time, v *view) error {
	return eachWith(tx.Bucket([]byte(outbox)), "", func(key string, frame []byte) error {
		if strings.HasPrefix(key, "inc-") { // an incident's, of which there are many
			return nil
		}
		p, err := decode[notify.Post](outbox, key, frame)
		switch {
		case err != nil:
			return err
		case p.Bulletin == nil || !p.Done() || !p.At.Before(before),
			p.Bulletin.Kind == notify.Trouble && len(p.Bulletin.Members) > 0,
			slices.ContainsFunc(p.Bulletin.Members, func(id string) bool { return v.book.Incidents[incident.ID(id)].Status == incident.Open }):
			return nil
		}
		return s.add(outbox, key)
	})
}

// incident adds an incident and its posts, the incident last, unless one of the
// posts has not been sent.
func (s *staleKeys) incident(tx *bbolt.Tx, key string) error {
	var posts []string
	err := eachWith(tx.Bucket([]byte(outbox)), key+"/", func(post string, frame []byte) error {
		p, err := decode[notify.Post](outbox, post, frame)
		if err == nil && !p.Done() {
			return fmt.Errorf("%s waits: %w", post, errNothing)
		}
		posts = append(posts, post)
		return err
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, post := range posts {
		if err := s.add(outbox, post); err != nil {
			return err
		}
	}
	return s.add(incidents, key)
}
