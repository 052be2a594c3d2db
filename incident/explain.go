package incident

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Explainer tells why things are as they are: every rule that led to a phase,
// an incident or a silence, with the value it compared and where that value was
// set. It decides nothing; it runs the same code as Decide and says what it saw.
type Explainer struct {
	Suite  *checks.Suite
	Book   Book
	Policy Policy
	// Origin tells where a key of the operator's file was set, such as
	// "pipewatch.yaml:12:3" for "alerts.fail_after"; empty is nowhere, the
	// default holds.
	Origin func(key string) string
	// Past gives what a check asked last and what it said before; nil knows
	// nothing of either.
	Past func(dag.CheckID) Past
	Now  time.Time
}

// Past is what a check asked and said.
type Past struct {
	SQL  []string `json:"sql"`  // of the last evaluation
	Said []Said   `json:"said"` // by the last evaluations, newest first
}

// Said is what one evaluation said.
type Said struct {
	At      time.Time      `json:"at"`
	Outcome checks.Outcome `json:"outcome"`
	Message string         `json:"message,omitempty"`
}

// NodeExplanation is why a node is as it is.
type NodeExplanation struct {
	Node          dag.NodeID         `json:"node"`
	Health        Health             `json:"health"`
	CausedBy      []dag.NodeID       `json:"caused_by"`     // failing roots above
	Announcements []Announcement     `json:"announcements"` // of the node or above it, that run or ended lately
	Checks        []CheckExplanation `json:"checks"`
}

// CheckExplanation is why a check is as it is.
type CheckExplanation struct {
	Check   dag.CheckID    `json:"check"`
	Kind    string         `json:"kind"`
	Shadow  bool           `json:"shadow,omitempty"`
	Phase   string         `json:"phase"`
	Outcome checks.Outcome `json:"outcome,omitempty"` // of the last evaluation
	Message string         `json:"message,omitempty"`
	// Evaluated is when it was last evaluated; zero is not since the service
	// started.
	Evaluated time.Time `json:"evaluated,omitzero"`
	Bad       int       `json:"bad,omitempty"`  // bad evaluations in a row
	Good      int       `json:"good,omitempty"` // good ones in a row while it recovers
	Since     time.Time `json:"since,omitzero"` // of the present bad stretch, or recovery
	Finding   *Finding  `json:"finding,omitempty"`
	// OnsetKnown: the data tell when the finding became true; otherwise it
	// counts from when it was first seen.
	OnsetKnown bool           `json:"onset_known,omitempty"`
	Settings   []Setting      `json:"settings"`
	Causes     []Candidate    `json:"causes"` // what is wrong above it, nearest first
	HeldBy     ID             `json:"held_by,omitempty"`
	Announced  AnnouncementID `json:"announced,omitempty"`
	Next       []string       `json:"next"` // what would change it, in sentences
	Past       Past           `json:"past"`
}

// Setting is one value that a judgement or a decision used.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	From  string `json:"from"` // file:line:column, "default", or "inherited"
}

// Candidate is a finding above that was looked at as a cause.
type Candidate struct {
	Check  dag.CheckID   `json:"check"`
	Reason checks.Reason `json:"reason,omitempty"`
	Began  time.Time     `json:"began,omitzero"`
	Taken  bool          `json:"taken"`
	Why    string        `json:"why"` // why it was taken or refused, in a sentence
}

// Node explains a node; false when there is none of that id.
func (x Explainer) Node(id dag.NodeID) (NodeExplanation, bool) {
	n := NodeExplanation{Node: id, CausedBy: []dag.NodeID{}, Announcements: []Announcement{}, Checks: []CheckExplanation{}}
	if x.Suite.Graph.Node(id) == nil {
		return n, false
	}
	for _, st := range Assess(x.Suite, x.state) {
		if st.Node == id {
			n.Health, n.CausedBy = st.Health, orEmpty(st.CausedBy)
		}
	}
	covered := map[dag.NodeID]bool{id: true}
	for _, up := range x.Suite.Graph.Upstream(id) {
		covered[up] = true
	}
	for _, a := range slices.Sorted(maps.Keys(x.Book.Announcements)) {
		if covered[x.Book.Announcements[a].Node] {
			n.Announcements = append(n.Announcements, x.Book.Announcements[a])
		}
	}
	entries := causes(x.Suite, slices.Collect(x.Suite.All()), x.state)
	for _, c := range x.Suite.Of(id) {
		n.Checks = append(n.Checks, x.check(c, entries))
	}
	return n, true
}

func (x Explainer) state(id dag.CheckID) State { return x.Book.States.Of(id) }

