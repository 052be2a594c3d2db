package incident

import (
	"cmp"
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

// causes lists every check that is not well, in topological order, each with
// the finding above that explains it. Of several it takes the one that began
// first; findings that are still pending count, so that a symptom waits for its
// cause to be sure.
func causes(s *checks.Suite, state func(dag.CheckID) State) []*entry {
	var all []*entry
	at := map[dag.NodeID][]*entry{}
	for c := range s.All() {
		if c.Spec.Shadow {
			continue
		}
		st := state(c.ID())
		bad := st.Active() || st.Phase == Pending
		blind := !bad && st.Troubles > 0 && st.Broken == "column"
		if !bad && !blind {
			continue
		}
		e := &entry{
			check: c, state: st, rank: s.Graph.Index(c.Node.ID), blind: blind,
			fresh: st.Released.IsZero() || st.At.After(st.Released),
		}
		all = append(all, e)
		if !blind {
			at[c.Node.ID] = append(at[c.Node.ID], e)
		}
	}
	for _, e := range all {
		e.cause = earliest(e, at, s.Graph)
	}
	return all
}

// earliest is the finding upstream of e that explains it and began first. What
// only one check depends on (the parent of a join) may itself need the check's
// node; a finding is never its own cause.
func earliest(e *entry, above map[dag.NodeID][]*entry, g *dag.Graph) *entry {
	var best *entry
	what := e.finding()
	for id := range ancestors(e.check, g) {
		for _, a := range above[id] {
			if e.blind {
				if a.state.Finding.Reason != checks.SchemaChanged {
					continue
				}
			} else if !explains(a.check, e.check, a.state.Finding, what) || !before(a.state.Finding, what) {
				continue
			}
			if a.owner() != e && (best == nil || earlier(a, best)) {
				best = a
			}
		}
	}
	return best
}

// earlier orders findings by when they began, then from upstream to down.
func earlier(a, b *entry) bool {
	return cmp.Or(
		a.state.Finding.Began().Compare(b.state.Finding.Began()),
		cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.check.ID(), b.check.ID()),
	) < 0
}

// ancestors yields every node upstream of a check: its node's, and those of
// the nodes that the check alone depends on.
func ancestors(c *checks.Check, g *dag.Graph) func(func(dag.NodeID) bool) {
	return func(yield func(dag.NodeID) bool) {
		seen := map[dag.NodeID]bool{c.Node.ID: true}
		visit := func(id dag.NodeID) bool {
			if seen[id] {
				return true
			}
			seen[id] = true
			return yield(id)
		}
		for _, id := range g.Upstream(c.Node.ID) {
			if !visit(id) {
				return
			}
		}
		for _, up := range c.Upstream {
			if !visit(up) {
				return
			}
			for _, id := range g.Upstream(up) {
				if !visit(id) {
					return
				}
			}
		}
	}
}

// settled tells whether everything that could explain a finding has been
// evaluated since it was first seen and is not being evaluated now.
func settled(e *entry, s *checks.Suite, state func(dag.CheckID) State, inFlight []string) bool {
	for id := range ancestors(e.check, s.Graph) {
		if slices.Contains(inFlight, id.DAG()) {
			return false
		}
		for _, c := range s.Of(id) {
			if !c.Spec.Shadow && state(c.ID()).At.Before(e.state.FirstSeen) {
				return false
			}
		}
	}
	return true
}

// downstream lists every node below root over blocks edges, and the nodes of
// held findings that no such edge reaches, in topological order.
func downstream(root dag.NodeID, held []*entry, g *dag.Graph) []dag.NodeID {
	below := slices.Clone(g.Downstream(root))
	for _, e := range held {
		if id := e.node(); id != root && !slices.Contains(below, id) {
			below = append(below, id)
		}
	}
	slices.SortFunc(below, func(a, b dag.NodeID) int { return cmp.Compare(g.Index(a), g.Index(b)) })
	return below
}

// soonest is the earlier of two moments, of which either may be zero (never).
func soonest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
