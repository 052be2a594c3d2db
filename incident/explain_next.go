package incident

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// next says what would change a check, and when.
func (x Explainer) next(c *checks.Check, s State) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if c.Spec.Shadow {
		say("it is in the shadow: evaluated and recorded, it never alerts")
	}
	switch s.Phase {
	case Unknown:
		say("it has never been judged; the first verdict makes it ok or pending")
	case OK:
		out = append(out, streak(x.Policy.FailAfter, "bad", "make it failing"))
	case Pending:
		say("%s; one good evaluation makes it ok", x.untilFailing(c, s))
	case Failing:
		out = append(out, streak(x.Policy.ResolveAfter, "good", "end it"))
	case Recovering:
		say("%s; a bad one makes it failing again", streak(x.Policy.ResolveAfter-s.Good, "more good", "end it"))
	}
	if s.Troubles > 0 {
		say("it has had no answer since %s: after %d times in a row and %s that is an incident of its connection", stamp(s.Troubled), x.Policy.ErrorAfter, x.Policy.ErrorFor)
	}
	switch {
	case s.Announced != "":
		a := x.Book.Announcements[s.Announced]
		say("%s has announced work on %s until %s (%s): it opens no incident before, and is evaluated then", a.By, a.Node, stamp(a.Until), a.Reason)
	case s.HeldBy != "":
		out = append(out, x.holder(c, s)...)
	case !s.Released.IsZero() && !s.At.After(s.Released):
		say("its cause closed at %s; if it is still bad at its next evaluation it stands alone", stamp(s.Released))
	case s.Phase == Failing && s.FailedAt.Add(x.Policy.GroupWait).After(x.Now):
		say("it waits until %s, or until everything above it has been evaluated, for a cause to show", stamp(s.FailedAt.Add(x.Policy.GroupWait)))
	}
	return out
}

// untilFailing says what a pending check still needs to be failing.
func (x Explainer) untilFailing(c *checks.Check, s State) string {
	more := max(x.Policy.FailAfter-s.Bad, 0)
	if due := s.Since.Add(c.Spec.For); due.After(x.Now) {
		return fmt.Sprintf("%s, not before %s", streak(more, "more bad", "make it failing"), stamp(due))
	}
	return streak(more, "more bad", "make it failing")
}

// streak says what so many evaluations in a row do: "2 good evaluations in a row
// end it".
func streak(n int, sort, do string) string {
	if n <= 1 {
		verb, rest, _ := strings.Cut(do, " ")
		return fmt.Sprintf("one %s evaluation %ss %s", sort, verb, rest)
	}
	return fmt.Sprintf("%d %s evaluations in a row %s", n, sort, do)
}

// holder says what the incident that has a finding means for it.
func (x Explainer) holder(c *checks.Check, s State) []string {
	i, known := x.Book.Incidents[s.HeldBy]
	if !known {
		return nil
	}
	if i.Root == c.Node.ID {
		return []string{"it is the cause of " + string(i.ID)}
	}
	return []string{fmt.Sprintf("it is listed in %s of %s and says nothing by itself; when that closes it gets one evaluation, then stands alone", i.ID, i.Root)}
}

// IncidentExplanation is why an incident is as it is.
type IncidentExplanation struct {
	Incident Incident           `json:"incident"`
	Root     []CheckExplanation `json:"root"`   // the checks whose findings are its cause
	Held     []CheckExplanation `json:"held"`   // those that it explains
	Beside   []Besides          `json:"beside"` // other incidents above its root, and why they are not its cause
	Next     []string           `json:"next"`   // what would end it or make it speak, in sentences
}

// Besides is an incident above another one's root that does not explain it.
type Besides struct {
	Incident ID         `json:"incident"`
	Root     dag.NodeID `json:"root"`
	Why      []string   `json:"why"`
}

// Incident explains an incident; false when the book does not have it, as it
// ended long ago or never was.
func (x Explainer) Incident(id ID) (IncidentExplanation, bool) {
	i, known := x.Book.Incidents[id]
	return x.Explain(i), known
}

// Explain explains an incident that need not be in the book. Of one that is over
// there is nothing to say about its checks, which are what they are now: what
// happened to it is in its lines.
func (x Explainer) Explain(i Incident) IncidentExplanation {
	out := IncidentExplanation{Incident: i, Root: []CheckExplanation{}, Held: []CheckExplanation{}, Beside: []Besides{}}
	out.Next = orEmpty(x.nextOf(i))
	if i.Status != Open {
		return out
	}
	entries := causes(x.Suite, slices.Collect(x.Suite.All()), x.state)
	for _, f := range i.Findings {
		c := x.Suite.Check(f.Check)
		switch {
		case c == nil:
		case f.Held:
			out.Held = append(out.Held, x.check(c, entries))
		default:
			out.Root = append(out.Root, x.check(c, entries))
		}
	}
	for _, other := range i.Beside {
		b := Besides{Incident: other, Root: x.Book.Incidents[other].Root, Why: []string{}}
		for _, c := range out.Root {
			for _, cand := range c.Causes {
				if cand.Check.Node() == b.Root {
					b.Why = append(b.Why, string(cand.Check)+": "+cand.Why)
				}
			}
		}
		out.Beside = append(out.Beside, b)
	}
	return out
}

// nextOf says what would end an incident or make it speak.
func (x Explainer) nextOf(i Incident) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if i.Status != Open {
		if until := i.ResolvedAt.Add(x.Policy.ReopenWithin); i.Status == Resolved && until.After(x.Now) {
			say("what breaks on %s again before %s makes it red again", i.Root, stamp(until))
		}
		return out
	}
	switch {
	case i.Kind == Data && i.Flapping.IsZero():
		say("it closes when every check of %s has passed %s", i.Root, inARow(x.Policy.ResolveAfter))
	case i.Kind == Data:
		say("it comes and goes: it closes, or says that it stays broken, when nothing changes until %s", stamp(i.Turned.Add(x.Policy.Flap.Within)))
	case i.Kind == CannotCheck:
		say("it closes when every check of connection %s gets an answer", i.Connection)
	}
	switch {
	case i.Muted.Set():
		say("%s muted it until %s; a worse finding breaks through", i.Muted.By, stamp(i.Muted.Until))
	case i.Acked.Set():
		say("%s took it on at %s: nobody is called again unless it becomes worse", i.Acked.By, stamp(i.Acked.At))
	case i.Severity != dag.Error:
		say("it is a warning: nobody is called")
	default:
		x.calls(i, say)
	}
	return out
}

// calls says when people are next called for an open error.
func (x Explainer) calls(i Incident, say func(string, ...any)) {
	if x.Policy.RepeatEvery > 0 {
		say("people are called again at %s unless somebody acknowledges it", stamp(i.Called.Add(x.Policy.RepeatEvery)))
	}
	if after := x.Policy.EscalateAfter; after > 0 && !i.Escalated.Set() {
		say("it is escalated at %s unless somebody acknowledges it", stamp(i.neglected().Add(after)))
	}
}
