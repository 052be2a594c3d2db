package slack_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// lowered is the incident as a warning.
func lowered(i *incident.Incident) { i.Severity = dag.Warn }

// acts are the situations in which people, or time, have done something to an
// incident: its message, and the line that says so.
func acts(t *testing.T) map[string]situation {
	t.Helper()
	d := desk(t, flightDelay)
	d.Actions = true
	d.Escalate = notify.Escalation{Mention: "@lead"}
	ana := incident.Mark{By: "ana", Via: "slack", At: at("15:00"), Note: "the loader is being restarted"}
	muted := incident.Mark{By: "ana", Via: "cli", At: at("15:00"), Until: at("18:00"), Note: hostile}
	node := dag.NodeID("flight_delay/flights")
	line := func(l incident.Line) situation {
		l.Node = node
		return situation{desk: d, i: happens(stale(), l), line: true}
	}
	worse := []dag.CheckID{"flight_delay/flights/freshness"}
	trend := func(n *notify.Notice) { n.Trend = []float64{100, 104, 98, 101, 12, 0} }
	oneWay := func(kind incident.LineKind) situation {
		i := happens(stale(), incident.Line{Kind: kind, Node: node, By: "ana"})
		return situation{desk: d, i: i, alter: func(n *notify.Notice) {
			n.Actions = false
			if n.News = i.Lines[1:]; !i.Lines[1].Calls() {
				n.Mention = ""
			}
		}}
	}
	offline := d
	offline.BaseURL = ""
	return map[string]situation{
		"buttons":         {desk: d, i: stale()},
		"buttons_no_page": {desk: offline, i: stale()},
		"buttons_warn":    {desk: d, i: with(stale(), lowered)},
		"changed": {desk: d, i: with(stale(), func(i *incident.Incident) {
			i.Changes = []incident.Upstream{
				{Check: "flight_delay/load_flights/job", At: at("11:05"), What: "succeeded (run load-7)"},
				{Check: "flight_delay/flights/freshness", At: at("10:00")},
				{Check: "flight_delay/airports/version", At: at("09:00"), What: "has other content <!channel>"},
			}
		})},
		"trend":               {desk: d, i: stale(), alter: trend},
		"acked":               {desk: d, i: with(stale(), func(i *incident.Incident) { i.Acked = ana })},
		"muted":               {desk: d, i: with(stale(), func(i *incident.Incident) { i.Muted = muted })},
		"acked_and_muted":     {desk: d, i: with(stale(), func(i *incident.Incident) { i.Acked, i.Muted = ana, muted })},
		"escalated":           {desk: d, i: with(stale(), func(i *incident.Incident) { i.Escalated = incident.Mark{At: at("16:00")} })},
		"escalated_by":        {desk: d, i: with(stale(), func(i *incident.Incident) { i.Escalated = ana })},
		"flapping":            {desk: d, i: with(stale(), func(i *incident.Incident) { i.Flapping = at("14:00") })},
		"self":                {desk: d, i: self()},
		"self_resolved":       {desk: d, i: resolved(self(), "")},
		"canary":              {desk: d, i: canary()},
		"canary_resolved":     {desk: d, i: resolved(canary(), "")},
		"one_way_raised":      oneWay(incident.Raised),
		"one_way_reminded":    oneWay(incident.Reminded),
		"one_way_acked":       oneWay(incident.Acked),
		"line_acked":          line(incident.Line{Kind: incident.Acked, By: "ana", Via: "slack", Detail: "on it"}),
		"line_unacked":        line(incident.Line{Kind: incident.Unacked, By: "ana"}),
		"line_unacked_worse":  line(incident.Line{Kind: incident.Unacked, Checks: worse}),
		"line_muted":          line(incident.Line{Kind: incident.Muted, By: "ana", Until: at("18:00"), Detail: hostile}),
		"line_unmuted":        line(incident.Line{Kind: incident.Unmuted}),
		"line_unmuted_by":     line(incident.Line{Kind: incident.Unmuted, By: hostile}),
		"line_unmuted_worse":  line(incident.Line{Kind: incident.Unmuted, Checks: worse}),
		"line_escalated":      line(incident.Line{Kind: incident.Escalated}),
		"line_escalated_by":   line(incident.Line{Kind: incident.Escalated, By: "ana", Detail: "I need help"}),
		"line_reminded":       line(incident.Line{Kind: incident.Reminded}),
		"line_flapping":       line(incident.Line{Kind: incident.Flapping}),
		"line_lowered":        {desk: d, i: happens(with(stale(), lowered), incident.Line{Kind: incident.Lowered, Node: node}), line: true},
		"line_steady":         line(incident.Line{Kind: incident.Steady}),
		"line_acked_while_on": {desk: d, i: happens(with(stale(), func(i *incident.Incident) { i.Acked = ana }), incident.Line{Kind: incident.Joined, Node: node, Checks: worse}), line: true},
	}
}

