package dag_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

var update = flag.Bool("update", false, "write what Load says now into testdata, for review")

var operator = dag.Known{
	Connections: map[string]bool{"wh": true, "lake": true},
	Owners:      map[string]bool{"ml-data": true},
}

// TestProblemsAreWordedForPeople runs the cases of testdata/problems.txtar, which
// tells how they are built.
func TestProblemsAreWordedForPeople(t *testing.T) {
	file := filepath.Join("testdata", "problems.txtar")
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases, want := map[string][]dag.File{}, map[string]string{}
	var names []string
	for _, f := range archive.Files {
		name, base := filepath.Split(f.Name)
		if base == "want" {
			want[name] = string(f.Data)
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		cases[name] = append(cases[name], dag.File{Name: base, Src: f.Data})
	}
	archive.Files = nil
	for _, name := range names {
		files := cases[name]
		got := rendered(files)
		for _, f := range files {
			archive.Files = append(archive.Files, txtar.File{Name: name + f.Name, Data: f.Src})
		}
		archive.Files = append(archive.Files, txtar.File{Name: name + "want", Data: []byte(got)})
		t.Run(strings.TrimSuffix(name, "/"), func(t *testing.T) {
			if diff := cmp.Diff(want[name], got); diff != "" && !*update {
				t.Errorf("rendered problems differ (-want +got):\n%s", diff)
			}
			if got == "" {
				t.Error("the files are wrong and nothing was said")
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rendered is what a person sees of files for the operator above.
func rendered(files []dag.File) string {
	_, problems := dag.Load(files, operator)
	var out bytes.Buffer
	conf.Render(&out, problems.Err(), func(name string) ([]byte, bool) {
		i := slices.IndexFunc(files, func(f dag.File) bool { return f.Name == name })
		return files[max(i, 0)].Src, i >= 0
	})
	return out.String()
}

// load builds the graph of files without problems, given as name and text in turn.
func load(t testing.TB, namesAndTexts ...string) *dag.Graph {
	t.Helper()
	var files []dag.File
	for pair := range slices.Chunk(namesAndTexts, 2) {
		files = append(files, dag.File{Name: pair[0], Src: []byte(pair[1])})
	}
	g, problems := dag.Load(files, dag.Known{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestACompleteExampleLoads(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	g := load(t, "contract.yaml", string(src))
	var got []string
	for _, n := range g.Order() {
		var line strings.Builder
		line.WriteString(string(n.ID) + " " + string(n.Type) + " " + n.Connection + " " + n.Owner + " " + n.Zone.String())
		for _, c := range n.Checks {
			line.WriteString(" " + c.ID.Name() + ":" + c.Kind)
			if c.Severity != dag.Error || c.Timeout != time.Minute || len(c.Schedules) != 1 || c.Schedules[0].String() != "*/15 * * * *" {
				t.Errorf("%s does not inherit: %+v", c.ID, c)
			}
		}
		got = append(got, line.String())
	}
	want := []string{
		"flight_delay/airports table local ml-data America/New_York version:version",
		"flight_delay/load_flights job local ml-data America/New_York job:job",
		"flight_delay/weather table local ml-data America/New_York freshness:freshness row_count:row_count",
		"flight_delay/flights table local ml-data America/New_York freshness:freshness row_count:row_count joins_airports:joins joins_weather:joins no_negative_distance:sql",
		"flight_delay/delay_labels table local ml-data America/New_York labels:labels",
		"flight_delay/training_set table local ml-data America/New_York version:version",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("nodes differ (-want +got):\n%s", diff)
	}
	labels := g.Node("flight_delay/delay_labels").Checks[0].Params
	if labels.Get("delay").Text() != "1d" {
		t.Errorf("the variable is %s", labels.Get("delay").Quote())
	}
}

func TestWhatBlocksSayWinsOverNodesAndDefaults(t *testing.T) {
	g := load(t, "shop.yaml", `
version: 1
dag: shop
connection: wh
owner: ml-data
tags: [ml]
schedule: "@hourly"
x-anchor: &strict {severity: error, for: 5m}
defaults: {severity: warn, timeout: 60s, freshness: {column: updated_at, warn_after: 1h}}
nodes:
  plain: {table: a.b}
  own:
    view: [raw, "odd.name"]
    connection: lake
    owner: sales
    tags: [daily, ml]
    timeout: ~
    schedule: ["@daily", "0 7 * * 1-5"]
    mode: shadow
    freshness: {<<: *strict, warn_after: 2h, where: "kind = 'a'", name: fresh}
    row_count: {min: 1, schedule: "@every 5m", timeout: 5s}
  bare: {query: select 1, freshness: ~}
  several:
    table: s
    freshness: ~
    joins: [{to: plain, on: id}, {to: other/node, on: id, where: x, name: special}]
    version: [{of: schema}, {columns: "*"}]
    row_count: [{min: 1}, {per: hour, min: 1}]
  lone: {table: l, freshness: ~, joins: [{to: plain, on: id}], version: {of: schema}}
`)
	type spec struct {
		ID, Severity, Schedules, Where string
		Timeout, For                   time.Duration
		Shadow                         bool
		Params                         any
	}
	got := map[string]spec{}
	for _, n := range g.Order() {
		for _, c := range n.Checks {
			var schedules []string
			for _, s := range c.Schedules {
				schedules = append(schedules, s.String())
			}
			got[string(c.ID)] = spec{c.Kind, string(c.Severity), strings.Join(schedules, "; "), c.Where, c.Timeout, c.For, c.Shadow, c.Params.Any()}
		}
	}
	hourly := func(kind string, params any) spec {
		return spec{ID: kind, Severity: "warn", Schedules: "@hourly", Timeout: time.Minute, Params: params}
	}
	type m = map[string]any
	want := map[string]spec{
		"shop/plain/freshness": hourly("freshness", m{"column": "updated_at", "warn_after": "1h"}),
		"shop/own/fresh": {ID: "freshness", Severity: "error", Schedules: "@daily; 0 7 * * 1-5", Where: "kind = 'a'", For: 5 * time.Minute,
			Shadow: true, Params: m{"column": "updated_at", "warn_after": "2h"}},
		"shop/own/row_count": {ID: "row_count", Severity: "warn", Schedules: "@every 5m", Timeout: 5 * time.Second, Shadow: true,
			Params: m{"min": int64(1)}},
		"shop/several/joins_plain": hourly("joins", m{"to": "plain", "on": "id"}),
		"shop/several/special": {ID: "joins", Severity: "warn", Schedules: "@hourly", Where: "x", Timeout: time.Minute,
			Params: m{"to": "other/node", "on": "id"}},
		"shop/several/version_schema":  hourly("version", m{"of": "schema"}),
		"shop/several/version_content": hourly("version", m{"columns": "*"}),
		"shop/several/row_count":       hourly("row_count", m{"min": int64(1)}),
		"shop/several/row_count_hour":  hourly("row_count", m{"per": "hour", "min": int64(1)}),
		"shop/lone/joins":              hourly("joins", m{"to": "plain", "on": "id"}),
		"shop/lone/version":            hourly("version", m{"of": "schema"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checks differ (-want +got):\n%s", diff)
	}
	own := g.Node("shop/own")
	if diff := cmp.Diff([]any{dag.View, []string{"raw", "odd.name"}, "lake", "sales", []string{"daily", "ml"}},
		[]any{own.Type, own.Table, own.Connection, own.Owner, own.Tags}); diff != "" {
		t.Errorf("node differs (-want +got):\n%s", diff)
	}
	if table := g.Node("shop/plain").Table; !slices.Equal(table, []string{"a", "b"}) {
		t.Errorf("table is %q", table)
	}
	if at := own.Checks[0].Params.Get("warn_after").Pos(); at.Line != 20 {
		t.Errorf("a parameter lost its place: %s", at)
	}
}

func TestAFileWithoutScheduleIsStillDue(t *testing.T) {
	g := load(t, "shop.yaml", "version: 1\ndag: shop\nconnection: wh\nnodes: {a: {table: a, row_count: {min: 1}}}\n")
	at := time.Date(2026, 11, 1, 0, 3, 0, 0, time.UTC)
	if next := g.Node("shop/a").Checks[0].Schedules[0].Next(at); !next.Equal(at.Add(7 * time.Minute)) {
		t.Errorf("it is next due at %v", next)
	}
}

func TestZonesComeFromTheFileOrTheOperator(t *testing.T) {
	tokyo := zone(t, "Asia/Tokyo")
	files := []dag.File{
		{Name: "a.yaml", Src: []byte("version: 1\ndag: a\nconnection: wh\nschedule: \"0 7 * * *\"\nnodes: {n: {table: n, row_count: {min: 1}}}\n")},
		{Name: "b.yaml", Src: []byte("version: 1\ndag: b\ntimezone: Europe/Berlin\nconnection: wh\nnodes: {n: {table: n, row_count: {min: 1}, schedule: \"0 7 * * *\"}}\n")},
	}
	g, problems := dag.Load(files, dag.Known{Zone: tokyo})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for id, want := range map[dag.NodeID]string{"a/n": "2026-11-02T07:00:00+09:00", "b/n": "2026-11-02T07:00:00+01:00"} {
		if got := g.Node(id).Checks[0].Schedules[0].Next(at).Format(time.RFC3339); got != want {
			t.Errorf("%s is due at %s, want %s", id, got, want)
		}
	}
}

func TestSoundFilesAreTakenUpBesideBrokenOnes(t *testing.T) {
	files := []dag.File{
		{Name: "good.yaml", Src: []byte("version: 1\ndag: good\nconnection: wh\nnodes:\n  a: {table: a, depends_on: [bad/b, x]}\n  x: {external: bad/b}\n  c: {table: c, depends_on: [a]}\n")},
		{Name: "bad.yaml", Src: []byte("version: 1\ndag: bad\nconnection: wh\nnodes: {b: {table: b, colour: red}}\n")},
		{Name: "loop.yaml", Src: []byte("version: 1\ndag: loop\nconnection: wh\nnodes: {b: {table: b, depends_on: [b]}}\n")},
		{Name: "bomb.yaml", Src: []byte("dag: bomb\nnodes: " + strings.Repeat("[", 1000))},
	}
	g, problems := dag.Load(files, dag.Known{})
	if g == nil || len(g.DAGs()) != 1 || g.DAGs()[0].Name != "good" {
		t.Fatalf("the graph holds %v", g.DAGs())
	}
	if got := g.Upstream("good/c"); !slices.Equal(got, []dag.NodeID{"good/a"}) {
		t.Errorf("upstream of good/c is %v", got)
	}
	if g.Node("bad/b") != nil || g.Node("good/x") != nil || g.Index("good/x") != -1 {
		t.Error("a node of a broken file can be reached")
	}
	var faulty []string
	for _, p := range problems {
		faulty = append(faulty, p.Pos.File)
	}
	slices.Sort(faulty)
	if want := []string{"bad.yaml", "bomb.yaml", "loop.yaml"}; !slices.Equal(faulty, want) {
		t.Errorf("problems are in %v, want %v: %v", faulty, want, problems)
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range dag.Codes() {
		if seen[c.Code] || c.Title == "" || len(c.Text) < 80 || strings.ContainsAny(c.Code, " ") {
			t.Errorf("%q is explained as %q: %q", c.Code, c.Title, c.Text)
		}
		seen[c.Code] = true
	}
	text, err := os.ReadFile(filepath.Join("testdata", "problems.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for code := range seen {
		if !bytes.Contains(text, []byte(": "+code+" ")) {
			t.Errorf("no case in testdata has the problem %s", code)
		}
	}
}

func FuzzLoad(f *testing.F) {
	archive, err := txtar.ParseFile(filepath.Join("testdata", "problems.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	good := []byte("version: 1\ndag: good\nconnection: wh\nnodes: {a: {table: a, depends_on: [shop/orders]}, shop: {external: shop/report}}\n")
	f.Fuzz(func(t *testing.T, src []byte) {
		g, problems := dag.Load([]dag.File{{Name: "f.yaml", Src: src}, {Name: "good.yaml", Src: good}}, operator)
		if len(problems) == 0 && len(g.DAGs()) != 2 {
			t.Fatal("a DAG was lost in silence")
		}
		place := map[dag.NodeID]int{}
		for i, n := range g.Order() {
			place[n.ID] = i
			for _, up := range g.Upstream(n.ID) {
				if j, before := place[up]; !before || j >= i {
					t.Fatalf("%s comes before its upstream %s", n.ID, up)
				}
			}
		}
	})
}
