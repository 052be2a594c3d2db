package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Voice is how a channel writes what must not be taken for its own markup.
type Voice struct {
	Name func(string) string    // an identifier: a table, a check, an incident
	Said func(string) string    // words from elsewhere: a check's message, an error
	Time func(time.Time) string // a moment
}

// Plainly is the voice of plain text.
var Plainly = Voice{
	Name: func(s string) string { return s },
	Said: func(s string) string { return s },
	Time: func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
}

// predicates says what a reason means of its node.
var predicates = map[checks.Reason]string{
	checks.Stale:             "is stale",
	checks.Late:              "is late",
	checks.Empty:             "is empty",
	checks.FutureTimestamps:  "has timestamps from the future",
	checks.BelowMin:          "has too few rows",
	checks.AboveMax:          "has too many rows",
	checks.Dropped:           "has fewer rows than usual",
	checks.Rose:              "has more rows than usual",
	checks.MissingBucket:     "has a gap",
	checks.FromZero:          "has rows again after none",
	checks.Frozen:            "has stopped changing",
	checks.Unequal:           "does not add up",
	checks.Orphans:           "has rows without a match",
	checks.NullKeys:          "has rows without a key",
	checks.FanOut:            "meets keys that are there twice",
	checks.UncoveredParents:  "has no rows for some of its parents",
	checks.BehindCurve:       "fills more slowly than usual",
	checks.Skew:              "cannot be compared: versions differ",
	checks.SchemaChanged:     "has another schema",
	checks.ContentChanged:    "has changed",
	checks.Restated:          "has closed days that were rewritten",
	checks.UnexplainedChange: "has changed and nothing explains it",
	checks.Lag:               "was built from old data",
	checks.Torn:              "was built from data that does not fit together",
	checks.NoOp:              "was run and did not change",
	checks.Regressed:         "has gone back to an older version",
	checks.UnderCovered:      "has too few labels",
	checks.StaleFeed:         "gets no new labels",
	checks.Leakage:           "has labels from before the event",
	checks.Conflicting:       "has labels that contradict each other",
	checks.FrozenChanged:     "has frozen labels that changed",
	checks.NullValues:        "has missing values",
	checks.Duplicates:        "has duplicates",
	checks.UnexpectedValues:  "has unexpected values",
	checks.OutOfRange:        "has values out of range",
	checks.JobFailed:         "failed",
	checks.TooLong:           "runs too long",
	checks.NeverRan:          "never ran",
	checks.Paused:            "is paused",
	checks.StuckQueued:       "is stuck in the queue",
}

// Predicate says what a finding means of its node: "is stale".
func Predicate(f incident.Finding) string {
	if f.Outcome == checks.Error {
		return "cannot be checked"
	}
	counted := f.Reason == checks.BelowMin || f.Reason == checks.AboveMax || f.Reason == checks.Unequal
	if p, ok := predicates[f.Reason]; ok && (!counted || strings.HasPrefix(f.Check.Name(), "row_count")) {
		return p // free SQL shares these reasons, but counts whatever it likes
	}
	return "fails its check " + f.Check.Name()
}

// Label is what people call a node.
func (n Notice) Label(id dag.NodeID) string {
	if v, ok := n.Nodes[id]; ok && v.Label != "" {
		return v.Label
	}
	return string(id)
}

// Subject is what the incident is about: its root, or the connection that does
// not answer.
func (n Notice) Subject(v Voice) string {
	switch n.Incident.Kind {
	case incident.CannotCheck:
		if n.Incident.Partly {
			return n.unanswered(v)
		}
		return "connection " + v.Name(n.Incident.Connection)
	case incident.BrokenFile:
		return "file " + v.Name(n.Incident.File)
	case incident.Self:
		return "pipewatch's own " + v.Said(n.Incident.Trouble)
	case incident.Canary:
		return "pipewatch's canary"
	case incident.ClockSkew:
		return "the clock of connection " + v.Name(n.Incident.Connection)
	}
	return v.Name(n.Label(n.Incident.Root))
}

