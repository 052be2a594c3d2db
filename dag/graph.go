package dag

import (
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
	dags   []*DAG
	order  []*Node
	ids    []NodeID         // of order; a node itself is far away
	number map[NodeID]int32 // of a node among all by id; external ids have that of their target
	place  []int32          // position in order, by number

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
	b := graphBuilder{broken: broken, externals: map[NodeID]*Node{}}
	b.collect(dags)
	edges := b.resolve()
	g := b.assemble(edges)
	g.lost = broken
	return g, b.problems
}

type graphBuilder struct {
	broken    map[NodeID]bool
	dags      []*DAG           // by name
	sorted    []*Node          // without externals, by id
	number    map[NodeID]int32 // their places in sorted
	externals map[NodeID]*Node
	problems  conf.Problems
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
	}
	slices.SortFunc(b.dags, func(x, y *DAG) int { return strings.Compare(x.Name, y.Name) })
	for _, d := range b.dags {
		from := len(b.sorted)
		for _, n := range d.Nodes {
			if n.Type != External {
				b.sorted = append(b.sorted, n)
			} else {
				b.externals[n.ID] = n
			}
		}
		sortByName(b.sorted[from:]) // the names of DAGs are in order, and the slash is before all that names have
	}
	b.number = make(map[NodeID]int32, len(b.sorted)+len(b.externals))
	for i, n := range b.sorted {
		b.number[n.ID] = int32(i)
	}
}

// none is the number of no node.
const none = -1

// target follows an id through external nodes; none when it leads to nothing that
// could be read.
func (b *graphBuilder) target(id NodeID) int32 {
	for range len(b.externals) + 1 {
		if at, is := b.number[id]; is {
			return at
		}
		external := b.externals[id]
		if external == nil {
			return none
		}
		id = external.External
	}
	return none // externals in a circle
}

// resolve checks every edge and gives those that hold. It goes by file, as what a
// node needs is mostly near it there.
func (b *graphBuilder) resolve() []edgeOf {
	count := 0
	for _, n := range b.sorted {
		count += len(n.Upstream)
	}
	edges := make([]edgeOf, 0, count)
	for _, d := range b.dags {
		for _, n := range d.Nodes {
			if n.Type == External {
				b.checkExternal(n, d)
				continue
			}
			at := b.number[n.ID]
			for k := range n.Upstream {
				e := &n.Upstream[k]
				if source := b.target(e.To); source != none {
					edges = append(edges, edgeOf{pair{at, source}, int32(e.Choice), e.Mode != Informs})
				} else if !b.accounted(e.To) {
					b.problems.Add(conf.Problem{Pos: e.Pos, Code: UnknownUpstream, Path: path(n) + ".depends_on", Width: len(d.short(e.To)),
						Msg: fmt.Sprintf("unknown upstream %q", d.short(e.To)), Hint: b.suggest(e.To, d)})
				}
			}
		}
	}
	return edges
}

// edgeOf is an edge with its ends as numbers.
type edgeOf struct {
	pair
	choice int32 // as in Edge
	blocks bool
}

// accounted reports whether the reason why an id leads nowhere is told elsewhere: its
// file or its node could not be read, or it is an external with a problem of its own.
func (b *graphBuilder) accounted(id NodeID) bool {
	_, is := b.number[id]
	return is || b.externals[id] != nil || b.broken[id] || b.broken[anyNodeOf(id.DAG())]
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
	at := n
	for range len(b.externals) {
		switch at = b.externals[at.External]; at {
		case nil:
			return false
		case n:
			return true
		}
	}
	return false // in a circle further on, which is reported there
}

func (b *graphBuilder) suggest(id NodeID, in *DAG) string {
	short := in.short(id)
	names := make([]string, 0, len(b.number)+len(b.externals))
	for other := range b.number {
		names = append(names, in.short(other))
	}
	for other := range b.externals {
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
	children := readersOf(n, edges, edgeOf.explains)
	place := placements(children)
	if place == nil {
		knot := b.cycles(edges)
		edges = slices.DeleteFunc(edges, func(e edgeOf) bool { return e.blocks && knot[e.node] != 0 && knot[e.node] == knot[e.source] })
		children = readersOf(n, edges, edgeOf.explains)
		place = placements(children)
	}
	g := &Graph{dags: b.dags, order: make([]*Node, n), ids: make([]NodeID, n), number: b.number, place: place}
	for i, at := range place {
		g.order[at], g.ids[at] = b.sorted[i], b.sorted[i].ID
	}
	for id := range b.externals {
		if target := b.target(id); target != none {
			b.number[id] = target
		}
	}
	g.parents = children.placed(place).turned().compact()
	g.children = g.parents.turned()
	if g.sources, g.readers = g.parents, g.children; slices.ContainsFunc(edges, func(e edgeOf) bool { return !e.blocks }) {
		g.sources = readersOf(n, edges, nil).placed(place).turned().compact()
		g.readers = g.sources.turned()
	}
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
	if i := g.Index(id); i >= 0 {
		return g.order[i]
	}
	return nil
}

// Index is a node's position in Order, an external's that of its target, and -1 for
// an unknown id.
func (g *Graph) Index(id NodeID) int {
	if n, ok := g.number[id]; ok {
		return int(g.place[n])
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
			ids = append(ids, g.ids[i])
		}
		slices.Sort(ids[from:])
	}
	return ids
}

// Downstream lists all that need a node over blocks edges, directly or not, in
// topological order. It is empty for an unknown id.
func (g *Graph) Downstream(id NodeID) []NodeID {
	from := g.Index(id)
	if from < 0 {
		return []NodeID{}
	}
	below := newMarks(len(g.order))
	for i := from; i >= 0; i = below.next(i + 1) { // what needs a node comes after it
		for _, child := range g.children.of(i) {
			below.set(child)
		}
	}
	ids := make([]NodeID, 0, below.count())
	for i := below.next(from); i >= 0; i = below.next(i + 1) {
		ids = append(ids, g.ids[i])
	}
	return ids
}

// reach walks from a node, which is not part of the result, and gives what it meets
// by distance.
func (g *Graph) reach(from int, along adjacency) [][]int32 {
	if from < 0 || len(along.of(from)) == 0 {
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
