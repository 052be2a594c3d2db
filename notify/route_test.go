package notify_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

func TestFirstRouteThatMatchesWins(t *testing.T) {
	d := newDesk(t)
	d.Fallback = "webhook"
	d.Escalate = notify.Escalation{Mention: "@boss"}
	d.Routes = []notify.Rule{
		{Match: notify.Match{Owner: []string{"crm"}, Severity: []string{"error"}}, Channel: "#crm-errors", Mention: "@crm-oncall"},
		{Match: notify.Match{DAG: []string{"shop"}, Severity: []string{"warn"}}, Channel: "#shop-warnings", Fallback: "#ops"},
		{Match: notify.Match{Tag: []string{"gold", "silver"}}, Channel: "#tagged"},
		{Match: notify.Match{Owner: []string{"ml-data"}}, Escalate: notify.Escalation{Channel: "#leads"}},
	}
	boss := notify.Escalation{Mention: "@boss"}
	for name, c := range map[string]struct {
		root     dag.NodeID
		severity dag.Severity
		want     notify.Route
	}{
		"by owner and severity":        {"shop/customers", dag.Error, notify.Route{Channel: "#crm-errors", Mention: "@crm-oncall", Fallback: "webhook", Escalate: boss}},
		"the next where one differs":   {"shop/customers", dag.Warn, notify.Route{Channel: "#shop-warnings", Mention: "@crm", Fallback: "#ops", Escalate: boss}},
		"what it leaves out as before": {"shop/orders", dag.Error, notify.Route{Channel: "#ml", Mention: "@ml", Fallback: "webhook", Escalate: notify.Escalation{Channel: "#leads"}}},
		"none without a root":          {"", dag.Error, notify.Route{Channel: "#data", Fallback: "webhook", Escalate: boss}},
	} {
		if diff := cmp.Diff(c.want, d.Route(incident.Incident{Root: c.root, Severity: c.severity})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDestinationIsNoFallbackOfItself(t *testing.T) {
	d := newDesk(t)
	d.Fallback = "#ml"
	if r := d.Route(incident.Incident{Root: "shop/orders"}); r.Fallback != "" {
		t.Errorf("fallback %q of channel %q", r.Fallback, r.Channel)
	}
}

func TestWindowComesAgainByTheClockOnTheWall(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := notify.Window{From: 22 * time.Hour, To: 7 * time.Hour, Zone: berlin}
	weekend := notify.Window{Days: []time.Weekday{time.Saturday}, From: 0, To: 0, Zone: berlin}
	for name, c := range map[string]struct {
		window  notify.Window
		at, end string // by the clock in Berlin; no end is outside
	}{
		"before it begins":                     {night, "2026-11-24 21:59", ""},
		"when it begins":                       {night, "2026-11-24 22:00", "2026-11-25 07:00"},
		"after midnight":                       {night, "2026-11-25 03:00", "2026-11-25 07:00"},
		"when it ends":                         {night, "2026-11-25 07:00", ""},
		"over the change to winter time":       {night, "2026-10-24 23:00", "2026-10-25 07:00"},
		"over the change to summer time":       {night, "2026-03-29 01:30", "2026-03-29 07:00"},
		"on its day":                           {weekend, "2026-11-28 12:00", "2026-11-29 00:00"},
		"on another day":                       {weekend, "2026-11-27 12:00", ""},
		"a whole day ends at the day after it": {weekend, "2026-11-29 00:00", ""},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.at, berlin)
		if err != nil {
			t.Fatal(err)
		}
		end, in := c.window.Until(at)
		got := ""
		if in {
			got = end.In(berlin).Format("2006-01-02 15:04")
		}
		if got != c.end {
			t.Errorf("%s: ends %q, want %q", name, got, c.end)
		}
	}
}
