package store

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Entry is one thing that a person did to pipewatch.
type Entry struct {
	ID     string    `json:"id,omitempty"` // its place in the trail; given by the store
	At     time.Time `json:"at"`
	Who    string    `json:"who"`           // a user name, or "signal" and the like
	Via    string    `json:"via,omitempty"` // where it was done: "cli", "page", "api", or "slack" and the user's id
	Did    string    `json:"did"`           // one word: reload, ack, mute, announce, check
	To     string    `json:"to"`            // what it was done to; empty for the whole
	Detail string    `json:"detail"`        // anything more, in words
}

// Audit appends an entry. Nothing but Prune ever removes one. What people do to
// incidents, announcements and re-checks is in the trail by itself, in the
// transaction that does it.
func (d *DB) Audit(e Entry) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.update("write audit", func(tx *writeTx) error { return appendAudit(tx, e) })
}

func appendAudit(tx *writeTx, e Entry) error {
	t := tx.table(audit)
	n, err := t.rows.NextSequence()
	if err != nil {
		return err
	}
	e.ID = ""
	return t.write(fmt.Sprintf("%s/%012x", timeKey(e.At), n), e)
}

// Audits lists entries, newest first: at most limit, and only those older than
// before when that is set, so that the last ID of one page fetches the next.
func (d *DB) Audits(before string, limit int) ([]Entry, error) {
	var found []Entry
	err := d.read(func(tx *bbolt.Tx) error {
		return eachBack(tx.Bucket([]byte(audit)), before, func(key string, frame []byte) (bool, error) {
			if len(found) >= limit {
				return false, nil
			}
			e, err := decode[Entry](audit, key, frame)
			e.ID = key
			found = append(found, e)
			return true, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return found, nil
}

// deeds is what people did in a run, for the audit trail.
func deeds(r incident.Run) []Entry {
	var out []Entry
	for _, a := range r.Acts {
		e := Entry{At: a.At, Who: a.By, Via: a.Via, Did: string(a.Kind), To: string(a.Incident), Detail: a.Note}
		if !a.Until.IsZero() {
			e.Detail = strings.TrimSpace("until " + a.Until.UTC().Format(time.RFC3339) + " " + a.Note)
		}
		out = append(out, e)
	}
	for _, a := range r.Announce {
		e := Entry{At: r.Moment, Who: cmp.Or(a.EndedBy, a.By), Via: a.Via, Did: "announce", To: string(a.Node)}
		if a.EndedBy != "" {
			e.Did = "unannounce"
		}
		e.Detail = fmt.Sprintf("%s to %s: %s", a.From.UTC().Format(time.RFC3339), a.Until.UTC().Format(time.RFC3339), a.Reason)
		out = append(out, e)
	}
	if r.By != "" {
		out = append(out, Entry{
			At: r.Moment, Who: r.By, Via: r.Via, Did: "check", To: r.DAG, Detail: fmt.Sprintf("%d checks", len(r.Results)),
		})
	}
	return out
}
