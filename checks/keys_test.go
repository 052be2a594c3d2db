package checks_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
)

// elsewhere are keys that no case about one check on an engine can show: they are
// refused, or their test is in another package. The page says which.
var elsewhere = []string{"sql.where", "job.where", "sql.explained_by", "job.heartbeat"}

// ofAll are keys that every check has, and that only say when and how loudly.
var ofAll = []string{"name", "severity", "schedule", "timeout", "for", "mode"}

// docs/checks/keys.md names a case for each key, also of inner blocks, that the schema
// knows, and the case says the key.
func TestEveryKeyHasACase(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "checks", "keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{} // key -> the cases of its row
	for section := range strings.SplitSeq(string(page), "\n## ") {
		kind, rows, _ := strings.Cut(section, "\n")
		for row := range strings.SplitSeq(rows, "\n") {
			if cells := strings.Split(row, " | "); len(cells) == 2 && strings.HasPrefix(row, "| `") {
				of[kind+"."+strings.Trim(cells[0], "| `")] = strings.Split(strings.TrimSuffix(cells[1], " |"), " · ")
			}
		}
	}
	for _, kind := range checks.Builtin() {
		schema := blockSchema(t, kind.Name)
		said := map[string]map[string]bool{} // case -> keys
		for name, nodes := range checkstest.Nodes(t, kind.Name) {
			said[name] = map[string]bool{}
			for _, node := range nodes {
				schema.used(node[schema.key], "", said[name])
			}
		}
		for key := range schema.keys("") {
			id := kind.Name + "." + key
			cases := of[id]
			delete(of, id)
			switch {
			case slices.Contains(elsewhere, id):
				if len(cases) == 0 {
					t.Errorf("docs/checks/keys.md does not say where %s is tested", id)
				}
			case len(cases) == 0:
				t.Errorf("docs/checks/keys.md has no case for %s; there is %q", id, using(said, key))
			default:
				for _, name := range cases {
					if !said[name][key] {
						t.Errorf("docs/checks/keys.md: no case %q says %s; there is %q", name, id, using(said, key))
					}
				}
			}
		}
	}
	if len(of) > 0 {
		t.Errorf("docs/checks/keys.md has rows for what is no key: %q", slices.Sorted(maps.Keys(of)))
	}
}

// using lists up to three cases that say a key.
func using(said map[string]map[string]bool, key string) []string {
	var names []string
	for name, keys := range said {
		if keys[key] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), 3)]
}

// block is the JSON Schema of what stands under a kind's key in a node.
type block struct {
	key    string
	schema any
}

func blockSchema(t *testing.T, kind string) block {
	t.Helper()
	text, err := checks.DAGSchema(checks.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	var schema any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	key := kind
	if kind == "sql" {
		key = "checks"
	}
	for _, step := range []string{"properties", "nodes", "additionalProperties", "properties", key} {
		schema = schema.(map[string]any)[step]
	}
	return block{key, schema}
}

// inner are the schemas that describe the same place: alternatives, items of a list and
// what stands under keys that people choose, such as columns.
func (b block) inner() (list []block) {
	m, _ := b.schema.(map[string]any)
	alternatives, _ := m["anyOf"].([]any)
	for _, s := range append(alternatives, m["items"], m["additionalProperties"]) {
		if _, described := s.(map[string]any); described {
			list = append(list, block{b.key, s})
		}
	}
	return list
}

// fields are the keys of a place, but for those that every check has.
func (b block) fields(path string) map[string]block {
	m, _ := b.schema.(map[string]any)
	properties, _ := m["properties"].(map[string]any)
	fields := map[string]block{}
	for key, s := range properties {
		if path != "" || !slices.Contains(ofAll, key) {
			fields[key] = block{b.key, s}
		}
	}
	return fields
}

// keys are all keys of a place, with the path to it before them: compare.to.
func (b block) keys(path string) map[string]bool {
	all := map[string]bool{}
	for _, s := range b.inner() {
		maps.Copy(all, s.keys(path))
	}
	for key, s := range b.fields(path) {
		all[path+key] = true
		maps.Copy(all, s.keys(path+key+"."))
	}
	return all
}

// used adds to said the keys that a value says.
func (b block) used(value any, path string, said map[string]bool) {
	list, _ := value.([]any)
	for _, s := range b.inner() {
		s.used(value, path, said)
		for _, item := range list {
			s.used(item, path, said)
		}
	}
	m, _ := value.(map[string]any)
	fields := b.fields(path)
	for key, inner := range m {
		if s, ok := fields[key]; ok {
			said[path+key] = true
			s.used(inner, path+key+".", said)
			continue
		}
		for _, s := range b.inner() {
			s.used(inner, path, said)
		}
	}
}
