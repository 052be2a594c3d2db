package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

const (
	pageLength  = 30 // incidents on a page
	pageHistory = 60 // runs in a node's past
)

// viewer makes what the templates show out of a snapshot. Views hold words and
// no logic is left to the templates.
type viewer struct {
	now  Snapshot
	zone *time.Location
}

// moment is a time for the page; zero is "never".
type moment struct {
	ISO  string
	Text string // on the clock
	Ago  string // "12 min ago", "in 3 min"
}

func (v viewer) moment(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	m := moment{ISO: t.UTC().Format(time.RFC3339), Text: clock(t, v.zone)}
	switch d := v.now.At.Sub(t); {
	case d < -time.Second:
		m.Ago = "in " + duration(d)
	case d < time.Second:
		m.Ago = "just now"
	default:
		m.Ago = duration(d) + " ago"
	}
	return m
}

// ref is a link to a node.
type ref struct {
	ID     dag.NodeID
	Label  string
	Health incident.Health // empty when the node is gone
}

// Href is the address of the node's page.
func (r ref) Href() string { return "/nodes/" + string(r.ID) }

func (v viewer) ref(id dag.NodeID) ref {
	r := ref{ID: id, Label: id.Name()}
	if st, ok := v.now.node(id); ok {
		r.Health = st.Health
	}
	return r
}

func (v viewer) refs(ids []dag.NodeID) []ref {
	var out []ref
	for _, id := range ids {
		out = append(out, v.ref(id))
	}
	return out
}

func tableName(n *dag.Node) string { return strings.Join(n.Table, ".") }

// homePage is everything at a glance.
type homePage struct {
	layout
	Open   []incidentView
	Counts []count
	DAGs   []dagPage
}

// count is how many nodes have a health.
type count struct {
	Health incident.Health
	N      int
}

type dagPage struct {
	Name, Description, Owner string
	Counts                   []count
	Problem                  string // of its file
	LastRun, NextSlot        moment
	Overdue                  bool // the next slot has passed
	Nodes                    []nodeRow
}

type nodeRow struct {
	ref
	Type     dag.Type
	Reasons  []string
	CausedBy []ref
	Checks   int
	Last     moment
}

// order is from what people must see first to what can wait.
var order = []incident.Health{incident.FailingNode, incident.Blocked, incident.Warning, incident.UnknownHealth, incident.Healthy}

func counts(nodes []incident.NodeStatus) []count {
	var out []count
	for _, h := range order {
		n := 0
		for _, st := range nodes {
			if st.Health == h {
				n++
			}
		}
		if n > 0 {
			out = append(out, count{h, n})
		}
	}
	return out
}

func (s *Site) viewHome(now Snapshot) homePage {
	v := viewer{now, s.zone}
	page := homePage{layout: s.newLayout(now, "Overview", "home"), Counts: counts(now.Nodes)}
	for _, i := range now.Book.Incidents {
		if i.Status == incident.Open {
			page.Open = append(page.Open, v.incident(i))
		}
	}
	slices.SortFunc(page.Open, func(a, b incidentView) int {
		return cmp.Or(-cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.ID, b.ID))
	})
	for _, d := range now.Suite.Graph.DAGs() {
		page.DAGs = append(page.DAGs, v.dag(d))
	}
	return page
}

var rank = map[dag.Severity]int{dag.Warn: 1, dag.Error: 2}

func (v viewer) dag(d *dag.DAG) dagPage {
	times := v.now.DAGs[d.Name]
	page := dagPage{
		Name: d.Name, Description: d.Description, Owner: d.Owner,
		LastRun: v.moment(times.LastRun), NextSlot: v.moment(times.NextSlot), Overdue: times.NextSlot.Before(v.now.At),
	}
	for _, b := range v.now.Broken {
		if b.File == d.File {
			page.Problem = b.Problem
		}
	}
	var nodes []incident.NodeStatus
	for _, st := range v.now.Nodes {
		if st.Node.DAG() == d.Name {
			nodes = append(nodes, st)
			page.Nodes = append(page.Nodes, v.row(st))
		}
	}
	page.Counts = counts(nodes)
	return page
}

func (v viewer) row(st incident.NodeStatus) nodeRow {
	row := nodeRow{ref: v.ref(st.Node), Type: v.now.Suite.Graph.Node(st.Node).Type, CausedBy: v.refs(st.CausedBy)}
	var last time.Time
	who := map[string][]string{} // checks that say the same
	var said []string
	for _, c := range v.now.Suite.Of(st.Node) {
		row.Checks++
		if view := v.check(c); view.Bad && !c.Spec.Shadow {
			message := cmp.Or(view.Message, view.Word)
			if who[message] == nil {
				said = append(said, message)
			}
			who[message] = append(who[message], c.ID().Name())
		}
		if l := v.now.Latest[c.ID()]; l.Moment.After(last) {
			last = l.Moment
		}
	}
	for _, message := range said {
		row.Reasons = append(row.Reasons, strings.Join(who[message], ", ")+": "+message)
	}
	row.Last = v.moment(last)
	return row
}

