package incident

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// blindness keeps one incident per connection whose checks cannot be answered,
// so that silence never looks like health. Checks that are in error because
// of a schema change upstream belong to that change's incident instead.
func (d *decision) blindness() {
	held := map[dag.CheckID]bool{}
	for _, e := range d.entries {
		held[e.check.ID()] = e.blind && e.cause != nil
	}
	planned := d.announcements()
	blind := map[string][]Finding{}
	alarm := map[string]bool{}
	var order []string
	for _, c := range d.unsure {
		s := d.state(c.ID())
		if s.Troubles == 0 || held[c.ID()] || c.Spec.Shadow || d.excused(c, s, planned) {
			continue
		}
		conn := c.Node.Connection
		if blind[conn] == nil {
			order = append(order, conn)
		}
		blind[conn] = append(blind[conn], Finding{
			Check: c.ID(), Outcome: checks.Error, Message: s.Message, Severity: dag.Error, FirstSeen: s.Troubled,
		})
		if s.Troubles >= d.policy.ErrorAfter && d.now.Sub(s.Troubled) >= d.policy.ErrorFor {
			alarm[conn] = true
		}
	}
	answers := d.answers(blind)
	for i := range d.open(CannotCheck) {
		d.see(i, blind[i.Connection], answers[i.Connection])
		delete(alarm, i.Connection)
	}
	for _, conn := range order {
		if !alarm[conn] {
			continue
		}
		i := Incident{
			ID: d.newID("connection " + conn), Kind: CannotCheck, Status: Open, Connection: conn,
			Severity: dag.Error, OpenedAt: d.now, Findings: blind[conn], Onset: firstSeen(blind[conn]), Partly: answers[conn],
		}
		i.say(d.now, Line{Kind: Opened})
		d.change.Incidents[i.ID] = i
	}
}

// answers tells which of the connections in trouble have answered since it began: a
// check of a table that was evaluated and is in none. Jobs may be asked elsewhere.
func (d *decision) answers(blind map[string][]Finding) map[string]bool {
	answers, since := map[string]bool{}, map[string]time.Time{}
	if len(blind) == 0 {
		return answers
	}
	for conn, findings := range blind {
		since[conn] = firstSeen(findings)
	}
	for c := range d.suite.All() {
		s := d.state(c.ID())
		began, dark := since[c.Node.Connection]
		if dark && c.Node.Type != dag.Job && s.Troubles == 0 && !s.At.Before(began) {
			answers[c.Node.Connection] = true
		}
	}
	return answers
}

// see brings a cannot-check incident up to date. What is about the whole connection
// stays so while it comes back, part by part.
func (d *decision) see(i Incident, blind []Finding, partly bool) {
	partly = partly && i.Partly
	switch {
	case len(blind) == 0:
		i.Status, i.ResolvedAt = Resolved, d.now
		i.Findings = slices.Clone(i.Findings)
		for n := range i.Findings {
			i.Findings[n].Recovered = true
		}
		i.say(d.now, Line{Kind: Closed})
	case partly != i.Partly || !slices.EqualFunc(blind, i.Findings, Finding.same):
		changed := len(blind) != len(i.Findings) || partly != i.Partly
		i.Findings, i.Partly = blind, partly
		if changed {
			i.touch(d.now)
		}
	default:
		return
	}
	d.change.Incidents[i.ID] = i
}

func firstSeen(fs []Finding) time.Time {
	first := time.Time{}
	for _, f := range fs {
		first = soonest(first, f.FirstSeen)
	}
	return first
}
