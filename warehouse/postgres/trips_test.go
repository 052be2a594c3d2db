package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/delay"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// What a run costs over a network is its round trips: counted by a proxy between the
// two, five questions about each of 200 small tables are one statement for ten of them and one
// a connection for the columns of its tables, in windows of 50 over four connections.
func TestARunIsOneStatementForTenTablesAndFewRoundTrips(t *testing.T) {
	const tables = 200
	setup := []string{"create table dim (id int primary key)", "insert into dim values (1), (2)"}
	for i := range tables {
		setup = append(setup, fmt.Sprintf("create table t%d as select 1 as id, 1 as dim_id, now() as ts", i))
	}
	name := fresh(t, append(setup, "analyze")...)
	proxy, err := delay.Listen(fmt.Sprintf("127.0.0.1:%d", server.Port), 2*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	source := open(t, fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", proxy.Port(), name), warehouse.Limits{})
	var qs []probe.Question
	for i := range tables {
		of := rel(fmt.Sprintf("t%d", i))
		qs = append(qs,
			probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "ts"}},
			probe.Rows{Of: of},
			probe.BadRows{Of: of, Rule: probe.Nulls, Columns: probe.List("dim_id")},
			probe.BadRows{Of: of, Rule: probe.Duplicates, Columns: probe.List("id")},
			probe.Coverage{Child: of, Keys: probe.List("dim_id"), Parent: rel("dim"), ParentKeys: probe.List("id")})
	}
	for i, a := range ask(t, source, qs...) {
		if a.Err != nil {
			t.Fatalf("%v: %v", qs[i], a.Err)
		}
	}
	// A lane has 50 tables on average, so one window, with ten tables in each statement
	// but its last; connecting takes a trip or two of each.
	if s, n, c := proxy.Statements.Load(), proxy.Trips.Load(), proxy.Connections.Load(); s > tables/10+4+4 || n > 1+2*4+4 || c > 4 {
		t.Errorf("%d statements in %d round trips over %d connections", s, n, c)
	} else {
		t.Logf("%d statements in %d round trips over %d connections", s, n, c)
	}
}
