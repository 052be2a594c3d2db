package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

const shop = `version: 1
dag: shop
owner: ml-data
connection: wh
nodes:
  orders:
    table: raw.orders
    runbook: https://wiki.example.com/orders
    freshness: {column: loaded_at, error_after: 6h, schedule: "*/15 * * * *"}
    row_count: {min: 1, schedule: ["@hourly", "0 7 * * 1", "5 * * * *", "30 7 * * *"]}
    joins: {to: customers, on: customer_id, min_match: 98%, schedule: "@every 10m"}
    checks: [{name: no_refunds, sql: "select 0", expect: {max: 0}, schedule: "* * * * *"}]
  customers: {table: customers, owner: crm, values: {not_null: [id]}}
`

func newDesk(t *testing.T) notify.Desk {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(shop)}}, dag.Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	suite, problems := checks.Compile(g, checks.Builtin())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return notify.Desk{Suite: suite, Default: "#data", BaseURL: "https://pw.example.com", Owners: map[string]notify.Owner{
		"ml-data": {Channel: "#ml", Mention: "@ml"}, "crm": {Mention: "@crm"},
	}}
}

func TestIncidentGoesWhereItsRootsOwnerReads(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		i             incident.Incident
		channel, ping string
	}{
		"to the owner's channel":                {incident.Incident{Root: "shop/orders"}, "#ml", "@ml"},
		"to the default channel without one":    {incident.Incident{Root: "shop/customers"}, "#data", "@crm"},
		"to the default channel when removed":   {incident.Incident{Root: "shop/gone"}, "#data", ""},
		"to the default channel without a root": {incident.Incident{Kind: incident.BrokenFile, File: "shop.yaml"}, "#data", ""},

		"to the owner of all that cannot be checked":              {dark("shop/orders/freshness", "shop/orders/row_count"), "#ml", "@ml"},
		"to the default channel where it belongs to several":      {dark("shop/orders/freshness", "shop/customers/values"), "#data", ""},
		"to the default channel where part of it belongs to none": {dark("shop/orders/freshness", "shop/gone/values"), "#data", ""},
	} {
		if r := d.Route(c.i); r.Channel != c.channel || r.Mention != c.ping {
			t.Errorf("%s: %s %s", name, r.Channel, r.Mention)
		}
	}
}

// dark is an incident of checks that cannot be answered.
func dark(cs ...dag.CheckID) incident.Incident {
	i := incident.Incident{Kind: incident.CannotCheck, Connection: "wh"}
	for _, c := range cs {
		i.Findings = append(i.Findings, incident.Finding{Check: c, Outcome: checks.Error})
	}
	return i
}

func TestNoticeHoldsWhatPeopleShouldRead(t *testing.T) {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	i := fresh("inc-1", now)
	i.Root, i.Blocks = "shop/orders", []dag.NodeID{"shop/customers", "shop/gone"}
	n := newDesk(t).Compose(i, nil)
	want := map[dag.NodeID]notify.NodeView{
		"shop/orders": {
			Label: "raw.orders", Type: dag.Table, Owner: "ml-data", Runbook: "https://wiki.example.com/orders",
			Schedule: "0 7 * * 1, daily at 07:30, every 10m, every 15 min, every minute, hourly, hourly at :05",
			Checks: map[dag.CheckID]string{
				"shop/orders/freshness": "freshness on loaded_at", "shop/orders/row_count": "row count",
				"shop/orders/joins": "join to customers", "shop/orders/no_refunds": "SQL check no_refunds",
			},
		},
		"shop/customers": {Label: "customers", Type: dag.Table, Owner: "crm", Schedule: "every 10m", Checks: map[dag.CheckID]string{"shop/customers/values": "values"}},
		"shop/gone":      {Label: "shop/gone"},
	}
	if diff := cmp.Diff(want, n.Nodes); diff != "" {
		t.Error(diff)
	}
	if n.ID != "inc-1/0" || n.Link != "https://pw.example.com/incidents/inc-1" || n.Owner != "ml-data" || n.Mention != "@ml" {
		t.Errorf("notice %s %s %s %s", n.ID, n.Link, n.Owner, n.Mention)
	}
}

func TestOwnerIsMentionedOnlyToWakeSomebody(t *testing.T) {
	now := time.Now()
	open := fresh("inc-1", now)
	open.Root = "shop/orders"
	warning := open
	warning.Severity = dag.Warn
	line := func(i incident.Incident, k incident.LineKind) (incident.Incident, *incident.Line) {
		i = then(i, k, now)
		return i, &i.Lines[len(i.Lines)-1]
	}
	d := newDesk(t)
	for name, c := range map[string]struct {
		of   incident.Incident
		kind incident.LineKind
		want bool
	}{
		"an error":                   {open, "", true},
		"a warning":                  {warning, "", false},
		"a rise to error":            {open, incident.Raised, true},
		"a new break":                {open, incident.Reopened, true},
		"a warning that broke again": {warning, incident.Reopened, false},
		"another finding":            {open, incident.Joined, false},
		"the end":                    {open, incident.Closed, false},
	} {
		i, l := c.of, (*incident.Line)(nil)
		if c.kind != "" {
			i, l = line(i, c.kind)
		}
		if got := d.Compose(i, l).Mention != ""; got != c.want {
			t.Errorf("%s: mentions %v", name, got)
		}
	}
}

func TestSpanNamesTheTwoUnitsThatMatter(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 40 * time.Second: "40s", 90 * time.Second: "1m", 7*time.Hour + 2*time.Minute: "7h 2m",
		7*time.Hour + 2*time.Second: "7h", 76*time.Hour + 59*time.Minute: "3d 4h", 48 * time.Hour: "2d",
	} {
		if got := notify.Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestNodesThatWatchOneTableAreToldApart(t *testing.T) {
	g, _ := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte("version: 1\ndag: d\nconnection: wh\nnodes:\n  a: {table: p}\n  b: {table: p, depends_on: [a]}\n")}}, dag.Known{})
	suite, _ := checks.Compile(g, checks.Builtin())
	i := fresh("inc-1", time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	i.Root, i.Blocks = "d/a", []dag.NodeID{"d/b"}
	n := notify.Desk{Suite: suite}.Compose(i, nil)
	if n.Label("d/a") != "d/a" || n.Label("d/b") != "d/b" {
		t.Errorf("labels %q and %q, want the ids", n.Label("d/a"), n.Label("d/b"))
	}
}
