package checks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/bench/meter"
	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// hundredFiles are 10,000 nodes of about eighteen lines each; edit makes the text of the
// first another.
func hundredFiles(edit int) []dag.File {
	files := make([]dag.File, 100)
	for d := range files {
		var text strings.Builder
		fmt.Fprintf(&text, "version: 1\ndag: d%d\nconnection: wh\nowner: shop\ndefaults:\n  freshness: {error_after: 2h}\nnodes:\n", d)
		for n := range 100 {
			fmt.Fprintf(&text, "  t%d:\n    table: shop.t%d\n    description: one of the tables that the shop's models read\n    tags: [shop, daily]\n    runbook: https://example.com/t%d\n", n, n, n)
			if n > 0 {
				fmt.Fprintf(&text, "    depends_on:\n      - t%d\n      - d%d/t%d\n", (n-1)/2, d/2, n-1)
			}
			text.WriteString("    freshness:\n      column: loaded_at\n      error_after: 6h\n      schedule: \"*/15 * * * *\"\n")
			fmt.Fprintf(&text, "    row_count:\n      min: %d\n    values:\n      unique: [id]\n      not_null: [id]\n", 1+edit*(1-min(d, 1)))
		}
		files[d] = dag.File{Name: fmt.Sprintf("dags/d%d.yaml", d), Src: []byte(text.String())}
	}
	return files
}

// BenchmarkLoad reads, links and compiles a hundred files: all at once, and after an edit
// of one.
func BenchmarkLoad(b *testing.B) {
	b.Run("fresh", func(b *testing.B) {
		b.ReportAllocs()
		m := meter.Start()
		for b.Loop() {
			g, problems := dag.Load(hundredFilesOnce, dag.Known{})
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			if _, problems = checks.Compile(g, checks.Builtin()); len(problems) > 0 {
				b.Fatal(problems)
			}
		}
		m.Report(b, b.N, "load")
	})
	b.Run("one-of-100-edited", func(b *testing.B) {
		b.ReportAllocs()
		edits := [][]dag.File{hundredFilesOnce, hundredFiles(1)}
		loader, compiler := dag.Loader{}, checks.NewCompiler(checks.Builtin())
		load := func(files []dag.File) {
			g, _ := loader.Load(files, dag.Known{})
			compiler.Compile(g)
		}
		load(edits[1])
		m := meter.Start()
		n := 0
		for ; b.Loop(); n++ {
			load(edits[n%2])
		}
		m.Report(b, n, "load")
	})
}

var hundredFilesOnce = hundredFiles(0)
