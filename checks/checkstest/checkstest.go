// Package checkstest holds what every check kind means as cases that people can
// read, and runs them against a real engine: data as SQL, nodes as in a DAG
// file, a moment, and the verdict that must come out.
//
// It is not a test of single functions (those are beside each kind) nor of what
// an engine answers (package warehousetest); it is the whole way from YAML to a
// verdict, the same on every engine.
//
// # Data model
//
// cases/<kind>.txtar has one section for each case; the section's name is a
// sentence, its content YAML:
//
//	timezone: America/New_York        # default UTC
//	data: |                           # statements, each ending with ; at the end of a line
//	  create table readings (ts timestamptz, n integer);
//	  insert into readings values ('2013-06-15 03:00:00+00', 1);
//	calendars:                        # as under calendars: in pipewatch.yaml
//	  us: ["2013-07-04"]
//	nodes: |                          # as under nodes: in a DAG file
//	  readings: {table: readings, freshness: {column: ts, error_after: 6h}}
//	check: readings/freshness         # default: the first check of the first node
//	as_of: 2013-06-15T12:00:00Z
//	want:
//	  verdict: fail
//	  reason: stale                   # default: none
//	  observed: {age_seconds: 32400}  # these keys, among others
//	  message: newest ts is 9h old, limit 6h
//	  says: [newest ts]               # parts of the message, where an engine's own words are in it
//	  onset: 2013-06-15T09:00:00Z
//	  questions: [watermark]          # the types of the questions asked
//
// Instead of as_of and want a case may have steps, a list of {data, as_of,
// want}: data is added to what was there, and what the check remembers is
// carried from step to step. The table names are free of the engine's schema;
// the connection is called db.
package checkstest

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

//go:embed cases/*.txtar
var files embed.FS

// Connection is the name of the connection that all cases ask.
const Connection = "db"

// Open opens an empty database, runs the statements of setup in it and gives a
// source that answers about it.
type Open func(t *testing.T, setup []string) probe.Source

type testCase struct {
	Timezone  string                  `yaml:"timezone"`
	Calendars map[string]dag.Calendar `yaml:"calendars"`
	Data      string                  `yaml:"data"`
	Nodes     string                  `yaml:"nodes" jsonschema:"required"`
	Check     string                  `yaml:"check"`
	Steps     []step                  `yaml:"steps"`
	AsOf      string                  `yaml:"as_of"`
	Want      conf.Value              `yaml:"want"`
}

type step struct {
	Data string     `yaml:"data"`
	AsOf string     `yaml:"as_of" jsonschema:"required"`
	Want conf.Value `yaml:"want" jsonschema:"required"`
}

type want struct {
	Verdict   checks.Outcome `yaml:"verdict" jsonschema:"required"`
	Reason    checks.Reason  `yaml:"reason"`
	Message   string         `yaml:"message"`
	Says      []string       `yaml:"says"`
	Observed  map[string]any `yaml:"observed"`
	Expected  map[string]any `yaml:"expected"`
	Onset     string         `yaml:"onset"`
	GoodUntil string         `yaml:"good_until"`
	Questions []string       `yaml:"questions"`
}

// Run runs all cases of all kinds. An engine's test package calls it once.
func Run(t *testing.T, open Open) {
	entries, err := files.ReadDir("cases")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		src, err := files.ReadFile(path.Join("cases", entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(entry.Name(), ".txtar"), func(t *testing.T) {
			archive := txtar.Parse(src)
			if len(archive.Files) == 0 {
				t.Fatalf("%s has no cases", entry.Name())
			}
			for _, f := range archive.Files {
				t.Run(f.Name, func(t *testing.T) { runCase(t, open, entry.Name(), f) })
			}
		})
	}
}

// Names lists the cases of a kind; none when it has no case file.
func Names(kind string) []string {
	src, err := files.ReadFile("cases/" + kind + ".txtar")
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range txtar.Parse(src).Files {
		names = append(names, f.Name)
	}
	return names
}

// Nodes are the nodes of each case of a kind, as plain values by the names of their keys.
func Nodes(t *testing.T, kind string) map[string]map[string]map[string]any {
	t.Helper()
	src, err := files.ReadFile("cases/" + kind + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]map[string]any{}
	for _, f := range txtar.Parse(src).Files {
		doc, problems := conf.Parse(f.Name, f.Data)
		nodes, more := conf.Parse(f.Name, []byte(doc.Get("nodes").Text()))
		problems.Merge(more)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		all[f.Name] = map[string]map[string]any{}
		for name, node := range nodes.Fields() {
			all[f.Name][name.Text()], _ = node.Any().(map[string]any)
		}
	}
	return all
}

func runCase(t *testing.T, open Open, file string, f txtar.File) {
	doc, problems := conf.Parse(file, f.Data)
	var c testCase
	problems.Merge(doc.Decode(&c))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if c.Want.Exists() {
		c.Steps = append(c.Steps, step{AsOf: c.AsOf, Want: c.Want})
	}
	if len(c.Steps) == 0 {
		t.Fatal("the case wants nothing")
	}
	check := compile(t, c)
	setup := statements(c.Data)
	source := open(t, setup)
	var memory checks.Memory
	for i, s := range c.Steps {
		if more := statements(s.Data); len(more) > 0 {
			setup = append(setup, more...)
			source = open(t, setup)
		}
		at, err := time.Parse(time.RFC3339, s.AsOf)
		if err != nil {
			t.Fatal(err)
		}
		moment := checks.Moment{Now: at}
		questions := check.Ask(memory, moment)
		verdict, next := check.Judge(source.Ask(t.Context(), at, questions), memory, moment)
		if next != nil {
			memory = next
		}
		where := ""
		if len(c.Steps) > 1 {
			where = fmt.Sprintf("step %d at %s: ", i+1, s.AsOf)
		}
		compare(t, where, s.Want, verdict, questions)
	}
}

