package duckdb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// TestCases runs what every check kind means on this engine.
func TestCases(t *testing.T) {
	checkstest.Run(t, func(t *testing.T, setup []string) probe.Source {
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
	})
}

// TestFlightsAgainstTheUsualWeekday holds the whole way from YAML to a verdict
// against figures that were worked out from the flights of 2013 by other means.
func TestFlightsAgainstTheUsualWeekday(t *testing.T) {
	source, err := duckdb.Open(t.Context(), duckdb.Options{
		Dir: "../../examples", Init: []string{"create view flights as select * from 'data/flights.parquet'"},
		Limits: warehouse.Limits{MaxQueries: 2, FreeSQL: true, Now: time.Now},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	graph, problems := dag.Load([]dag.File{{Name: "flights.yaml", Src: []byte(`version: 1
dag: d
connection: db
timezone: America/New_York
nodes:
  flights:
    table: flights
    row_count: {per: day, by: time_hour, granularity: 1h, compare: {to: same_weekday, over: 6w, max_drop: 22%}}
`)}}, dag.Known{})
	suite, more := checks.Compile(graph, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	check := suite.Check("d/flights/row_count")
	for _, c := range []struct{ day, want string }{
		{"2013-11-28", "fail dropped: 2013-11-28 has 634 rows, 36.06% below the usual 991.5, limit 22%"},
		{"2013-11-29", "fail dropped: 2013-11-29 has 661 rows, 33.07% below the usual 987.5, limit 22%"},
		{"2013-12-25", "fail dropped: 2013-12-25 has 719 rows, 25.65% below the usual 967, limit 22%"},
		{"2013-07-04", "fail dropped: 2013-07-04 has 737 rows, 25.49% below the usual 989, limit 22%"},
		{"2013-09-01", "fail dropped: 2013-09-01 has 718 rows, 22.72% below the usual 929, limit 22%"},
		{"2013-12-24", "pass : 2013-12-24 has 761 rows, usual are 973"},
		// The snowstorm: cancelled flights are rows.
		{"2013-02-08", "pass : 2013-02-08 has 930 rows"},
		// The days on which the clocks change have 23 and 25 hours.
		{"2013-03-10", "pass : 2013-03-10 has 908 rows"},
		{"2013-11-03", "pass : 2013-11-03 has 902 rows"},
	} {
		t.Run(c.day, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, c.day)
			if err != nil {
				t.Fatal(err)
			}
			at := day.Add(36 * time.Hour) // the next morning in New York
			moment := checks.Moment{Now: at}
			v, _ := check.Judge(source.Ask(t.Context(), at, check.Ask(nil, moment)), nil, moment)
			if got := fmt.Sprintf("%s %s: %s", v.Outcome, v.Reason, v.Message); !strings.HasPrefix(got, c.want) {
				t.Errorf("got  %s\nwant %s …", got, c.want)
			}
		})
	}
}

// TestDifferential holds random checks on random tables against a slow oracle.
func TestDifferential(t *testing.T) {
	checkstest.Differential(t, func(t *testing.T, setup []string) probe.Source { return prepared(t, setup...) })
}
