// Command scan measures what pipewatch's one statement over a big table costs: number of
// rows, newest time, NULLs of three columns and a sound hash of all rows, against the
// same written by hand, against count(*), and against the hash by MD5 that comparing
// tools use.
//
// pipewatch opens a file of DuckDB for each run and lets it go after, so that others can
// write it; the other forms do the same, and one shows what holding it open would save.
// Beside the time stands the processor time, which other work of the machine spoils less:
// that of the server's process, or of this one, in which DuckDB runs.
//
// It starts its own PostgreSQL, or makes a DuckDB file in a temporary folder, and removes
// both. It is no test: figures depend on the machine, ratios on what else runs there.
//
// # Data model
//
// An engine has the table and runs a text of SQL. A form is a way to look at the table;
// the forms run in turn, and the median of each counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

var (
	rows    = flag.Int("rows", 10_000_000, "how many rows the table has")
	rounds  = flag.Int("rounds", 3, "how often each form runs")
	engines = flag.String("engines", "duckdb,postgres", "which engines, separated by commas")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for name := range strings.SplitSeq(*engines, ",") {
		if err := measure(ctx, name); err != nil {
			stop()
			log.Fatal(err)
		}
	}
}

// The forms.
const (
	asked   = "pipewatch: rows, newest, NULLs, hash"
	byHand  = "the same by hand"
	holding = "the same by hand, the file held open"
	noHash  = "the same without the hash"
	counted = "count(*)"
	texts   = "the dearest column: count of a text"
	byMD5   = "hash by MD5"
)

func forms(hash, md5 string) map[string]string {
	figures := "count(*), count(ts), max(ts), min(ts), count(*) - count(ref), count(*) - count(amount), count(*) - count(note)"
	return map[string]string{
		byHand:  "select " + figures + ", sum(" + hash + ") from big",
		holding: "select " + figures + ", sum(" + hash + ") from big",
		noHash:  "select " + figures + " from big",
		counted: "select count(*) from big",
		texts:   "select count(note), max(strlen(note)) from big",
		byMD5:   "select count(*), sum(" + md5 + ") from big",
	}
}

// questions are what the checks freshness, row_count, values and version ask.
func questions() []probe.Question {
	of := probe.Relation{Conn: "wh", Table: probe.List("big")}
	qs := []probe.Question{probe.Rows{Of: of}, probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "ts"}}, probe.Digest{Of: of}}
	for _, column := range []string{"ref", "amount", "note"} {
		qs = append(qs, probe.BadRows{Of: of, Rule: probe.Nulls, Columns: probe.List(column)})
	}
	return qs
}

func measure(ctx context.Context, name string) (err error) {
	open := map[string]func(context.Context) (*engine, error){"postgres": openPostgres, "duckdb": openDuckDB}[name]
	if open == nil {
		return fmt.Errorf("-engines %q: there are duckdb and postgres", name)
	}
	e, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	names := []string{asked, byHand, holding, noHash, counted, texts, byMD5}
	if e.held == nil {
		names = slices.DeleteFunc(names, func(form string) bool { return form == holding })
	}
	took, used := map[string][]time.Duration{}, map[string][]time.Duration{}
	for round := range *rounds + 1 { // the first fills caches
		for _, form := range names {
			started, before := time.Now(), e.used()
			if err := e.look(ctx, form); err != nil {
				return fmt.Errorf("%s, %s: %w", e.title, form, err)
			}
			if round > 0 {
				took[form] = append(took[form], time.Since(started))
				used[form] = append(used[form], e.used()-before)
			}
		}
	}
	report(e.title, names, took, used)
	return nil
}

// look runs one form.
func (e *engine) look(ctx context.Context, form string) error {
	switch form {
	case asked:
	case holding:
		return e.held(ctx, e.forms[form])
	default:
		return e.run(ctx, strings.ReplaceAll(e.forms[form], "strlen(", map[bool]string{true: "strlen(", false: "octet_length("}[e.title == "DuckDB"]))
	}
	statement := ""
	for _, a := range e.source.Ask(ctx, time.Now(), questions()) {
		switch {
		case a.Err != nil:
			return a.Err
		case statement != "" && a.Statement != statement:
			return fmt.Errorf("it took two statements:\n%s\n%s", statement, a.Statement)
		}
		statement = a.Statement
	}
	return nil
}

func report(title string, names []string, took, used map[string][]time.Duration) {
	median := func(of []time.Duration) float64 {
		slices.Sort(of)
		return float64(of[len(of)/2].Nanoseconds()) / float64(*rows)
	}
	fmt.Printf("%s, %d rows, medians of %d\n\n| | ns a row | pipewatch is | processor ns a row | pipewatch is |\n|---|---|---|---|---|\n", title, *rows, *rounds)
	for _, form := range names {
		wall, cpu := median(took[form]), median(used[form])
		fmt.Printf("| %s | %.1f | %.2f times that | %.1f | %.2f times that |\n", form, wall, median(took[asked])/wall, cpu, median(used[asked])/cpu)
	}
	fmt.Println()
}
