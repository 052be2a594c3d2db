package incident

import "github.com/pipewatch-dev/pipewatch/dag"

// chooser finds the cause of one finding in a graph where nodes have inputs of which
// one is enough: such an input explains nothing while another of its group is well,
// and when all fail, the one that began last does, which took the last input away.
type chooser struct {
	graph *dag.Graph
	of    *entry
	self  int
	at    map[int][]*entry // what can explain, by rank
	known map[int32]*entry // best finding at a node or above it, by rank; nil for none
}

// choose gives every finding its cause in such a graph.
func choose(all []*entry, g *dag.Graph) {
	at := map[int][]*entry{}
	for _, e := range all {
		if !e.blind {
			at[e.rank] = append(at[e.rank], e)
		}
	}
	for _, e := range all {
		e.cause = chosen(e, at, g)
	}
}

// chosen is the cause of one finding.
func chosen(e *entry, at map[int][]*entry, g *dag.Graph) *entry {
	c := chooser{graph: g, of: e, self: g.Index(e.node()), at: at, known: map[int32]*entry{}}
	best := c.above(c.self)
	for _, id := range e.check.Upstream {
		if up := g.Index(id); up >= 0 {
			best = first(best, c.through(int32(up)))
		}
	}
	return best
}

// above is the best among all that a node reads.
func (c chooser) above(rank int) *entry {
	var best *entry
	for _, up := range c.graph.Needed(rank) {
		best = first(best, c.through(up))
	}
	for _, group := range c.graph.Choices(rank) {
		best = first(best, c.lastOf(group))
	}
	return best
}

// lastOf is the one that took the last input of a group away; nil while one is well.
func (c chooser) lastOf(group []int32) *entry {
	var last *entry
	for _, up := range group {
		a := c.through(up)
		if a == nil {
			return nil
		}
		if last == nil || earlier(last, a) {
			last = a
		}
	}
	return last
}

// through is the best at a node or above it.
func (c chooser) through(rank int32) *entry {
	if int(rank) == c.self {
		return nil // a finding is never its own cause
	}
	if best, known := c.known[rank]; known {
		return best
	}
	best := c.above(int(rank))
	for _, a := range c.at[int(rank)] {
		if a.mayCause(c.of) {
			best = first(best, a)
		}
	}
	c.known[rank] = best
	return best
}

// first is the earlier of two findings, of which either may be missing.
func first(a, b *entry) *entry {
	if a == nil || b != nil && earlier(b, a) {
		return b
	}
	return a
}