// nodeDetail is one node with all that is known of it.
type nodeDetail struct {
	ref
	Type                      dag.Type
	Table, Description, Owner string
	Runbook                   string // only when it is an http(s) address
	Needs, NeededBy           []ref
	CausedBy, Blocks          []ref
	Incidents                 []incidentView
	Checks                    []checkPanel
	HistoryFrom, HistoryTo    moment
}

// checkPanel is one check on its node's page.
type checkPanel struct {
	ID                 dag.CheckID
	Name, Kind         string
	Outcome            checks.Outcome // of the last evaluation; empty when there was none
	Word               string         // the outcome or the state, for people
	Reason             string
	Message            string
	Severity           dag.Severity
	Shadow             bool
	Bad                bool
	State              string
	At                 moment
	Took               string
	Observed, Expected []figure
	SQL                []string
	Past               []cell
}

// cell is one evaluation in a row of them.
type cell struct {
	Outcome checks.Outcome
	Title   string
}

func (v viewer) check(c *checks.Check) checkPanel {
	state := v.now.Book.States.Of(c.ID())
	p := checkPanel{
		ID: c.ID(), Name: c.ID().Name(), Kind: c.Spec.Kind, Severity: c.Spec.Severity, Shadow: c.Spec.Shadow,
		Outcome: state.Outcome, Message: state.Message, State: state.Phase.String(),
	}
	if l, ok := v.now.Latest[c.ID()]; ok {
		r := l.Result
		p.Outcome, p.Reason, p.Message = r.Verdict.Outcome, words(string(r.Verdict.Reason)), r.Verdict.Message
		p.At, p.SQL = v.moment(l.Moment), r.SQL
		p.Took = fmt.Sprintf("%d\u202fms", max(1, r.Took.Milliseconds()))
		p.Observed, p.Expected = figures(r.Verdict.Observed, v.zone), figures(r.Verdict.Expected, v.zone)
	}
	p.Word = spoken[p.Outcome]
	p.Bad = p.Outcome.Bad() || p.Outcome == checks.Error || p.Outcome == checks.NoData
	return p
}

// spoken are the outcomes as people say them.
var spoken = map[checks.Outcome]string{
	"": "not checked yet", checks.Pass: "pass", checks.Warn: "warning", checks.Fail: "fail", checks.NoData: "no data",
	checks.Error: "cannot check", checks.Pending: "pending", checks.Deferred: "deferred",
}

func (v viewer) nodeDetail(st incident.NodeStatus, runs []incident.Run) nodeDetail {
	g := v.now.Suite.Graph
	n := g.Node(st.Node)
	d := nodeDetail{
		ref: v.ref(n.ID), Type: n.Type, Table: tableName(n), Description: n.Description, Owner: n.Owner, Runbook: safeLink(n.Runbook),
		CausedBy: v.refs(st.CausedBy), Blocks: v.refs(st.Blocks),
	}
	for _, i := range g.Parents(g.Index(n.ID)) {
		d.Needs = append(d.Needs, v.ref(g.Order()[i].ID))
	}
	for _, i := range g.Children(g.Index(n.ID)) {
		d.NeededBy = append(d.NeededBy, v.ref(g.Order()[i].ID))
	}
	for _, c := range v.now.Suite.Of(n.ID) {
		p := v.check(c)
		p.Past = v.past(c.ID(), runs)
		d.Checks = append(d.Checks, p)
	}
	for _, i := range v.now.Book.Incidents {
		about := func(f incident.Finding) bool { return f.Check.Node() == n.ID && !f.Recovered }
		if i.Status == incident.Open && slices.ContainsFunc(i.Findings, about) {
			d.Incidents = append(d.Incidents, v.incident(i))
		}
	}
	slices.SortFunc(d.Incidents, func(a, b incidentView) int { return cmp.Compare(a.ID, b.ID) })
	if len(runs) > 0 {
		d.HistoryFrom, d.HistoryTo = v.moment(runs[len(runs)-1].Moment), v.moment(runs[0].Moment)
	}
	return d
}

// past is the cells of a check, oldest first.
func (v viewer) past(id dag.CheckID, runs []incident.Run) []cell {
	var cells []cell
	for _, run := range slices.Backward(runs) {
		for _, r := range run.Results {
			if r.Check == id {
				title := clock(run.Moment, v.zone) + ": " + spoken[r.Verdict.Outcome]
				if r.Verdict.Message != "" {
					title += ", " + r.Verdict.Message
				}
				cells = append(cells, cell{r.Verdict.Outcome, title})
			}
		}
	}
	return cells
}

// safeLink lets through what a browser may open, and nothing that runs.
func safeLink(s string) string {
	if u, err := url.Parse(s); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		return s
	}
	return ""
}