// statements splits at a semicolon that ends a line.
func statements(sql string) []string {
	var list []string
	for statement := range strings.SplitSeq(strings.TrimSpace(sql)+"\n", ";\n") {
		if s := strings.TrimSpace(statement); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// compile loads the nodes as a DAG file and gives the check that is judged.
func compile(t *testing.T, c testCase) *checks.Check {
	t.Helper()
	zone := "UTC"
	if c.Timezone != "" {
		zone = c.Timezone
	}
	src := fmt.Sprintf("version: 1\ndag: case\nconnection: %s\ntimezone: %s\nnodes:\n  %s\n",
		Connection, zone, strings.ReplaceAll(strings.TrimSpace(c.Nodes), "\n", "\n  "))
	graph, problems := dag.Load([]dag.File{{Name: "case.yaml", Src: []byte(src)}}, dag.Known{Calendars: c.Calendars})
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\nin\n%s", err, src)
	}
	suite, problems := checks.Compile(graph, checks.Builtin())
	if err := problems.Err(); err != nil {
		t.Fatalf("%v\nin\n%s", err, src)
	}
	if c.Check != "" {
		if check := suite.Check(dag.CheckID("case/" + c.Check)); check != nil {
			return check
		}
		t.Fatalf("no check %q", c.Check)
	}
	node := graph.DAGs()[0].Nodes[0]
	if len(suite.Of(node.ID)) == 0 {
		t.Fatalf("node %s has no check", node.ID)
	}
	return suite.Of(node.ID)[0]
}

func compare(t *testing.T, where string, wanted conf.Value, got checks.Verdict, questions []probe.Question) {
	t.Helper()
	var w want
	if err := wanted.Decode(&w).Err(); err != nil {
		t.Fatal(err)
	}
	if got.Outcome != w.Verdict || got.Reason != w.Reason {
		t.Errorf("%sverdict %s %q, want %s %q; it says: %s", where, got.Outcome, got.Reason, w.Verdict, w.Reason, got.Message)
	}
	for _, part := range w.Says {
		if !strings.Contains(strings.ToLower(got.Message), strings.ToLower(part)) {
			t.Errorf("%smessage %q\ndoes not say %q", where, got.Message, part)
		}
	}
	if w.Message != "" && got.Message != w.Message {
		t.Errorf("%smessage %q\nwant %q", where, got.Message, w.Message)
	}
	compareFields(t, where+"observed ", w.Observed, got.Observed)
	compareFields(t, where+"expected ", w.Expected, got.Expected)
	compareTime(t, where+"onset", w.Onset, got.Onset)
	compareTime(t, where+"good until", w.GoodUntil, got.GoodUntil)
	if w.Questions != nil {
		var types []string
		for _, q := range questions {
			types = append(types, strings.ToLower(reflect.TypeOf(q).Name()))
		}
		if diff := cmp.Diff(w.Questions, types); diff != "" {
			t.Errorf("%squestions (-want +got):\n%s", where, diff)
		}
	}
}

func compareTime(t *testing.T, what, wanted string, got time.Time) {
	t.Helper()
	if text := got.UTC().Format(time.RFC3339); wanted != "" && text != wanted {
		t.Errorf("%s %s, want %s", what, text, wanted)
	}
}

// compareFields compares the wanted keys of what marshals to a JSON object.
func compareFields(t *testing.T, what string, wanted map[string]any, got any) {
	t.Helper()
	if len(wanted) == 0 {
		return
	}
	fields := asJSON(t, got)
	for key, value := range asJSON(t, wanted) {
		actual, ok := fields[key]
		if !ok {
			t.Errorf("%s%s: absent, want %v", what, key, value)
		} else if diff := cmp.Diff(value, among(value, actual), cmpopts.EquateApprox(1e-9, 1e-9)); diff != "" {
			t.Errorf("%s%s (-want +got):\n%s", what, key, diff)
		}
	}
}

// among leaves out the keys of objects in a list that are not wanted, such as the
// types of columns, which every engine calls by words of its own.
func among(wanted, actual any) any {
	switch w := wanted.(type) {
	case []any:
		a, ok := actual.([]any)
		if !ok || len(a) != len(w) {
			return actual
		}
		narrow := make([]any, len(a))
		for i := range a {
			narrow[i] = among(w[i], a[i])
		}
		return narrow
	case map[string]any:
		a, ok := actual.(map[string]any)
		if !ok {
			return actual
		}
		narrow := make(map[string]any)
		for key := range w {
			if value, ok := a[key]; ok {
				narrow[key] = among(w[key], value)
			}
		}
		return narrow
	}
	return actual
}

func asJSON(t *testing.T, v any) map[string]any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}
