package incident_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// shop is a graph with all that matters: a job, a chain, a side input that
// only a join depends on, and a second branch.
const shop = `
version: 1
dag: shop
connection: wh
schedule: "*/5 * * * *"
nodes:
  load:
    job: {heartbeat: load, succeeded_within: 1h}
  rates:
    table: rates
    freshness: {column: at, error_after: 1h}
  orders:
    table: orders
    depends_on: [load]
    freshness: {column: at, error_after: 1h}
    version: {of: schema, on_change: fail}
    joins: [{to: rates, on: k, min_match: 99%}]
  lines:
    table: lines
    depends_on: [orders]
    freshness: {column: at, error_after: 1h}
    row_count: {min: 1, severity: warn}
    values: {unique: [k]}
  report:
    table: report
    depends_on: [lines]
    row_count: {min: 1}
    checks: [{name: total, sql: "select 1", expect: {min: 1}}]
  other:
    table: other
    freshness: {column: at, error_after: 1h}
`

// world runs a suite through time, minute by minute, with verdicts written as
// "node/check: outcome reason @onset-minute ~minute-until-which-it-was-good".
type world struct {
	t      *testing.T
	suite  *checks.Suite
	book   incident.Book
	policy incident.Policy
	runs   []incident.Run
	wake   time.Time
	since  time.Time // since when the process watches
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t, shop)
}

// newWorldOf is a world of another graph.
func newWorldOf(t *testing.T, yaml string) *world {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(yaml)}}, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	p := incident.DefaultPolicy()
	p.FailAfter, p.ResolveAfter = 1, 1
	return &world{t: t, suite: suite, policy: p, book: incident.Book{}}
}

func minute(m int) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(m) * time.Minute)
}

// run evaluates every check at a minute: those that are named as written, all
// others pass. It returns what was said, in order of incident id.
func (w *world) run(m int, verdicts ...string) []string {
	w.t.Helper()
	said := map[dag.CheckID]checks.Verdict{}
	for _, text := range verdicts {
		name, rest, _ := strings.Cut(text, ": ")
		words := strings.Fields(rest)
		v := checks.Verdict{Outcome: checks.Outcome(words[0]), Message: rest}
		for _, word := range words[1:] {
			if at, ok := strings.CutPrefix(word, "@"); ok {
				var n int
				fmt.Sscan(at, &n)
				v.Onset = minute(n)
			} else if at, ok := strings.CutPrefix(word, "~"); ok {
				var n int
				fmt.Sscan(at, &n)
				v.GoodUntil = minute(n)
			} else if broken, ok := strings.CutPrefix(word, "broken="); ok {
				v.Broken = broken
			} else {
				v.Reason = checks.Reason(word)
			}
		}
		id := dag.CheckID("shop/" + name)
		if w.suite.Check(id) == nil {
			w.t.Fatalf("no check %s", id)
		}
		said[id] = v
	}
	r := incident.Run{DAG: "shop", Slot: minute(m), Moment: minute(m)}
	for c := range w.suite.All() {
		v, ok := said[c.ID()]
		if !ok {
			v = checks.Verdict{Outcome: checks.Pass}
		}
		r.Results = append(r.Results, checks.Result{Check: c.ID(), Verdict: v})
	}
	return w.decide(r)
}

// tick decides without results.
func (w *world) tick(m int) []string { return w.decide(incident.Run{Moment: minute(m)}) }

func (w *world) decide(r incident.Run) []string {
	before := w.book
	r.Since = w.since
	c := incident.Decide(w.suite, w.book, r, w.policy)
	w.book = w.book.Apply(c)
	w.runs = append(w.runs, r)
	w.wake = c.Wake
	var out []string
	for _, id := range slices.Sorted(maps.Keys(c.Incidents)) {
		i := c.Incidents[id]
		about := i.Root.Name()
		if i.Kind == incident.CannotCheck {
			about = "connection " + i.Connection
		}
		for _, l := range i.Lines[len(before.Incidents[id].Lines):] {
			var text strings.Builder
			text.WriteString(fmt.Sprintf("%s: %s", about, l.Kind))
			for _, check := range l.Checks {
				text.WriteString(" " + strings.TrimPrefix(string(check), "shop/"))
			}
			out = append(out, text.String())
		}
	}
	slices.Sort(out)
	return out
}

