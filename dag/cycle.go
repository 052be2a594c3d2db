package dag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dominikbraun/graph"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// cycles reports every knot of nodes that need one another, with one cycle through it
// and the place of each of its edges. It returns the number of each node's knot,
// from 1; nodes outside any knot have 0.
func (b *graphBuilder) cycles(edges []edgeOf) []int {
	needs := make([][]int32, len(b.sorted))
	styles := make(map[pair]string, len(edges))
	for _, e := range edges {
		if e.blocks {
			styles[e.pair] = "solid"
			needs[e.node] = append(needs[e.node], e.source)
		}
	}
	for i := range needs {
		slices.Sort(needs[i])
	}
	components, err := graph.StronglyConnectedComponents(modelOf(b.sorted, styles))
	must(err)
	for _, component := range components {
		slices.Sort(component)
	}
	slices.SortFunc(components, slices.Compare[[]NodeID]) // which come in the order of a map
	knot := make([]int, len(b.sorted))
	for k, component := range components {
		first := b.number[component[0]]
		if len(component) == 1 && !slices.Contains(needs[first], first) {
			continue
		}
		for _, id := range component {
			knot[b.number[id]] = k + 1
		}
		b.problems.Add(b.cycleProblem(shortestLoop(first, needs)))
	}
	return knot
}

// shortestLoop finds the shortest way from a node over what it needs back to itself.
// There is one: the node is part of a knot.
func shortestLoop(start int32, needs [][]int32) []int32 {
	cameFrom := map[int32]int32{}
	for queue := []int32{start}; len(queue) > 0; queue = queue[1:] {
		for _, next := range needs[queue[0]] {
			if next == start {
				loop := []int32{start}
				for at := queue[0]; at != start; at = cameFrom[at] {
					loop = append(loop, at)
				}
				loop = append(loop, start)
				slices.Reverse(loop)
				return loop
			}
			if _, seen := cameFrom[next]; !seen {
				cameFrom[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	panic("dag: a strongly connected component without a cycle")
}

// cycleProblem words a loop such as a, b, a.
func (b *graphBuilder) cycleProblem(loop []int32) conf.Problem {
	home := b.sorted[loop[0]].ID.DAG()
	name := func(i int32) string {
		if id := b.sorted[i].ID; id.DAG() != home {
			return string(id)
		}
		return b.sorted[i].ID.Name()
	}
	var names, places []string
	for k, i := range loop {
		names = append(names, name(i))
		if k+1 < len(loop) {
			at := b.written(i, loop[k+1])
			places = append(places, fmt.Sprintf("%s needs %s at %s:%d", name(i), name(loop[k+1]), at.File, at.Line))
		}
	}
	const most = 20
	if len(names) > most {
		names = append(append(names[:most/2:most/2], "…"), names[len(names)-most/2:]...)
		places = append(places[:most/2:most/2], "…")
	}
	return conf.Problem{
		Pos: b.written(loop[0], loop[1]), Code: Cycle, Path: path(b.sorted[loop[0]]) + ".depends_on", Width: len(name(loop[1])),
		Msg:  "cycle " + strings.Join(names, " -> "),
		Hint: "remove one of these edges, or make it {node: …, mode: informs}: " + strings.Join(places, ", "),
	}
}

// written is where an edge stands.
func (b *graphBuilder) written(node, source int32) conf.Pos {
	upstream := b.sorted[node].Upstream
	k := slices.IndexFunc(upstream, func(e Edge) bool { return e.Mode != Informs && b.target(e.To) == source })
	return upstream[k].Pos
}
