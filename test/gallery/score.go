package main

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/demo"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// verdict is what was said of an exhibit, held against what is true.
type verdict struct {
	exhibit  exhibit
	faults   []found
	said     []said   // every root message
	lines    int      // in threads
	wrong    []string // what is not as it should be, in words
	ledger   *ledger
	failures []string
	runs     int
}

// found is what was said of one fault.
type found struct {
	truth
	at     time.Time // of the first message that names the root, or else tells a symptom; zero: none did
	late   int       // evaluations after the first at which it could be known
	named  bool      // the first message about it named the root at once
	widely bool      // it lists all whom the fault hits
}

// said is one root message.
type said struct {
	incident string
	at       time.Time
	root     string // as its metadata says, when it was first posted
	text     string // likewise
	last     string // its text in the end
	truth    int    // the fault it is about; -1: none
	symptom  bool   // of a node that a fault touches: told apart from its cause
}

// judge holds what was said against the truth.
func judge(e exhibit, suite *checks.Suite, l *ledger, failures []string) verdict {
	v := verdict{exhibit: e, ledger: l, failures: failures, runs: len(l.Runs)}
	for _, m := range l.messages {
		if m.ThreadTS != "" {
			v.lines++
			continue
		}
		v.said = append(v.said, v.read(m))
	}
	for n, t := range e.truths {
		v.faults = append(v.faults, v.fault(n, t, l))
	}
	for n := range v.said {
		v.said[n].symptom = v.follows(suite, v.said[n])
	}
	for n := range v.faults {
		v.judge(&v.faults[n])
	}
	v.others()
	return v
}

// follows tells whether a message is about something that follows from a fault.
func (v *verdict) follows(suite *checks.Suite, s said) bool {
	return s.truth < 0 && slices.ContainsFunc(v.faults, func(f found) bool {
		below := func(c *checks.Check) bool { return slices.Contains(c.Upstream, f.root) }
		return !s.at.Before(v.exhibit.broke()) && (slices.Contains(suite.Graph.Downstream(f.root), dag.NodeID(s.root)) ||
			slices.ContainsFunc(suite.Of(dag.NodeID(s.root)), below))
	})
}

// read takes from a message what it said at first and what it says in the end.
func (v *verdict) read(m strictslack.Message) said {
	first := m.Content
	if len(m.History) > 0 {
		first = m.History[0].Content
	}
	s := said{at: m.Posted, text: plain(first.Text), last: plain(m.Text), truth: -1}
	if first.Metadata != nil {
		s.incident, _ = first.Metadata.EventPayload["incident"].(string)
		s.root, _ = first.Metadata.EventPayload["root"].(string)
	}
	return s
}

// fault judges what was said of one fault.
func (v *verdict) fault(n int, t truth, l *ledger) found {
	f := found{truth: t}
	label := t.root.Name()
	if conn, ok := strings.CutPrefix(string(t.root), "connection "); ok {
		label = conn
	}
	names := regexp.MustCompile(`^\S+ (connection )?(\w+/)?` + label + `\b`)
	for k := range v.said {
		s := &v.said[k]
		if s.truth >= 0 || s.at.Before(v.exhibit.broke()) || !names.MatchString(s.text) && !v.became(*s, t) {
			continue
		}
		s.truth = n
		f.at, f.named, f.widely = s.at, names.MatchString(s.text), v.hits(s.incident, t)
		f.late = f.after(l.runs)
		break
	}
	return f
}

// judge says what is not as it should be with what was said of a fault. One of which
// only a symptom was told has been found, but was not named.
func (v *verdict) judge(f *found) {
	switch {
	case f.at.IsZero():
		for _, s := range v.said {
			if s.symptom && f.at.IsZero() {
				f.at, f.widely = s.at, true
				f.late = f.after(v.ledger.runs)
			}
		}
		if f.at.IsZero() {
			v.blame("%s was not found, although it could be known at %s", f.root, clockOf(f.knowable))
		} else {
			v.blame("%s was not named", f.root)
		}
	case !f.named:
		v.blame("%s was named only after another node", f.root)
	case f.late > 0:
		v.blame("%s was named %d evaluations late", f.root, f.late)
	case f.late < 0:
		v.blame("%s was named before it could be known: the truth is wrong", f.root)
	}
	if !f.at.IsZero() && !f.widely {
		v.blame("the message about %s does not list all that it touches", f.root)
	}
}

