package web

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

type incidentsPage struct {
	layout
	Incidents []incidentView
	Next      incident.ID
}

// incidentView is one incident, in words.
type incidentView struct {
	ID              incident.ID
	Heading         string // "flights: newest time_hour is 33h old, limit 6h"
	Status          incident.Status
	StatusWord      string
	Severity        dag.Severity
	Root            ref    // of a data incident
	Blind           string // of one about our sight: what it is about
	Since           moment // in the data
	GoodUntil       moment
	Opened          moment
	Resolved        moment
	Lasted          string
	MergedInto      incident.ID
	Own, Held, Past []findingView
	Shown           []findingView // of Own, where there is room for few
	More            int           // of Own, beyond those
	Blocks          []ref
	Beside          []incident.ID
	Changes         []changeView
	Lines           []lineView
}

// onCard is how many findings an incident's card names.
const onCard = 4

type findingView struct {
	Node      ref
	Check     string
	Reason    string
	Message   string
	Warn      bool
	Because   string
	FirstSeen moment
	Recovered bool
}

type changeView struct {
	Node ref
	Text string
	At   moment
}

type lineView struct {
	At   moment
	Kind incident.LineKind
	Text string
}

var statusWords = map[incident.Status]string{incident.Open: "open", incident.Resolved: "resolved", incident.Merged: "merged into another", incident.Withdrawn: "withdrawn"}

func (v viewer) incident(i incident.Incident) incidentView {
	view := incidentView{
		ID: i.ID, Status: i.Status, StatusWord: statusWords[i.Status], Severity: i.Severity, Blind: blind(i),
		Since: v.moment(i.Onset), GoodUntil: v.moment(i.GoodUntil), Opened: v.moment(i.OpenedAt), Resolved: v.moment(i.ResolvedAt),
		MergedInto: i.MergedInto, Blocks: v.refs(i.Blocks), Beside: i.Beside,
	}
	end := i.ResolvedAt
	if end.IsZero() {
		end = v.now.At
	}
	view.Lasted = duration(max(end.Sub(cmp.Or(i.Onset, i.OpenedAt)), time.Second))
	if i.Kind == incident.Data {
		view.Root = v.ref(i.Root)
	}
	for _, f := range i.Findings {
		fv := v.finding(f)
		fv.Recovered = f.Recovered && i.Status == incident.Open // afterwards it goes without saying
		switch {
		case f.Held:
			view.Held = append(view.Held, fv)
		case f.Recovered && i.Status == incident.Open:
			view.Past = append(view.Past, fv)
		default:
			view.Own = append(view.Own, fv)
		}
	}
	view.Shown = view.Own[:min(len(view.Own), onCard)]
	view.More = len(view.Own) - len(view.Shown)
	view.Heading = view.heading()
	for _, c := range i.Changes {
		view.Changes = append(view.Changes, changeView{v.ref(c.Check.Node()), c.Words(), v.moment(c.At)})
	}
	for _, l := range i.Lines {
		view.Lines = append(view.Lines, lineView{v.moment(l.At), l.Kind, v.line(l)})
	}
	return view
}

// blind says what an incident about our sight is about; empty for others.
func blind(i incident.Incident) string {
	switch i.Kind {
	case incident.CannotCheck:
		return "Cannot check " + i.Connection
	case incident.BrokenFile:
		return "Cannot read " + i.File
	case incident.Self:
		return "pipewatch's own " + i.Trouble
	case incident.Canary:
		return "A test of the alarm: nothing is broken"
	case incident.ClockSkew:
		return "Clock of " + i.Connection
	case incident.NoData:
		return "Nothing to judge on " + string(i.Root)
	}
	return ""
}

// heading names what is broken, and how as far as that is one thing.
func (i incidentView) heading() string {
	if i.Blind != "" {
		return i.Blind
	}
	name := i.Root.Label
	if len(i.Own) == 0 {
		return name
	}
	text := name + ": " + i.Own[0].Message
	if more := len(i.Own) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

func (v viewer) finding(f incident.Finding) findingView {
	view := findingView{
		Node: v.ref(f.Check.Node()), Check: f.Check.Name(), Reason: words(string(f.Reason)), Message: f.Message,
		Warn: f.Severity == dag.Warn, FirstSeen: v.moment(f.FirstSeen),
	}
	if check, reason, ok := strings.Cut(f.Because, ": "); ok {
		id := dag.CheckID(check)
		view.Because = strings.TrimSpace(v.ref(id.Node()).Label + " " + id.Name() + " is " + words(reason))
	}
	return view
}

// line says what happened, in one sentence.
func (v viewer) line(l incident.Line) string {
	var names []string
	for _, c := range l.Checks {
		names = append(names, v.ref(c.Node()).Label+" "+c.Name())
	}
	who := strings.Join(names, ", ")
	switch l.Kind {
	case incident.Opened:
		return "Opened."
	case incident.Joined:
		if l.Detail != "" {
			return fmt.Sprintf("%s joined: %s.", who, l.Detail)
		}
		return who + " joined."
	case incident.Recovered:
		return who + " passes again."
	case incident.Raised:
		return "Rose from warning to error."
	case incident.Lowered:
		return "Fell from error to warning."
	case incident.Moved:
		return fmt.Sprintf("The cause was found further up: %s, not %s.", v.ref(l.Node).Label, v.ref(dag.NodeID(l.Detail)).Label)
	case incident.Reopened:
		return "Broke again: reopened."
	case incident.Redefined:
		return "Somebody changed what " + who + " means."
	case incident.MergedLine:
		return fmt.Sprintf("Has the same cause as %s, and goes on there.", l.Detail)
	case incident.Closed:
		if l.Detail != "" {
			return "Closed: " + l.Detail + "."
		}
		return "Resolved: everything passes again."
	}
	return v.deed(l, who)
}

// deed says what somebody did, or what came of it by itself.
func (v viewer) deed(l incident.Line, worse string) string {
	by, note := "", ""
	if l.By != "" {
		by = " by " + l.By
	}
	if l.Detail != "" {
		note = ": " + l.Detail
	}
	switch {
	case worse != "" && (l.Kind == incident.Unacked || l.Kind == incident.Unmuted):
		return "Became an error, which broke through: " + worse + "."
	case l.Kind == incident.Muted:
		return "Muted until " + v.moment(l.Until).Text + by + note + "."
	case l.Kind == incident.Unmuted && l.By == "":
		return "The mute is over."
	case l.Kind == incident.Reminded:
		return "Still broken and not acknowledged: people were called again."
	case l.Kind == incident.Escalated && l.By == "":
		return "Escalated, as nobody had acknowledged it."
	case l.Kind == incident.Steady:
		return "No longer comes and goes: it stays broken."
	case l.Kind == incident.Flapping:
		return "Comes and goes: nothing more is said until it is quiet."
	}
	text := map[incident.LineKind]string{
		incident.Acked: "Acknowledged", incident.Unacked: "Acknowledgement taken back", incident.Unmuted: "Unmuted", incident.Escalated: "Escalated",
	}[l.Kind]
	return cmp.Or(text, words(string(l.Kind))) + by + note + "."
}
