package duckdb_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// Small tables are read ten in a statement; a scan that fails spoils no other, and
// each answer shows its own scan.
func TestSmallTablesShareStatementsAndNoTrouble(t *testing.T) {
	var init []string
	var qs []probe.Question
	for i := range 25 {
		name := fmt.Sprintf("t%d", i)
		init = append(init, fmt.Sprintf("create table %s as select range as id, 'x' as note from range(%d)", name, i+1))
		where := ""
		if i == 7 {
			where = "cast(note as integer) > 0"
		}
		qs = append(qs, probe.Rows{Of: rel(name), Where: where})
	}
	source := open(t, duckdb.Options{Init: init})
	planned, _, err := source.Plan(t.Context(), time.Now(), qs)
	if err != nil || len(planned) != 3 {
		t.Errorf("%d statements for 25 small tables, %v", len(planned), err)
	}
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		switch {
		case i == 7 && classOf(a.Err) != probe.Statement:
			t.Errorf("a text is no number: %v, %v", a.Value, a.Err)
		case i != 7 && a.Value != int64(i+1):
			t.Errorf("t%d has %v rows, %v", i, a.Value, a.Err)
		}
		if want := fmt.Sprintf("from \"t%d\"", i); !strings.Contains(a.Statement, want) || strings.Contains(a.Statement, "union all") {
			t.Errorf("the answer about t%d shows\n%s", i, a.Statement)
		}
	}
}
