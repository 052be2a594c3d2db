// The rules of the house that a compiler does not hold: who may import whom,
// where the clock is read, and that all that is exported is explained. They
// are read from the source files themselves; docs/architecture.md says why.
package main_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pipewatch-dev/pipewatch"

// everything may be imported by the command alone, which wires it all, and by
// the demo, which is the service with another past; never by the tables below.
const everything = "*"

// knows lists, for every package, the packages of pipewatch that it may
// import. A package that is not listed fails the test: where it belongs is to
// be decided here first.
//
// External tests (package x_test) may import any package but the command, as
// nothing can import them in turn; tests inside a package obey its line.
var knows = map[string]string{
	"conf":                     "",
	"dag":                      "conf",
	"probe":                    "",
	"checks":                   "conf dag probe",
	"checks/checkstest":        "checks conf dag probe",
	"warehouse":                "conf probe",
	"warehouse/duckdb":         "conf probe warehouse",
	"warehouse/mysql":          "conf probe warehouse",
	"warehouse/postgres":       "conf probe warehouse",
	"warehouse/servertest":     "",
	"warehouse/warehousetest":  "conf probe warehouse",
	"jobs/heartbeat":           "conf probe",
	"incident":                 "checks dag",
	"notify":                   "checks conf dag incident",
	"notify/slack":             "checks conf dag incident notify",
	"notify/slack/strictslack": "",
	"notify/webhook":           "conf incident notify",
	"pulse":                    "",
	"store":                    "checks dag incident notify probe",
	"store/suspect":            "store",
	"watch":                    "checks dag incident probe",
	"web":                      "checks dag incident",
	"demo":                     everything,
	"examples":                 "",
	"cmd/pipewatch":            everything,
	"test/chronicle":           everything,
	"test/gallery":             everything,
	"test/damage":              everything,
	"test/power":               everything,
	"test/images":              everything,
	"test/torture":             "test/rig",
	"test/load":                everything,
	"test/mutants":             "test/rig test/seeded",
	"test/rig":                 "",
	"test/strain":              everything,
	"test/seeded":              "",
	"test/crash":               everything,
	"test/badinput":            everything,
	"test/points":              everything,
	"test/points/hit":          "",
	"bench/meter":              "",
	"bench/tables":             "",
	"bench/delay":              "",
	"bench/floor/postgres":     "",
	"bench/floor/duckdb":       "",
	"bench/cost":               "bench/delay",
	"bench/peers":              "bench/cost bench/delay bench/tables warehouse/servertest",
	"bench/alert":              "checks conf dag incident notify notify/slack notify/slack/strictslack store",
	"bench/join":               "probe warehouse warehouse/duckdb warehouse/postgres warehouse/servertest",
	"bench/scan":               "bench/meter probe warehouse warehouse/duckdb warehouse/postgres warehouse/servertest",
	"bench/token":              "bench/tables checks dag warehouse warehouse/postgres warehouse/servertest watch",
	"bench/pass":               "bench/cost bench/delay bench/tables warehouse/servertest",
}

// confined lists every library that pipewatch uses and the packages that may
// import it, so that each can be replaced in one place and none spreads. Tests
// obey it too. A library that is not listed fails the test.
var confined = map[string]string{
	"go.yaml.in/yaml/v4":                    "conf",
	"github.com/agnivade/levenshtein":       "conf",
	"github.com/invopop/jsonschema":         "conf",
	"github.com/robfig/cron/v3":             "dag watch", // its runner is measured beside the agenda
	"github.com/teambition/rrule-go":        "dag",
	"github.com/dominikbraun/graph":         "dag",
	"github.com/duckdb/duckdb-go/v2":        "warehouse/duckdb bench/floor/duckdb bench/pass bench/join bench/scan",
	"github.com/go-sql-driver/mysql":        "warehouse/mysql",
	"github.com/jackc/pgx/v5":               "warehouse/postgres bench/floor/postgres bench/pass bench/peers bench/join bench/token bench/scan",
	"github.com/slack-go/slack":             "notify/slack",
	"github.com/gorilla/websocket":          "notify/slack/strictslack",
	"go.etcd.io/bbolt":                      "store test/badinput", // which makes files that are wrong
	"github.com/danielgtaylor/huma/v2":      "web",
	"github.com/prometheus/client_golang":   "web",
	"github.com/klauspost/compress":         "store",
	"github.com/coreos/go-systemd/v22":      "pulse",
	"github.com/spf13/cobra":                "cmd/pipewatch",
	"github.com/jedib0t/go-pretty/v6":       "cmd/pipewatch",
	"golang.org/x/term":                     "cmd/pipewatch",
	"golang.org/x/time/rate":                "notify notify/slack/strictslack",
	"github.com/google/go-cmp":              inTests,
	"github.com/rogpeppe/go-internal":       inTests,
	"github.com/santhosh-tekuri/jsonschema": inTests,
	"pgregory.net/rapid":                    inTests,
}

