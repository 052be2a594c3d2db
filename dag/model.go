package dag

import (
	"slices"

	"github.com/dominikbraun/graph"
)

// The library's graph finds cycles and is drawn. It takes a hundred times as long to
// make as the index that runs walk, so that it is made only where it is needed.

// model is the library's graph of all that is watched, with an edge from each node to
// those that need it.
func (g *Graph) model() graph.Graph[NodeID, *Node] {
	styles := map[pair]string{}
	for i := range g.order {
		for _, source := range g.sources.of(i) {
			p := pair{int32(i), source}
			if styles[p] = "dashed"; slices.Contains(g.parents.of(i), source) {
				styles[p] = "solid"
			}
		}
	}
	return modelOf(g.order, styles)
}

// modelOf builds the library's graph of some nodes and the styles of their edges.
func modelOf(nodes []*Node, styles map[pair]string) graph.Graph[NodeID, *Node] {
	model := graph.New(func(n *Node) NodeID { return n.ID }, graph.Directed())
	for _, n := range nodes {
		must(model.AddVertex(n, graph.VertexAttribute("shape", shapes[n.Type])))
	}
	for p, style := range styles {
		must(model.AddEdge(nodes[p.source].ID, nodes[p.node].ID, graph.EdgeAttribute("style", style)))
	}
	return model
}

// must states that the library has nothing to refuse: ids are unique and both ends of
// an edge exist.
func must(err error) {
	if err != nil {
		panic("dag: " + err.Error())
	}
}
