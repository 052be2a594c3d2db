// Package checks holds the meaning of every check kind: which questions it
// asks and what the answers mean.
//
// It never queries, reads no clock, does no I/O and logs nothing: a kind is two
// pure functions, one from (parameters, past, moment) to questions and one from
// (parameters, answers, past, moment) to a verdict. No kind sees another
// check's verdict; what it needs of another node it asks for itself.
//
// # Data model
//
// A [Kind] is one file of this package. Compiling a [dag.Graph] turns each
// [dag.CheckSpec] into a [Check] with decoded parameters; a [Suite] is all of
// them. A Check has [Memory], what its kind must remember between runs (its
// own format, at most 64 KiB). A [Verdict] says what one evaluation found and
// a [Result] is that verdict in a run. Adding a kind is one file and one line
// in [Builtin].
package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Moment is the time of a run as data: everything is judged against Now.
type Moment struct {
	Now time.Time
	// Announced is the planned work that covers the check's node, announced for it or
	// for a node upstream of it; also what ended, for as long as it may have changed
	// what the check sees next. Its order means nothing.
	Announced []Announcement
}

// Announcement is planned work, such as a backfill: what it changes is explained.
type Announcement struct {
	From, Until time.Time // until is zero while its end is open
	Reason, By  string    // in the words of whoever announced it
}

// Memory is what a kind remembers of a check from run to run, as JSON with a
// version of its own; nil at first sight.
type Memory []byte

// MaxMemory is the size a Memory may have, in bytes.
const MaxMemory = 64 << 10

// Site is where a check stands: its specification and its node.
type Site struct {
	Spec   dag.CheckSpec
	Node   *dag.Node
	linked *linked // while it is compiled
}

// linked is the graph that a check is compiled against. A check that did not look at it
// means the same in every graph that has its node.
type linked struct {
	graph  *dag.Graph
	looked bool
}

// graph is for settling only.
func (s Site) graph() *dag.Graph {
	s.linked.looked = true
	return s.linked.graph
}

// calendars are the operator's. Nodes are read anew when they change, see [dag.Loader].
func (s Site) calendars() map[string]dag.Calendar { return s.linked.graph.Calendars() }

// Relation is what the check's node reads from.
func (s Site) Relation() probe.Relation { return RelationOf(s.Node) }

// RelationOf is what a table, view or query node reads from.
func RelationOf(n *dag.Node) probe.Relation {
	return probe.Relation{Conn: n.Connection, Table: probe.List(n.Table...), Query: n.Query}
}

// Kind is a kind of check.
type Kind struct {
	Name    string
	Summary string // one line, for people
	Params  any    // zero value of the parameters, for the JSON Schema
	compile func(Site) (*Check, conf.Problems)
}

// behaviour is what a kind must bring.
type behaviour[P any] struct {
	// settle holds the parameters against the graph, fills in what depends on
	// it, and names the nodes that are upstream of this check only.
	settle func(Site, *P) ([]dag.NodeID, conf.Problems)
	ask    func(Site, P, Memory, Moment) []probe.Question
	judge  func(Site, P, []probe.Answer, Memory, Moment) (Verdict, Memory)
	// memoryTells: a Memory of the kind says itself what it is about, so it is handed
	// back also after the check was edited.
	memoryTells bool
}

// define makes a Kind out of typed behaviour.
func define[P any](name, summary string, b behaviour[P]) Kind {
	return Kind{Name: name, Summary: summary, Params: *new(P), compile: func(s Site) (*Check, conf.Problems) {
		// What could be read is settled also when something could not, so that a person
		// sees all that is wrong at once.
		var p P
		problems := s.Spec.Params.Decode(&p)
		upstream, ps := b.settle(s, &p)
		if problems = withSettled(problems, ps); len(problems) > 0 {
			return nil, problems
		}
		var by []Reason
		blames := true
		if x, ok := any(&p).(interface{ explainedBy() ([]Reason, bool) }); ok {
			by, blames = x.explainedBy()
		}
		c := &Check{Site: Site{Spec: s.Spec, Node: s.Node}, Upstream: upstream, Fingerprint: fingerprint(s, &p), ExplainedBy: by, Blames: blames}
		if !b.memoryTells {
			c.MemoryOf = c.Fingerprint
		}
		c.ask = func(m Memory, at Moment) []probe.Question { return b.ask(c.Site, p, m, at) }
		c.judge = func(as []probe.Answer, m Memory, at Moment) (Verdict, Memory) { return b.judge(c.Site, p, as, m, at) }
		return c, nil
	}}
}

