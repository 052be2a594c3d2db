package duckdb_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
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
