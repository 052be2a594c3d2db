package duckdb_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

func TestOneBadStatementOfAThousandSpoilsNoOther(t *testing.T) {
	source := open(t, duckdb.Options{Init: checkstest.ThousandTables("create table %s as select %d as i")})
	if shown := checkstest.Thousand(t, source); shown != 1001 {
		t.Errorf("%d statements are shown", shown)
	}
}