// health tells the health of nodes as "node=health".
func (w *world) health() map[string]string {
	out := map[string]string{}
	for _, st := range incident.Assess(w.suite, func(id dag.CheckID) incident.State { return w.book.States.Of(id) }) {
		out[st.Node.Name()] = string(st.Health)
	}
	return out
}

func (w *world) expect(got []string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" && len(want)+len(got) > 0 {
		w.t.Fatalf("said (-want +got):\n%s", d)
	}
}

func TestASymptomIsHeldByTheCauseAboveIt(t *testing.T) {
	w := newWorld(t)
	w.expect(w.run(0))
	w.expect(w.run(5, "load/job: fail late @1", "orders/freshness: fail stale @3", "lines/freshness: fail stale @4", "report/row_count: fail below_min"), "load: opened")
	i := w.only()
	if len(i.Own()) != 1 || len(i.Held()) != 3 {
		t.Fatalf("own %v, held %v", i.Own(), i.Held())
	}
	want := map[string]string{"load": "failing", "orders": "blocked", "lines": "blocked", "report": "blocked", "rates": "healthy", "other": "healthy"}
	if d := cmp.Diff(want, w.health()); d != "" {
		t.Fatal(d)
	}
	w.expect(w.run(10), "load: closed")
}

// only is the one open incident.
func (w *world) only() incident.Incident {
	w.t.Helper()
	var open []incident.Incident
	for _, i := range w.book.Incidents {
		if i.Status == incident.Open {
			open = append(open, i)
		}
	}
	if len(open) != 1 {
		w.t.Fatalf("%d incidents are open, want 1", len(open))
	}
	return open[0]
}

func TestAFindingThatTheCauseCannotExplainStandsAlone(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale @1", "lines/values: fail duplicates"), "orders: opened", "lines: opened")
	for _, i := range w.book.Incidents {
		if i.Root == "shop/lines" && len(i.Beside) != 1 {
			t.Fatalf("lines' incident names beside %v, want the one of orders", i.Beside)
		}
	}
}

func TestACauseThatBeganLaterExplainsNothing(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(30, "orders/freshness: fail stale @20", "lines/freshness: fail stale @10"), "orders: opened", "lines: opened")
}

func TestACauseFoundLaterTakesTheIncidentOver(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "lines/freshness: fail stale @4"), "lines: opened")
	id := w.only().ID
	w.expect(w.run(10, "lines/freshness: fail stale @4", "orders/freshness: fail stale @3"), "orders: moved")
	if i := w.only(); i.ID != id || i.Root != "shop/orders" {
		t.Fatalf("incident %s of %s, want %s of orders", i.ID, i.Root, id)
	}
	w.expect(w.run(15), "orders: closed")
}

func TestTwoSymptomsWithOneLateCauseBecomeOneIncident(t *testing.T) {
	w := newWorld(t)
	symptoms := []string{"lines/freshness: fail stale @4", "report/row_count: fail below_min @3"}
	w.run(0)
	w.expect(w.run(5, symptoms...), "lines: opened", "report: opened")
	w.expect(w.run(10, append(symptoms, "orders/freshness: fail stale @2")...), "orders: moved", "report: merged")
	if held := w.only().Held(); len(held) != 2 {
		t.Fatalf("held %v", held)
	}
	w.expect(w.run(15), "orders: closed")
}

func TestACauseOnlySeenLaterDoesNotTakeOverWhatWasSeenBefore(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/joins: fail orphans"), "orders: opened")
	w.expect(w.run(10, "orders/joins: fail orphans", "rates/freshness: fail stale @3"), "rates: opened")
}

// An hour's rows are counted when it is over; what was missing in it was missing before.
func TestWhatIsAboutAPeriodExplainsWhatBeganWhileThatLasted(t *testing.T) {
	for name, c := range map[string]struct {
		cause string
		says  string
	}{
		"orphans that were first seen within the hour": {"rates/row_count: fail dropped @60 ~0", "rates: moved"},
		"orphans from before it stand alone":           {"rates/row_count: fail dropped @80 ~20", "rates: opened"},
		"lateness is about no period":                  {"rates/freshness: fail stale @60 ~0", "rates: opened"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldOf(t, strings.Replace(shop, "table: rates\n", "table: rates\n    row_count: {per: hour, by: at, min: 1}\n", 1))
			w.run(0)
			w.expect(w.run(10, "orders/joins: fail orphans"), "orders: opened")
			w.expect(w.run(90, "orders/joins: fail orphans", c.cause), c.says)
		})
	}
}