// after is how many evaluations later than the first at which it could be known the
// fault was told; less than none is before.
func (f found) after(runs map[string][]time.Time) int {
	return evaluations(runs, f.root, f.knowable, f.at) - evaluations(runs, f.root, f.at, f.knowable)
}

// evaluations counts the runs of a root's DAG after one moment and up to another.
func evaluations(runs map[string][]time.Time, root dag.NodeID, after, until time.Time) int {
	name := root.DAG()
	if _, known := runs[name]; !known {
		name = "flight_delay" // of a connection
	}
	count := 0
	for _, at := range runs[name] {
		if at.After(after) && !at.After(until) {
			count++
		}
	}
	return count
}

// became tells whether a message that named another root at first was moved to
// the fault's.
func (v *verdict) became(s said, t truth) bool {
	r, ok := v.record(s.incident)
	return ok && r.Root == t.root
}

// hits tells whether an incident lists all whom a fault touches.
func (v *verdict) hits(id string, t truth) bool {
	r, ok := v.record(id)
	return ok && !slices.ContainsFunc(t.touches, func(n dag.NodeID) bool { return !slices.Contains(r.Blocks, n) })
}

// others judges what is about no fault, or about one that is known already, and
// what did not end.
func (v *verdict) others() {
	for _, s := range v.said {
		switch {
		case s.truth >= 0:
		case v.again(s):
			v.blame("told again at %s: %s", clockOf(s.at), s.text)
		case s.symptom:
			v.blame("a symptom told apart from its cause at %s: %s", clockOf(s.at), s.text)
		default:
			v.blame("said for nothing at %s: %s", clockOf(s.at), s.text)
		}
	}
	lasts := slices.ContainsFunc(v.exhibit.truths, func(t truth) bool { return t.lasts })
	for _, r := range v.ledger.Incidents {
		if r.Status == incident.Open && !lasts {
			v.blame("%s on %s is not over", r.ID, r.Root)
		}
	}
}

// again tells whether a message repeats what another has told.
func (v *verdict) again(s said) bool {
	return slices.ContainsFunc(v.faults, func(f found) bool {
		return string(f.root) == s.root && !f.at.IsZero() && s.at.After(f.at) || v.became(s, f.truth)
	})
}

// needless counts messages about nothing.
func (v *verdict) needless() int {
	count := 0
	for _, s := range v.said {
		if s.truth < 0 && !s.symptom && !v.again(s) {
			count++
		}
	}
	return count
}

// exact tells whether every fault was told in one message that named its root, and
// nothing else was said.
func (v *verdict) exact() bool {
	return len(v.said) == len(v.faults) && !slices.ContainsFunc(v.faults, func(f found) bool { return !f.named })
}

func (v *verdict) blame(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// token is what Slack puts in the place of moments, mentions and links.
var token = regexp.MustCompile(`<[^<>|]*\|([^<>]*)>`)

// plain reads a text as a person would.
func plain(text string) string {
	return strings.ReplaceAll(html.UnescapeString(token.ReplaceAllString(text, "$1")), "`", "")
}

func clockOf(t time.Time) string { return t.In(newYork).Format("2 Jan 15:04") }

// record is all that an incident ever showed.
func (v *verdict) record(id string) (demo.Record, bool) {
	n := slices.IndexFunc(v.ledger.Incidents, func(r demo.Record) bool { return string(r.ID) == id })
	if n < 0 {
		return demo.Record{}, false
	}
	return v.ledger.Incidents[n], true
}
