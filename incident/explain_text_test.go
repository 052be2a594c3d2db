package incident_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

func TestAnExplanationIsWordsThatSayWhatMattersMostFirst(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "orders/freshness: fail stale @1", "lines/freshness: fail stale @3")
	x := w.explainer(6)
	x.Past = func(id dag.CheckID) incident.Past {
		return incident.Past{SQL: []string{"select 1\nfrom " + id.Node().Name()}, Said: []incident.Said{
			{At: minute(5), Outcome: checks.Fail, Message: "too old"}, {At: minute(0), Outcome: checks.Pass},
		}}
	}
	var id incident.ID
	for id = range w.book.Incidents {
	}
	e, _ := x.Incident(id)
	want := `INC: shop/orders, error, open since 2026-03-01T12:01:00Z
last good 2026-03-01T12:00:00Z
shop/orders/freshness is failing
  fail: MESSAGE
  true since 2026-03-01T12:01:00Z, as the data tell; bad once
  what comes next:
    - one good evaluation ends it
    - it is the cause of INC
  judged by:
    - column at (shop.yaml:15:25)
    - error_after 1h (shop.yaml:15:42)
    - severity error (default)
    - for 0s (default)
    - alerts.fail_after 1 (pipewatch.yaml:12:3)
    - alerts.resolve_after 1 (default)
    - alerts.group_wait 1m0s (default)
    - alerts.reopen_within 30m0s (default)
Held back here, and told with it (1):
  shop/lines/freshness: MESSAGE
    because of shop/orders/freshness: “stale” explains “stale”, and it began first
What comes next:
  - it closes when every check of shop/orders has passed once
  - people are called again at 2026-03-02T00:05:00Z unless somebody acknowledges it
shop/orders/freshness, the last evaluations:
  2026-03-01T12:05:00Z  fail     too old
  2026-03-01T12:00:00Z  pass
  select 1
  from orders
`
	got := strings.ReplaceAll(e.Text(), string(id), "INC")
	for _, f := range e.Incident.Findings {
		got = strings.ReplaceAll(got, f.Message, "MESSAGE")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANodeThatIsBlockedOrUnwatchedSaysSo(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "orders/freshness: fail stale @1", "lines/freshness: fail stale @3")
	n, _ := w.explainer(6).Node("shop/lines")
	if got := n.Text(); !strings.HasPrefix(got, "shop/lines is blocked\nbecause of shop/orders\n") || !strings.Contains(got, "and says nothing by itself") {
		t.Error(got)
	}
	if got := (incident.NodeExplanation{Node: "a/b", Health: incident.UnknownHealth}).Text(); !strings.Contains(got, "nobody watches it") {
		t.Error(got)
	}
}