func TestTheParentOfAJoinExplainsItsOrphansButNotTheTablesOwnLateness(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "rates/freshness: fail stale @1", "orders/joins: fail orphans"), "rates: opened")
	if got := w.only().Blocks; !slices.Equal(got, []dag.NodeID{"shop/orders"}) {
		t.Fatalf("blocks %v, want orders, which the held join adds", got)
	}
	if got := w.health()["orders"]; got != "blocked" {
		t.Fatalf("orders, whose orphans follow from rates, is %s", got)
	}
	w.expect(w.run(10, "rates/freshness: fail stale @1", "orders/freshness: fail stale @2"), "rates: recovered orders/joins", "orders: opened")
}

func TestFreeSQLTakesTheBlameOfAnyAncestor(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/version: fail schema_changed", "report/total: fail below_min"), "orders: opened")
}

func TestWhatStillFailsAfterTheCauseStandsAloneOneEvaluationLater(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale @1", "lines/freshness: fail stale @4"), "orders: opened")
	w.expect(w.run(10, "lines/freshness: fail stale @4"), "orders: closed")
	w.expect(w.tick(11))
	w.expect(w.run(15, "lines/freshness: fail stale @4"), "lines: opened")
}

func TestWhatRecoversWithTheCauseIsNeverSaid(t *testing.T) {
	w := newWorld(t)
	w.policy.ResolveAfter = 2
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale @1", "lines/freshness: fail stale @4"), "orders: opened")
	w.expect(w.run(10, "lines/freshness: fail stale @4"))
	w.expect(w.run(15), "orders: closed")
	w.expect(w.run(20))
	w.expect(w.run(25))
	if got := w.health()["lines"]; got != "healthy" {
		t.Fatalf("lines is %s", got)
	}
}

func TestPatienceBeforeOpeningAndBeforeClosing(t *testing.T) {
	w := newWorld(t)
	w.policy.FailAfter, w.policy.ResolveAfter = 2, 2
	w.expect(w.run(0, "other/freshness: fail stale"))
	w.expect(w.run(5))
	w.expect(w.run(10, "other/freshness: fail stale"))
	w.expect(w.run(15, "other/freshness: fail stale"), "other: opened")
	w.expect(w.run(20))
	w.expect(w.run(25, "other/freshness: fail stale"))
	w.expect(w.run(30))
	w.expect(w.run(35), "other: closed")
}

func TestASymptomWaitsForACauseThatIsNotSureYet(t *testing.T) {
	w := newWorld(t)
	w.policy.FailAfter = 2
	w.run(0)
	w.expect(w.run(5, "lines/freshness: fail stale @1"))
	w.expect(w.run(10, "lines/freshness: fail stale @1", "orders/freshness: fail stale @0"))
	w.expect(w.run(15, "lines/freshness: fail stale @1", "orders/freshness: fail stale @0"), "orders: opened")
}

func TestErrorAndNoDataNeitherOpenNorResolve(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "other/freshness: nodata"))
	w.expect(w.run(10, "other/freshness: fail stale"), "other: opened")
	w.expect(w.run(15, "other/freshness: error"))
	w.expect(w.run(20, "other/freshness: nodata"))
	w.expect(w.run(25, "other/freshness: pending"))
	w.expect(w.run(30), "other: closed")
}

func TestAConnectionThatCannotAnswerIsOneIncident(t *testing.T) {
	w := newWorld(t)
	all := []string{"other/freshness: error", "orders/freshness: error", "rates/freshness: error"}
	w.run(0)
	w.expect(w.run(5, all...))
	w.expect(w.run(10, all...))
	w.expect(w.run(15, all...))
	w.expect(w.run(20, all...), "connection wh: opened")
	w.expect(w.run(25, all...))
	if got := w.health()["other"]; got != "unknown" {
		t.Fatalf("other is %s, want unknown", got)
	}
	w.expect(w.run(30), "connection wh: closed")
}