// inTests stands in confined for every test file, and for the packages that
// exist for tests of others.
const inTests = "tests checks/checkstest warehouse/warehousetest"

// worldly are the parts of the standard library by which a package would touch
// the world or speak; pure packages compute and do nothing else.
var (
	pure    = []string{"checks", "incident", "probe"}
	worldly = []string{"bufio", "database", "log", "math/rand", "net", "os", "syscall"}
)

// clocks lists where the clock may be read and waited on. Everything else is
// told the moment, so that the past can be judged by the same code as today.
var clocks = []string{
	"watch/",           // the loop: slots, ticks and the moment of a run
	"notify/sender.go", // attempts, time-outs and quiet periods are wall time
	"notify/destination.go",
	"notify/storm.go", // how many in a minute
	"notify/fallback.go",
	"notify/attempt.go",
	"store/suspect/",            // a check that does not end
	"notify/slack/strictslack/", // it stands for another company's machine
	"pulse/",                    // a beat is wall time
	"demo/",
	"cmd/pipewatch/",
	"test/",  // harnesses run real processes
	"bench/", // to measure is to read the clock
}

// source is one Go file of the tree.
type source struct {
	name string // relative to the root, with slashes
	pkg  string // its folder
	test bool
	file *ast.File
}

// external reports whether s is a test of its package from outside.
func (s source) external() bool { return strings.HasSuffix(s.file.Name.Name, "_test") }

func TestPackagesImportOnlyWhatTheTableSays(t *testing.T) {
	for _, s := range sources(t) {
		allowed, listed := knows[s.pkg]
		if !listed {
			t.Errorf("%s: package %s is not in the import table; decide what it knows and add it", s.name, s.pkg)
			continue
		}
		for imported := range imports(s) {
			to, ours := strings.CutPrefix(imported, module+"/")
			switch {
			case !ours || to == s.pkg:
			case to == "cmd/pipewatch":
				t.Errorf("%s imports the command", s.name)
			case allowed == everything, s.external():
			case !slices.Contains(strings.Fields(allowed), to):
				t.Errorf("%s: %s must not know %s; it may import: %s", s.name, s.pkg, to, cmp.Or(allowed, "nothing of pipewatch"))
			}
		}
	}
}

func TestTheArchitecturePageHasTheSameTable(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); len(cells) == 3 && strings.HasPrefix(cells[0], "| `") {
			shown[strings.Trim(cells[0], "| `")] = strings.NewReplacer(" |", "", "-", "", "all", everything).Replace(cells[2])
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(knows)) {
		if got, ok := shown[pkg]; !ok || got != knows[pkg] {
			t.Errorf("docs/architecture.md says that %s may know %q, the import table %q", pkg, got, knows[pkg])
		}
	}
}

// link matches a link of Markdown to a file, without its anchor.
var link = regexp.MustCompile(`\]\(([^):#\s]+)(?:#[^)\s]*)?\)`)

func TestLinksInTheDocumentationLeadSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".md" {
			return err
		}
		text, err := os.ReadFile(name)
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, found[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLibrariesStayWhereTheyAreConfined(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		for imported := range imports(s) {
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") || strings.HasPrefix(imported, module) {
				continue
			}
			library, where := confinement(imported)
			used[library] = true
			switch {
			case library == "":
				t.Errorf("%s imports %s, which no line of the table of libraries names", s.name, imported)
			case s.test && slices.Contains(where, "tests"):
			case !slices.Contains(where, s.pkg):
				t.Errorf("%s imports %s, which only %s may", s.name, library, strings.Join(where, ", "))
			}
		}
	}
	for library := range confined {
		if !used[library] {
			t.Errorf("the table of libraries names %s, which nothing imports", library)
		}
	}
}

