package checks

import (
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Suite is every check of a graph, compiled.
type Suite struct {
	Graph   *dag.Graph
	byPlace [][]*Check // by the node's position in the graph's order
	count   int
}

// Check is the check with an id; nil when there is none.
func (s *Suite) Check(id dag.CheckID) *Check {
	for _, c := range s.Of(id.Node()) {
		if c.ID() == id {
			return c
		}
	}
	return nil
}

// Of lists a node's checks in file order; an external has none.
func (s *Suite) Of(id dag.NodeID) []*Check {
	if at := s.Graph.Index(id); at >= 0 && s.Graph.Order()[at].ID == id {
		return s.byPlace[at]
	}
	return nil
}

// All yields every check, nodes in topological order.
func (s *Suite) All() iter.Seq[*Check] {
	return func(yield func(*Check) bool) {
		for _, cs := range s.byPlace {
			for _, c := range cs {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// Len is the number of checks.
func (s *Suite) Len() int { return s.count }

// Compile turns every specification of the graph into a Check. Problems of all
// checks are reported at once, also of those in DAGs that have others and are
// not in the graph; such checks are not in the Suite.
func Compile(g *dag.Graph, kinds []Kind) (*Suite, conf.Problems) {
	return NewCompiler(kinds).Compile(g)
}

// Compiler compiles one graph after the other. What it made of a node it uses again
// for the next graph with the same node, unless a check of it looked at other nodes: the
// Suite is the same as if everything were compiled anew. Its graphs are all of one
// [dag.Loader], which makes new nodes when the calendars change. It is not for concurrent
// use.
type Compiler struct {
	kinds map[string]Kind
	kept  map[*dag.Node]nodeChecks // of those that looked at no other node
}

// NewCompiler makes a Compiler of some kinds.
func NewCompiler(kinds []Kind) *Compiler {
	c := &Compiler{kinds: map[string]Kind{}}
	for _, k := range kinds {
		c.kinds[k.Name] = k
	}
	return c
}

// Compile is what the function of this name does.
func (c *Compiler) Compile(g *dag.Graph) (*Suite, conf.Problems) {
	s := &Suite{Graph: g, byPlace: make([][]*Check, len(g.Order()))}
	var problems conf.Problems
	nodes := g.Whole().Order()
	kept := make(map[*dag.Node]nodeChecks, len(nodes))
	for i, n := range c.compileNodes(g, nodes) {
		problems.Merge(n.problems)
		if n.alone {
			kept[nodes[i]] = n
		}
		if at := placeOf(g, nodes, i); at >= 0 {
			s.byPlace[at] = n.checks
			s.count += len(n.checks)
		}
	}
	c.kept = kept
	return s, problems
}

// placeOf is the position in the graph of a node of the whole one; -1 where its DAG is left out.
func placeOf(g *dag.Graph, nodes []*dag.Node, i int) int {
	if g.Whole() == g {
		return i
	}
	return g.Index(nodes[i].ID)
}

// nodeChecks is what became of the specifications of one node.
type nodeChecks struct {
	checks   []*Check
	problems conf.Problems
	alone    bool // no check looked at another node
}

// compileNodes compiles nodes, in their order, by all processors at once.
func (c *Compiler) compileNodes(g *dag.Graph, nodes []*dag.Node) []nodeChecks {
	out := make([]nodeChecks, len(nodes))
	var wg sync.WaitGroup
	share := len(nodes)/runtime.GOMAXPROCS(0) + 1
	for from := 0; from < len(nodes); from += share {
		wg.Go(func() {
			for i := from; i < min(from+share, len(nodes)); i++ {
				var known bool
				if out[i], known = c.kept[nodes[i]]; !known {
					out[i] = c.compileNode(g, nodes[i], placeOf(g, nodes, i) >= 0)
				}
			}
		})
	}
	wg.Wait()
	return out
}

func (c *Compiler) compileNode(g *dag.Graph, n *dag.Node, in bool) (out nodeChecks) {
	if !in {
		g = g.Whole() // for its problems only
	}
	to := linked{graph: g}
	for _, spec := range n.Checks {
		k, ok := c.kinds[spec.Kind]
		if !ok {
			out.problems.Add(conf.Problem{Pos: spec.Pos, Path: string(spec.ID), Msg: fmt.Sprintf("check kind %q is not available", spec.Kind)})
			continue
		}
		check, ps := k.compile(Site{Spec: spec, Node: n, linked: &to})
		out.problems.Merge(ps)
		if len(ps) == 0 {
			out.checks = append(out.checks, check)
		}
	}
	out.alone = !to.looked
	return out
}
