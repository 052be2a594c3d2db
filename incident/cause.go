package incident

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// entry is one check that is not well, while the causes are being found.
type entry struct {
	check *checks.Check
	state State
	rank  int    // position of its node in the topological order
	place int    // position among all entries
	cause *entry // the finding above that explains it; nil for a root
	// blind: the check is in error, not failing; it can be held, never be a
	// root and never explain.
	blind bool
	// planned is the announced work that explains it; empty for none. Only
	// what no finding explains has one.
	planned AnnouncementID
	// fresh is false while a finding released by a closed cause waits for its
	// one evaluation.
	fresh bool
}

// finding is what the entry shows in an incident.
func (e *entry) finding() Finding {
	f := e.state.Finding
	if e.blind {
		f = Finding{
			Check: e.check.ID(), Outcome: checks.Error, Message: e.state.Message,
			Severity: e.check.Spec.Severity, FirstSeen: e.state.Troubled,
		}
	}
	if e.cause != nil {
		f.Held = true
		f.Because = string(e.cause.check.ID()) + ": " + string(e.cause.state.Finding.Reason)
	}
	return f
}

// owner is the end of the chain of causes.
func (e *entry) owner() *entry {
	for e.cause != nil {
		e = e.cause
	}
	return e
}

// node is the node of the check.
func (e *entry) node() dag.NodeID { return e.check.Node.ID }

// causes lists every check that is not well, in the order of those given (that of the
// suite), each with the finding above that explains it. Of several it takes the one
// that began first; findings that are still pending count, so that a symptom waits for
// its cause to be sure.
func causes(s *checks.Suite, among []*checks.Check, state func(dag.CheckID) State) []*entry {
	var all []*entry
	for _, c := range among {
		if c.Spec.Shadow {
			continue
		}
		st := state(c.ID())
		bad := st.Active() || st.Phase == Pending
		blind := !bad && st.Troubles > 0 && st.Broken == "column"
		if bad || blind {
			all = append(all, &entry{
				check: c, state: st, rank: s.Graph.Index(c.Node.ID), place: len(all), blind: blind,
				fresh: st.Released.IsZero() || st.At.After(st.Released),
			})
		}
	}
	if s.Graph.HasChoices() {
		choose(all, s.Graph)
	} else {
		spread(all, s.Graph)
	}
	return all
}

// mayCause tells whether the finding, upstream of e, is one that can be why e exists.
func (a *entry) mayCause(e *entry) bool {
	switch {
	case a.blind || a.owner() == e:
		return false
	case e.blind:
		return a.state.Finding.Reason == checks.SchemaChanged
	}
	return explains(a.check, e.check, a.state.Finding, e.state.Finding) && before(a.state.Finding, e.state.Finding)
}

// earlier orders findings by when they began, then from upstream to down.
func earlier(a, b *entry) bool {
	return cmp.Or(
		a.state.Finding.Began().Compare(b.state.Finding.Began()),
		cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.check.ID(), b.check.ID()),
	) < 0
}

// kin walks upstream of checks, one walk at a time; it keeps its notes from walk
// to walk, as a storm makes thousands.
type kin struct {
	graph *dag.Graph
	met   []int // the number of the last walk that met a node, by rank
	walk  int
	queue []int32
}

// of yields the rank of every node upstream of a check: its node's, and those of
// the nodes that the check alone depends on; nearer ones first.
func (k *kin) of(c *checks.Check) iter.Seq[int] {
	if k.met == nil {
		k.met = make([]int, len(k.graph.Order()))
	}
	return func(yield func(int) bool) {
		k.walk++
		k.queue = k.queue[:0]
		meet := func(rank int32) {
			if k.met[rank] != k.walk {
				k.met[rank] = k.walk
				k.queue = append(k.queue, rank)
			}
		}
		self := k.graph.Index(c.Node.ID)
		k.met[self] = k.walk
		for _, up := range k.graph.Parents(self) {
			meet(up)
		}
		for _, id := range c.Upstream {
			if up := k.graph.Index(id); up >= 0 {
				meet(int32(up))
			}
		}
		for n := 0; n < len(k.queue); n++ {
			rank := int(k.queue[n])
			if !yield(rank) {
				return
			}
			for _, up := range k.graph.Parents(rank) {
				meet(up)
			}
		}
	}
}

// downstream lists every node that cannot do without root over blocks edges, and the nodes of
// held findings that no such edge reaches, in topological order.
func downstream(root dag.NodeID, held []*entry, g *dag.Graph) []dag.NodeID {
	below := g.Blocked(root)
	reached := make(map[dag.NodeID]bool, len(below))
	for _, id := range below {
		reached[id] = true
	}
	known := len(below)
	for _, e := range held {
		if id := e.node(); id != root && !reached[id] {
			reached[id] = true
			below = append(below, id)
		}
	}
	if len(below) > known {
		slices.SortFunc(below, func(a, b dag.NodeID) int { return cmp.Compare(g.Index(a), g.Index(b)) })
	}
	return below
}

// soonest is the earlier of two moments, of which either may be zero (never).
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
