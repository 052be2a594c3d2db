package dag

import "slices"

// An upstream under any_of is one of several of which one is enough: a node that reads
// whichever of two feeds is there is blocked when both fail and not before. In the
// graph its edges are blocks edges like others, so that order, cycles and lineage are
// the same; only what a failure explains is not.

// choices are the upstreams that a node may do without.
type choices struct {
	groups map[int32][][]int32 // of the node at a position of Order: those of which one is enough
	needed map[pair]bool       // what is needed in any case, in a group or not
}

// choicesOf sorts the edges under any_of into groups. One that is alone in its group
// is needed, and a group with one that is needed says nothing more.
func choicesOf(edges []edgeOf, place []int32) choices {
	if !slices.ContainsFunc(edges, func(e edgeOf) bool { return e.choice > 0 }) {
		return choices{}
	}
	out := choices{groups: map[int32][][]int32{}, needed: map[pair]bool{}}
	grouped := map[[2]int32][]int32{}
	for _, e := range edges {
		p := pair{place[e.node], place[e.source]}
		switch {
		case !e.blocks:
		case e.choice == 0:
			out.needed[p] = true
		default:
			key := [2]int32{p.node, e.choice}
			grouped[key] = append(grouped[key], p.source)
		}
	}
	for key, group := range grouped {
		slices.Sort(group)
		group = slices.Compact(group)
		if len(group) == 1 {
			out.needed[pair{key[0], group[0]}] = true
		}
		out.groups[key[0]] = append(out.groups[key[0]], group)
	}
	for node, groups := range out.groups {
		groups = slices.DeleteFunc(groups, func(group []int32) bool {
			return slices.ContainsFunc(group, func(source int32) bool { return out.needed[pair{node, source}] })
		})
		slices.SortFunc(groups, slices.Compare)
		out.groups[node] = groups
	}
	return out
}

// optional tells whether a node can do without an upstream over a blocks edge.
func (c choices) optional(node, source int32) bool {
	_, chooses := c.groups[node]
	return chooses && !c.needed[pair{node, source}]
}

// HasChoices tells whether any node has upstreams of which one is enough.
func (g *Graph) HasChoices() bool { return len(g.choices.groups) > 0 }

// Choices lists the groups of direct upstreams of which one is enough for the node at
// a position of Order, as positions, ascending. The caller must not change it.
func (g *Graph) Choices(i int) [][]int32 { return g.choices.groups[int32(i)] }

// Needed lists the direct upstreams over blocks edges without which the node at a
// position of Order cannot do, as positions, ascending. The caller must not change it.
func (g *Graph) Needed(i int) []int32 {
	all := g.parents.of(i)
	if _, chooses := g.choices.groups[int32(i)]; !chooses {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(source int32) bool { return g.choices.optional(int32(i), source) })
}

// Blocked lists what cannot do without a node over blocks edges, directly or not, in
// topological order: Downstream without those that have another input. It is empty for
// an unknown id.
func (g *Graph) Blocked(id NodeID) []NodeID {
	below := g.Downstream(id)
	if !g.HasChoices() {
		return below
	}
	blocked := map[int32]bool{int32(g.Index(id)): true}
	is := func(source int32) bool { return blocked[source] }
	return slices.DeleteFunc(below, func(id NodeID) bool { // in topological order
		i := g.Index(id)
		stopped := slices.ContainsFunc(g.Needed(i), is) ||
			slices.ContainsFunc(g.Choices(i), func(group []int32) bool {
				return !slices.ContainsFunc(group, func(source int32) bool { return !blocked[source] })
			})
		blocked[int32(i)] = stopped
		return !stopped
	})
}
