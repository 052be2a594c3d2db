package checks_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// headings are those of every page about a kind, in order.
var headings = []string{"## What it answers", "## Keys", "## What is asked", "## How it is judged", "## Reasons", "## Traps avoided", "## Example", "## Cases"}

func TestEveryKindHasAPageAndCases(t *testing.T) {
	for _, kind := range checks.Builtin() {
		t.Run(kind.Name, func(t *testing.T) {
			if len(checkstest.Names(kind.Name)) == 0 {
				t.Errorf("checkstest/cases/%s.txtar is missing", kind.Name)
			}
			page, err := os.ReadFile(filepath.Join("..", "docs", "checks", kind.Name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			rest := string(page)
			for _, heading := range headings {
				_, after, found := strings.Cut(rest, "\n"+heading+"\n")
				if !found {
					t.Errorf("docs/checks/%s.md lacks %q, or has it out of order", kind.Name, heading)
					continue
				}
				rest = after
			}
			for _, key := range keysOf(reflect.TypeOf(kind.Params)) {
				if !strings.Contains(string(page), "`"+key+"`") {
					t.Errorf("docs/checks/%s.md does not tell of the key %s", kind.Name, key)
				}
			}
			for _, name := range checkstest.Names(kind.Name) {
				if !strings.Contains(string(page), name) {
					t.Errorf("docs/checks/%s.md does not list the case %q", kind.Name, name)
				}
			}
			examples := yamlBlocks(string(page))
			if len(examples) == 0 {
				t.Fatalf("docs/checks/%s.md has no example", kind.Name)
			}
			for _, example := range examples {
				checkExample(t, kind.Name, example)
			}
		})
	}
}

// keysOf are the YAML keys of a struct.
func keysOf(params reflect.Type) []string {
	var keys []string
	for field := range params.Fields() {
		if key := field.Tag.Get("yaml"); key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// yamlBlocks are the fenced YAML blocks of a page.
func yamlBlocks(page string) []string {
	var blocks []string
	for rest := page; ; {
		_, after, found := strings.Cut(rest, "\n```yaml\n")
		if !found {
			return blocks
		}
		block, after, _ := strings.Cut(after, "\n```")
		blocks, rest = append(blocks, block+"\n"), after
	}
}

// checkExample loads an example of a page and finds the kind in it.
func checkExample(t *testing.T, kind, src string) {
	t.Helper()
	if !strings.HasPrefix(src, "version: 1\n") {
		t.Errorf("an example is a whole DAG file, from version: 1 on, as people copy it\n%s", src)
		return
	}
	g, problems := dag.Load([]dag.File{{Name: "example.yaml", Src: []byte(src)}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if len(problems) > 0 {
		t.Fatalf("%v\nin\n%s", problems, src)
	}
	found := false
	for c := range suite.All() {
		found = found || c.Spec.Kind == kind
	}
	if !found {
		t.Errorf("the example has no check of the kind\n%s", src)
	}
	if err := fitsSchema(t, src); err != nil {
		t.Errorf("the schema refuses what is loaded: %v\n%s", err, src)
	}
}

// fitsSchema holds a DAG file against the JSON Schema.
func fitsSchema(t *testing.T, src string) error {
	t.Helper()
	text, err := checks.DAGSchema(checks.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("dag.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("dag.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, problems := conf.Parse("example.yaml", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	plain, err := json.Marshal(doc.Any())
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(instance)
}

func TestSchemaKnowsEveryKindAndRefusesWhatIsNotAKey(t *testing.T) {
	head := "version: 1\ndag: d\nconnection: wh\nnodes:\n  t:\n    table: t\n"
	for _, c := range []struct {
		name, keys string
		good       bool
	}{
		{"a freshness check", "    freshness: {column: ts, error_after: 6h, covers: 1d, by: \"07:00\", calendar: [\"2013-07-04\"]}\n", true},
		{"a row_count check", "    row_count: {per: day, by: ts, compare: {to: median, over: 6w, max_drop: 40%}, equals: {node: u, ratio: 0.5, tolerance: 3}}\n", true},
		{"a sql check", "    checks: [{name: one, sql: select 1, expect: {max: 0}}]\n", true},
		{"a key that nobody knows", "    freshness: {column: ts, eror_after: 6h}\n", false},
		{"a word that is none", "    row_count: {per: fortnight, by: ts}\n", false},
		{"a bare percentage", "    row_count: {per: day, by: ts, compare: {to: previous, max_drop: 40}}\n", false},
		{"a check without what it needs", "    freshness: {error_after: 6h}\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := fitsSchema(t, head+c.keys); (err == nil) != c.good {
				t.Errorf("valid %v, want %v: %v", err == nil, c.good, err)
			}
		})
	}
}
