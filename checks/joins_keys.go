package checks

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// joinKeys are the columns by which rows of a node find rows of another: Left are
// the node's own, Right the other's. Written as k, as [k1, k2] (the same names on
// both sides) or as {left: k, right: j}, each a name or a list of names.
type joinKeys struct{ Left, Right conf.StringList }

// sides is the long form of joinKeys.
type sides struct {
	Left  conf.StringList `yaml:"left" jsonschema:"required" jsonschema_description:"columns of the node itself"`
	Right conf.StringList `yaml:"right" jsonschema:"required" jsonschema_description:"columns of the other node, in the same order"`
}

// DecodeConf reads any of the forms.
func (k *joinKeys) DecodeConf(v conf.Value) conf.Problems {
	var long sides
	var problems conf.Problems
	if v.Kind() == conf.Map {
		problems = v.Decode(&long)
	} else {
		problems = v.Decode(&long.Left)
		long.Right = long.Left
	}
	if len(problems) > 0 {
		return problems
	}
	*k = joinKeys(long)
	switch {
	case len(k.Left) != len(k.Right):
		problems.Add(v.Problem("%d columns on the left and %d on the right cannot be equal", len(k.Left), len(k.Right)).WithCode("PW131"))
	case len(k.Left) == 0 || slices.Contains(k.Left, "") || slices.Contains(k.Right, ""):
		problems.Add(v.Problem("a column name is missing").WithHint("name the columns by which rows find each other"))
	}
	return problems
}

// ConfSchema lists the forms.
func (joinKeys) ConfSchema() []any { return []any{conf.StringList{}, sides{}} }

// otherNode is the node that a parameter names and that has rows. code is the
// problem's when there is no such node.
func otherNode(s Site, named conf.Value, code string) (*dag.Node, conf.Problems) {
	n, problems := namedNode(s, named, code, func(n *dag.Node) bool { return n.Type != dag.Job })
	if n != nil && n.Type == dag.Job {
		return nil, conf.Problems{named.Problem("%s is a job and has no rows", named.Quote()).
			WithCode(code).WithHint("name the table that the job writes")}
	}
	return n, problems
}

// namedNode is the node that a parameter names: one of the same DAG, or of another
// as "dag/node". What is wanted is suggested where there is none of that name.
func namedNode(s Site, named conf.Value, code string, wanted func(*dag.Node) bool) (*dag.Node, conf.Problems) {
	id := dag.NodeID(named.Text())
	if !strings.Contains(named.Text(), "/") {
		id = dag.NodeID(s.Node.ID.DAG() + "/" + named.Text())
	}
	n := s.graph().Node(id)
	if n != nil {
		return n, nil
	}
	if s.graph().Lost(id) {
		// Reported where it stands; this check will not run either.
		return &dag.Node{ID: id, Type: dag.Table}, nil
	}
	var known []string
	for _, other := range s.graph().Order() {
		if other.ID.DAG() == s.Node.ID.DAG() && wanted(other) {
			known = append(known, other.ID.Name())
		}
	}
	slices.SortFunc(known, cmp.Compare)
	return nil, conf.Problems{conf.Unknown(named, "node", known).WithCode(code)}
}
