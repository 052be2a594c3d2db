// Command join measures ways to look for orphans: what pipewatch asks against the
// forms that people write, over one large table and its parent, with the 4 MB of
// work_mem with which PostgreSQL comes.
//
// It starts its own PostgreSQL and its own DuckDB, in memory. It is no test: figures
// depend on the machine, ratios on what else runs there.
//
// # Data model
//
// A child of many rows, in no order, has a key into a parent of fewer; one key in a
// thousand is NULL and one in a thousand has no parent. A [form] is a SELECT that
// counts the orphans. Each form runs some rounds in turn with the others, and must
// count right; one that takes too long is ended and not run again.
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
)

var (
	engines = flag.String("engine", "postgres,duckdb", "engines, separated by commas")
	rows    = flag.Int("rows", 10_000_000, "rows of the child")
	parents = flag.Int("parents", 1_000_000, "rows of the parent")
	rounds  = flag.Int("rounds", 3, "how often each form runs")
	limit   = flag.Duration("limit", time.Minute, "end a form after this long")
)

// form is a way to count orphans.
type form struct {
	name, sql string
	took      []time.Duration
	tooLong   bool
}

// forms are what people write; what pipewatch asks is added.
func forms() []*form {
	return []*form{
		{name: "NOT EXISTS", sql: "select count(*) from child c where c.k is not null and not exists (select 1 from parent p where p.id = c.k)"},
		{name: "LEFT JOIN IS NULL", sql: "select count(*) from child c left join parent p on p.id = c.k where c.k is not null and p.id is null"},
		{name: "NOT EXISTS, and totals", sql: "select (select count(*) from child c where c.k is not null and not exists (select 1 from parent p where p.id = c.k)) as orphans from (select count(*) as total, count(k) as eligible from child) as t where total >= eligible"},
		{name: "NOT IN", sql: "select count(*) from child where k is not null and k not in (select id from parent)"},
		{name: "EXCEPT, keys only", sql: "select count(*) from (select k from child where k is not null except select id from parent) as e"},
	}
}

// engine is a database that can be asked.
type engine struct {
	name  string
	count func(ctx context.Context, sql string) (int64, error) // the first number of the first row
	asks  string                                               // what pipewatch asks
	close func() error
}

func main() {
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	for name := range strings.SplitSeq(*engines, ",") {
		open, ok := map[string]func(context.Context) (*engine, error){"postgres": openPostgres, "duckdb": openDuckDB}[name]
		if !ok {
			return fmt.Errorf("-engine %q is not one of postgres, duckdb", name)
		}
		e, err := open(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(e.measure(ctx), e.close()); err != nil {
			return err
		}
	}
	return nil
}

// data is the statements that make the tables; series is how the engine counts.
func data(create, series string) []string {
	from := func(n int) string { return " from " + fmt.Sprintf(series, n) }
	// 2654435761 has no common divisor with the number of rows: every g once, in no order.
	key := fmt.Sprintf("case when g %% 1000 = 1 then null when g %% 1000 = 2 then -g else 1 + (g * 2654435761) %% %d end", *parents)
	return []string{
		create + " parent (id bigint primary key)",
		"insert into parent select g" + from(*parents),
		create + " child as select cast(" + key + " as bigint) as k" + from(*rows),
		"analyze",
	}
}

// measure runs the forms in turn and prints what they took.
func (e *engine) measure(ctx context.Context) error {
	all := append([]*form{{name: "pipewatch", sql: e.asks}}, forms()...)
	want := int64(*rows / 1000)
	for range *rounds {
		for _, f := range all {
			if f.tooLong {
				continue
			}
			bounded, cancel := context.WithTimeout(ctx, *limit)
			began := time.Now()
			got, err := e.count(bounded, f.sql)
			took, over := time.Since(began), bounded.Err() != nil
			cancel()
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case over:
				f.tooLong = true
			case err != nil:
				return fmt.Errorf("%s: %w\n%s", f.name, err, f.sql)
			case got != want:
				return fmt.Errorf("%s counts %d orphans and there are %d\n%s", f.name, got, want, f.sql)
			default:
				f.took = append(f.took, took)
			}
		}
	}
	e.print(all)
	return nil
}

// print writes a line a form: the median, and its ratio to the best form that
// counts rows.
func (e *engine) print(all []*form) {
	best := time.Duration(1<<63 - 1)
	for _, f := range all[1:] {
		if !f.tooLong && !strings.HasPrefix(f.name, "EXCEPT") {
			best = min(best, median(f.took))
		}
	}
	fmt.Printf("%s, %d rows, %d parents, %d rounds\n\n%-24s %10s %14s %10s\n", e.name, *rows, *parents, *rounds, "form", "s", "ns/child row", "best = 1")
	for _, f := range all {
		if f.tooLong {
			fmt.Printf("%-24s %10s\n", f.name, "> "+limit.String())
			continue
		}
		m := median(f.took)
		fmt.Printf("%-24s %10.2f %14.0f %10.2f\n", f.name, m.Seconds(), float64(m.Nanoseconds())/float64(*rows), m.Seconds()/best.Seconds())
	}
	fmt.Println()
}

func median(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)/2]
}