// unanswered names the node most of whose checks get no answer, and how many
// others there are: where one table is gone, it is that table.
func (n Notice) unanswered(v Voice) string {
	checks := map[dag.NodeID]int{}
	var most dag.NodeID
	for _, f := range n.Incident.Findings {
		id := f.Check.Node()
		if checks[id]++; most == "" || checks[id] > checks[most] {
			most = id
		}
	}
	name := v.Name(n.Label(most))
	if more := len(checks) - 1; more > 0 {
		return fmt.Sprintf("%s (and %s more)", name, Count(more, "node"))
	}
	return name
}

// Lead is the finding of the root that says most: the worst that still holds.
func (n Notice) Lead() incident.Finding {
	var best incident.Finding
	for k, f := range n.Incident.Own() {
		switch {
		case k == 0, best.Recovered && !f.Recovered:
			best = f
		case f.Recovered == best.Recovered && f.Outcome.Worse(best.Outcome):
			best = f
		}
	}
	return best
}

// Ended says how an incident that is over ended: "" while it is open,
// "resolved" when its checks pass again, "merged", or "closed" when it ended
// without a recovery, which Why explains.
func (n Notice) Ended() (how, why string) {
	switch n.Incident.Status {
	case incident.Merged:
		return "merged", ""
	case incident.Withdrawn:
		return "closed", n.Incident.Lines[len(n.Incident.Lines)-1].Detail
	case incident.Resolved:
		return "resolved", ""
	}
	return "", ""
}

// Headline says what is wrong for whom in one line, naming the subject before
// any other node: "flights is stale — 3 nodes below are blocked".
func Headline(n Notice, v Voice) string {
	i, subject := n.Incident, n.Subject(v)
	lasted := Span(i.ResolvedAt.Sub(i.Onset))
	switch how, why := n.Ended(); how {
	case "merged":
		return fmt.Sprintf("%s: not a cause of its own, followed up in %s", subject, v.Name(string(i.MergedInto)))
	case "closed":
		return fmt.Sprintf("%s: closed, %s", subject, v.Said(why))
	case "resolved":
		switch i.Kind {
		case incident.CannotCheck:
			return fmt.Sprintf("%s can be checked again — could not for %s", subject, lasted)
		case incident.BrokenFile:
			return fmt.Sprintf("%s is taken up again — was broken for %s", subject, lasted)
		case incident.Self:
			return fmt.Sprintf("%s is well again — was in trouble for %s", subject, lasted)
		case incident.Canary:
			return fmt.Sprintf("%s came through in %s — alerts reach this channel", subject, lasted)
		case incident.ClockSkew:
			return fmt.Sprintf("%s and ours agree again — differed for %s", subject, lasted)
		case incident.NoData:
			return fmt.Sprintf("%s has something to judge again — had nothing for %s", subject, lasted)
		}
		return fmt.Sprintf("%s is well again — was broken for %s", subject, lasted)
	}
	switch i.Kind {
	case incident.CannotCheck:
		return fmt.Sprintf("%s cannot be checked — %s without an answer", subject, Count(len(i.Findings), "check"))
	case incident.BrokenFile:
		return subject + " is broken — what it says now is not watched"
	case incident.Self:
		return subject + " is in trouble — what it watches may go unwatched"
	case incident.Canary:
		return subject + " — a test of the alarm, nothing is broken"
	case incident.ClockSkew:
		return subject + " and ours differ — the ages it gives are off by as much"
	case incident.NoData:
		return subject + " has had nothing to judge for long — it may go unwatched (warning)"
	}
	s := subject + " " + v.Said(Predicate(n.Lead()))
	switch {
	case i.Severity == dag.Warn:
		return s + " (warning)"
	case len(i.Blocks) == 0:
		return s
	}
	return fmt.Sprintf("%s — %s below %s blocked", s, Count(len(i.Blocks), "node"), verb(len(i.Blocks), "is", "are"))
}