func TestWhereAConnectionAnswersOthersItIsNotTheConnection(t *testing.T) {
	w := newWorld(t)
	w.policy.ErrorFor, w.policy.ErrorAfter = 0, 1
	w.run(0)
	w.expect(w.run(5, "other/freshness: error"), "connection wh: opened")
	if !w.only().Partly {
		t.Fatal("all but one check were answered")
	}
	var all []string
	for c := range w.suite.All() {
		all = append(all, strings.TrimPrefix(string(c.ID()), "shop/")+": error")
	}
	w.run(10, all...)
	if w.only().Partly {
		t.Fatal("no check of the connection was answered")
	}
	w.run(15, "other/freshness: error")
	if w.only().Partly {
		t.Fatal("what was told of the connection is told of something else while it comes back")
	}
}

func TestAColumnThatASchemaChangeTookAwayBelongsToThatChange(t *testing.T) {
	w := newWorld(t)
	w.policy.ErrorFor, w.policy.ErrorAfter = 0, 1
	w.run(0)
	w.expect(w.run(5, "orders/version: fail schema_changed", "lines/freshness: error broken=column"), "orders: opened")
	if held := w.only().Held(); len(held) != 1 || held[0].Check != "shop/lines/freshness" {
		t.Fatalf("held %v", held)
	}
}

func TestWarningsMoveTheMachineAndARiseIsSaid(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "lines/row_count: warn below_min"), "lines: opened")
	if got := w.only().Severity; got != dag.Warn {
		t.Fatalf("severity %s", got)
	}
	if got := w.health()["lines"]; got != "warning" {
		t.Fatalf("health %s", got)
	}
	w.expect(w.run(10, "lines/row_count: warn below_min", "lines/values: fail duplicates"), "lines: joined lines/values", "lines: raised")
}

func TestWhatBreaksAgainSoonIsTheSameIncident(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale")
	id := w.only().ID
	w.expect(w.run(10), "other: closed")
	w.expect(w.run(20, "other/freshness: fail stale"), "other: reopened")
	if got := w.only().ID; got != id {
		t.Fatalf("incident %s, want %s again", got, id)
	}
	w.expect(w.run(25), "other: closed")
	w.expect(w.run(90, "other/freshness: fail stale"), "other: opened")
}

func TestAnIncidentWaitsForCausesThatWereNotEvaluated(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	r := incident.Run{DAG: "shop", Slot: minute(5), Moment: minute(5), Results: []checks.Result{{
		Check: "shop/lines/freshness", Verdict: checks.Verdict{Outcome: checks.Fail, Reason: checks.Stale},
	}}}
	w.expect(w.decide(r))
	if want := minute(6); !w.wake.Equal(want) {
		t.Fatalf("wakes at %s, want %s", w.wake, want)
	}
	w.expect(w.tick(6), "lines: opened")
}

func TestTimeInWhichNobodyLookedOpensNothing(t *testing.T) {
	w := newWorld(t)
	w.policy.FailAfter = 2
	w.run(0, "other/freshness: fail stale")
	w.expect(w.run(120, "other/freshness: fail stale"))
	w.expect(w.run(125, "other/freshness: fail stale"), "other: opened")
}

func TestReplayingTheRunsRebuildsTheBook(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "lines/freshness: fail stale @4")
	w.run(10, "lines/freshness: fail stale @4", "orders/freshness: fail stale @3")
	w.run(15, "lines/freshness: fail stale @4")
	w.run(20, "lines/freshness: fail stale @4")
	again := incident.Book{}
	for _, r := range w.runs {
		again = again.Apply(incident.Decide(w.suite, again, r, w.policy))
	}
	if d := cmp.Diff(w.book, again, cmp.Transformer("states", func(s incident.States) map[dag.CheckID]incident.State { return maps.Collect(s.All()) })); d != "" {
		t.Fatal(d)
	}
}

func TestFindingsOfOneNodeAreOneIncident(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "orders/freshness: fail stale", "orders/version: fail schema_changed"), "orders: opened")
	w.expect(w.run(10, "orders/version: fail schema_changed"), "orders: recovered orders/freshness")
	w.expect(w.run(15), "orders: closed")
}

