package incident

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// spread gives every finding its cause: each, from the one that began first on, is
// given to whatever lies below it, may follow from it and has no cause yet. What only
// one check depends on (the parent of a join) may itself need the check's node; a
// finding is never its own cause.
func spread(all []*entry, g *dag.Graph) {
	if len(all) == 0 {
		return
	}
	w := wave{graph: g, at: make([][]*entry, len(g.Order())), reading: map[int][]*entry{}, met: map[crest]passed{}}
	var from []*entry
	for _, e := range all {
		w.at[e.rank] = append(w.at[e.rank], e)
		for _, id := range e.check.Upstream {
			if up := g.Index(id); up >= 0 && up != e.rank {
				w.reading[up] = append(w.reading[up], e)
			}
		}
		if !e.blind {
			from = append(from, e)
		}
	}
	slices.SortFunc(from, func(a, b *entry) int {
		if earlier(a, b) {
			return -1
		}
		return 1
	})
	for _, a := range from {
		w.walk++
		w.give(a, w.reading[a.rank])
		w.below(a, a.rank)
	}
}

// wave walks down from one finding after the other. Of those alike, one that comes
// later explains nothing that an earlier one does not, so that a node is passed once
// for all of them: a chain of which everything fails costs its length and not that
// of all its parts.
type wave struct {
	graph   *dag.Graph
	at      [][]*entry       // findings by the rank of their node
	reading map[int][]*entry // findings of checks that depend on the node at a rank by themselves
	met     map[crest]passed
	walk    int  // counts the findings
	knots   bool // a finding was refused as it follows from the other: no two are alike then
}

// crest is what findings at a node have in common that explain the same below it,
// as far as times allow: they come in the order in which they began (see before).
type crest struct {
	rank   int
	kind   string
	reason checks.Reason
	dated  bool
}

// passed is the last finding to pass a node, and the least FirstSeen and the soonest
// beginning of all.
type passed struct {
	walk       int
	seen, from time.Time
}

// below gives a finding to all below a node.
func (w *wave) below(a *entry, rank int) {
	children := w.graph.Children(rank)
	if len(children) == 0 {
		return
	}
	f := a.state.Finding
	c := crest{rank, a.check.Spec.Kind, f.Reason, !f.Onset.IsZero()}
	before, met := w.met[c]
	if met && (before.walk == w.walk || !w.knots && !f.FirstSeen.Before(before.seen) && !f.soonest().Before(before.from)) {
		return
	}
	w.met[c] = passed{w.walk, soonest(f.FirstSeen, before.seen), soonest(f.soonest(), before.from)}
	for _, down := range children {
		w.give(a, w.at[down])
		w.give(a, w.reading[int(down)])
		w.below(a, int(down))
	}
}

// give makes a finding the cause of others that have none.
func (w *wave) give(a *entry, to []*entry) {
	for _, e := range to {
		switch {
		case e.cause != nil || e.rank == a.rank:
		case a.owner() == e:
			w.knots = true
		case a.mayCause(e):
			e.cause = a
		}
	}
}