// Was is the word for what an incident's subject was, before the times: "broken " where
// it is known to have been, "" where nobody could look or it was only looked at askew.
func (n Notice) Was() string {
	if n.Incident.Kind == incident.Data || n.Incident.Kind == incident.BrokenFile {
		return "broken "
	}
	return ""
}

// Held says of a finding that its cause holds back what it is and which finding
// explains it: "labels has too few labels: 61% of 904, limit 97% (as flights is stale)".
func Held(n Notice, f incident.Finding, v Voice) string {
	s := v.Name(n.Label(f.Check.Node())) + " " + v.Said(Predicate(f))
	if f.Message != "" {
		s += ": " + v.Said(f.Message)
	}
	if cause, reason, ok := because(f); ok {
		return fmt.Sprintf("%s (as %s %s)", s, v.Name(n.Label(cause.Node())), v.Said(Predicate(incident.Finding{Check: cause, Reason: reason})))
	}
	return s
}

// because reads the cause of a held finding: the check, and its reason.
func because(f incident.Finding) (dag.CheckID, checks.Reason, bool) {
	cause, reason, ok := strings.Cut(f.Because, ": ")
	return dag.CheckID(cause), checks.Reason(reason), ok
}

// LineText says one thing that happened to an incident. A line that is told
// later than it happened still tells what happened then.
func LineText(n Notice, v Voice) string {
	l := n.Line
	switch l.Kind {
	case incident.Joined:
		return "Also affected: " + n.joined(v)
	case incident.Recovered:
		return "Passes again: " + n.checkList(v)
	case incident.Raised:
		return fmt.Sprintf("%s is an error now, it was a warning: %s", n.Subject(v), v.Said(n.Lead().Message))
	case incident.Lowered:
		return fmt.Sprintf("%s is a warning now, it was an error: %s", n.Subject(v), v.Said(n.Lead().Message))
	case incident.Moved:
		cause := v.Name(n.Label(l.Node))
		if l.Node == n.Incident.Root {
			cause += " " + v.Said(Predicate(n.Lead()))
		}
		return fmt.Sprintf("The cause is further up: %s. What %s shows only follows from it", cause, v.Name(n.Label(dag.NodeID(l.Detail))))
	case incident.Reopened:
		return fmt.Sprintf("Broken again: %s %s", n.Subject(v), v.Said(Predicate(n.Lead())))
	case incident.Redefined:
		return "Somebody changed what is expected; judged by that from now on: " + n.checkList(v)
	case incident.MergedLine:
		return fmt.Sprintf("The cause is %s, which has an incident of its own: it goes on in %s", v.Name(n.Label(l.Node)), v.Name(l.Detail))
	case incident.Closed:
		if n.Incident.Kind == incident.Canary {
			return fmt.Sprintf("The canary came through: it was posted here and found again (%s)", Span(l.At.Sub(n.Incident.Onset)))
		}
		if l.Detail != "" {
			return fmt.Sprintf("Closed without a recovery: %s, %s", n.Subject(v), v.Said(l.Detail))
		}
		return fmt.Sprintf("Resolved: %s, %sfrom %s to %s (%s)",
			n.Subject(v), n.Was(), v.Time(n.Incident.Onset), v.Time(l.At), Span(l.At.Sub(n.Incident.Onset)))
	case incident.Opened:
		return "Opened: " + Headline(n, v)
	default:
		return deed(n, v)
	}
}

