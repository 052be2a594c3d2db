package duckdb_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// A column may have a collation here too; lists, ranges and segments are meant as they
// are written, as on every engine.
func TestListsRangesAndSegmentsOfTextGoByItsBytes(t *testing.T) {
	source := prepared(t, "create table t (w varchar collate nocase, ts timestamp)",
		"insert into t values ('paid', '2013-01-01'), ('Paid', '2013-01-01'), ('PAID', '2013-01-01')")
	of := probe.Relation{Conn: "db", Table: probe.List("t")}
	answers := source.Ask(t.Context(), time.Date(2013, 6, 15, 0, 0, 0, 0, time.UTC), []probe.Question{
		probe.BadRows{Of: of, Rule: probe.Unexpected, Columns: probe.List("w"), Accepted: probe.List(`"paid"`)},
		probe.BadRows{Of: of, Rule: probe.OutOfRange, Columns: probe.List("w"), Min: `"a"`},
		probe.Buckets{Of: of, By: probe.TimeColumn{Name: "ts"}, Per: probe.Day, Segment: "w"},
	})
	for _, a := range answers[:2] {
		if a.Value != (probe.Bad{Bad: 2, Rows: 3}) {
			t.Errorf("%v, %v\n%s", a.Value, a.Err, a.Statement)
		}
	}
	b, err := probe.Value[probe.BucketRows](answers[2])
	if err != nil || len(b.Buckets) != 3 {
		t.Errorf("%+v, %v", b, err)
	}
}

// prepared opens a database in which the statements have run.
func prepared(t *testing.T, setup ...string) *warehouse.Source {
	t.Helper()
	source, err := duckdb.Open(t.Context(), duckdb.Options{
		Dir: t.TempDir(), Init: setup, Limits: warehouse.Limits{MaxQueries: 2, FreeSQL: true, Now: time.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}
