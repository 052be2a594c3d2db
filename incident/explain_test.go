package incident_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// explainer explains the world at a minute.
func (w *world) explainer(m int) incident.Explainer {
	return incident.Explainer{
		Suite: w.suite, Book: w.book, Policy: w.policy, Now: minute(m),
		Origin: func(key string) string {
			if key == "alerts.fail_after" {
				return "pipewatch.yaml:12:3"
			}
			return ""
		},
	}
}

// of is the explanation of one check of a node.
func of(t *testing.T, x incident.Explainer, id dag.CheckID) incident.CheckExplanation {
	t.Helper()
	n, known := x.Node(id.Node())
	if !known {
		t.Fatalf("node of %s is not known", id)
	}
	for _, c := range n.Checks {
		if c.Check == id {
			return c
		}
	}
	t.Fatalf("%s is not explained", id)
	return incident.CheckExplanation{}
}

func TestEveryCauseThatWasLookedAtIsTakenOrRefusedWithAReason(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "load/job: fail late @2", "orders/freshness: fail stale @1", "orders/version: fail schema_changed", "lines/freshness: fail stale @3")
	lines := of(t, w.explainer(6), "shop/lines/freshness")
	why := map[dag.CheckID]string{}
	for _, c := range lines.Causes {
		why[c.Check] = c.Why
		if c.Taken != (c.Check == "shop/orders/freshness") {
			t.Errorf("%s taken: %v", c.Check, c.Taken)
		}
	}
	want := map[dag.CheckID]string{
		"shop/load/job":         "it would explain it, but shop/orders/freshness began earlier or is further up",
		"shop/orders/freshness": "“stale” explains “stale”, and it began first",
		"shop/orders/version":   "“schema_changed” does not explain “stale”",
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	orders := of(t, w.explainer(6), "shop/orders/freshness")
	if len(orders.Causes) != 1 || orders.Causes[0].Why != "it began later: 2026-03-01T12:02:00Z, after 2026-03-01T12:01:00Z" {
		t.Errorf("causes of orders: %+v", orders.Causes)
	}
	if !slices.ContainsFunc(lines.Next, func(s string) bool { return strings.Contains(s, "of shop/orders and says nothing by itself") }) {
		t.Errorf("next of lines: %q", lines.Next)
	}
}

func TestACauseOfAPeriodSaysWhichPeriod(t *testing.T) {
	w := newWorldOf(t, strings.Replace(shop, "table: rates\n", "table: rates\n    row_count: {per: hour, by: at, min: 1}\n", 1))
	w.run(10, "orders/joins: fail orphans")
	w.run(90, "orders/joins: fail orphans", "rates/row_count: fail dropped @60 ~0")
	causes := of(t, w.explainer(90), "shop/orders/joins").Causes
	want := "“dropped” explains “orphans”, and began at some moment of a period from 2026-03-01T12:00:00Z to 2026-03-01T13:00:00Z"
	if len(causes) == 0 || causes[0].Why != want {
		t.Errorf("causes %+v, want %q", causes, want)
	}
}

