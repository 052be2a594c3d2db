package web

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// The types of the API. Names and shapes are the contract's: those of nodes and
// checks are what `check -o json` prints too.

type dagsBody struct {
	DAGs   []dagView    `json:"dags"`
	Broken []brokenView `json:"broken" doc:"DAG files that could not be taken up; the last good version of each is in use, where there is one"`
}

type dagView struct {
	Name        string                  `json:"name"`
	Description string                  `json:"description,omitempty"`
	Owner       string                  `json:"owner,omitempty"`
	Tags        []string                `json:"tags"`
	File        string                  `json:"file"`
	Timezone    string                  `json:"timezone"`
	Health      map[incident.Health]int `json:"health" doc:"how many nodes are in each health; those without any are left out"`
	Nodes       []dag.NodeID            `json:"nodes" doc:"in topological order"`
	LastSlot    time.Time               `json:"last_slot,omitzero" doc:"slot of the last run"`
	LastRun     time.Time               `json:"last_run,omitzero" doc:"moment of the last run"`
	NextSlot    time.Time               `json:"next_slot,omitzero"`
	Broken      bool                    `json:"broken,omitempty" doc:"the file cannot be taken up as it is now; this is its last good version"`
}

type brokenView struct {
	File    string `json:"file"`
	Problem string `json:"problem"`
}

type nodesBody struct {
	AsOf  time.Time  `json:"as_of"`
	Nodes []nodeView `json:"nodes" doc:"in topological order"`
}

type nodeView struct {
	ID          dag.NodeID      `json:"id"`
	Type        dag.Type        `json:"type"`
	Table       string          `json:"table,omitempty"`
	Description string          `json:"description,omitempty"`
	Owner       string          `json:"owner,omitempty"`
	Runbook     string          `json:"runbook,omitempty"`
	Tags        []string        `json:"tags"`
	Health      incident.Health `json:"health"`
	RootCause   bool            `json:"root_cause" doc:"owns a finding that nothing above explains"`
	CausedBy    []dag.NodeID    `json:"caused_by" doc:"failing roots above"`
	Blocks      []dag.NodeID    `json:"blocks" doc:"every node below, for a root"`
	DependsOn   []dag.NodeID    `json:"depends_on"`
	Checks      []checkView     `json:"checks"`
}

type checkView struct {
	ID        dag.CheckID    `json:"id"`
	Kind      string         `json:"kind"`
	State     string         `json:"state" enum:"unknown,ok,pending,failing,recovering"`
	Verdict   checks.Outcome `json:"verdict,omitempty" doc:"of the last evaluation; missing when there was none"`
	Reason    checks.Reason  `json:"reason,omitempty"`
	Severity  dag.Severity   `json:"severity"`
	Shadow    bool           `json:"shadow,omitempty"`
	Observed  any            `json:"observed,omitempty"`
	Expected  any            `json:"expected,omitempty"`
	Message   string         `json:"message,omitempty"`
	AsOf      time.Time      `json:"as_of,omitzero" doc:"moment of the last evaluation"`
	StartedAt time.Time      `json:"started_at,omitzero"`
	TookMS    int64          `json:"took_ms"`
	SQL       []string       `json:"sql,omitempty" doc:"of the last evaluation since the service started"`
	Incident  incident.ID    `json:"incident,omitempty" doc:"the incident that the finding belongs to"`
}

type historyBody struct {
	Node dag.NodeID `json:"node"`
	Runs []runView  `json:"runs" doc:"newest first"`
}

type runView struct {
	Slot   time.Time   `json:"slot"`
	AsOf   time.Time   `json:"as_of"`
	Checks []checkPast `json:"checks"`
}

type checkPast struct {
	ID        dag.CheckID    `json:"id"`
	Verdict   checks.Outcome `json:"verdict"`
	Reason    checks.Reason  `json:"reason,omitempty"`
	Observed  any            `json:"observed,omitempty"`
	Expected  any            `json:"expected,omitempty"`
	Message   string         `json:"message,omitempty"`
	StartedAt time.Time      `json:"started_at,omitzero"`
	TookMS    int64          `json:"took_ms"`
}

type incidentsBody struct {
	Incidents []incident.Incident `json:"incidents" doc:"newest first"`
	Next      incident.ID         `json:"next,omitempty" doc:"give it as ?before= for the next page; missing on the last"`
}

type beatBody struct {
	Name string `json:"name"`
	Kind string `json:"kind" enum:"start,success,fail"`
}

// viewNode makes a node's view; with the statements of its checks only where
// one node is asked for.
func (s Snapshot) viewNode(st incident.NodeStatus, sql bool) nodeView {
	n := s.Suite.Graph.Node(st.Node)
	v := nodeView{
		ID: n.ID, Type: n.Type, Table: tableName(n), Description: n.Description, Owner: n.Owner, Runbook: n.Runbook, Tags: list(n.Tags),
		Health: st.Health, RootCause: st.Root, CausedBy: list(st.CausedBy), Blocks: list(st.Blocks),
		DependsOn: []dag.NodeID{}, Checks: []checkView{},
	}
	for _, e := range n.Upstream {
		v.DependsOn = append(v.DependsOn, e.To)
	}
	for _, c := range s.Suite.Of(n.ID) {
		v.Checks = append(v.Checks, s.viewCheck(c, sql))
	}
	return v
}

func (s Snapshot) viewCheck(c *checks.Check, sql bool) checkView {
	state := s.Book.States.Of(c.ID())
	v := checkView{
		ID: c.ID(), Kind: c.Spec.Kind, State: state.Phase.String(), Severity: c.Spec.Severity, Shadow: c.Spec.Shadow, Incident: state.HeldBy,
	}
	l, ok := s.Latest[c.ID()]
	if !ok {
		// Since the service started nobody looked; what the state says is older.
		v.Verdict, v.Message = state.Outcome, state.Message
		return v
	}
	r := l.Result
	v.Verdict, v.Reason, v.Message = r.Verdict.Outcome, r.Verdict.Reason, r.Verdict.Message
	v.Observed, v.Expected = r.Verdict.Observed, r.Verdict.Expected
	v.AsOf, v.StartedAt, v.TookMS = l.Moment, r.StartedAt, r.Took.Milliseconds()
	if sql {
		v.SQL = r.SQL
	}
	return v
}

func viewRun(run incident.Run) runView {
	v := runView{Slot: run.Slot, AsOf: run.Moment, Checks: []checkPast{}}
	for _, r := range run.Results {
		v.Checks = append(v.Checks, checkPast{
			ID: r.Check, Verdict: r.Verdict.Outcome, Reason: r.Verdict.Reason, Observed: r.Verdict.Observed, Expected: r.Verdict.Expected,
			Message: r.Verdict.Message, StartedAt: r.StartedAt, TookMS: r.Took.Milliseconds(),
		})
	}
	return v
}

// list is a list that is [] in JSON when it is empty.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}