// check explains one check. Entries are all that is not well.
func (x Explainer) check(c *checks.Check, entries []*entry) CheckExplanation {
	s := x.state(c.ID())
	e := CheckExplanation{
		Check: c.ID(), Kind: c.Spec.Kind, Shadow: c.Spec.Shadow, Phase: s.Phase.String(), Outcome: s.Outcome, Message: s.Message,
		Evaluated: s.At, Bad: s.Bad, Good: s.Good, Since: s.Since, Settings: x.settings(c), Causes: []Candidate{},
		HeldBy: s.HeldBy, Announced: s.Announced,
	}
	if s.Phase != OK && s.Phase != Unknown {
		e.Finding, e.OnsetKnown = &s.Finding, !s.Finding.Onset.IsZero()
	}
	for _, own := range entries {
		if own.check == c {
			e.Causes = x.candidates(own, entries)
		}
	}
	e.Next = orEmpty(x.next(c, s))
	if x.Past != nil {
		e.Past = x.Past(c.ID())
	}
	e.Past.SQL, e.Past.Said = orEmpty(e.Past.SQL), orEmpty(e.Past.Said)
	return e
}

// settings lists the values that a check and its patience use, and where each
// was set.
func (x Explainer) settings(c *checks.Check) []Setting {
	var out []Setting
	for key, v := range c.Spec.Block.Fields() {
		out = append(out, Setting{Key: key.Text(), Value: written(v.Any()), From: v.Pos().String()})
	}
	inherited := func(key, value string) {
		if c.Spec.Block.Get(key).Exists() {
			return
		}
		from := "default"
		if v := c.Spec.Key(key); v.Exists() {
			from = v.Pos().String()
		}
		out = append(out, Setting{Key: key, Value: value, From: from})
	}
	inherited("severity", string(c.Spec.Severity))
	inherited("for", c.Spec.For.String())
	operator := func(key, value string) {
		from := ""
		if x.Origin != nil {
			from = x.Origin("alerts." + key)
		}
		if from == "" {
			from = "default"
		}
		out = append(out, Setting{Key: "alerts." + key, Value: value, From: from})
	}
	operator("fail_after", strconv.Itoa(x.Policy.FailAfter))
	operator("resolve_after", strconv.Itoa(x.Policy.ResolveAfter))
	operator("group_wait", x.Policy.GroupWait.String())
	operator("reopen_within", x.Policy.ReopenWithin.String())
	return out
}

// candidates looks at every finding above one as Decide does, and says of each
// why it is the cause or not.
func (x Explainer) candidates(e *entry, entries []*entry) []Candidate {
	at := map[int][]*entry{}
	for _, a := range entries {
		at[a.rank] = append(at[a.rank], a)
	}
	out := []Candidate{}
	for rank := range (&kin{graph: x.Suite.Graph}).of(e.check) {
		for _, a := range at[rank] {
			c := Candidate{Check: a.check.ID(), Reason: a.state.Finding.Reason, Began: a.state.Finding.Began(), Taken: a == e.cause}
			c.Why = refusal(e, a)
			out = append(out, c)
		}
	}
	return out
}

// refusal says why the finding a is the cause of e, or why it is not.
func refusal(e, a *entry) string {
	what, why := e.finding(), a.state.Finding
	switch {
	case a.blind:
		return "it could not be checked, and what nobody could see explains nothing"
	case e.blind && why.Reason != checks.SchemaChanged:
		return "only a changed schema explains a check that misses a column"
	case !e.blind && !explains(a.check, e.check, why, what):
		return fmt.Sprintf("%s does not explain %s", reasonOf(a), reasonOf(e))
	case !e.blind && !before(why, what):
		return fmt.Sprintf("it began later: %s, after %s", stamp(why.Began()), stamp(what.Began()))
	case a == e.cause && a.state.Active() && why.Began().After(what.Began()):
		return fmt.Sprintf("%s explains %s, and began at some moment of a period from %s to %s", reasonOf(a), reasonOf(e), stamp(why.Since), stamp(why.Began()))
	case a == e.cause && a.state.Active():
		return fmt.Sprintf("%s explains %s, and it began first", reasonOf(a), reasonOf(e))
	case a == e.cause:
		return fmt.Sprintf("%s explains %s; it is not sure yet, so that this waits for it", reasonOf(a), reasonOf(e))
	case e.cause == nil && a.owner() != e:
		return "one of several inputs is enough, and another of them is well"
	case e.cause == nil:
		return "it is explained by this finding itself"
	}
	return fmt.Sprintf("it would explain it, but %s began earlier or is further up", e.cause.check.ID())
}

// reasonOf is an entry's reason in quotes.
func reasonOf(e *entry) string {
	if r := e.finding().Reason; r != "" {
		return "“" + string(r) + "”"
	}
	return "a check without an answer"
}

// written is a value as its file has it, on one line.
func written(v any) string {
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, written(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, key+": "+written(v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
