package dag_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/bench/meter"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// twoDAGs has edges of every sort: across DAGs, through an external, twice, informing.
const shopFile = `
version: 1
dag: shop
connection: wh
owner: sales
tags: [daily]
nodes:
  load: {job: {heartbeat: load}}
  orders: {table: orders, depends_on: [load], tags: [core], row_count: {min: 1}}
  items: {table: items, depends_on: [load]}
  report: {view: report, depends_on: [orders, items, {node: audit, mode: informs}, {node: orders, mode: informs}], gate: true}
  audit: {query: select 1, depends_on: [report]}
`

const mlFile = `
version: 1
dag: ml
connection: wh
owner: ml-data
nodes:
  their_orders: {external: shop/orders}
  features: {table: features, depends_on: [their_orders, shop/orders, shop/items]}
  orders: {table: orders, depends_on: [features], tags: [core]}
`

func twoDAGs(t testing.TB) *dag.Graph { return load(t, "shop.yaml", shopFile, "ml.yaml", mlFile) }

func ids[S ~[]E, E any](s S, id func(E) dag.NodeID) string {
	var all []string
	for _, e := range s {
		all = append(all, string(id(e)))
	}
	return strings.Join(all, " ")
}

func nodeIDs(ns []*dag.Node) string   { return ids(ns, func(n *dag.Node) dag.NodeID { return n.ID }) }
func plainIDs(ns []dag.NodeID) string { return ids(ns, func(n dag.NodeID) dag.NodeID { return n }) }
func dagNames(ds []*dag.DAG) (n []string) {
	for _, d := range ds {
		n = append(n, d.Name)
	}
	return n
}

func TestWalksOverTwoDAGs(t *testing.T) {
	g := twoDAGs(t)
	cases := []struct{ name, got, want string }{
		{"each node comes after what it needs, ties by id", nodeIDs(g.Order()),
			"shop/load shop/items shop/orders ml/features ml/orders shop/report shop/audit"},
		{"upstream is nearest first", plainIDs(g.Upstream("ml/orders")), "ml/features shop/items shop/orders shop/load"},
		{"an edge that informs explains nothing", plainIDs(g.Upstream("shop/report")), "shop/items shop/orders shop/load"},
		{"downstream comes in order, across DAGs", plainIDs(g.Downstream("shop/orders")), "ml/features ml/orders shop/report shop/audit"},
		{"an external is what it stands for", plainIDs(g.Downstream("ml/their_orders")), plainIDs(g.Downstream("shop/orders"))},
		{"nothing is above an unknown node", plainIDs(g.Upstream("shop/nothing")) + plainIDs(g.Downstream("nothing")), ""},
		{"DAGs come by name", strings.Join(dagNames(g.DAGs()), " "), "ml shop"},
		{"an external resolves", string(g.Node("ml/their_orders").ID), "shop/orders"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
	if g.Node("shop/nothing") != nil || g.Index("shop/nothing") != -1 {
		t.Error("an unknown node is found")
	}
	features := g.Index("ml/features")
	if got, want := g.Parents(features), []int32{int32(g.Index("shop/items")), int32(g.Index("shop/orders"))}; !slices.Equal(got, want) {
		t.Errorf("parents are %v, want %v", got, want)
	}
	if got, want := g.Children(features), []int32{int32(g.Index("ml/orders"))}; !slices.Equal(got, want) {
		t.Errorf("children are %v, want %v", got, want)
	}
}

func TestAnEmptyGraphCanBeWalkedAndDrawn(t *testing.T) {
	g, problems := dag.NewGraph(nil)
	if err := problems.Err(); err != nil || len(g.Order()) != 0 || len(g.DAGs()) != 0 || g.Node("a/b") != nil {
		t.Fatalf("%v, %v", err, g.Order())
	}
	var out bytes.Buffer
	for _, write := range []func() error{func() error { return g.WriteDOT(&out) }, func() error { return g.WriteMermaid(&out) }, func() error { return g.WriteJSON(&out) }} {
		if err := write(); err != nil {
			t.Error(err)
		}
	}
}

// randomGraph draws up to 30 nodes; needs[i] lists the smaller numbers i depends on,
// so it has no cycle. The ids do not follow the order.
func randomGraph(t *rapid.T) (nodes []*dag.Node, needs map[dag.NodeID][]dag.NodeID) {
	n := rapid.IntRange(1, 30).Draw(t, "nodes")
	names := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	})).Draw(t, "names")
	needs = map[dag.NodeID][]dag.NodeID{}
	for i := range n {
		node := &dag.Node{ID: dag.NodeID(fmt.Sprintf("d/n%02d", names[i])), Type: dag.Table}
		for j := range i {
			if rapid.IntRange(0, 5).Draw(t, "edge") == 0 {
				node.Upstream = append(node.Upstream, dag.Edge{To: nodes[j].ID, Mode: dag.Blocks})
				needs[node.ID] = append(needs[node.ID], nodes[j].ID)
			}
		}
		nodes = append(nodes, node)
	}
	return nodes, needs
}

func TestWalksAgreeWithTheirDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, needs := randomGraph(t)
		g, problems := dag.NewGraph([]*dag.DAG{{Name: "d", Nodes: nodes}})
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		var order []dag.NodeID
		for _, n := range g.Order() {
			order = append(order, n.ID)
		}
		if want := smallestOrder(nodes, needs); !slices.Equal(order, want) {
			t.Fatalf("order is %v, want %v", order, want)
		}
		above := map[dag.NodeID]map[dag.NodeID]int{} // distance
		for _, id := range order {
			above[id] = distances(id, needs)
		}
		for i, id := range order {
			if g.Index(id) != i {
				t.Fatalf("index of %s is %d, want %d", id, g.Index(id), i)
			}
			up := g.Upstream(id)
			if len(up) != len(above[id]) || !slices.IsSortedFunc(up, func(a, b dag.NodeID) int {
				if d := above[id][a] - above[id][b]; d != 0 {
					return d
				}
				return strings.Compare(string(a), string(b))
			}) {
				t.Fatalf("upstream of %s is %v, distances %v", id, up, above[id])
			}
			var below []dag.NodeID
			for _, other := range order {
				if _, ok := above[other][id]; ok {
					below = append(below, other)
				}
			}
			if down := g.Downstream(id); !slices.Equal(down, below) {
				t.Fatalf("downstream of %s is %v, want %v", id, down, below)
			}
		}
	})
}

// smallestOrder takes, again and again, the smallest id all of whose needs are taken.
func smallestOrder(nodes []*dag.Node, needs map[dag.NodeID][]dag.NodeID) []dag.NodeID {
	var order []dag.NodeID
	for len(order) < len(nodes) {
		best := dag.NodeID("~")
		for _, n := range nodes {
			ready := !slices.ContainsFunc(needs[n.ID], func(id dag.NodeID) bool { return !slices.Contains(order, id) })
			if ready && n.ID < best && !slices.Contains(order, n.ID) {
				best = n.ID
			}
		}
		order = append(order, best)
	}
	return order
}

func distances(id dag.NodeID, needs map[dag.NodeID][]dag.NodeID) map[dag.NodeID]int {
	far := map[dag.NodeID]int{}
	for level, d := []dag.NodeID{id}, 1; len(level) > 0; d++ {
		var next []dag.NodeID
		for _, at := range level {
			for _, need := range needs[at] {
				if _, seen := far[need]; !seen {
					far[need] = d
					next = append(next, need)
				}
			}
		}
		level = next
	}
	return far
}

func TestAGraphDoesNotDependOnTheOrderOfFilesAndNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, _ := randomGraph(t)
		draw := func(nodes []*dag.Node) string {
			g, _ := dag.NewGraph([]*dag.DAG{{Name: "d", Nodes: nodes}})
			var out bytes.Buffer
			_ = g.WriteDOT(&out)
			_ = g.WriteMermaid(&out)
			_ = g.WriteJSON(&out)
			return out.String()
		}
		if first, again := draw(nodes), draw(rapid.Permutation(nodes).Draw(t, "shuffled")); first != again {
			t.Fatalf("got\n%s\nand\n%s", first, again)
		}
	})
}

func TestKnotsAreReportedAndWalksGoOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, _ := randomGraph(t)
		back := rapid.IntRange(1, 5).Draw(t, "edges back")
		for range back {
			i, j := rapid.IntRange(0, len(nodes)-1).Draw(t, "i"), rapid.IntRange(0, len(nodes)-1).Draw(t, "j")
			nodes[min(i, j)].Upstream = append(nodes[min(i, j)].Upstream, dag.Edge{To: nodes[max(i, j)].ID, Mode: dag.Blocks})
		}
		g, problems := dag.NewGraph([]*dag.DAG{{Name: "d", Nodes: nodes}})
		if len(g.Order()) != len(nodes) {
			t.Fatalf("%d of %d nodes are left", len(g.Order()), len(nodes))
		}
		for _, p := range problems {
			if p.Code != dag.Cycle {
				t.Fatalf("unexpected problem %v", p)
			}
			// The cycle that is told must be one: each arrow is an edge.
			path := strings.Split(strings.TrimPrefix(p.Msg, "cycle "), " -> ")
			if slices.Contains(path, "…") {
				continue
			}
			for k := range len(path) - 1 {
				i := slices.IndexFunc(nodes, func(n *dag.Node) bool { return n.ID.Name() == path[k] })
				if !slices.ContainsFunc(nodes[i].Upstream, func(e dag.Edge) bool { return e.To.Name() == path[k+1] }) {
					t.Fatalf("%q: %s does not need %s", p.Msg, path[k], path[k+1])
				}
			}
			if path[0] != path[len(path)-1] {
				t.Fatalf("%q does not close", p.Msg)
			}
		}
		for _, n := range g.Order() {
			for _, up := range g.Upstream(n.ID) {
				if g.Index(up) >= g.Index(n.ID) {
					t.Fatalf("a cycle is left at %s", n.ID)
				}
			}
		}
	})
}

func TestSelectors(t *testing.T) {
	g := twoDAGs(t)
	cases := []struct {
		name             string
		include, exclude []string
		want             string
	}{
		{"nothing said means all", nil, nil, "ml/features ml/orders shop/audit shop/items shop/load shop/orders shop/report"},
		{"a name that several DAGs have means all of them", []string{"orders"}, nil, "ml/orders shop/orders"},
		{"an id means one", []string{"shop/orders"}, nil, "shop/orders"},
		{"an external means what it stands for", []string{"ml/their_orders"}, nil, "shop/orders"},
		{"a plus before adds what is above", []string{"+shop/report"}, nil, "shop/audit shop/items shop/load shop/orders shop/report"},
		{"a plus after adds what is below", []string{"features+"}, nil, "ml/features ml/orders"},
		{"both", []string{"+features+"}, nil, "ml/features ml/orders shop/items shop/load shop/orders"},
		{"a DAG", []string{"dag:ml"}, nil, "ml/features ml/orders"},
		{"a tag, the DAG's too", []string{"tag:core"}, nil, "ml/orders shop/orders"},
		{"a tag of the DAG", []string{"tag:daily"}, nil, "shop/audit shop/items shop/load shop/orders shop/report"},
		{"an owner", []string{"owner:ml-data"}, nil, "ml/features ml/orders"},
		{"a comma is an intersection", []string{"tag:core,dag:shop"}, nil, "shop/orders"},
		{"a blank is a union", []string{"load dag:ml"}, nil, "ml/features ml/orders shop/load"},
		{"several texts are a union", []string{"load", "report"}, nil, "shop/load shop/report"},
		{"exclude takes away", []string{"dag:shop"}, []string{"tag:core audit"}, "shop/items shop/load shop/report"},
		{"exclude alone takes from all", nil, []string{"dag:shop"}, "ml/features ml/orders"},
		{"plus and intersection", []string{"+ml/orders,owner:sales"}, nil, "shop/items shop/load shop/orders"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			chosen, err := g.Select(c.include, c.exclude)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for id := range chosen {
				got = append(got, string(id))
			}
			slices.Sort(got)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
			}
		})
	}
	bad := []struct {
		name             string
		include, exclude []string
		want             string
	}{
		{"a name that nobody has", []string{"oders"}, nil, `did you mean "orders"?`},
		{"a tag that nobody has", []string{"tag:cor"}, nil, `did you mean "core"?`},
		{"an id that nobody has", []string{"+shop/oders"}, nil, `did you mean "shop/orders"?`},
		{"one name of a union", []string{"orders oders"}, nil, `"oders" matches nothing`},
		{"an unknown method", []string{"team:ml"}, nil, `"team" is not one of`},
		{"parts that do not meet", []string{"dag:ml,dag:shop"}, nil, "matches nothing"},
		{"an excluded name that nobody has", nil, []string{"oders"}, "matches nothing"},
		{"nothing is left", []string{"load"}, []string{"load"}, "leaves no node"},
		{"an empty part", []string{"load,"}, nil, "matches nothing"},
	}
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			chosen, err := g.Select(c.include, c.exclude)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got %v and %v", c.want, chosen, err)
			}
		})
	}
}

