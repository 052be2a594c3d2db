package duckdb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// Views are bound many at a time. One that fails is named in words about itself, and
// the columns of all others come in their order.
func TestViewsAreBoundTogetherAndFailAlone(t *testing.T) {
	var columns []string
	for i := range 40 {
		columns = append(columns, fmt.Sprintf("%d as c%d", i, i))
	}
	init := []string{"create table gone as select 1 as a", "create view broken as select a as b from gone", "drop table gone"}
	qs := []probe.Question{probe.Columns{Of: rel("broken")}, probe.Columns{Of: probe.Relation{Conn: "wh", Query: "select nothing from v1"}}}
	for i := range 120 {
		init = append(init, fmt.Sprintf("create view v%d as select %s", i, strings.Join(columns[:i%40+1], ", ")))
		qs = append(qs, probe.Columns{Of: rel(fmt.Sprintf("v%d", i))})
	}
	answers := open(t, duckdb.Options{Init: init}).Ask(t.Context(), time.Now(), qs)
	for i, says := range []string{"gone", "nothing"} {
		if err := answers[i].Err; err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "row_number") {
			t.Errorf("%v: %v, want an error about %s", qs[i], err, says)
		}
	}
	for i, a := range answers[2:] {
		got, err := probe.Value[[]probe.Column](a)
		if err != nil || len(got) != i%40+1 || !slices.IsSortedFunc(got, func(x, y probe.Column) int { return len(x.Name) - len(y.Name) }) || got[len(got)-1].Name != fmt.Sprintf("c%d", i%40) {
			t.Errorf("v%d has %v, %v", i, got, err)
		}
		if want := fmt.Sprintf(`describe select * from "v%d"`, i); a.Statement != want {
			t.Errorf("v%d was described by %s", i, a.Statement)
		}
	}
}
