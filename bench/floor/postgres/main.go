// Command postgres is the floor under a pass over PostgreSQL: what a person would
// write who knows the tables of package tables and nothing else. One fused statement
// a table and one for its foreign key, four connections, windows of 50 statements
// with a Sync after each. It prints what is failing, as "t00007 stale" lines. It is not
// a checker: it has no files, no words and no past.
//
// # Data model
//
// A statement is one SELECT over one table, and the fault that each column of its
// answer tells.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	dsn    = flag.String("dsn", "", "database")
	tables = flag.Int("tables", 1000, "how many tables to look at")
	apart  = flag.Bool("apart", false, "one statement a check, five a table, to show what fusing saves")
)

// A statement for table %s, and the fault that each column of its answer tells.
var (
	fused = map[string][]string{
		"select max(ts) < now() - interval '2 days', count(*) < 900, count(*) > count(val), count(id) > count(distinct id) from %s": {"stale", "few", "nulls", "duplicates"},
		"select count(*) > 0 from %s t where dim_id is not null and not exists (select 1 from dim d where d.id = t.dim_id)":         {"orphans"},
	}
	single = map[string][]string{
		"select max(ts) < now() - interval '2 days' from %s": {"stale"},
		"select count(*) < 900 from %s":                      {"few"},
		"select count(*) > 0 from %s where val is null":      {"nulls"},
		"select count(id) > count(distinct id) from %s":      {"duplicates"},
		"select count(*) > 0 from %s t where dim_id is not null and not exists (select 1 from dim d where d.id = t.dim_id)": {"orphans"},
	}
)

const (
	lanes  = 4
	window = 50
)

type statement struct {
	table  string
	sql    string
	faults []string
}

func main() {
	flag.Parse()
	forms := fused
	if *apart {
		forms = single
	}
	queues := make([][]statement, lanes)
	for n := range *tables {
		name := fmt.Sprintf("t%05d", n)
		for form, faults := range forms {
			queues[n%lanes] = append(queues[n%lanes], statement{name, fmt.Sprintf(form, name), faults})
		}
	}
	found := make([][]string, lanes)
	var wg sync.WaitGroup
	for lane := range lanes {
		wg.Go(func() { found[lane] = work(queues[lane]) })
	}
	wg.Wait()
	lines := slices.Sorted(slices.Values(slices.Concat(found...)))
	fmt.Println(strings.Join(lines, "\n"))
}

func work(queue []statement) (found []string) {
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, *dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	for part := range slices.Chunk(queue, window) {
		pipeline := conn.StartPipeline(ctx)
		for _, s := range part {
			pipeline.SendQueryParams(s.sql, nil, nil, nil, nil)
			pipeline.SendPipelineSync()
		}
		if err := pipeline.Flush(); err != nil {
			log.Fatal(err)
		}
		for _, s := range part {
			for synced := false; !synced; {
				result, err := pipeline.GetResults()
				if err != nil {
					log.Fatal(err)
				}
				switch r := result.(type) {
				case *pgconn.ResultReader:
					rows := r.Read()
					if rows.Err != nil {
						log.Fatal(rows.Err)
					}
					for i, v := range rows.Rows[0] {
						if bad, _ := strconv.ParseBool(string(v)); bad {
							found = append(found, s.table+" "+s.faults[i])
						}
					}
				case *pgconn.PipelineSync:
					synced = true
				}
			}
		}
		if err := pipeline.Close(); err != nil {
			log.Fatal(err)
		}
	}
	return found
}