func TestPurePackagesDoNotTouchTheWorld(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || !slices.Contains(pure, s.pkg) {
			continue
		}
		for imported := range imports(s) {
			for _, p := range worldly {
				if imported == p || strings.HasPrefix(imported, p+"/") {
					t.Errorf("%s imports %s, but %s computes and does nothing else", s.name, imported, s.pkg)
				}
			}
		}
	}
}

func TestTheClockIsReadOnlyWhereTimePasses(t *testing.T) {
	reads := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
	for _, s := range sources(t) {
		if s.test || slices.ContainsFunc(clocks, func(p string) bool { return strings.HasPrefix(s.name, p) }) {
			continue
		}
		for _, name := range selected(s, "time") {
			if slices.Contains(reads, name) {
				t.Errorf("%s uses time.%s; it should be told the moment by its caller", s.name, name)
			}
		}
	}
}

// A test that sleeps is slow and sometimes wrong. In a synctest bubble a sleep
// costs nothing and is exact, so packages that are tested in bubbles are let be.
func TestNothingReallySleeps(t *testing.T) {
	all := sources(t)
	bubbles := map[string]bool{}
	for _, s := range all {
		if slices.Contains(slices.Collect(imports(s)), "testing/synctest") {
			bubbles[s.pkg] = true
		}
	}
	for _, s := range all {
		if slices.Contains(selected(s, "time"), "Sleep") && !(s.test && bubbles[s.pkg]) {
			t.Errorf("%s sleeps; wait for what is awaited, or use testing/synctest", s.name)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	comments := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		comments[s.pkg] += 0
		if s.file.Doc == nil {
			continue
		}
		comments[s.pkg]++
		begins := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			begins = "Command " + path.Base(s.pkg) + " "
		}
		if doc := s.file.Doc.Text(); !strings.HasPrefix(doc, begins) || !strings.Contains(doc, "\n# Data model\n") {
			t.Errorf("%s: the package comment should begin with %q, say what the package is for and what it is not, and have a section %q", s.name, begins, "# Data model")
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(comments)) {
		if comments[pkg] != 1 {
			t.Errorf("package %s has %d package comments, want 1", pkg, comments[pkg])
		}
	}
}

// A method is explained where it is declared or by the interface it satisfies.
func TestEverythingExportedIsExplained(t *testing.T) {
	all := sources(t)
	promised := []string{"Error", "Unwrap", "String", "Next", "Len", "Less", "Swap", "Push", "Pop", "ServeHTTP", "LogValue",
		"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText"}
	for _, s := range all {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok {
				for _, m := range i.Methods.List {
					for _, name := range m.Names {
						promised = append(promised, name.Name)
					}
				}
			}
			return true
		})
	}
	for _, s := range all {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range unexplained(d, promised) {
				t.Errorf("%s: %s has no comment", s.name, name)
			}
		}
	}
}

// unexplained lists the exported names that d declares without a comment,
// leaving out methods that an interface promises. One comment is enough for a
// group.
func unexplained(d ast.Decl, promised []string) (names []string) {
	note := func(name *ast.Ident, comments ...*ast.CommentGroup) {
		if name.IsExported() && !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
			names = append(names, name.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || !slices.Contains(promised, d.Name.Name) && receiver(d).IsExported() {
			note(d.Name, d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				note(spec.Name, d.Doc, spec.Doc, spec.Comment)
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					note(name, d.Doc, spec.Doc, spec.Comment)
				}
			}
		}
	}
	return names
}

// receiver names the type that f is a method of.
func receiver(f *ast.FuncDecl) *ast.Ident {
	t := f.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		default:
			return t.(*ast.Ident)
		}
	}
}

// sources reads every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	root := os.DirFS(filepath.Join("..", ".."))
	files := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			switch base := entry.Name(); {
			case name == "tools" || name == "bin" || base == "testdata" || base != "." && strings.HasPrefix(base, "."):
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
		all = append(all, source{name: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), file: file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// imports yields the paths that s imports.
func imports(s source) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, spec := range s.file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err == nil && !yield(name) {
				return
			}
		}
	}
}

// selected lists the names that s takes from the package pkg, as in pkg.Name.
func selected(s source, pkg string) (names []string) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
				names = append(names, sel.Sel.Name)
			}
		}
		return true
	})
	return names
}

// confinement finds the library that a package belongs to, and who may use it.
func confinement(imported string) (library string, where []string) {
	for name, in := range confined {
		if imported == name || strings.HasPrefix(imported, name+"/") {
			return name, strings.Fields(in)
		}
	}
	return "", nil
}