func TestEverySettingNamesWhereItWasSet(t *testing.T) {
	w := newWorld(t)
	got := map[string]incident.Setting{}
	for _, s := range of(t, w.explainer(0), "shop/lines/row_count").Settings {
		got[s.Key] = s
	}
	for key, want := range map[string]incident.Setting{
		"min":                  {Key: "min", Value: "1", From: "shop.yaml:22:22"},
		"severity":             {Key: "severity", Value: "warn", From: "shop.yaml:22:35"},
		"for":                  {Key: "for", Value: "0s", From: "default"},
		"alerts.fail_after":    {Key: "alerts.fail_after", Value: "1", From: "pipewatch.yaml:12:3"},
		"alerts.resolve_after": {Key: "alerts.resolve_after", Value: "1", From: "default"},
	} {
		if diff := cmp.Diff(want, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestASettingIsSaidAsItsFileHasIt(t *testing.T) {
	w := newWorldOf(t, strings.Replace(shop, "on: k,", "on: {left: k, right: [id]},", 1))
	for _, s := range of(t, w.explainer(0), "shop/orders/joins").Settings {
		if s.Key == "on" && s.Value == "{left: k, right: [id]}" {
			return
		}
	}
	t.Errorf("no such setting: %+v", of(t, w.explainer(0), "shop/orders/joins").Settings)
}

func TestWhatWouldChangeACheckIsSaid(t *testing.T) {
	w := newWorld(t)
	w.policy.FailAfter, w.policy.ResolveAfter = 2, 2
	next := func(m int, check dag.CheckID) string { return strings.Join(of(t, w.explainer(m), check).Next, "; ") }
	expect := func(m int, want string) {
		t.Helper()
		if got := next(m, "shop/other/freshness"); !strings.Contains(got, want) {
			t.Errorf("at %d: %q, want %q", m, got, want)
		}
	}
	expect(0, "never been judged")
	w.run(0)
	expect(1, "2 bad evaluations in a row make it failing")
	w.run(5, bad)
	expect(6, "one more bad evaluation makes it failing")
	w.run(10, bad)
	expect(11, "2 good evaluations in a row end it; it is the cause of inc-")
	w.run(15)
	expect(16, "one more good evaluation ends it")
	w.run(20)
	w.announce(21, "shop/other", 21, 90)
	w.run(25, "other/freshness: fail stale @24")
	expect(26, "ana has announced work on shop/other until 2026-03-01T13:30:00Z (backfill)")
	w.run(30, "orders/freshness: error")
	if got := next(31, "shop/orders/freshness"); !strings.Contains(got, "no answer since 2026-03-01T12:30:00Z") {
		t.Errorf("next of an error: %q", got)
	}
}

func TestAnIncidentSaysWhatWouldEndItAndWhoIsCalledWhen(t *testing.T) {
	w := newWorld(t)
	w.policy.RepeatEvery, w.policy.EscalateAfter = time.Hour, 30*time.Minute
	w.run(0)
	w.run(5, "orders/freshness: fail stale @1", "lines/values: fail duplicates", "lines/freshness: fail stale @2")
	for id, i := range w.book.Incidents {
		x, known := w.explainer(6).Incident(id)
		if !known {
			t.Fatal("not known")
		}
		text := strings.Join(x.Next, "; ")
		want := "it closes when every check of " + string(i.Root) + " has passed once; people are called again at 2026-03-01T13:05:00Z unless somebody acknowledges it; it is escalated at 2026-03-01T12:35:00Z unless somebody acknowledges it"
		if text != want {
			t.Errorf("next: %q", text)
		}
		if i.Root == "shop/lines" && (len(x.Beside) != 1 || !slices.Contains(x.Beside[0].Why, "shop/orders/freshness: “stale” does not explain “duplicates”")) {
			t.Errorf("beside: %+v", x.Beside)
		}
		if i.Root == "shop/orders" && (len(x.Root) != 1 || len(x.Held) != 1) {
			t.Errorf("root %d, held %d", len(x.Root), len(x.Held))
		}
	}
	if _, known := w.explainer(6).Incident("inc-none"); known {
		t.Error("explains what is not there")
	}
}

func TestAnExplanationHasNoNullLists(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	n, _ := w.explainer(1).Node("shop/other")
	b, err := json.Marshal(n)
	if err != nil || strings.Contains(string(b), "null") {
		t.Errorf("%s, %v", b, err)
	}
}

func TestCoverage(t *testing.T) {
	const holes = `
version: 1
dag: shop
connection: wh
nodes:
  raw: {table: raw}
  alone: {table: alone}
  orders:
    table: orders
    depends_on: [raw]
    row_count: {}
    values: {not_null: [k], mode: shadow}
    freshness: {column: at, error_after: 1h}
    version: {of: content}
  lines: {table: lines, depends_on: [orders], row_count: {min: 1}}
  report: {table: report, depends_on: [lines], row_count: {min: 1}}
`
	w := newWorldOf(t, holes)
	pass := []string{"orders/row_count: pass", "orders/values: pass", "orders/version: pass"}
	for m := range 5 {
		w.run(m, append(pass, "orders/freshness: error", "report/row_count: nodata")...)
	}
	w.book.States = w.book.States.With(nil, "shop/lines/row_count")
	var got []string
	for _, g := range incident.Coverage(w.suite, w.book, minute(10)) {
		about := string(g.Check)
		if about == "" {
			about = string(g.Node)
		}
		got = append(got, string(g.Kind)+" "+about)
	}
	want := []string{
		"unwatched shop/raw", "never_evaluated shop/lines/row_count", "always_error shop/orders/freshness",
		"always_nodata shop/report/row_count", "cannot_fire shop/orders/row_count", "cannot_fire shop/orders/values",
		"cannot_fire shop/orders/version",
	}
	slices.Sort(got[4:])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestAMuteOfMoreThanAWeekIsAGap(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, bad)
	w.act(6, incident.Act{Kind: incident.Mute, By: "ana", Until: minute(100000)})
	muted := func(m int) bool {
		return slices.ContainsFunc(incident.Coverage(w.suite, w.book, minute(m)), func(g incident.Gap) bool { return g.Kind == incident.MutedLong })
	}
	if muted(6+7*24*60-1) || !muted(6+7*24*60) {
		t.Error("not after seven days exactly")
	}
}
