package store_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
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

const feeds = `
version: 1
dag: feeds
owner: data
connection: wh
schedule: "@every 10m"
nodes:
  rates: {table: rates, freshness: {column: at, error_after: 6h}}
  report: {table: report, depends_on: [rates, shop/orders], freshness: {column: at, error_after: 6h}}
`

var noon = time.Date(2013, 2, 8, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// suite compiles DAG files.
func suite(t testing.TB, texts ...string) *checks.Suite {
	t.Helper()
	var files []dag.File
	for i, text := range texts {
		files = append(files, dag.File{Name: fmt.Sprintf("dags/%d.yaml", i), Src: []byte(text)})
	}
	g, problems := dag.Load(files, dag.Known{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	s, problems := checks.Compile(g, checks.Builtin())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens a store that is closed when the test ends.
func open(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		if _, known := reached.Load(path); !known && db.Err() == nil {
			whole(t, path)
		}
	})
	return db
}

// whole holds a file that nobody damaged to what was written into it.
func whole(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return
	}
	if err := store.Check(path); err != nil {
		t.Errorf("the file is not what was written: %v", err)
	}
}

func reopen(t testing.TB, db *store.DB, path string) *store.DB {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// recorder records runs of a suite as the service does.
type recorder struct {
	t      testing.TB
	db     *store.DB
	suite  *checks.Suite
	policy incident.Policy
}

func (r recorder) decide(run incident.Run) func(incident.Book) incident.Change {
	return func(b incident.Book) incident.Change { return incident.Decide(r.suite, b, run, r.policy) }
}

func (r recorder) record(run incident.Run) incident.Change {
	r.t.Helper()
	c, err := r.db.Record(run, r.decide(run), func(incident.Incident) string { return "#data" }, r.fingerprint)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func (r recorder) fingerprint(id dag.CheckID) string {
	if c := r.suite.Check(id); c != nil {
		return c.Fingerprint
	}
	return ""
}

// run makes a run in which the checks named as bad fail and the others pass.
func (r recorder) run(name string, moment time.Time, bad ...dag.CheckID) incident.Run {
	run := incident.Run{DAG: name, Slot: moment, Moment: moment.Add(time.Second)}
	for c := range r.suite.All() {
		if c.Node.ID.DAG() != name {
			continue
		}
		v := checks.Verdict{Outcome: checks.Pass, Message: "as it should be", Observed: map[string]any{"rows": 12}}
		if slices.Contains(bad, c.ID()) {
			v = checks.Verdict{
				Outcome: checks.Fail, Reason: checks.Stale, Message: "newest row is 33h old, limit 6h",
				Observed: map[string]any{"age_seconds": 118800}, Expected: map[string]any{"error_after_seconds": 21600},
				Onset: moment.Add(-time.Hour), GoodUntil: moment.Add(-2 * time.Hour),
			}
		}
		run.Results = append(run.Results, checks.Result{
			Check: c.ID(), Verdict: v, StartedAt: run.Moment, Took: 3 * time.Millisecond, SQL: []string{"select secret_of_the_house"},
			Memory: checks.Memory(fmt.Sprintf(`{"v":1,"past":%d}`, moment.Unix())),
		})
	}
	return run
}

// same compares what has been through the store: times as moments, no list as
// an empty one, and without the moment of the last evaluation, which is not kept.
var same = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(incident.State{}, "At"), states}

// states has states compared as a map.
var states = cmp.Transformer("states", func(s incident.States) map[dag.CheckID]incident.State { return maps.Collect(s.All()) })

const ordersFresh dag.CheckID = "shop/orders/freshness"

func TestWhatWasRecordedIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "pw.db")
	r := recorder{t, open(t, path), suite(t, shop, feeds), incident.AtOnce()}
	r.record(r.run("shop", at(0)))
	change := r.record(r.run("shop", at(15), ordersFresh, "shop/revenue/freshness"))
	if len(change.Incidents) != 1 {
		t.Fatalf("got %d incidents, want the one of orders", len(change.Incidents))
	}
	book := r.db.Book()
	pending, err := r.db.Pending()
	if err != nil {
		t.Fatal(err)
	}
	r.db = reopen(t, r.db, path)
	if diff := cmp.Diff(book, r.db.Book(), same); diff != "" {
		t.Errorf("book after the restart (-before +after):\n%s", diff)
	}
	for id, s := range r.db.Book().States.All() {
		if !s.At.IsZero() {
			t.Errorf("%s counts as evaluated at %s since the restart", id, s.At)
		}
	}
	again, err := r.db.Pending()
	if diff := cmp.Diff(pending, again, same); diff != "" || err != nil {
		t.Errorf("pending posts after the restart (-before +after): %v\n%s", err, diff)
	}
	slots, err := r.db.LastSlots()
	if diff := cmp.Diff(map[string]time.Time{"shop": at(15)}, slots); diff != "" || err != nil {
		t.Errorf("last slots: %v\n%s", err, diff)
	}
}

func TestFileAndFolderAreForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "pw.db")
	open(t, path)
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v (%v), want %v", filepath.Base(name), info.Mode().Perm(), err, want)
		}
	}
}

func TestFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(path, store.Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}

func TestSecondOpenNamesFileAndHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	open(t, path)
	_, err := store.Open(path, store.Options{})
	held, ok := errors.AsType[*store.HeldError](err)
	if !ok || held.Path != path || held.PID != os.Getpid() {
		t.Fatalf("got %v, want it held by process %d", err, os.Getpid())
	}
	if msg := held.Error(); !strings.Contains(msg, path) || !strings.Contains(msg, fmt.Sprint(os.Getpid())) {
		t.Errorf("message %q lacks the file or the holder", msg)
	}
}

func TestFileOfANewerVersionStaysUntouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	const newer = store.Schema + 1
	putRaw(t, path, "meta", "schema", frame("schema", 1, []byte(strconv.Itoa(newer))))
	before := digest(t, path)
	_, err := store.Open(path, store.Options{})
	if e, ok := errors.AsType[*store.NewerError](err); !ok || e.Found != newer || e.Path != path {
		t.Errorf("got %v, want a NewerError about format %d", err, newer)
	}
	if after := digest(t, path); after != before {
		t.Error("the file was changed")
	}
}

func digest(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))
}

func TestMemoryIsGivenToTheSameMeaningOnly(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0)))
	silent := r.run("shop", at(15))
	for i := range silent.Results {
		silent.Results[i].Memory = nil // leaves it as it is
	}
	r.record(silent)
	got, err := r.db.Memories(map[dag.CheckID]string{
		ordersFresh: r.fingerprint(ordersFresh), "shop/revenue/freshness": "another", "shop/nobody/freshness": "",
	})
	whatever, more := r.db.Memories(map[dag.CheckID]string{ordersFresh: "", "shop/nobody/freshness": ""})
	want := map[dag.CheckID]checks.Memory{ordersFresh: checks.Memory(fmt.Sprintf(`{"v":1,"past":%d}`, at(0).Unix()))}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("memories: %v\n%s", err, diff)
	}
	if diff := cmp.Diff(want, whatever); diff != "" || more != nil {
		t.Errorf("memories whatever they were made for: %v\n%s", more, diff)
	}
}

func TestRunComesBackWithoutItsSQL(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	run := r.run("shop", at(0), ordersFresh)
	r.record(run)
	got, err := r.db.Run("shop", at(0))
	if err != nil {
		t.Fatal(err)
	}
	for i := range run.Results {
		run.Results[i].SQL, run.Results[i].Memory = nil, nil
	}
	if diff := cmp.Diff(run, got, cmp.Transformer("JSON", figures), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("run (-recorded +read):\n%s", diff)
	}
	if _, err := r.db.Run("shop", at(1)); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a run that never was gives %v", err)
	}
	var file strings.Builder
	if _, err := r.db.WriteTo(&file); err != nil || strings.Contains(file.String(), "secret_of_the_house") {
		t.Errorf("the file holds SQL (%v)", err)
	}
}

