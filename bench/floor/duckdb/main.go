// Command duckdb is the floor under a pass over DuckDB: what a person would write
// who knows the tables of package tables and nothing else. One fused statement a
// table and one for its foreign key, ten tables put together by UNION ALL, two
// connections, one thread each and a memory limit. It prints what is failing, as
// "t00007 stale" lines. It is not a checker: it has no files, no words and no past.
//
// # Data model
//
// A statement is one SELECT over one table or more, and the fault that each column of
// its answer tells.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"slices"
	"strings"
	"sync"

	_ "github.com/duckdb/duckdb-go/v2"
)

var (
	path   = flag.String("path", "", "database file")
	tables = flag.Int("tables", 1000, "how many tables to look at")
	apart  = flag.Bool("apart", false, "one statement a check, five a table, to show what fusing saves")
)

// Statements for table %[1]s; %[2]d is its place among those put together.
var (
	fused = []form{
		{"select %[2]d, max(ts) < now() - interval 2 days, count(*) < 900, count(*) > count(val), count(id) > count(distinct id) from %[1]s", []string{"stale", "few", "nulls", "duplicates"}},
		{"select %[2]d, count(*) > 0 from %[1]s t anti join dim d on d.id = t.dim_id where t.dim_id is not null", []string{"orphans"}},
	}
	single = []form{
		{"select %[2]d, max(ts) < now() - interval 2 days from %[1]s", []string{"stale"}},
		{"select %[2]d, count(*) < 900 from %[1]s", []string{"few"}},
		{"select %[2]d, count(*) > 0 from %[1]s where val is null", []string{"nulls"}},
		{"select %[2]d, count(id) > count(distinct id) from %[1]s", []string{"duplicates"}},
		{"select %[2]d, count(*) > 0 from %[1]s t anti join dim d on d.id = t.dim_id where t.dim_id is not null", []string{"orphans"}},
	}
)

type form struct {
	sql    string
	faults []string
}

type statement struct {
	names  []string
	sql    string
	faults []string
}

func main() {
	flag.Parse()
	forms, together := fused, 10
	if *apart {
		forms, together = single, 1
	}
	names := make([]string, *tables)
	for n := range names {
		names[n] = fmt.Sprintf("t%05d", n)
	}
	work := make(chan statement, *tables*5)
	for part := range slices.Chunk(names, together) {
		for _, f := range forms {
			one := make([]string, len(part))
			for i, name := range part {
				one[i] = fmt.Sprintf(f.sql, name, i)
			}
			work <- statement{part, strings.Join(one, " union all "), f.faults}
		}
	}
	close(work)
	db, err := sql.Open("duckdb", *path+"?access_mode=read_only&threads=1&memory_limit=2GB")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	found := make([][]string, 2)
	var wg sync.WaitGroup
	for lane := range found {
		wg.Go(func() { found[lane] = ask(db, work) })
	}
	wg.Wait()
	fmt.Println(strings.Join(slices.Sorted(slices.Values(slices.Concat(found...))), "\n"))
}

func ask(db *sql.DB, work <-chan statement) (found []string) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	for s := range work {
		rows, err := conn.QueryContext(context.Background(), s.sql)
		if err != nil {
			log.Fatal(err)
		}
		place, bad := 0, make([]bool, len(s.faults))
		into := []any{&place}
		for i := range bad {
			into = append(into, &bad[i])
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				log.Fatal(err)
			}
			for i := range bad {
				if bad[i] {
					found = append(found, s.names[place]+" "+s.faults[i])
				}
			}
		}
		if err := rows.Err(); err != nil {
			log.Fatal(err)
		}
	}
	return found
}