func TestOfNoNodeNoneCanBeSelected(t *testing.T) {
	g, _ := dag.Load(nil, dag.Known{})
	if _, err := g.Select(nil, nil); err == nil || !strings.Contains(err.Error(), "nothing is watched") {
		t.Errorf("it says %v", err)
	}
}

func TestDrawings(t *testing.T) {
	g := twoDAGs(t)
	var dot, mermaid, json bytes.Buffer
	for _, err := range []error{g.WriteDOT(&dot), g.WriteMermaid(&mermaid), g.WriteJSON(&json)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, got := range map[string]string{"graph.dot": dot.String(), "graph.mermaid": mermaid.String(), "graph.json": json.String()} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", name, diff)
		}
	}
}

// layered is n nodes with three edges each to nodes a little before them.
func layered(n int) []*dag.DAG {
	random := rand.New(rand.NewPCG(1, 2))
	nodes := make([]*dag.Node, n)
	for i := range nodes {
		nodes[i] = &dag.Node{ID: dag.NodeID(fmt.Sprintf("d/n%d", random.Uint64())), Type: dag.Table}
		for range min(3, i) {
			nodes[i].Upstream = append(nodes[i].Upstream, dag.Edge{To: nodes[i-1-random.IntN(min(i, 1000))].ID, Mode: dag.Blocks})
		}
	}
	return []*dag.DAG{{Name: "d", Nodes: nodes}}
}

// BenchmarkGraph is all between files that were read and a graph that can be walked:
// the ends of edges, cycles, the order, the index; three edges a node.
func BenchmarkGraph(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		dags := layered(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, times := meter.Start(), 0
			for b.Loop() {
				if _, problems := dag.NewGraph(dags); len(problems) > 0 {
					b.Fatal(problems)
				}
				times++
			}
			m.Report(b, times, "graph")
		})
	}
}

// BenchmarkGraphDownstream lists what is below one node in the middle.
func BenchmarkGraphDownstream(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		dags := layered(n)
		g, _ := dag.NewGraph(dags)
		root := dags[0].Nodes[n/2].ID
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, times := meter.Start(), 0
			for b.Loop() {
				g.Downstream(root)
				times++
			}
			m.Report(b, times, "walk")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	const files, nodes = 100, 100
	var in []dag.File
	for f := range files {
		var text strings.Builder
		fmt.Fprintf(&text, "version: 1\ndag: d%d\nconnection: wh\ndefaults: {severity: error, timeout: 60s}\nnodes:\n", f)
		for n := range nodes {
			fmt.Fprintf(&text, "  n%d:\n    table: t%d\n", n, n)
			if n > 0 {
				fmt.Fprintf(&text, "    depends_on: [n%d]\n", n-1)
			}
			text.WriteString("    freshness:\n      column: updated_at\n      warn_after: 2h\n      error_after: 6h\n    row_count:\n      per: day\n      by: updated_at\n      min: 60\n")
		}
		in = append(in, dag.File{Name: fmt.Sprintf("d%d.yaml", f), Src: []byte(text.String())})
	}
	for b.Loop() {
		if _, problems := dag.Load(in, dag.Known{}); len(problems) > 0 {
			b.Fatal(problems[0])
		}
	}
}

func BenchmarkScheduleNext(b *testing.B) {
	for _, c := range []struct{ zone, expr string }{{"UTC", "*/15 * * * *"}, {"America/New_York", "30 2 * * *"}, {"America/New_York", "*/15 * * * *"}} {
		s, err := dag.ParseSchedule(c.expr, zone(b, c.zone))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.expr+" "+c.zone, func(b *testing.B) {
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				at = s.Next(at)
			}
		})
	}
}
