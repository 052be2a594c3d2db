package dag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/dominikbraun/graph/draw"
)

// shapes are how the types of nodes are drawn in DOT.
var shapes = map[Type]string{Table: "box", View: "box", Query: "note", Job: "ellipse"}

// WriteDOT writes the graph in Graphviz's language, arrows from a node to what needs
// it, dashed for informs. The output is the same for the same graph.
func (g *Graph) WriteDOT(w io.Writer) error {
	var buf bytes.Buffer
	if err := draw.DOT(g.model(), &buf, draw.GraphAttribute("rankdir", "LR")); err != nil {
		return fmt.Errorf("draw the graph as DOT: %w", err)
	}
	// The library walks maps; sorted lines make its output stable and mean the same.
	var lines [][]byte
	for line := range bytes.Lines(buf.Bytes()) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	body := lines[1 : len(lines)-1]
	slices.SortFunc(body, bytes.Compare)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n", lines[0])
	for _, line := range body {
		fmt.Fprintf(&out, "\t%s\n", line)
	}
	out.WriteString("}\n")
	_, err := w.Write(out.Bytes())
	return err
}

// WriteMermaid writes the graph as a Mermaid flowchart with one box for each DAG.
func (g *Graph) WriteMermaid(w io.Writer) error {
	var out bytes.Buffer
	out.WriteString("flowchart LR\n")
	for _, d := range g.dags {
		fmt.Fprintf(&out, "  subgraph %s\n", d.Name)
		for i, n := range g.order {
			if n.ID.DAG() != d.Name {
				continue
			}
			left, right := "[", "]"
			if n.Type == Job {
				left, right = "([", "])"
			}
			fmt.Fprintf(&out, "    n%d%s%q%s\n", i, left, n.ID.Name(), right)
		}
		out.WriteString("  end\n")
	}
	for i := range g.order {
		blocking := g.parents.of(i)
		for _, source := range g.sources.of(i) {
			arrow := "-.->"
			switch {
			case !slices.Contains(blocking, source):
			case g.choices.optional(int32(i), source):
				arrow = "-- or -->"
			default:
				arrow = "-->"
			}
			fmt.Fprintf(&out, "  n%d %s n%d\n", source, arrow, i)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}

// WriteJSON writes nodes in topological order with their edges and checks, for
// scripts.
func (g *Graph) WriteJSON(w io.Writer) error {
	type jsonEdge struct {
		Node NodeID `json:"node"`
		Mode Mode   `json:"mode"`
		Or   bool   `json:"or,omitempty"` // one of several of which one is enough
	}
	type jsonNode struct {
		ID         NodeID     `json:"id"`
		Type       Type       `json:"type"`
		Owner      string     `json:"owner,omitempty"`
		Connection string     `json:"connection,omitempty"`
		Tags       []string   `json:"tags,omitempty"`
		Gate       bool       `json:"gate,omitempty"`
		DependsOn  []jsonEdge `json:"depends_on"`
		Checks     []CheckID  `json:"checks"`
	}
	nodes := make([]jsonNode, len(g.order))
	for i, n := range g.order {
		j := jsonNode{ID: n.ID, Type: n.Type, Owner: n.Owner, Connection: n.Connection, Tags: n.Tags, Gate: n.Gate,
			DependsOn: []jsonEdge{}, Checks: []CheckID{}}
		blocking := g.parents.of(i)
		for _, source := range g.sources.of(i) {
			mode := Informs
			if slices.Contains(blocking, source) {
				mode = Blocks
			}
			j.DependsOn = append(j.DependsOn, jsonEdge{g.order[source].ID, mode, mode == Blocks && g.choices.optional(int32(i), source)})
		}
		for _, c := range n.Checks {
			j.Checks = append(j.Checks, c.ID)
		}
		nodes[i] = j
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Version int        `json:"version"`
		Nodes   []jsonNode `json:"nodes"`
	}{1, nodes})
}
