package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
)

// schemaOf compiles the JSON Schema that a command prints.
func schemaOf(t *testing.T, which string) *jsonschema.Schema {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"schema", which}, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	committed, err := os.ReadFile("../../docs/schema/" + which + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, out.Bytes()) {
		t.Errorf("docs/schema/%s.schema.json is not what the types say: run make schema", which)
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(which+".json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(which + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain gives a file as JSON would hold it, for a validator that knows nothing
// of pipewatch.
func plain(v conf.Value) any {
	switch v.Kind() {
	case conf.Map:
		m := map[string]any{}
		for k, val := range v.Fields() {
			m[k.Text()] = plain(val)
		}
		return m
	case conf.List:
		l := []any{}
		for item := range v.Items() {
			l = append(l, plain(item))
		}
		return l
	case conf.Number:
		return json.Number(v.Text())
	case conf.Bool:
		return v.Text() == "true"
	case conf.Null, conf.Absent:
		return nil
	}
	return v.Text()
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// yamlFiles collects every YAML file of the examples and every YAML block of
// the documentation that is a whole file.
func yamlFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, root := range []string{"../../examples", "../../docs", "../../README.md", "../../CONTRIBUTING.md"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			src, readErr := os.ReadFile(path)
			switch filepath.Ext(path) {
			case ".yaml":
				files[path] = string(src)
			case ".md":
				for n, block := range yamlBlock.FindAllStringSubmatch(string(src), -1) {
					if strings.HasPrefix(block[1], "version:") {
						files[fmt.Sprintf("%s#%d", path, n+1)] = block[1]
					}
				}
			default:
				return nil
			}
			return readErr
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestEveryExampleInFilesAndDocsIsValid(t *testing.T) {
	dagSchema, configSchema := schemaOf(t, "dag"), schemaOf(t, "config")
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-for-the-test")
	dags := 0
	for name, src := range yamlFiles(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pipewatch.yaml")
			if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := validatePaths([]string{path}); err != nil {
				t.Error(err)
			}
			v, _ := conf.Parse(name, []byte(src))
			schema := configSchema
			if v.Get("dag").Exists() {
				schema = dagSchema
				dags++
			}
			if err := schema.Validate(plain(v)); err != nil {
				t.Errorf("the JSON Schema refuses it: %v", err)
			}
		})
	}
	if dags < len(checks.Builtin()) {
		t.Errorf("%d DAG examples for %d kinds of checks", dags, len(checks.Builtin()))
	}
}

func TestEveryKindHasItsPageItsCasesAndAnExample(t *testing.T) {
	example, err := os.ReadFile("../../examples/dags/flight_delay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range checks.Builtin() {
		for _, path := range []string{"../../docs/checks/" + k.Name + ".md", "../../checks/checkstest/cases/" + k.Name + ".txtar", "../../checks/" + k.Name + ".go"} {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", k.Name, err)
			}
		}
		if !strings.Contains(string(example), k.Name+":") && k.Name != "sql" {
			t.Errorf("the flights example uses no %s check", k.Name)
		}
	}
}