func TestABrokenFileIsSaidOnceAndAgainWhenItIsTakenUp(t *testing.T) {
	w := newWorld(t)
	broken := []incident.Broken{{File: "dags/zoo.yaml", Problem: "dags/zoo.yaml:3: unknown key"}}
	w.expect(w.decide(incident.Run{Moment: minute(1), Broken: broken}), ": opened")
	w.expect(w.decide(incident.Run{Moment: minute(2), Broken: broken}))
	if i := w.only(); i.File != "dags/zoo.yaml" || i.Kind != incident.BrokenFile {
		t.Fatalf("incident %+v", i)
	}
	w.expect(w.decide(incident.Run{Moment: minute(3)}), ": closed")
}

func TestAnIncidentWhoseChecksAreRemovedIsWithdrawnNotResolved(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale")
	id := w.only().ID
	without := strings.ReplaceAll(shop, "  other:\n    table: other\n    freshness: {column: at, error_after: 1h}\n", "")
	g, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(without)}}, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	w.suite = suite
	w.tick(6)
	if i := w.book.Incidents[id]; i.Status != incident.Withdrawn {
		t.Fatalf("incident is %s", i.Status)
	}
}

const twoDAGs = `
version: 1
dag: a
connection: wh
schedule: "*/5 * * * *"
nodes:
  warned: {table: warned, freshness: {column: at, error_after: 1h, severity: warn}}
  parent: {external: b/parent}
  child: {table: child, depends_on: [warned, parent], freshness: {column: at, error_after: 1h}}
`

func TestAFindingJoinsNoIncidentBeforeItsOtherCausesAreLookedAt(t *testing.T) {
	g, problems := dag.Load([]dag.File{
		{Name: "a.yaml", Src: []byte(twoDAGs)},
		{Name: "b.yaml", Src: []byte("version: 1\ndag: b\nconnection: wh\nnodes: {parent: {table: parent, freshness: {column: at, error_after: 1h}}}\n")},
	}, dag.Known{Zone: time.UTC})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.suite = suite
	stale := func(id dag.CheckID, o checks.Outcome, onset int) checks.Result {
		return checks.Result{Check: id, Verdict: checks.Verdict{Outcome: o, Reason: checks.Stale, Onset: minute(onset)}}
	}
	w.expect(w.decide(incident.Run{DAG: "a", Slot: minute(5), Moment: minute(5), Results: []checks.Result{
		stale("a/warned/freshness", checks.Warn, 3), stale("a/child/freshness", checks.Fail, 4),
	}}), "warned: opened")
	if i := w.only(); len(i.Held()) != 0 || i.Severity != dag.Warn {
		t.Fatalf("severity %s, held %v: parent was not looked at yet", i.Severity, i.Held())
	}
	w.expect(w.decide(incident.Run{DAG: "b", Slot: minute(5), Moment: minute(5), Results: []checks.Result{
		stale("b/parent/freshness", checks.Fail, 1),
	}}), "parent: opened")
	for _, i := range w.book.Incidents {
		if want := map[dag.NodeID]int{"a/warned": 0, "b/parent": 1}[i.Root]; len(i.Held()) != want {
			t.Errorf("%s holds %v", i.Root, i.Held())
		}
	}
}

// What a check cannot date by the data was good when it was last looked at.
func TestWhatIsOnlySeenWasGoodWhenItWasLastLookedAt(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5)
	w.run(10, "lines/values: fail duplicates")
	w.run(15, "lines/values: fail duplicates")
	if got, want := w.only().GoodUntil, minute(5); !got.Equal(want) {
		t.Errorf("good until %s, not %s", got, want)
	}
}

func TestTenThousandRootsAtOnceAreTenThousandIncidents(t *testing.T) {
	var yaml strings.Builder
	yaml.WriteString("version: 1\ndag: shop\nconnection: wh\nnodes:\n")
	const n = 10_000 // of which a few share the hash in their ids
	for i := range n {
		fmt.Fprintf(&yaml, "  t%d: {table: t%d, row_count: {min: 1}}\n", i, i)
	}
	w := newWorldOf(t, yaml.String())
	r := incident.Run{DAG: "shop", Slot: minute(0), Moment: minute(0)}
	for c := range w.suite.All() {
		r.Results = append(r.Results, checks.Result{Check: c.ID(), Verdict: checks.Verdict{Outcome: checks.Fail, Reason: checks.BelowMin}})
	}
	w.decide(r)
	if got := len(w.book.Incidents); got != n {
		t.Fatalf("%d incidents", got)
	}
}