// withSettled adds what settling found to the problems of decoding, but for places
// inside or outside of which decoding has spoken: settling did not see what is there.
func withSettled(decoding, settling conf.Problems) conf.Problems {
	all := slices.Clone(decoding)
	holds := func(outer, inner string) bool {
		return outer == inner || strings.HasPrefix(inner, outer+".") || strings.HasPrefix(inner, outer+"[")
	}
	for _, p := range settling {
		if !slices.ContainsFunc(decoding, func(q conf.Problem) bool { return holds(p.Path, q.Path) || holds(q.Path, p.Path) }) {
			all.Add(p)
		}
	}
	return all
}

// fingerprint changes when the meaning of a check does (parameters, rows,
// connection), and stays when only its severity, schedule or owner changes.
func fingerprint(s Site, p any) string {
	b, err := json.Marshal(struct {
		Kind, Where string
		Of          probe.Relation
		Params      any
	}{s.Spec.Kind, s.Spec.Where, s.Relation(), p})
	if err != nil {
		panic(fmt.Sprintf("fingerprint of %s: %v", s.Spec.ID, err)) // unreachable: parameters are plain data
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// Check is one compiled expectation.
type Check struct {
	Site
	// Upstream are nodes that this check alone depends on (the parent of a
	// join, what a table is built from), besides its node's own upstream.
	Upstream []dag.NodeID
	// Fingerprint identifies the meaning of the check across edits.
	Fingerprint string
	// MemoryOf is the Fingerprint under which a Memory was kept that may be handed to
	// the check: its own, or empty where the kind itself tells old from new.
	MemoryOf string
	// Blames tells whether any finding above can be why a hand-written check
	// fails; otherwise ExplainedBy lists the reasons that can, if any.
	Blames      bool
	ExplainedBy []Reason

	ask   func(Memory, Moment) []probe.Question
	judge func([]probe.Answer, Memory, Moment) (Verdict, Memory)
}

// ID is the check's id.
func (c *Check) ID() dag.CheckID { return c.Spec.ID }

// Ask lists what must be known to judge the check at a moment.
func (c *Check) Ask(m Memory, at Moment) []probe.Question { return c.ask(m, at) }

// Judge says what the answers to Ask's questions mean. The verdict's severity
// is applied: what a warn check would fail, it warns of. A Memory that grew
// beyond MaxMemory is an error of the kind, and is not kept.
func (c *Check) Judge(as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	for _, a := range as {
		if a.Err != nil {
			return couldNot(a.Err), nil
		}
	}
	v, next := c.judge(as, m, at)
	if v.Outcome == Fail && c.Spec.Severity == dag.Warn {
		v.Outcome = Warn
	}
	if len(next) > MaxMemory {
		return Verdict{Outcome: Error, Message: fmt.Sprintf("would have to remember %d KiB, limit %d KiB: narrow the check", len(next)>>10, MaxMemory>>10)}, nil
	}
	return v, next
}

// couldNot is the verdict on a question without an answer.
func couldNot(err error) Verdict {
	v := Verdict{Outcome: Error, Message: err.Error()}
	if e, ok := errors.AsType[*probe.Error](err); ok {
		switch e.Class {
		case probe.NoColumn:
			v.Broken = "column"
		case probe.Connection:
			v.Broken = "connection"
		}
	}
	return v
}
