package demo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Ledger is what pipewatch decided and what was read in Slack, in the order in
// which it happened. Times are the story's.
type Ledger struct {
	Runs      []time.Time // moments of the runs that judged something
	Incidents []Record    // in the order in which they opened
	Messages  []Message
}

// Record is all that an incident ever showed.
type Record struct {
	ID       incident.ID
	Root     dag.NodeID // empty when a connection could not be asked
	OpenedAt time.Time
	Status   incident.Status
	Severity dag.Severity    // the worst it had
	Reasons  []checks.Reason // of the root's own findings, as they came
	Held     []dag.CheckID   // all that it ever held back, as they came
	Blocks   []dag.NodeID
}

// Message is one message as it stands in Slack.
type Message struct {
	At       time.Time
	Channel  string // "#name"
	Incident incident.ID
	Root     dag.NodeID // as its metadata says
	Thread   bool       // a line in the thread of the incident's message
	Text     string     // plain
}

// Note takes down a run and what was decided.
func (l *Ledger) Note(run incident.Run, change incident.Change) {
	if len(run.Results) > 0 {
		l.Runs = append(l.Runs, run.Moment)
	}
	changed := slices.SortedFunc(maps.Values(change.Incidents), func(a, b incident.Incident) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, i := range changed {
		l.record(i)
	}
}

// record brings the record of an incident up to date.
func (l *Ledger) record(i incident.Incident) {
	n := slices.IndexFunc(l.Incidents, func(r Record) bool { return r.ID == i.ID })
	if n < 0 {
		n = len(l.Incidents)
		l.Incidents = append(l.Incidents, Record{ID: i.ID, OpenedAt: i.OpenedAt, Severity: i.Severity})
	}
	r := &l.Incidents[n]
	r.Root, r.Status, r.Blocks = i.Root, i.Status, i.Blocks
	if i.Severity == dag.Error {
		r.Severity = dag.Error
	}
	for _, f := range i.Findings {
		switch {
		case f.Held && !slices.Contains(r.Held, f.Check):
			r.Held = append(r.Held, f.Check)
		case !f.Held && !slices.Contains(r.Reasons, f.Reason):
			r.Reasons = append(r.Reasons, f.Reason)
		}
	}
}

// runsWithin counts the runs after one moment and up to another.
func (l *Ledger) runsWithin(after, until time.Time) int {
	count := 0
	for _, at := range l.Runs {
		if at.After(after) && !at.After(until) {
			count++
		}
	}
	return count
}

// about are the messages of an incident.
func (l *Ledger) about(id incident.ID) []Message {
	return slices.DeleteFunc(slices.Clone(l.Messages), func(m Message) bool { return m.Incident != id })
}
