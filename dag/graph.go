package dag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Graph is all DAGs at once. It is immutable and safe for concurrent use; a reload
// builds a new one. Nodes of type external are resolved away: no walk meets them,
// and asking for one gives the node it stands for.
//
// A node is its position in Order wherever the graph is walked. The library's graph
// is made of it where a cycle is to be found, and for drawing.
type Graph struct {
	dags  []*DAG
	order []*Node
	index map[NodeID]int32 // position in order; external ids have the position of their target

	parents, children adjacency // over blocks edges
	sources, readers  adjacency // over all edges, for lineage
	choices           choices

	whole *Graph          // as written, with what is broken; nil when nothing is
	lost  map[NodeID]bool // nodes that could not be read, see anyNodeOf

	calendars map[string]Calendar // the operator's; nil: any name
}

// Whole is the graph as it is written, with the DAGs that problems point at: for
// finding more problems in them, not for running. It is the graph itself when there
// are none.
func (g *Graph) Whole() *Graph {
	if g.whole != nil {
		return g.whole
	}
	return g
}

// Calendars are the operator's by name; nil when names are taken as they are.
func (g *Graph) Calendars() map[string]Calendar { return g.calendars }

// Lost tells whether an id leads nowhere because its node or file could not be read,
// which has been reported.
func (g *Graph) Lost(id NodeID) bool { return g.lost[id] || g.lost[anyNodeOf(id.DAG())] }

// NewGraph builds the graph of some DAGs and reports what is wrong between them:
// duplicate DAG ids, upstreams and externals that name nothing, cycles. Edges that
// are reported are left out, so the graph can be walked also when there are problems.
func NewGraph(dags []*DAG) (*Graph, conf.Problems) { return newGraph(dags, nil) }

// newGraph also takes the ids of nodes that could not be read: an edge to one of
// them is dropped in silence, as its own problem has been reported.
func newGraph(dags []*DAG, broken map[NodeID]bool) (*Graph, conf.Problems) {
	b := graphBuilder{broken: broken, nodes: map[NodeID]spot{}}
	b.collect(dags)
	edges := b.resolve()
	g := b.assemble(edges)
	g.lost = broken
	return g, b.problems
}

type graphBuilder struct {
	broken   map[NodeID]bool
	dags     []*DAG
	nodes    map[NodeID]spot
	sorted   []*Node // without externals, by id
	problems conf.Problems
}

// spot is a node and its position in sorted, which an external does not have.
type spot struct {
	*Node
	at int32
}

func (b *graphBuilder) collect(dags []*DAG) {
	first := map[string]*DAG{}
	for _, d := range dags {
		if before := first[d.Name]; before != nil {
			b.problems.Add(conf.Problem{Pos: d.Pos, Code: DuplicateDAG, Path: "dag", Width: len(d.Name),
				Msg: fmt.Sprintf("DAG %q is also defined in %s", d.Name, before.Pos), Hint: "rename one of them; ids are unique across files"})
			continue
		}
		first[d.Name] = d
		b.dags = append(b.dags, d)
		for _, n := range d.Nodes {
			if n.Type != External {
				b.sorted = append(b.sorted, n)
			} else {
				b.nodes[n.ID] = spot{n, -1}
			}
		}
	}
	slices.SortFunc(b.dags, func(x, y *DAG) int { return cmp.Compare(x.Name, y.Name) })
	slices.SortFunc(b.sorted, func(x, y *Node) int { return cmp.Compare(x.ID, y.ID) })
	for i, n := range b.sorted {
		b.nodes[n.ID] = spot{n, int32(i)}
	}
}

// target follows an id through external nodes; no node when it leads to nothing that
// could be read.
func (b *graphBuilder) target(id NodeID) spot {
	for range len(b.nodes) + 1 {
		n := b.nodes[id]
		if n.Node == nil || n.Type != External {
			return n
		}
		id = n.External
	}
	return spot{} // externals in a circle
}

// resolve checks every edge and gives those that hold, by position in sorted.
func (b *graphBuilder) resolve() []edgeOf {
	var edges []edgeOf
	for _, d := range b.dags {
		for _, n := range d.Nodes {
			if n.Type == External {
				b.checkExternal(n, d)
				continue
			}
			at := b.nodes[n.ID].at
			for k := range n.Upstream {
				e := &n.Upstream[k]
				if source := b.target(e.To); source.Node != nil {
					edges = append(edges, edgeOf{at, source.at, e})
				} else if !b.accounted(e.To) {
					b.problems.Add(conf.Problem{Pos: e.Pos, Code: UnknownUpstream, Path: path(n) + ".depends_on", Width: len(d.short(e.To)),
						Msg: fmt.Sprintf("unknown upstream %q", d.short(e.To)), Hint: b.suggest(e.To, d)})
				}
			}
		}
	}
	return edges
}

// edgeOf is an edge with its ends as positions in sorted.
type edgeOf struct {
	node, source int32
	edge         *Edge
}

// accounted reports whether the reason why an id leads nowhere is told elsewhere: its
// file or its node could not be read, or it is an external with a problem of its own.
func (b *graphBuilder) accounted(id NodeID) bool {
	return b.nodes[id].Node != nil || b.broken[id] || b.broken[anyNodeOf(id.DAG())]
}

func (b *graphBuilder) checkExternal(n *Node, d *DAG) {
	problem := conf.Problem{Pos: n.Pos, Code: UnknownExternal, Path: path(n), Width: len(n.ID.Name())}
	switch {
	case n.External == "": // it could not be read
	case !b.accounted(n.External):
		problem.Msg = fmt.Sprintf("no node %q for this external to stand for", n.External)
		problem.Hint = b.suggest(n.External, d)
		b.problems.Add(problem)
	case b.circular(n):
		problem.Msg = "this external stands for itself, through " + string(n.External)
		problem.Hint = "let one of them name a node that is no external"
		b.problems.Add(problem)
	}
}

