package store_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

func TestReplayingTheRunsRebuildsTheBook(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop, feeds), incident.DefaultPolicy()}
	random := rand.New(rand.NewPCG(1, 2))
	var all []dag.CheckID
	for c := range r.suite.All() {
		all = append(all, c.ID())
	}
	moment := noon
	for range 120 {
		moment = moment.Add(time.Duration(1+random.IntN(10)) * time.Minute)
		switch random.IntN(6) {
		case 0:
			r.record(incident.Run{Moment: moment})
		case 1:
			r.record(incident.Run{Moment: moment, Acts: []incident.Act{drawAct(random, r.db.Book(), moment)}})
		case 2:
			r.record(incident.Run{Moment: moment, Announce: []incident.Announcement{drawAnnouncement(random, moment)}})
		default:
			name := []string{"shop", "feeds"}[random.IntN(2)]
			bad := slices.DeleteFunc(slices.Clone(all), func(dag.CheckID) bool { return random.IntN(3) > 0 })
			run := r.run(name, moment, bad...)
			run.InFlight = []string{"feeds", "shop"}[:random.IntN(3)]
			r.record(run)
		}
	}
	book := incident.Book{}
	ticks := 0
	err := r.db.Replay(func(run incident.Run) error {
		if run.DAG == "" {
			ticks++
		}
		book = book.Apply(incident.Decide(r.suite, book, run, r.policy))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ticks == 0 || len(book.Incidents) < 3 {
		t.Fatalf("the story has %d ticks and %d incidents and proves little", ticks, len(book.Incidents))
	}
	if diff := gocmp.Diff(r.db.Book(), book, same); diff != "" {
		t.Errorf("book (-lived +replayed):\n%s", diff)
	}
}

// drawAct draws something that somebody might do to some incident.
func drawAct(random *rand.Rand, b incident.Book, moment time.Time) incident.Act {
	kinds := []incident.ActKind{incident.Ack, incident.Unack, incident.Mute, incident.Unmute, incident.Escalate}
	a := incident.Act{Kind: kinds[random.IntN(len(kinds))], By: "ana", At: moment, Until: moment.Add(time.Duration(random.IntN(40)) * time.Minute)}
	if ids := slices.Sorted(maps.Keys(b.Incidents)); len(ids) > 0 {
		a.Incident = ids[random.IntN(len(ids))]
	}
	return a
}

// drawAnnouncement draws planned work on some node.
func drawAnnouncement(random *rand.Rand, moment time.Time) incident.Announcement {
	a := incident.Announcement{
		Node: []dag.NodeID{"shop/orders", "feeds/rates"}[random.IntN(2)], Reason: "backfill", By: "ana", At: moment,
		From: moment.Add(time.Duration(random.IntN(40)-30) * time.Minute), Until: moment.Add(time.Duration(1+random.IntN(40)) * time.Minute),
	}
	a.ID = a.NewID()
	return a
}

// world is what the store should hold, kept by the plainest means.
type world struct {
	book  incident.Book
	posts map[string]notify.Post
}

func (w *world) pending() []notify.Post {
	var out []notify.Post
	for _, p := range w.posts {
		if !p.Done() {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b notify.Post) int {
		return cmp.Or(cmp.Compare(a.Incident, b.Incident), cmp.Compare(a.Line, b.Line))
	})
	return out
}

// apply is one recording.
func (w *world) apply(c incident.Change, moment time.Time) {
	w.book = w.book.Apply(c)
	for _, i := range c.Incidents {
		var have []notify.Post
		for _, p := range w.posts {
			if p.Incident == i.ID {
				have = append(have, p)
			}
		}
		for _, p := range notify.Plan(i, have, "#data", moment) {
			w.posts[p.ID()] = p
		}
	}
}

// restart forgets what is not kept, and has the messages looked at that tell
// something open.
func (w *world) restart() {
	for id, p := range w.posts {
		p.Recheck = p.Line == 0 && !p.Ref.IsZero() && w.book.Incidents[p.Incident].Status == incident.Open
		w.posts[id] = p
	}
	all := maps.Collect(w.book.States.All())
	for id, s := range all {
		s.At = time.Time{}
		all[id] = s
	}
	w.book.States = incident.States{}.With(all)
}

func TestStoreIsWhatTheDecisionsSay(t *testing.T) {
	whole := suite(t, shop, feeds)
	without := suite(t, shop) // what is left when feeds is removed
	var all []dag.CheckID
	for c := range whole.All() {
		all = append(all, c.ID())
	}
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), rapid.StringMatching(`[a-z]{12}`).Draw(rt, "file"))
		r := recorder{t, open(t, path), whole, incident.Policy{FailAfter: 1, ResolveAfter: 2, GroupWait: time.Minute, ReopenWithin: 30 * time.Minute}}
		defer func() { _ = r.db.Close() }()
		w := world{posts: map[string]notify.Post{}}
		moment := noon
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			moment = moment.Add(time.Duration(rapid.IntRange(1, 20).Draw(rt, "minutes")) * time.Minute)
			switch rapid.SampledFrom([]string{"run", "run", "run", "tick", "act", "announce", "deliver", "restart", "reload"}).Draw(rt, "step") {
			case "run":
				name := rapid.SampledFrom([]string{"shop", "feeds"}).Draw(rt, "dag")
				run := r.run(name, moment, rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID).Draw(rt, "bad")...)
				w.apply(r.record(run), moment.Add(time.Second))
			case "tick":
				w.apply(r.record(incident.Run{Moment: moment}), moment)
			case "act", "announce":
				random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
				run := incident.Run{Moment: moment, Announce: []incident.Announcement{drawAnnouncement(random, moment)}}
				if rapid.Bool().Draw(rt, "act") {
					run = incident.Run{Moment: moment, Acts: []incident.Act{drawAct(random, r.db.Book(), moment)}}
				}
				w.apply(r.record(run), moment)
			case "deliver":
				deliver(rt, r, &w, moment)
			case "restart":
				r.db = reopen(t, r.db, path)
				w.restart()
			case "reload":
				r.suite = map[bool]*checks.Suite{true: whole, false: without}[r.suite == without]
			}
			if diff := gocmp.Diff(w.book, r.db.Book(), same, gocmp.FilterPath(isAt, gocmp.Ignore())); diff != "" {
				rt.Fatalf("book (-expected +stored):\n%s", diff)
			}
			pending, err := r.db.Pending()
			if diff := gocmp.Diff(w.pending(), pending, same); diff != "" || err != nil {
				rt.Fatalf("pending (-expected +stored): %v\n%s", err, diff)
			}
		}
	})
}

