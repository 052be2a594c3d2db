package dag

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Select gives the nodes that match include and none of exclude, both in dbt's
// selector style. Several texts, and blanks inside one, are a union; a comma is an
// intersection. An atom is a node by name (all that have it) or by dag/node, dag:,
// tag: or owner:; a + before or after it adds everything up- or downstream over all
// edges. No include means all nodes. An atom that matches nothing is an error: a typo
// must not turn a check into nothing checked. So is a graph without nodes.
func (g *Graph) Select(include, exclude []string) (map[NodeID]bool, error) {
	if len(g.order) == 0 {
		return nil, errors.New("nothing is watched, as there is no node: pipewatch validate says which files are broken, or that there are none")
	}
	chosen := map[NodeID]bool{}
	if len(strings.Fields(strings.Join(include, " "))) == 0 {
		for _, n := range g.order {
			chosen[n.ID] = true
		}
	}
	add := func(i int) { chosen[g.order[i].ID] = true }
	if err := g.union(include, add); err != nil {
		return nil, err
	}
	if err := g.union(exclude, func(i int) { delete(chosen, g.order[i].ID) }); err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("selection %q leaves no node", strings.TrimSpace(strings.Join(include, " ")+" --exclude "+strings.Join(exclude, " ")))
	}
	return chosen, nil
}

// union visits what any of the selectors matches.
func (g *Graph) union(selectors []string, visit func(i int)) error {
	for selector := range strings.FieldsSeq(strings.Join(selectors, " ")) {
		counts := map[int]int{}
		atoms := strings.Split(selector, ",")
		for _, atom := range atoms {
			matched, err := g.atom(atom)
			if err != nil {
				return err
			}
			for i := range matched {
				counts[i]++
			}
		}
		met := false
		for i, n := range counts {
			if n == len(atoms) {
				met = true
				visit(i)
			}
		}
		if !met {
			return fmt.Errorf("selector %q matches nothing: no node is in all of its parts", selector)
		}
	}
	return nil
}

func (g *Graph) atom(atom string) (map[int]bool, error) {
	body, up := strings.CutPrefix(atom, "+")
	body, down := strings.CutSuffix(body, "+")
	method, value, hasMethod := strings.Cut(body, ":")
	var is func(*Node) bool
	switch {
	case !hasMethod && strings.Contains(body, "/"):
		n := g.Node(NodeID(body))
		is = func(m *Node) bool { return m == n }
	case !hasMethod:
		is = func(m *Node) bool { return m.ID.Name() == body }
	case method == "dag":
		is = func(m *Node) bool { return m.ID.DAG() == value }
	case method == "tag":
		is = func(m *Node) bool { return slices.Contains(m.Tags, value) }
	case method == "owner":
		is = func(m *Node) bool { return m.Owner == value }
	default:
		return nil, fmt.Errorf("selector %q: %q is not one of dag, tag, owner", atom, method)
	}
	matched := map[int]bool{}
	for i, n := range g.order {
		if is(n) {
			matched[i] = true
		}
	}
	if len(matched) == 0 {
		return nil, fmt.Errorf("selector %q matches nothing%s", atom, g.near(method, value, body))
	}
	g.widen(matched, up, down)
	return matched, nil
}

// widen adds what is above and below the nodes themselves.
func (g *Graph) widen(matched map[int]bool, up, down bool) {
	seeds := make([]int, 0, len(matched))
	for i := range matched {
		seeds = append(seeds, i)
	}
	follow := func(along adjacency) {
		seen := map[int]bool{}
		stack := slices.Clone(seeds)
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, j := range along.of(i) {
				if !seen[int(j)] {
					seen[int(j)] = true
					matched[int(j)] = true
					stack = append(stack, int(j))
				}
			}
		}
	}
	if up {
		follow(g.sources)
	}
	if down {
		follow(g.readers)
	}
}

// near suggests what may have been meant.
func (g *Graph) near(method, value, body string) string {
	var names []string
	word := value
	for _, n := range g.order {
		switch {
		case method == "dag":
			names = append(names, n.ID.DAG())
		case method == "tag":
			names = append(names, n.Tags...)
		case method == "owner":
			names = append(names, n.Owner)
		case strings.Contains(body, "/"):
			word, names = body, append(names, string(n.ID))
		default:
			word, names = body, append(names, n.ID.Name())
		}
	}
	slices.Sort(names)
	if near := conf.Nearest(word, slices.Compact(names)); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; pipewatch graph -o json lists the nodes"
}

// Only is the part of the graph that some nodes and the edges between them make,
// for drawing: what lies outside is left out, not bridged.
func (g *Graph) Only(keep map[NodeID]bool) *Graph {
	var dags []*DAG
	for _, d := range g.dags {
		part := *d
		part.Nodes = nil
		for _, n := range d.Nodes {
			if !keep[n.ID] {
				continue
			}
			node := *n
			node.Upstream = slices.DeleteFunc(slices.Clone(n.Upstream), func(e Edge) bool { return !keep[e.To] })
			part.Nodes = append(part.Nodes, &node)
		}
		if len(part.Nodes) > 0 {
			dags = append(dags, &part)
		}
	}
	only, _ := NewGraph(dags) // a part of a sound graph is sound
	return only
}