// circular reports whether externals lead from a node back to it.
func (b *graphBuilder) circular(n *Node) bool {
	at := spot{Node: n}
	for range len(b.nodes) {
		at = b.nodes[at.External]
		switch {
		case at.Node == nil || at.Type != External:
			return false
		case at.Node == n:
			return true
		}
	}
	return false // in a circle further on, which is reported there
}

func (b *graphBuilder) suggest(id NodeID, in *DAG) string {
	short := in.short(id)
	names := make([]string, 0, len(b.nodes))
	for other := range b.nodes {
		names = append(names, in.short(other))
	}
	for other := range b.broken {
		names = append(names, in.short(other))
	}
	slices.Sort(names)
	if near := conf.Nearest(short, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "/"+short) {
			return fmt.Sprintf("a node of another DAG is written %q", name)
		}
	}
	return ""
}

// short is a node's id as it is written inside the DAG's file.
func (d *DAG) short(id NodeID) string {
	if id.DAG() == d.Name {
		return id.Name()
	}
	return string(id)
}

func path(n *Node) string { return "nodes." + n.ID.Name() }

// assemble orders the nodes and indexes the edges. Edges on a cycle are reported and
// left out.
func (b *graphBuilder) assemble(edges []edgeOf) *Graph {
	n := len(b.sorted)
	blocks := func(e edgeOf) bool { return e.edge.Mode != Informs }
	place := placements(n, edges, blocks)
	if place == nil {
		cyclic := b.cycles(edges, blocks)
		edges = slices.DeleteFunc(edges, func(e edgeOf) bool { return blocks(e) && cyclic[e.node] != 0 && cyclic[e.node] == cyclic[e.source] })
		place = placements(n, edges, blocks)
	}
	g := &Graph{dags: b.dags, order: make([]*Node, n), index: make(map[NodeID]int32, len(b.nodes))}
	for i, at := range place {
		g.order[at] = b.sorted[i]
		g.index[b.sorted[i].ID] = at
	}
	for id, node := range b.nodes {
		if node.Type != External {
			continue
		}
		if target := b.target(id); target.Node != nil {
			g.index[id] = place[target.at]
		}
	}
	blocking, all := make([]pair, 0, len(edges)), make([]pair, 0, len(edges))
	for _, e := range edges {
		p := pair{place[e.node], place[e.source]}
		all = append(all, p)
		if blocks(e) {
			blocking = append(blocking, p)
		}
	}
	g.children, g.parents = neighbours(n, flipped(blocking)), neighbours(n, blocking)
	g.readers, g.sources = neighbours(n, flipped(all)), neighbours(n, all)
	g.choices = choicesOf(edges, place)
	return g
}

// DAGs lists all DAGs by name.
func (g *Graph) DAGs() []*DAG { return g.dags }

// Order lists all nodes but externals so that each comes after its upstreams, ties by
// id. The caller must not change it.
func (g *Graph) Order() []*Node { return g.order }

// Node gives the node with an id, resolving an external to what it stands for; nil
// when there is none.
func (g *Graph) Node(id NodeID) *Node {
	if i, ok := g.index[id]; ok {
		return g.order[i]
	}
	return nil
}

// Index is a node's position in Order, an external's that of its target, and -1 for
// an unknown id.
func (g *Graph) Index(id NodeID) int {
	if i, ok := g.index[id]; ok {
		return int(i)
	}
	return -1
}

// Parents lists the direct upstreams over blocks edges of the node at a position of
// Order, as positions, ascending. The caller must not change it.
func (g *Graph) Parents(i int) []int32 { return g.parents.of(i) }

// Children lists the nodes that directly need the node at a position of Order over
// blocks edges, as positions, ascending. The caller must not change it.
func (g *Graph) Children(i int) []int32 { return g.children.of(i) }

// Upstream lists all that a node needs over blocks edges, directly or not: nearest
// first, ties by id. It is empty for an unknown id.
func (g *Graph) Upstream(id NodeID) []NodeID {
	var ids []NodeID
	for _, level := range g.reach(g.Index(id), g.parents) {
		from := len(ids)
		for _, i := range level {
			ids = append(ids, g.order[i].ID)
		}
		slices.Sort(ids[from:])
	}
	return ids
}

// Downstream lists all that need a node over blocks edges, directly or not, in
// topological order. It is empty for an unknown id.
func (g *Graph) Downstream(id NodeID) []NodeID {
	var below []int32
	for _, level := range g.reach(g.Index(id), g.children) {
		below = append(below, level...)
	}
	slices.Sort(below)
	ids := make([]NodeID, len(below))
	for k, i := range below {
		ids[k] = g.order[i].ID
	}
	return ids
}

// reach walks from a node, which is not part of the result, and gives what it meets
// by distance.
func (g *Graph) reach(from int, along adjacency) [][]int32 {
	if from < 0 {
		return nil
	}
	var levels [][]int32
	seen := make([]bool, len(g.order))
	seen[from] = true
	for level := []int32{int32(from)}; len(level) > 0; {
		var next []int32
		for _, i := range level {
			for _, j := range along.of(int(i)) {
				if !seen[j] {
					seen[j] = true
					next = append(next, j)
				}
			}
		}
		if len(next) > 0 {
			levels = append(levels, next)
		}
		level = next
	}
	return levels
}
