package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// slot is the record of a DAG's last run.
type slot struct {
	Slot   time.Time `json:"slot"`
	Moment time.Time `json:"moment"`
}

// memory is the record of what a check remembers.
type memory struct {
	Fingerprint string `json:"fingerprint"`
	Memory      []byte `json:"memory"`
}

// Record decides about one run and writes all that follows from it in one
// transaction: the run, the states that changed, what the checks remember, the
// DAG's last slot, the incidents, the posts these need, the announcements, and
// what people did in the audit trail. decide is called
// exactly once, with the book as it is now; route gives the channel of an
// incident; fingerprint the meaning of a check, under which its memory is
// kept. When Record returns an error nothing of the run is known to be stored,
// the book is as it was, and a [CommitError] must end the process.
//
// A tick (a run without a DAG) is stored only when it changed something, so
// that replaying the stored runs gives the same decisions.
func (d *DB) Record(run incident.Run, decide func(incident.Book) incident.Change, route func(incident.Incident) string,
	fingerprint func(dag.CheckID) string) (incident.Change, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	var (
		change incident.Change
		posts  []notify.Post
		idle   bool
		before = d.view.Load()
		next   *use
	)
	err := d.update("record run of "+cmp.Or(run.DAG, "the clock"), func(tx *writeTx) error {
		change = decide(before.book)
		if idle = run.DAG == "" && change.Empty(); idle {
			return errNothing
		}
		layout, err := d.layoutFor(tx.Tx, run.DAG)
		if err != nil {
			return err
		}
		r := recording{tx, run, change}
		if next, err = r.run(layout); err != nil {
			return err
		}
		posts, err = r.write(before.book.States, route, fingerprint)
		return err
	})
	if err != nil {
		return incident.Change{}, err
	}
	if idle {
		return change, nil
	}
	d.layouts.put(run.DAG, next)
	d.view.Store(before.after(change, run.Moment, posts, d.recall))
	return change, nil
}

// recording is one transaction of Record.
type recording struct {
	tx     *writeTx
	is     incident.Run
	change incident.Change
}

// write writes all but the run and gives the posts that were planned.
func (r recording) write(before incident.States, route func(incident.Incident) string,
	fingerprint func(dag.CheckID) string) ([]notify.Post, error) {
	if err := r.states(before); err != nil {
		return nil, err
	}
	if err := r.memories(fingerprint); err != nil {
		return nil, err
	}
	if err := r.incidents(); err != nil {
		return nil, err
	}
	if err := r.deeds(); err != nil {
		return nil, err
	}
	return r.posts(route)
}

// run writes the run itself, the layout that it needs, and the DAG's last slot.
// It gives the layout for the DAG's next run.
func (r recording) run(u *use) (next *use, err error) {
	t := r.tx.table(runs)
	n, err := t.rows.NextSequence()
	if err != nil {
		return nil, err
	}
	key := runKey(r.is, n)
	blob, next, err := packRun(key, r.is, u)
	if err != nil {
		return nil, err
	}
	if err := t.put(key, seal(key, packed, blob)); err != nil {
		return nil, err
	}
	if err := r.layout(next.layout); err != nil || r.is.DAG == "" || r.is.Slot.IsZero() {
		return next, err
	}
	return next, r.tx.table(sched).write(r.is.DAG, slot{r.is.Slot, r.is.Moment})
}

// layout writes a layout that is not in the file.
func (r recording) layout(l *layout) error {
	key := layoutKey(r.is.DAG, l.id)
	t := r.tx.table(layouts)
	if l == noLayout || t.rows.Get([]byte(key)) != nil {
		return nil
	}
	return t.put(key, l.frame(key))
}

// states writes what is different, in the order of the keys, as bbolt likes.
func (r recording) states(before incident.States) error {
	t := r.tx.table(states)
	for _, id := range slices.Sorted(maps.Keys(r.change.States)) {
		s, old := r.change.States[id], before.Of(id)
		if old.At = s.At; old == s {
			continue // all of it but the moment, which is not written
		}
		frame, err := encode(string(id), s)
		if err != nil {
			return err
		}
		if err := t.put(string(id), frame); err != nil {
			return err
		}
	}
	for _, id := range r.change.Removed {
		if err := t.remove(string(id)); err != nil {
			return err
		}
		if err := r.tx.table(memories).remove(string(id)); err != nil {
			return err
		}
	}
	return nil
}

// memories writes what checks want to remember.
func (r recording) memories(fingerprint func(dag.CheckID) string) error {
	t := r.tx.table(memories)
	for _, res := range r.is.Results {
		if res.Memory == nil {
			continue
		}
		key := string(res.Check)
		frame, err := encode(key, memory{fingerprint(res.Check), res.Memory})
		if err != nil {
			return err
		}
		if err := t.put(key, frame); err != nil {
			return err
		}
	}
	return nil
}

func (r recording) incidents() error {
	t := r.tx.table(incidents)
	for id, i := range r.change.Incidents {
		if err := t.write(string(id), i); err != nil {
			return err
		}
	}
	t = r.tx.table(announced)
	for id, a := range r.change.Announcements {
		if err := t.write(string(id), a); err != nil {
			return err
		}
	}
	return nil
}

// deeds writes into the audit trail what people did in the run.
func (r recording) deeds() error {
	for _, e := range deeds(r.is) {
		if err := appendAudit(r.tx, e); err != nil {
			return err
		}
	}
	return nil
}

// posts writes and gives the posts that the changed incidents need.
func (r recording) posts(route func(incident.Incident) string) ([]notify.Post, error) {
	t := r.tx.table(outbox)
	var planned []notify.Post
	for _, i := range r.change.Incidents {
		var have []notify.Post
		err := eachWith(t.rows, string(i.ID)+"/", func(key string, frame []byte) error {
			p, err := decode[notify.Post](outbox, key, frame)
			have = append(have, p)
			return err
		})
		if err != nil {
			return nil, err
		}
		planned = append(planned, notify.Plan(i, have, route(i), r.is.Moment)...)
	}
	for _, p := range planned {
		if err := t.write(postKey(p), p); err != nil {
			return nil, err
		}
	}
	return planned, nil
}

// Memories gives what checks remember, for those whose meaning is still that of
// the fingerprint given with them; an empty one stands for any.
func (d *DB) Memories(want map[dag.CheckID]string) (map[dag.CheckID]checks.Memory, error) {
	found := make(map[dag.CheckID]checks.Memory, len(want))
	err := d.read(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(memories))
		for id, fingerprint := range want {
			frame := b.Get([]byte(id))
			if frame == nil {
				continue
			}
			m, err := decode[memory](memories, string(id), frame)
			if err != nil {
				return err
			}
			if fingerprint == "" || m.Fingerprint == fingerprint {
				found[id] = m.Memory
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read memories: %w", err)
	}
	return found, nil
}

// LastSlots gives the slot of each DAG's last recorded run.
func (d *DB) LastSlots() (map[string]time.Time, error) {
	last := map[string]time.Time{}
	err := d.read(func(tx *bbolt.Tx) error {
		return eachRecord(tx, sched, func(name string, s slot) { last[name] = s.Slot })
	})
	if err != nil {
		return nil, fmt.Errorf("read last slots: %w", err)
	}
	return last, nil
}
