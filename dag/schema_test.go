package dag_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Parameters of two kinds, as package checks would bring them.
type rowCountParams struct {
	Min *int64 `yaml:"min"`
	Per string `yaml:"per" jsonschema:"enum=day"`
}

type joinsParams struct {
	To string          `yaml:"to" jsonschema:"required"`
	On conf.StringList `yaml:"on"`
}

type sqlParams struct {
	SQL string `yaml:"sql" jsonschema:"required"`
}

func TestTheSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	const id = "https://example.com/dag.json"
	text, err := dag.Schema(id, map[string]any{"row_count": rowCountParams{}, "joins": joinsParams{}, "sql": sqlParams{}})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	head := "version: 1\ndag: shop\nconnection: wh\n"
	cases := []struct {
		name, src string
		ok        bool
	}{
		{"all forms at once", head + `
tags: ml
schedule: ["@hourly", "0 7 * * *"]
vars: {a: 1, b: x, c: true}
x-anything: [1]
defaults: {severity: warn, timeout: 60s, row_count: {per: day}}
nodes:
  a: {table: s.t, timeout: ~, row_count: {min: 1, severity: error, where: "x > 0"}}
  b: {view: [s, "odd.t"], depends_on: a, joins: {to: a, on: k}}
  c: {query: select 1, depends_on: [a, {node: b, mode: informs}], joins: [{to: a, on: [k, l]}, {to: b}]}
  d: {external: other/node}
  e: {external: {dag: other, node: node}}
  f: {table: f, checks: [{name: one, sql: select 1, schedule: "@daily"}]}
`, true},
		{"two types", head + "nodes: {a: {table: a, view: b}}", false},
		{"no type", head + "nodes: {a: {severity: warn}}", false},
		{"an unknown key of a node", head + "nodes: {a: {table: a, colour: red}}", false},
		{"an unknown key of a check", head + "nodes: {a: {table: a, row_count: {colour: red}}}", false},
		{"an unknown key at the top", head + "colour: red\nnodes: {a: {table: a}}", false},
		{"a check that is not built yet", head + "nodes: {a: {table: a, drift: {column: x}}}", false},
		{"a check without its keys", head + "nodes: {a: {table: a, joins: [{on: k}]}}", false},
		{"a free check without name", head + "nodes: {a: {table: a, checks: [{sql: select 1}]}}", false},
		{"another version", "version: 2\ndag: shop\nconnection: wh\nnodes: {a: {table: a}}", false},
		{"no nodes", head, false},
		{"a type as a default", head + "defaults: {table: a}\nnodes: {a: {table: a}}", false},
		{"a list as a variable", head + "vars: {a: [1]}\nnodes: {a: {table: a}}", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, problems := conf.Parse("f.yaml", []byte(c.src))
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			plain, err := json.Marshal(v.Any())
			if err != nil {
				t.Fatal(err)
			}
			instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(instance); (err == nil) != c.ok {
				t.Errorf("the schema says %v", err)
			}
			// Load knows nothing of a check's own keys, nor of other files.
			if c.name == "an unknown key of a check" || c.name == "a check without its keys" {
				return
			}
			other := dag.File{Name: "o.yaml", Src: []byte("version: 1\ndag: other\nconnection: wh\nnodes: {node: {table: n}}")}
			_, problems = dag.Load([]dag.File{{Name: "f.yaml", Src: []byte(c.src)}, other}, dag.Known{})
			if err := problems.Err(); (err == nil) != c.ok {
				t.Errorf("Load says %v", err)
			}
		})
	}
}
