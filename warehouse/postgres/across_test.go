package postgres_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// TestAJoinAcrossTwoConnectionsSaysWhatOneInOneDatabaseSays joins tables of this
// engine with those of DuckDB.
func TestAJoinAcrossTwoConnectionsSaysWhatOneInOneDatabaseSays(t *testing.T) {
	limits := warehouse.Limits{MaxQueries: 2, StatementTimeout: time.Minute, FreeSQL: true, Now: time.Now}
	checkstest.Across(t, func(t *testing.T, setup []string) probe.Source {
		source, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir(), Init: setup, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { source.Close() }) //nolint:errcheck // in memory
		return source
	}, func(t *testing.T, setup []string) probe.Source {
		return open(t, dsn("postgres", reused(t, setup...)), limits)
	}, warehouse.Split)
}
