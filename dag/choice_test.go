package dag_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/dag"
)

const feeds = `
version: 1
dag: shop
connection: wh
nodes:
  load: {job: {heartbeat: load}}
  north: {table: north, depends_on: [load]}
  south: {table: south}
  rates: {table: rates}
  orders: {table: orders, depends_on: [rates, {any_of: [north, south]}]}
  report: {table: report, depends_on: [orders]}
  both: {table: both, depends_on: [{any_of: [north, south]}, north]}
  twice: {table: twice, depends_on: [{any_of: [the_north, north]}]}
  the_north: {external: shop/north}
`

func TestOneOfSeveralInputsBlocksNothing(t *testing.T) {
	g := load(t, "shop.yaml", feeds)
	for _, c := range []struct{ of, blocked string }{
		{"shop/north", "shop/both shop/twice"},
		{"shop/load", "shop/north shop/both shop/twice"},
		{"shop/south", ""},
		{"shop/rates", "shop/orders shop/report"},
		{"shop/orders", "shop/report"},
		{"shop/nothing", ""},
	} {
		if got := plainIDs(g.Blocked(dag.NodeID(c.of))); got != c.blocked {
			t.Errorf("%s blocks %q, want %q", c.of, got, c.blocked)
		}
	}
	if got := plainIDs(g.Downstream("shop/south")); got != "shop/both shop/orders shop/report" {
		t.Errorf("lineage below an input of several is %q", got)
	}
	if groups := g.Choices(g.Index("shop/orders")); len(groups) != 1 || len(groups[0]) != 2 || !g.HasChoices() {
		t.Errorf("the choices of orders are %v", groups)
	}
	for _, id := range []dag.NodeID{"shop/both", "shop/twice"} {
		if groups := g.Choices(g.Index(id)); len(groups) != 0 {
			t.Errorf("%s has an input that is needed in any case, and the choices %v", id, groups)
		}
	}
}

func TestAChoiceIsDrawnAsOne(t *testing.T) {
	g := load(t, "shop.yaml", feeds)
	var json, mermaid strings.Builder
	if err := errors.Join(g.WriteJSON(&json), g.WriteMermaid(&mermaid)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(json.String(), `"or": true`); n != 3 {
		t.Errorf("%d edges are drawn as one of several, want north and south of orders and south of both:\n%s", n, json.String())
	}
	if n := strings.Count(mermaid.String(), "-- or -->"); n != 3 {
		t.Errorf("%d arrows say or:\n%s", n, mermaid.String())
	}
}

func TestAllInputsByOneRoadBlock(t *testing.T) {
	g := load(t, "shop.yaml", `
version: 1
dag: shop
connection: wh
nodes:
  load: {job: {heartbeat: load}}
  north: {table: north, depends_on: [load]}
  south: {table: south, depends_on: [load]}
  orders: {table: orders, depends_on: {any_of: [north, south]}}
  report: {table: report, depends_on: [orders]}
`)
	if got := plainIDs(g.Blocked("shop/load")); got != "shop/north shop/south shop/orders shop/report" {
		t.Errorf("what feeds both inputs blocks %q", got)
	}
}

func TestAChoiceThatIsNoneIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[{any_of: [a]}]": "needs two or more",
		"[{any_of: []}]":  "needs two or more",
		"[{any_of: [a, {node: b, mode: informs}]}]": "no alternative",
		"[{any_of: [a, b], mode: informs}]":         `unknown key "mode"`,
		"[{any_of: [a, nowhere]}]":                  `unknown upstream "nowhere"`,
		"[{any_of: [a, c]}]":                        "cycle",
		"[{any_of: [a, b]}, {any_of: [a, {x: 1}]}]": `unknown key "x"`,
	} {
		src := "version: 1\ndag: shop\nconnection: wh\nnodes:\n  a: {table: a}\n  b: {table: b}\n  c: {table: c, depends_on: " + text + "}\n"
		_, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(src)}}, dag.Known{})
		if err := problems.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("depends_on: %s gives %v, want %q", text, err, want)
		}
	}
}