// self is an incident of the watcher.
func self() incident.Incident {
	return with(stale(), func(i *incident.Incident) {
		i.Kind, i.Root, i.Blocks, i.Trouble = incident.Self, "", nil, "state"
		i.Findings = []incident.Finding{{Message: "the disk is full: 12 MiB left", Severity: dag.Error, FirstSeen: at("14:00")}}
		i.GoodUntil = at("14:00")
	})
}

func canary() incident.Incident {
	return with(self(), func(i *incident.Incident) {
		i.Kind, i.Trouble, i.Severity = incident.Canary, "canary", dag.Warn
		i.Findings = []incident.Finding{{Message: "Every day pipewatch sends itself an alert and looks whether it arrives.", Severity: dag.Warn, FirstSeen: at("14:00")}}
	})
}

// bulletins are the messages about no single incident.
func bulletins(t *testing.T) map[string]situation {
	t.Helper()
	d := desk(t, flightDelay)
	say := func(b notify.Bulletin) situation {
		return situation{desk: d, i: stale(), alter: func(n *notify.Notice) {
			*n = notify.Notice{ID: "digest-1/0", Seq: 1, Incident: incident.Incident{ID: "digest-1"}, Bulletin: &b}
			if b.Kind == notify.Storm && b.State == notify.Alarming {
				n.Mention, n.Link = "@ml-oncall", "https://pipewatch.example.com/incidents"
			}
		}}
	}
	storm := notify.Bulletin{Kind: notify.Storm, State: notify.Alarming, Title: "digest: 1204 incidents opened in a short time, 1198 open",
		Sections: []notify.Section{{Title: "By what is wrong, each a root cause of its own", Items: []string{
			"DAG shop, is stale: 1100 open, 6 over — orders, customers, items, refunds, stock, prices, … 1094 more",
			"DAG ml, has a gap: 98 open — features",
		}}}}
	hostileStorm := storm
	hostileStorm.Title = "digest: " + hostile
	for k := range 300 {
		hostileStorm.Sections = append(hostileStorm.Sections, notify.Section{Title: hostile, Items: []string{hostile, strings.Repeat("<!here>", 200), fmt.Sprint(k)}})
	}
	over := notify.Bulletin{Kind: notify.Storm, State: notify.Ended, Title: "digest: all of 1204 incidents that opened in a short time are over"}
	morning := d.MorningDigest(notify.Day{
		Name: "Saturday, 9 February", Open: []incident.Incident{stale(), incidents().weather},
		Expiring: []incident.Incident{with(stale(), func(i *incident.Incident) { i.Muted = incident.Mark{By: "ana", At: at("15:00"), Until: at("18:00")} })},
		Broken:   map[dag.NodeID]int{"flight_delay/flights": 437, "flight_delay/weather": 60},
		Slow:     []notify.SlowCheck{{Check: "flight_delay/training_set/version", Took: "41s"}, {Check: "flight_delay/flights/joins", Took: "6.2s"}},
	})
	return map[string]situation{
		"storm":           say(storm),
		"storm_over":      say(over),
		"storm_hostile":   say(hostileStorm),
		"morning":         say(morning),
		"morning_nothing": say(d.MorningDigest(notify.Day{Name: "Saturday, 9 February"})),
		"removal":         say(d.RemovalDigest([]dag.NodeID{"flight_delay/flights", "flight_delay/report"}, 6, []incident.Incident{stale()})),
		"trouble": say(notify.Bulletin{Kind: notify.Trouble, State: notify.Alarming, Members: []string{"#ml-alerts"}, Title: "#ml-alerts cannot be reached: invalid_auth: check alerts.slack.token",
			Sections: []notify.Section{{Title: "What follows", Items: []string{"alerts for it come here meanwhile"}}}}),
		"trouble_over": say(notify.Bulletin{Kind: notify.Trouble, State: notify.Ended, Title: "All destinations take messages again"}),
		"overflow":     say(notify.Bulletin{Kind: notify.Overflow, State: notify.Warning, Title: "digest: 10432 changes for #ml-alerts could not be told one by one"}),
	}
}