// deed says what somebody did to an incident, or what came of it by itself.
func deed(n Notice, v Voice) string {
	l := n.Line
	by, note := "", ""
	if l.By != "" {
		by = " by " + v.Said(l.By)
	}
	if l.Detail != "" {
		note = ": " + v.Said(l.Detail)
	}
	switch l.Kind {
	case incident.Acked:
		return "Acknowledged" + by + note
	case incident.Unacked:
		if len(l.Checks) > 0 {
			return "No longer acknowledged, as it became an error: " + n.checkList(v)
		}
		return "Acknowledgement taken back" + by + note
	case incident.Muted:
		return "Muted until " + v.Time(l.Until) + by + note
	case incident.Unmuted:
		if len(l.Checks) > 0 {
			return "No longer muted, as it became an error: " + n.checkList(v)
		}
		if l.By == "" {
			return "The mute is over, and it is still broken: " + n.Subject(v)
		}
		return "Unmuted" + by + note
	case incident.Escalated:
		if l.By == "" {
			return fmt.Sprintf("Escalated, as nobody has acknowledged it: %s %s", n.Subject(v), v.Said(complaint(n)))
		}
		return fmt.Sprintf("Escalated%s, as %s %s%s", by, n.Subject(v), v.Said(complaint(n)), note)
	case incident.Reminded:
		return fmt.Sprintf("Still broken, since %s, and nobody has acknowledged it: %s %s", v.Time(n.Incident.Onset), n.Subject(v), v.Said(complaint(n)))
	case incident.Steady:
		return fmt.Sprintf("It no longer comes and goes, it stays broken: %s %s", n.Subject(v), v.Said(Predicate(n.Lead())))
	case incident.Flapping:
		return "It comes and goes; more is said when it has been quiet for a while: " + n.Subject(v)
	}
	return string(l.Kind) + by + note
}

// complaint says what is wrong with the subject: "is stale".
func complaint(n Notice) string {
	switch n.Incident.Kind {
	case incident.CannotCheck:
		return "cannot be checked"
	case incident.BrokenFile:
		return "is broken"
	case incident.Self:
		return "is in trouble"
	}
	return Predicate(n.Lead())
}

// joined says what came to belong to the incident; the words of a finding are
// given when it is the only one.
func (n Notice) joined(v Voice) string {
	l := n.Line
	if len(l.Checks) != 1 {
		return n.checkList(v)
	}
	for _, f := range n.Incident.Findings {
		if f.Check == l.Checks[0] {
			if l.Detail != "" {
				f.Message = l.Detail
			}
			return Held(n, f, v)
		}
	}
	return n.checkList(v)
}

// mostNamed is how many checks a line names; the message lists the rest.
const mostNamed = 8

// checkList names the checks of a line with their nodes.
func (n Notice) checkList(v Voice) string {
	var names []string
	for k, c := range n.Line.Checks {
		if k == mostNamed {
			names = append(names, fmt.Sprintf("%d more", len(n.Line.Checks)-k))
			break
		}
		names = append(names, fmt.Sprintf("%s (%s)", v.Name(n.Label(c.Node())), v.Said(n.LooksAt(c))))
	}
	return strings.Join(names, ", ")
}

// LooksAt says what a check is about; its name where that is not known.
func (n Notice) LooksAt(c dag.CheckID) string {
	if s := n.Nodes[c.Node()].Checks[c]; s != "" {
		return s
	}
	return c.Name()
}

// Count is a number of things: "1 node", "3 nodes".
func Count(n int, thing string) string { return fmt.Sprintf("%d %s%s", n, thing, verb(n, "", "s")) }

func verb(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// Span is a duration in the two units that matter: "40s", "7h 2m", "3d 4h".
func Span(d time.Duration) string {
	d = max(d, 0)
	parts := []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for k, p := range parts {
		if d < p.unit {
			continue
		}
		s := fmt.Sprintf("%d%s", d/p.unit, p.name)
		if k < 2 && d%p.unit >= parts[k+1].unit {
			s += fmt.Sprintf(" %d%s", d%p.unit/parts[k+1].unit, parts[k+1].name)
		}
		return s
	}
	return "0s"
}
