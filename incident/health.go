package incident

import (
	"slices"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Health is how a node is, in the words of the contract.
type Health string

// The healths.
const (
	Healthy       Health = "healthy"
	Warning       Health = "warning"
	FailingNode   Health = "failing"
	Blocked       Health = "blocked" // an ancestor is the cause
	UnknownHealth Health = "unknown"
)

// NodeStatus is how one node is and why.
type NodeStatus struct {
	Node     dag.NodeID
	Health   Health
	Root     bool         // owns a finding that nothing above explains
	CausedBy []dag.NodeID // failing roots above, in topological order
	Blocks   []dag.NodeID // every node below, for a root
}

// Assess tells how every node is, in topological order. State gives the state
// of a check (zero when it never ran).
func Assess(s *checks.Suite, state func(dag.CheckID) State) []NodeStatus {
	roots := map[dag.NodeID]checks.Outcome{} // worst outcome of unexplained findings
	held := map[dag.NodeID][]*entry{}
	for _, e := range causes(s, slices.Collect(s.All()), state) {
		if e.cause != nil {
			root := e.owner().node()
			held[root] = append(held[root], e)
		} else if e.state.Active() && e.state.Finding.Outcome.Worse(roots[e.node()]) {
			roots[e.node()] = e.state.Finding.Outcome
		}
	}
	out := make([]NodeStatus, len(s.Graph.Order()))
	for n, node := range s.Graph.Order() {
		st := &out[n]
		st.Node = node.ID
		outcome, root := roots[node.ID]
		if st.Root = root; root {
			st.Blocks = downstream(node.ID, held[node.ID], s.Graph)
		}
		for _, below := range affected(node.ID, outcome, st.Blocks, held[node.ID]) {
			at := &out[s.Graph.Index(below)]
			at.CausedBy = append(at.CausedBy, node.ID)
		}
	}
	// Only now, as the parent of a join can come after its child in the order.
	for n := range out {
		st := &out[n]
		switch {
		case roots[st.Node] == checks.Fail:
			st.Health = FailingNode
		case len(st.CausedBy) > 0:
			st.Health = Blocked
		case st.Root:
			st.Health = Warning
		default:
			st.Health = quiet(s.Of(st.Node), state)
		}
	}
	return out
}

// affected lists the nodes that a root is the cause of: all below where it
// fails, and where it only warns those whose findings it explains.
func affected(root dag.NodeID, outcome checks.Outcome, blocks []dag.NodeID, held []*entry) []dag.NodeID {
	if outcome == checks.Fail {
		return blocks
	}
	var out []dag.NodeID
	listed := map[dag.NodeID]bool{root: true}
	for _, e := range held {
		if id := e.node(); !listed[id] {
			listed[id] = true
			out = append(out, id)
		}
	}
	return out
}

// quiet is the health of a node without findings: healthy when at least one
// check passed and none went unanswered.
func quiet(cs []*checks.Check, state func(dag.CheckID) State) Health {
	health := UnknownHealth
	for _, c := range cs {
		if c.Spec.Shadow {
			continue
		}
		s := state(c.ID())
		switch {
		case s.Outcome == checks.Error || s.Outcome == checks.NoData || s.Outcome == "":
			return UnknownHealth
		case s.Phase != Unknown:
			health = Healthy
		}
	}
	return health
}