func isAt(p gocmp.Path) bool {
	return p.Last().String() == ".At" && p.Index(-2).Type().Name() == "State"
}

// deliver saves some posts as sent while the store may want newer ones.
func deliver(rt *rapid.T, r recorder, w *world, moment time.Time) {
	pending, err := r.db.Pending()
	if err != nil {
		rt.Fatal(err)
	}
	var sent []notify.Post
	for _, p := range pending {
		if !rapid.Bool().Draw(rt, "sent") {
			continue
		}
		p.Shown, p.Attempts, p.Recheck = p.Want, p.Attempts+1, false
		p.Ref = notify.Ref{Channel: "C1", TS: moment.Format("150405")}
		kept := p
		p.Want = 999 // not the sender's to say
		sent = append(sent, p)
		w.posts[kept.ID()] = kept
	}
	if err := r.db.Save(sent...); err != nil {
		rt.Fatal(err)
	}
}

func TestPostSavedWhileItsIncidentChangesIsStillPending(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0), ordersFresh))
	pending, err := r.db.Pending()
	if err != nil || len(pending) != 1 {
		t.Fatalf("pending: %v, %v, want the root post", pending, err)
	}
	root := pending[0]
	r.record(r.run("shop", at(15))) // recovers while the message is on its way
	root.Shown, root.Ref = root.Want, notify.Ref{Channel: "C1", TS: "1.2"}
	if err := r.db.Save(root); err != nil {
		t.Fatal(err)
	}
	for _, db := range []func(){func() {}, func() { r.db = reopen(t, r.db, path) }} {
		db()
		stored, _, err := r.db.Root(root.Incident, "")
		if err != nil || stored.Want <= stored.Shown || stored.Ref != root.Ref {
			t.Errorf("root post is %+v (%v): the recovery would never be shown", stored, err)
		}
		pending, err = r.db.Pending()
		if err != nil || len(pending) != 2 || pending[0].Line != 0 || pending[1].Line == 0 {
			t.Errorf("pending: %+v, %v, want the edit and the closing line", pending, err)
		}
	}
}

func TestPostThatWasNeverPlannedIsRefused(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "pw.db"))
	if err := db.Save(notify.Post{Incident: "inc-none", Want: 1}); err == nil {
		t.Error("saved")
	}
	if err := db.Err(); err != nil {
		t.Errorf("a refused post ends the store: %v", err)
	}
}

func TestSavesAndRecordingsDoNotLoseEachOther(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	saveAll := func() {
		pending, err := r.db.Pending()
		if err != nil {
			t.Error(err)
		}
		for i := range pending {
			pending[i].Shown = pending[i].Want
		}
		if err := r.db.Save(pending...); err != nil {
			t.Error(err)
		}
	}
	var recorded atomic.Bool
	var sender sync.WaitGroup
	sender.Go(func() {
		for !recorded.Load() {
			saveAll()
		}
	})
	for n := range 40 {
		r.record(r.run("shop", at(60*n), ordersFresh))
		r.record(r.run("shop", at(60*n+15)))
	}
	recorded.Store(true)
	sender.Wait()
	saveAll()
	if pending, err := r.db.Pending(); err != nil || len(pending) != 0 {
		t.Errorf("pending after all was sent: %v, %v", pending, err)
	}
	all, err := r.db.Incidents("", 1000, false)
	if err != nil || len(all) != 40 {
		t.Fatalf("%d incidents, %v, want 40", len(all), err)
	}
	for _, i := range all {
		if root, _, err := r.db.Root(i.ID, ""); err != nil || root.Shown != i.Seq {
			t.Errorf("%s shows %d of %d (%v)", i.ID, root.Shown, i.Seq, err)
		}
	}
}

func TestRemovedChecksAreForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop, feeds), incident.AtOnce()}
	r.record(r.run("feeds", at(0)))
	old := r.suite.Check("feeds/rates/freshness")
	r.suite = suite(t, shop)
	r.record(incident.Run{Moment: at(1)})
	r.db = reopen(t, r.db, path)
	if left := maps.Collect(r.db.Book().States.All()); len(left) != 0 {
		t.Errorf("states left: %v", left)
	}
	if m, err := r.db.Memories(map[dag.CheckID]string{old.ID(): old.Fingerprint}); err != nil || len(m) != 0 {
		t.Errorf("memories left: %v, %v", m, err)
	}
}
