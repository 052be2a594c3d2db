package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Score is how pipewatch did.
type Score struct {
	Rows     []Row    // one a fault, in the story's order
	Wrong    []string // what was missed, named wrongly or said for nothing
	Messages int      // all that stand in Slack, lines in threads included
}

// Row is what was said of one fault.
type Row struct {
	Fault Fault
	// Found is the incident that tells of it; nil when none does.
	Found       *Record
	Delay       time.Duration // from the break to the first message
	Evaluations int           // runs in that time
	Messages    int           // of the incident, lines in its thread included
}

// Judge holds what was said against the story: each fault must have its one
// incident, with the right root, in time and in the right place, and nothing
// else may have been said.
func Judge(s Story, l *Ledger) Score {
	j := judgement{ledger: l, used: map[incident.ID]bool{}}
	score := Score{Messages: len(l.Messages)}
	for _, f := range s.Faults {
		score.Rows = append(score.Rows, j.fault(f))
	}
	for _, r := range l.Incidents {
		if !j.used[r.ID] {
			j.wrong("for nothing: %s on %s at %s (%s)", r.ID, cmpRoot(r.Root), clockOf(r.OpenedAt), words(r.Reasons))
		}
	}
	for _, m := range l.Messages {
		if !j.used[m.Incident] {
			j.wrong("for nothing: a message in %s at %s: %s", m.Channel, clockOf(m.At), m.Text)
		}
	}
	score.Wrong = j.found
	return score
}

// judgement is one call of Judge under way.
type judgement struct {
	ledger *Ledger
	used   map[incident.ID]bool
	found  []string
}

func (j *judgement) wrong(format string, args ...any) {
	j.found = append(j.found, fmt.Sprintf(format, args...))
}

// fault judges what was said of one fault.
func (j *judgement) fault(f Fault) Row {
	row, want := Row{Fault: f}, f.Want
	for n := range j.ledger.Incidents {
		r := &j.ledger.Incidents[n]
		if !j.used[r.ID] && r.Root == want.Root && !r.OpenedAt.Before(f.Broke) && !r.OpenedAt.After(f.Broke.Add(want.Within)) {
			row.Found = r
			break
		}
	}
	if row.Found == nil {
		j.wrong("%s: nobody was told of %s within %s", f.Name, want.Root, span(want.Within))
		return row
	}
	r := row.Found
	j.used[r.ID] = true
	expect := func(what string, got, wanted any) {
		if g, w := fmt.Sprint(got), fmt.Sprint(wanted); g != w {
			j.wrong("%s: %s is %s, not %s", f.Name, what, g, w)
		}
	}
	expect("what was found", words(r.Reasons), words(want.Reasons))
	expect("its severity", r.Severity, want.Severity)
	expect("what was held back", words(slices.Sorted(slices.Values(r.Held))), words(slices.Sorted(slices.Values(want.Held))))
	expect("its end", r.Status == incident.Open, want.Open)
	j.messages(f, &row)
	return row
}

// messages judges what stands in Slack about a fault that was found: one root
// message in the right channel, and nothing that names another root.
func (j *judgement) messages(f Fault, row *Row) {
	all := j.ledger.about(row.Found.ID)
	row.Messages = len(all)
	var roots []Message
	for _, m := range all {
		if !m.Thread {
			roots = append(roots, m)
		}
		if m.Channel != f.Want.Channel {
			j.wrong("%s: a message in %s, not %s: %s", f.Name, m.Channel, f.Want.Channel, m.Text)
		}
		if m.Root != f.Want.Root {
			j.wrong("%s: a message names %s, not %s: %s", f.Name, cmpRoot(m.Root), f.Want.Root, m.Text)
		}
	}
	if len(roots) != 1 {
		j.wrong("%s: told %d times, not once", f.Name, len(roots))
		return
	}
	row.Delay = roots[0].At.Sub(f.Broke)
	row.Evaluations = j.ledger.runsWithin(f.Broke, roots[0].At)
	if row.Delay > f.Want.Within {
		j.wrong("%s: told %s after it broke, not within %s", f.Name, span(row.Delay), span(f.Want.Within))
	}
}

// cmpRoot names a root; an incident without one is about a connection.
func cmpRoot(id dag.NodeID) string {
	if id == "" {
		return "a connection"
	}
	return string(id)
}

// words lists names for people.
func words[T checks.Reason | dag.CheckID | dag.NodeID](names []T) string {
	if len(names) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for n, name := range names {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(name))
	}
	return b.String()
}
