package warehousetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// PlanTables are the tables of [Plans]: 10,000 rows and one.
const PlanTables = `create table digits (n int);
insert into digits values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
create table many (n int, wall timestamp, ts timestamp with time zone, day date);
insert into many select a.n, null, null, null from digits a cross join digits b cross join digits c cross join digits d;
create table one (n int, wall timestamp);
insert into one values (1, '2013-06-15 12:00:00');
`

// Plans holds what a plan tells besides its statements: how times are read, and what the
// engine thinks of each, in its own units where it tells a cost.
func Plans(t *testing.T, open func(t *testing.T, setup []string) *warehouse.Source, costs bool) {
	source := open(t, statements(PlanTables))
	many, by := table("many"), func(name, zone string) probe.Window {
		return probe.Window{By: column(name, zone), From: utc("2013-06-14"), To: utc("2013-06-15")}
	}
	for _, c := range []struct {
		name string
		ask  probe.Question
		want []warehouse.Reading // but for the types, which each engine calls by its own words
		rows int64
	}{
		{"without a time nothing is read as anything", probe.Rows{Of: many}, nil, 10_000},
		{"a time without a zone is UTC", probe.Watermark{Of: many, Column: column("wall", "")}, []warehouse.Reading{{Column: "wall", Zone: "UTC"}}, 10_000},
		{"or of the zone that is said", probe.Rows{Of: table("one"), Window: by("wall", newYork)}, []warehouse.Reading{{Column: "wall", Zone: newYork}}, 1},
		{"a moment has a zone of its own, and days have another", probe.Buckets{Of: many, By: column("ts", newYork), Per: probe.Day, Zone: newYork},
			[]warehouse.Reading{{Column: "ts", Per: probe.Day, Days: newYork}}, 10_000},
		{"a date is a day of the zone whose days are meant", probe.Buckets{Of: many, By: column("day", ""), Per: probe.Week, Zone: newYork},
			[]warehouse.Reading{{Column: "day", Zone: newYork, Per: probe.Week, Days: newYork}}, 10_000},
		{"both sides of a join are read, and only the child has a window", probe.Coverage{Child: many, Keys: probe.List("n"), Parent: table("one"), ParentKeys: probe.List("n"), Window: by("day", "")},
			[]warehouse.Reading{{Column: "day", Zone: "UTC"}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			planned, _, err := source.Plan(t.Context(), Moment, []probe.Question{c.ask})
			if err != nil || len(planned) != 1 {
				t.Fatalf("%d statements, %v", len(planned), err)
			}
			if diff := cmp.Diff(c.want, planned[0].Times, cmpopts.IgnoreFields(warehouse.Reading{}, "Type")); diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
			if err := source.Estimate(t.Context(), Moment, planned); err != nil {
				t.Fatalf("%v\n%s", err, planned[0].Statement)
			}
			got := *planned[0].Estimate
			if c.rows > 0 && (got.Rows < c.rows/4 || got.Rows > c.rows*4+3000) || (got.Cost > 0) != costs {
				t.Errorf("estimated %+v, of a table with %d rows", got, c.rows)
			}
		})
	}
}
