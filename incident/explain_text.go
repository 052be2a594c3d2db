package incident

import (
	"fmt"
	"strings"
	"time"
)

// This file is an explanation as people read it: on the command line, in Slack
// and on the page. What matters most comes first, as some of these cut it.

// text collects lines.
type text struct{ strings.Builder }

// line adds one line, two blanks deeper for each level.
func (t *text) line(depth int, format string, args ...any) {
	t.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(&t.Builder, format, args...)
	t.WriteByte('\n')
}

// list adds a title and one line for each item, or nothing.
func (t *text) list(depth int, title string, items []string) {
	if len(items) == 0 {
		return
	}
	t.line(depth, "%s", title)
	for _, item := range items {
		t.line(depth+1, "- %s", item)
	}
}

// Text is the explanation of an incident in words.
func (e IncidentExplanation) Text() string {
	var t text
	i := e.Incident
	about := string(i.Root)
	if about == "" {
		about = strings.TrimSpace(i.Connection + i.File + i.Trouble) // an incident is about one of them
	}
	t.line(0, "%s: %s, %s, %s since %s", i.ID, about, i.Severity, i.Status, stamp(i.Onset))
	if !i.GoodUntil.IsZero() {
		t.line(0, "last good %s", stamp(i.GoodUntil))
	}
	for _, c := range i.Changes {
		t.line(0, "changed since then, %s: %s %s", stamp(c.At), c.Check.Node(), c.Words())
	}
	for _, f := range i.Findings {
		if f.Check == "" {
			t.line(0, "%s", f.Message) // a file or pipewatch itself: no check says it
		}
	}
	if i.Status != Open {
		t.line(0, "It is over since %s. What happened:", stamp(i.ResolvedAt))
		for _, l := range i.Lines {
			t.line(1, "%s", strings.TrimSpace(fmt.Sprintf("%s  %s %s", stamp(l.At), l.Kind, strings.TrimSpace(l.By+" "+l.Detail))))
		}
	}
	for _, c := range e.Root {
		c.reasons(&t)
	}
	if len(e.Held) > 0 {
		t.line(0, "Held back here, and told with it (%d):", len(e.Held))
	}
	for _, c := range e.Held {
		t.line(1, "%s: %s", c.Check, c.Message)
		c.candidates(&t, 2, true)
	}
	for _, b := range e.Beside {
		t.list(0, fmt.Sprintf("Not because of %s on %s:", b.Incident, b.Root), b.Why)
	}
	t.list(0, "What comes next:", e.Next)
	for _, c := range e.Root {
		c.statements(&t)
	}
	return t.String()
}

// Text is the explanation of a node in words.
func (e NodeExplanation) Text() string {
	var t text
	t.line(0, "%s is %s", e.Node, e.Health)
	for _, root := range e.CausedBy {
		t.line(0, "because of %s", root)
	}
	for _, a := range e.Announcements {
		t.line(0, "%s announced work on %s from %s to %s: %s", a.By, a.Node, stamp(a.From), stamp(a.Until), a.Reason)
	}
	if len(e.Checks) == 0 {
		t.line(0, "it has no checks: nobody watches it")
	}
	for _, c := range e.Checks {
		c.reasons(&t)
	}
	for _, c := range e.Checks {
		c.statements(&t)
	}
	return t.String()
}

// reasons says why a check is as it is.
func (c CheckExplanation) reasons(t *text) {
	t.line(0, "%s is %s", c.Check, c.Phase)
	switch {
	case c.Message != "":
		t.line(1, "%s: %s", c.Outcome, c.Message)
	case c.Outcome != "":
		t.line(1, "it says %s", c.Outcome)
	}
	if c.Finding != nil {
		how := "as it was first seen then"
		if c.OnsetKnown {
			how = "as the data tell"
		}
		t.line(1, "true since %s, %s; bad %s", stamp(c.Finding.Began()), how, inARow(c.Bad))
	}
	c.candidates(t, 1, false)
	t.list(1, "what comes next:", c.Next)
	var set []string
	for _, s := range c.Settings {
		set = append(set, fmt.Sprintf("%s %s (%s)", s.Key, s.Value, s.From))
	}
	t.list(1, "judged by:", set)
}

// candidates says of every finding above whether it is the cause, and why; or
// of the one that is.
func (c CheckExplanation) candidates(t *text, depth int, takenOnly bool) {
	for _, a := range c.Causes {
		switch {
		case a.Taken:
			t.line(depth, "because of %s: %s", a.Check, a.Why)
		case !takenOnly:
			t.line(depth, "not because of %s: %s", a.Check, a.Why)
		}
	}
}

// statements shows what a check said before and what it asks.
func (c CheckExplanation) statements(t *text) {
	if len(c.Past.Said)+len(c.Past.SQL) == 0 {
		return
	}
	t.line(0, "%s, the last evaluations:", c.Check)
	for _, s := range c.Past.Said {
		t.line(1, "%s", strings.TrimSpace(fmt.Sprintf("%s  %-8s %s", s.At.UTC().Format(time.RFC3339), s.Outcome, s.Message)))
	}
	for _, q := range c.Past.SQL {
		t.line(1, "%s", strings.ReplaceAll(q, "\n", "\n  "))
	}
}

func inARow(n int) string {
	if n <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times in a row", n)
}
