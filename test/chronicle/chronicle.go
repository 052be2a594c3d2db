// Package chronicle writes a past into a state file, step by step, so that it
// is known exactly what the file must hold after each.
//
// It is for tests that damage a state file or cut its power. It knows no disk
// and no fault; it only writes and reads by the doors that the service uses.
//
// # Data model
//
// Step n is one transaction and always the same one: a run of a small shop in
// which things break and are mended, a heartbeat, a message that was sent, an
// entry of the audit. A [Dump] is one digest of all that can be read of a
// state, so that two files hold the same if and only if their dumps are equal.
package chronicle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/store"
)

const shop = `
version: 1
dag: shop
owner: data
connection: wh
schedule: "@every 15m"
nodes:
  customers: {table: customers, freshness: {column: updated_at, error_after: 6h}, row_count: {min: 1}}
  orders: {table: orders, depends_on: [customers], freshness: {column: created_at, error_after: 6h}, row_count: {min: 1}}
  revenue: {table: revenue, depends_on: [orders], freshness: {column: day, error_after: 6h}}
`

var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// Writer writes steps.
type Writer struct {
	suite *checks.Suite
	ids   []dag.CheckID
}

// New makes a writer.
func New() (*Writer, error) {
	g, problems := dag.Load([]dag.File{{Name: "dags/shop.yaml", Src: []byte(shop)}}, dag.Known{})
	s, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	w := &Writer{suite: s}
	for c := range s.All() {
		w.ids = append(w.ids, c.ID())
	}
	return w, nil
}

// Step writes step n, in one transaction, and returns when it is safe.
func (w *Writer) Step(db *store.DB, n int) error {
	at := start.Add(time.Duration(n) * time.Minute)
	switch n % 8 {
	case 0:
		return db.PutDAGFiles(map[string][]byte{"dags/shop.yaml": fmt.Appendf(nil, "%s# %d\n", shop, n)})
	case 3:
		return db.Heartbeat("load", probe.Beat{At: at, Kind: "success", Run: fmt.Sprint(n)})
	case 5:
		return w.send(db, at)
	case 7:
		return db.Audit(store.Entry{At: at, Who: "ana", Did: "reload", Detail: fmt.Sprint(n)})
	}
	return w.run(db, n, at)
}

// run records a run in which some checks fail.
func (w *Writer) run(db *store.DB, n int, at time.Time) error {
	run := incident.Run{DAG: "shop", Slot: at, Moment: at}
	for k, id := range w.ids {
		r := checks.Result{Check: id, StartedAt: at, Took: time.Millisecond, Memory: fmt.Appendf(nil, `{"n":%d}`, n)}
		r.Verdict = checks.Verdict{Outcome: checks.Pass, Observed: map[string]int{"rows": n}}
		if (n/16+k)%4 == 0 {
			r.Verdict = checks.Verdict{Outcome: checks.Fail, Reason: checks.Stale, Message: fmt.Sprintf("step %d of check %d", n, k)}
		}
		run.Results = append(run.Results, r)
	}
	_, err := db.Record(run,
		func(b incident.Book) incident.Change {
			return incident.Decide(w.suite, stored(b), run, incident.AtOnce())
		},
		func(incident.Incident) string { return "#data" },
		func(id dag.CheckID) string { return w.suite.Check(id).Fingerprint })
	return err
}

// send marks the first message that waits as sent.
func (w *Writer) send(db *store.DB, at time.Time) error {
	posts, err := waiting(db)
	if err != nil || len(posts) == 0 {
		return err
	}
	p := posts[0]
	p.Shown, p.Ref, p.Attempts = p.Want, notify.Ref{Channel: "C1", TS: fmt.Sprintf("%d.000001", at.Unix())}, p.Attempts+1
	return db.Save(p)
}

// waiting lists the messages that show too little. Those that stand and are only
// looked at once more, as they are after every start, say nothing of the file.
func waiting(db *store.DB) ([]notify.Post, error) {
	posts, err := db.Pending()
	if posts = slices.DeleteFunc(posts, func(p notify.Post) bool { return p.Shown >= p.Want }); len(posts) == 0 {
		return nil, err // an empty list and none are the same
	}
	return posts, err
}

// stored is a book as a file holds it: when a check was last looked at is known
// to the process alone, and what it decides by that depends on its start.
func stored(b incident.Book) incident.Book {
	states := maps.Collect(b.States.All())
	for id, s := range states {
		s.At = time.Time{}
		states[id] = s
	}
	b.States = incident.States{}.With(states)
	return b
}

// Dump is a digest of all that a state holds, but for the file's own id. An
// error means that something could not be read.
func Dump(db *store.DB) (string, error) {
	h := sha256.New()
	out := json.NewEncoder(h)
	put := func(v any, err error) error {
		if err != nil {
			return err
		}
		return out.Encode(v)
	}
	book := stored(db.Book())
	reads := []func() error{
		func() error { return put(book, nil) },
		func() error { return put(waiting(db)) },
		func() error { return put(db.Incidents("", math.MaxInt, false)) },
		func() error { return put(db.LastSlots()) },
		func() error { return put(db.DAGFiles()) },
		func() error { return put(db.Audits("", math.MaxInt)) },
		func() error { return put(db.Beats("load")) },
		func() error { return db.Replay(func(r incident.Run) error { return out.Encode(r) }) },
	}
	for _, read := range reads {
		if err := read(); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Dumps gives the dump after every number of steps from 0 to n. It needs a
// folder of its own.
func Dumps(dir string, n int) ([]string, error) {
	w, err := New()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(filepath.Join(dir, "state.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	dumps := make([]string, 0, n+1)
	for k := range n + 1 {
		d, err := Dump(db)
		if err != nil {
			return nil, err
		}
		if dumps = append(dumps, d); k == n {
			break
		}
		if err := w.Step(db, k); err != nil {
			return nil, err
		}
	}
	return dumps, nil
}

// WriteSteps writes the steps from one number to another into a state file and
// prints, in a line each, how many are safe; the first before it opens the file.
func WriteSteps(path string, from, to int, out io.Writer) error {
	w, err := New()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, from); err != nil {
		return err
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	for n := from; n < to; n++ {
		if err := w.Step(db, n); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, n+1); err != nil {
			return err
		}
	}
	return nil
}
