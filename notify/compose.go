package notify

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Compose gathers all that a channel needs to write one message of an incident:
// its root message when line is nil, else that line of its thread. Others are
// incidents that this one names. The owner is mentioned where the message is
// meant to wake somebody: in the root message of an open incident of severity
// error, when a warning rises to one, when one breaks again, when nobody has
// taken it on for long, and when its mute is over; an escalation calls whoever
// comes next. Where somebody has taken it on or silenced it nobody is called.
func (d Desk) Compose(i incident.Incident, line *incident.Line, others ...incident.Incident) Notice {
	n := Notice{
		ID: Post{Incident: i.ID}.ID(), Seq: i.Seq, Incident: i, Line: line,
		Owner: d.ownerOf(i), Link: d.link(i.ID), Nodes: map[dag.NodeID]NodeView{}, Actions: d.Actions,
	}
	if d.Trend != nil && line == nil && i.Kind == incident.Data {
		n.Trend = d.Trend(n.Lead().Check)
	}
	if line != nil {
		n.ID = Post{Incident: i.ID, Line: line.N}.ID()
	}
	if wakes(i, line) {
		n.Mention = d.Route(i).Mention
		if line != nil && line.Kind == incident.Escalated && d.Route(i).Escalate.Mention != "" {
			n.Mention = d.Route(i).Escalate.Mention
		}
	}
	for _, id := range named(i) {
		n.Nodes[id] = d.view(id)
	}
	tellApart(n.Nodes)
	for _, o := range others {
		n.Others = append(n.Others, Other{ID: o.ID, Headline: Headline(d.Compose(o, nil), Plainly), Link: d.link(o.ID)})
	}
	return n
}

// wakes tells whether a message mentions the owner.
func wakes(i incident.Incident, line *incident.Line) bool {
	if i.Status != incident.Open || i.Severity != dag.Error {
		return false
	}
	if i.Acked.Set() || i.Muted.Set() {
		return line != nil && line.Kind == incident.Escalated
	}
	return line == nil || line.Calls() && line.Kind != incident.Opened
}

// link is the page of an incident; empty where nobody can open it.
func (d Desk) link(id incident.ID) string {
	if d.BaseURL == "" {
		return ""
	}
	return strings.TrimRight(d.BaseURL, "/") + "/incidents/" + string(id)
}

// named lists every node that a message about the incident may name.
func named(i incident.Incident) []dag.NodeID {
	ids := slices.Clone(i.Blocks)
	if i.Root != "" {
		ids = append(ids, i.Root)
	}
	for _, f := range i.Findings {
		ids = append(ids, f.Check.Node())
		if cause, _, ok := because(f); ok {
			ids = append(ids, cause.Node())
		}
	}
	for _, c := range i.Changes {
		ids = append(ids, c.Check.Node())
	}
	for _, l := range i.Lines {
		if l.Node != "" {
			ids = append(ids, l.Node)
		}
		if l.Kind == incident.Moved {
			ids = append(ids, dag.NodeID(l.Detail))
		}
		for _, c := range l.Checks {
			ids = append(ids, c.Node())
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// view is what people should read for a node. One that a reload has removed is
// called by its id.
func (d Desk) view(id dag.NodeID) NodeView {
	n := d.Suite.Graph.Node(id)
	if n == nil {
		return NodeView{Label: string(id)}
	}
	v := NodeView{Label: id.Name(), Type: n.Type, Owner: n.Owner, Runbook: n.Runbook, Checks: map[dag.CheckID]string{}}
	if len(n.Table) > 0 {
		v.Label = strings.Join(n.Table, ".")
	}
	var schedules []string
	for _, c := range d.Suite.Of(id) {
		v.Checks[c.ID()] = looksAt(c)
		for _, s := range c.Spec.Schedules {
			schedules = append(schedules, cadence(s.String()))
		}
	}
	slices.Sort(schedules)
	v.Schedule = strings.Join(slices.Compact(schedules), ", ")
	return v
}

// tellApart calls nodes by their ids where several of one message watch tables
// of the same name.
func tellApart(nodes map[dag.NodeID]NodeView) {
	called := map[string]int{}
	for _, v := range nodes {
		called[v.Label]++
	}
	for id, v := range nodes {
		if called[v.Label] > 1 {
			v.Label = string(id)
			nodes[id] = v
		}
	}
}

// looksAt says what a check is about, as people would.
func looksAt(c *checks.Check) string {
	param := func(key string) string { return c.Spec.Params.Get(key).Text() }
	switch kind := c.Spec.Kind; {
	case kind == "freshness" && param("column") != "":
		return "freshness on " + param("column")
	case kind == "joins" && param("to") != "":
		return "join to " + param("to")
	case kind == "labels" && param("of") != "":
		return "labels of " + param("of")
	case kind == "row_count":
		return "row count"
	case kind == "sql":
		return "SQL check " + c.ID().Name()
	default:
		return kind
	}
}

// cadence says a schedule in words where it is a plain one.
func cadence(expr string) string {
	if every, ok := strings.CutPrefix(expr, "@every "); ok {
		return "every " + every
	}
	if word, ok := strings.CutPrefix(expr, "@"); ok {
		return word
	}
	f := strings.Fields(expr)
	if len(f) != 5 || f[2] != "*" || f[3] != "*" || f[4] != "*" {
		return expr
	}
	minute, err := strconv.Atoi(f[0])
	if hour, noHour := strconv.Atoi(f[1]); err == nil && noHour == nil {
		return fmt.Sprintf("daily at %02d:%02d", hour, minute)
	}
	if f[1] != "*" {
		return expr
	}
	if err == nil {
		return fmt.Sprintf("hourly at :%02d", minute)
	}
	if every, ok := strings.CutPrefix(f[0], "*/"); ok {
		return "every " + every + " min"
	}
	if f[0] == "*" {
		return "every minute"
	}
	return expr
}
