package checks_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// TestWhatIsKeptIsAsIfLoadedAnew edits a project at random, and holds every load that uses
// what it knows against one that knows nothing.
func TestWhatIsKeptIsAsIfLoadedAnew(t *testing.T) {
	kept, broken := 0, 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		sound := make([]dag.File, 5)
		for i := range sound {
			sound[i] = randomFile(r, i)
		}
		known := randomKnown(r)
		var loader dag.Loader
		compiler := checks.NewCompiler(checks.Builtin())
		var before *checks.Suite
		for step := range 12 {
			sound = edited(r, sound)
			files := spoilt(r, sound)
			if r.IntN(6) == 0 {
				known = randomKnown(r)
			}
			g, problems := loader.Load(files, known)
			suite, more := compiler.Compile(g)
			problems.Merge(more)
			freshGraph, freshProblems := dag.Load(files, known)
			fresh, more := checks.Compile(freshGraph, checks.Builtin())
			freshProblems.Merge(more)
			if diff := cmp.Diff(told(fresh, freshProblems), told(suite, problems)); diff != "" {
				t.Fatalf("seed %d, step %d: kept differs from anew (-anew +kept):\n%s\n%s", seed, step, diff, files)
			}
			broken += min(len(problems), 1)
			if before != nil {
				for c := range suite.All() {
					if before.Check(c.ID()) == c {
						kept++
					}
				}
			}
			before = suite
		}
	}
	if kept < 500 || broken < 50 || broken > 225 {
		t.Errorf("%d checks were kept and %d of 240 loads had problems: too few or too many to tell", kept, broken)
	}
}

// told is all that can be seen of a suite.
func told(s *checks.Suite, problems conf.Problems) []string {
	moment := checks.Moment{Now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}
	var out []string
	for _, g := range []*dag.Graph{s.Graph, s.Graph.Whole()} {
		for i, n := range g.Order() {
			out = append(out, fmt.Sprint(n.ID, n.Pos, n.Owner, n.Table, n.Zone, g.Parents(i), g.Children(i), g.Node(n.ID) == n))
		}
	}
	for c := range s.All() {
		out = append(out, fmt.Sprint(c.ID(), c.Spec.Pos, c.Fingerprint, c.MemoryOf, c.Upstream, c.ExplainedBy, c.Blames, s.Check(c.ID()) == c))
		for _, q := range c.Ask(nil, moment) {
			out = append(out, fmt.Sprintf("%#v", q))
		}
	}
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%s %s %s %s", p.Pos, p.Code, p.Msg, p.Hint))
	}
	return append(out, fmt.Sprint(s.Len()))
}

func randomKnown(r *rand.Rand) dag.Known {
	k := dag.Known{Zone: []*time.Location{time.UTC, time.FixedZone("UTC+2", 2*60*60)}[r.IntN(2)], Calendars: map[string]dag.Calendar{}}
	if n := r.IntN(6); n > 0 {
		k.Connections = map[string]bool{"wh": n > 1}
	}
	if r.IntN(3) > 0 {
		k.Calendars["rest"] = calendarOf(fmt.Sprintf("2026-0%d-01", 1+r.IntN(4)))
	}
	return k
}

// calendarOf is a Calendar of one day.
func calendarOf(day string) dag.Calendar {
	var c dag.Calendar
	doc, _ := conf.Parse("calendar.yaml", fmt.Appendf(nil, "days: [%s]", day))
	var keys struct {
		Days dag.Calendar `yaml:"days"`
	}
	if problems := doc.Decode(&keys); len(problems) == 0 {
		c = keys.Days
	}
	return c
}

// edited is the files after one or two edits: another text, one less, one more, another order.
func edited(r *rand.Rand, files []dag.File) []dag.File {
	files = slices.Clone(files)
	for range 1 + r.IntN(2) {
		switch at := r.IntN(len(files)); r.IntN(6) {
		case 0:
			if len(files) > 4 {
				files = slices.Delete(files, at, at+1)
			}
		case 1:
			files = append(files, randomFile(r, 5+r.IntN(2)))
		case 2:
			files[at].Src = append([]byte("# moved down by a line\n"), files[at].Src...)
		default:
			files[at].Src = randomFile(r, at).Src
		}
	}
	slices.SortStableFunc(files, func(a, b dag.File) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(files, func(a, b dag.File) bool { return a.Name == b.Name })
}

// spoilt is the files with a fault in one of them, or as they are.
func spoilt(r *rand.Rand, files []dag.File) []dag.File {
	files = slices.Clone(files)
	switch at := r.IntN(len(files)); r.IntN(8) {
	case 0:
		files[at].Src = fmt.Appendf(nil, "%s\n  broken: {tabel: x}\n", files[at].Src)
	case 1:
		files[at].Src = []byte("version: 1\ndag: [")
	case 2:
		files[at].Src = fmt.Appendf(nil, "%s\n  knot: {table: x, depends_on: [knot]}\n", files[at].Src)
	}
	return files
}

// randomFile is a DAG whose checks look at nodes of their own and of others, which are
// there or are not.
func randomFile(r *rand.Rand, i int) dag.File {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndag: d%d\nconnection: wh\nnodes:\n", i-min(i, 1)*(r.IntN(40)/39))
	other := func() string { return fmt.Sprintf("d%d/t%d", r.IntN(max(i, 1)), r.IntN(2)+r.IntN(40)/39) }
	above := ""
	if i > 0 {
		above = other()
	}
	for n := range 2 + r.IntN(3) {
		fmt.Fprintf(&b, "  t%d:\n    table: s%d.t%d\n    owner: o%d\n    depends_on: [%s]\n", n, r.IntN(2), n, r.IntN(2), strings.Trim(above+", job", ", "))
		fmt.Fprintf(&b, "    freshness: {column: at, error_after: %dh%s}\n", 1+r.IntN(3), []string{"", "", ", calendar: rest", ", complete_when: {job: job}"}[r.IntN(4)])
		fmt.Fprintf(&b, "    row_count: {min: %d}\n", 1+r.IntN(3))
		switch r.IntN(5) {
		case 0:
			fmt.Fprintf(&b, "    joins: {to: %s, on: id, max_orphans: 0}\n", other())
		case 1:
			fmt.Fprintf(&b, "    version: {built_from: [%s], lag: 2h}\n", other())
		case 2:
			b.WriteString("    version: {on_change: {require: run}}\n")
		case 3:
			fmt.Fprintf(&b, "    labels: {of: %s, on: id, event_time: at, labelled_at: labelled_at, delay: 2d}\n", other())
		}
	}
	fmt.Fprintf(&b, "  job: {job: {heartbeat: %s, succeeded_within: 2h}}\n", []string{"load", "nightly"}[r.IntN(2)])
	if r.IntN(3) == 0 {
		fmt.Fprintf(&b, "  ext: {external: %s}\n", other())
	}
	return dag.File{Name: fmt.Sprintf("dags/d%d.yaml", i), Src: []byte(b.String())}
}
