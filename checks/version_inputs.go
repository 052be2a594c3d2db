package checks

import (
	"cmp"
	"slices"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// input is a node that another is made of.
type input struct {
	contentOf
	ID dag.NodeID
	// Carries lists the nodes whose version this one passes on: itself, and of those it
	// is made of the ones that another input passes on too.
	Carries []dag.NodeID
	Writers []jobInput // the jobs that write it
}

// inputContent is what is asked about a node in built_from: the very question of
// that node's own check of its content where it has one, so that it costs once.
func inputContent(n *dag.Node, name string) contentOf {
	own := versionParams{}.content(n, "")
	for _, spec := range n.Checks {
		var p versionParams
		if spec.Kind == "version" && len(spec.Params.Decode(&p)) == 0 && p.Of != "schema" {
			own = p.content(n, spec.Where)
			break
		}
	}
	own.Name = name
	return own
}

// settleInputs finds the nodes of built_from and, where it is judged how far behind
// them this one is, what they have in common above them.
func (p *versionParams) settleInputs(s Site) (upstream []dag.NodeID, problems conf.Problems) {
	params := s.Spec.Params
	for named := range params.Get("built_from").Items() {
		n, ps := otherNode(s, named, "PW140")
		problems.Merge(ps)
		if n != nil && n.ID == s.Node.ID {
			problems.Add(named.Problem("a node is not built from itself").WithCode("PW140"))
		} else if n != nil {
			upstream = append(upstream, n.ID)
			p.Inputs = append(p.Inputs, input{contentOf: inputContent(n, named.Text()), ID: n.ID, Carries: []dag.NodeID{n.ID}})
		}
	}
	if p.Lag == nil {
		return upstream, problems
	}
	if len(p.BuiltFrom) == 0 {
		problems.Add(params.Get("lag").KeyProblem("behind what? built_from is missing").WithCode("PW142").
			WithHint("name the nodes this one is made of with built_from: [a, b]"))
	}
	p.Writers = writers(s.graph(), s.Node)
	p.findShared(s.graph())
	return upstream, problems
}

// findShared finds the nodes that reach this one by more than one input: directly, or
// by what the inputs themselves are made of.
func (p *versionParams) findShared(g *dag.Graph) {
	times := map[dag.NodeID]int{}
	madeOf := make([][]*dag.Node, len(p.Inputs))
	for i, in := range p.Inputs {
		n := g.Node(in.ID)
		if n == nil {
			continue // its file is broken, and so is this check until it is mended
		}
		madeOf[i] = ingredients(g, n)
		times[in.ID]++
		for _, above := range madeOf[i] {
			times[above.ID]++
		}
		p.Inputs[i].Writers = writers(g, n)
	}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		for _, above := range madeOf[i] {
			if times[above.ID] < 2 {
				continue
			}
			in.Carries = append(in.Carries, above.ID)
			if !slices.ContainsFunc(slices.Concat(p.Inputs, p.Above), func(o input) bool { return o.ID == above.ID }) {
				p.Above = append(p.Above, input{contentOf: inputContent(above, above.ID.Name()), ID: above.ID})
			}
		}
	}
}

// ingredients are the nodes with rows that a node is made of: those in the built_from
// of its own version check, or else those it depends on.
func ingredients(g *dag.Graph, n *dag.Node) []*dag.Node {
	var ids []dag.NodeID
	for _, spec := range n.Checks {
		if spec.Kind != "version" {
			continue
		}
		for named := range spec.Params.Get("built_from").Items() {
			if other, problems := otherNode(Site{Spec: spec, Node: n, linked: &linked{graph: g}}, named, ""); other != nil && len(problems) == 0 {
				ids = append(ids, other.ID)
			}
		}
	}
	if len(ids) == 0 {
		for _, edge := range n.Upstream {
			ids = append(ids, edge.To)
		}
	}
	var found []*dag.Node
	for _, id := range ids {
		if other := g.Node(id); other != nil && other.Type != dag.Job && other.ID != n.ID && !slices.Contains(found, other) {
			found = append(found, other)
		}
	}
	slices.SortFunc(found, func(a, b *dag.Node) int { return cmp.Compare(a.ID, b.ID) })
	return found
}
