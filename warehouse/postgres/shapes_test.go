package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// What a table is made of changes none of its figures: as many columns as the server
// takes, names as long as it takes, columns that are generated or were dropped, partitions,
// materialised and foreign tables.
func TestTablesOfEveryShapeAreCountedAlike(t *testing.T) {
	long := strings.Repeat("é", 31) + "x" // 63 bytes
	columns := []string{"id int", "ts timestamptz", fmt.Sprintf("%q int generated always as (id * 2) stored", long), "gone int"}
	for i := range 1596 {
		columns = append(columns, fmt.Sprintf("c%d boolean", i))
	}
	name := fresh(t,
		"create table wide ("+strings.Join(columns, ", ")+")", "alter table wide drop column gone",
		"insert into wide (id, ts) values (1, '2013-06-14 12:00:00+00'), (2, '2013-06-15 12:00:00+00'), (2, null)",
		fmt.Sprintf("create table %q (id int, ts timestamptz, %q int)", long, long), fmt.Sprintf("insert into %q select id, ts, %q from wide", long, long),
		fmt.Sprintf("create materialized view kept as select id, ts, %q from wide", long),
		fmt.Sprintf("create table split (id int, ts timestamptz, %q int) partition by list (id)", long), "create table split1 partition of split for values in (1)", "create table split2 partition of split default",
		fmt.Sprintf("insert into split select id, ts, %q from wide", long),
		fmt.Sprintf("create table heir (id int, ts timestamptz, %q int)", long), "create table child () inherits (heir)", fmt.Sprintf("insert into child select id, ts, %q from wide", long),
		fmt.Sprintf("create view seen as select id, ts, %q from split", long), "analyze")
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	var digest string
	for _, table := range []string{"wide", long, "kept", "split", "heir", "seen"} {
		answers := ask(t, source, probe.Rows{Of: rel(table)},
			probe.BadRows{Of: rel(table), Rule: probe.Duplicates, Columns: probe.List(long)},
			probe.Watermark{Of: rel(table), Column: probe.TimeColumn{Name: "ts"}, Horizon: probe.At(time.Date(2013, 6, 16, 0, 0, 0, 0, time.UTC))},
			probe.Coverage{Child: rel(table), Keys: probe.List(long), Parent: rel("wide"), ParentKeys: probe.List(long)},
			probe.Digest{Of: rel(table), Columns: probe.List("id", "ts", long)}, probe.Digest{Of: rel(table)})
		for _, a := range answers {
			if a.Err != nil {
				t.Errorf("%s: %v", table, a.Err)
			}
		}
		if t.Failed() {
			continue
		}
		mark, covered, d := answers[2].Value.(probe.Mark), answers[3].Value.(probe.Covered), answers[4].Value.(probe.Digests)
		if answers[0].Value != int64(3) || answers[1].Value != (probe.Bad{Bad: 1, Rows: 3}) || mark.Timed != 2 || mark.Max != probe.At(time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC)) ||
			covered.Matched != 3 || covered.DuplicateParentKeys != 1 {
			t.Errorf("%s: %v, %v, %+v, %+v", table, answers[0].Value, answers[1].Value, mark, covered)
		}
		if digest == "" {
			digest = d.Value
		}
		if d.Value != digest {
			t.Errorf("%s has version %s, wide %s", table, d.Value, digest)
		}
	}
}