// figures makes what was observed comparable with what came back.
func figures(v checks.Verdict) map[string]any {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	return m
}

func TestHistoryAndLatestReadBackwards(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop, feeds), incident.AtOnce()}
	for n := range 4 {
		r.record(r.run("shop", at(15*n)))
		r.record(r.run("feeds", at(15*n)))
	}
	part := r.run("shop", at(60))
	part.Results = part.Results[:1] // customers/freshness alone was due
	r.record(part)

	history, err := r.db.History("shop/orders", 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, run := range history {
		for _, res := range run.Results {
			got = append(got, fmt.Sprintf("%s %s", run.Slot.Format("15:04"), res.Check.Name()))
		}
	}
	want := []string{
		"12:45 freshness", "12:45 row_count", "12:30 freshness", "12:30 row_count", "12:15 freshness", "12:15 row_count",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history of orders:\n%s", diff)
	}

	latest, err := r.db.Latest("shop", []dag.CheckID{"shop/customers/freshness", ordersFresh, "shop/nobody/freshness"})
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, run := range latest {
		for _, res := range run.Results {
			got = append(got, fmt.Sprintf("%s %s", run.Slot.Format("15:04"), res.Check))
		}
	}
	if diff := cmp.Diff([]string{"13:00 shop/customers/freshness", "12:45 shop/orders/freshness"}, got); diff != "" {
		t.Errorf("latest of shop:\n%s", diff)
	}
}

func TestTickThatChangesNothingWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.DefaultPolicy()}
	r.record(r.run("shop", at(0)))
	before := digest(t, path)
	r.record(incident.Run{Moment: at(1)})
	if digest(t, path) != before {
		t.Error("the file changed")
	}
}

func TestIncidentsArePagedNewestFirst(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	for n := range 5 {
		r.record(r.run("shop", at(30*n), ordersFresh))
		if n < 4 {
			r.record(r.run("shop", at(30*n+15)))
		}
	}
	first, err := r.db.Incidents("", 2, false)
	if err != nil || len(first) != 2 {
		t.Fatalf("first page: %d incidents, %v", len(first), err)
	}
	rest, err := r.db.Incidents(first[1].ID, 10, false)
	if err != nil || len(rest) != 3 {
		t.Fatalf("second page: %d incidents, %v, want 3", len(rest), err)
	}
	all := slices.Concat(first, rest)
	if !slices.IsSortedFunc(all, func(a, b incident.Incident) int { return b.OpenedAt.Compare(a.OpenedAt) }) {
		t.Error("not newest first")
	}
	opened, err := r.db.Incidents("", 10, true)
	if err != nil || len(opened) != 1 || opened[0].ID != first[0].ID {
		t.Errorf("open incidents: %v, %v, want the newest alone", opened, err)
	}
	if _, err := r.db.Incident("inc-none"); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("an incident that never was gives %v", err)
	}
}

func TestEndedIncidentsLeaveTheBookAfterADayAndStayInTheFile(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	change := r.record(r.run("shop", at(0), ordersFresh))
	r.record(r.run("shop", at(15)))
	r.record(r.run("shop", at(15+24*60)))
	if n := len(r.db.Book().Incidents); n != 1 {
		t.Errorf("%d incidents in the book a day after, want 1", n)
	}
	r.record(r.run("shop", at(30+24*60)))
	if n := len(r.db.Book().Incidents); n != 0 {
		t.Errorf("%d incidents in the book later than a day after, want none", n)
	}
	for id := range change.Incidents {
		if i, err := r.db.Incident(id); err != nil || i.Status != incident.Resolved {
			t.Errorf("%s is %v in the file (%v)", id, i.Status, err)
		}
	}
}

var _ notify.Outbox = (*store.DB)(nil)
