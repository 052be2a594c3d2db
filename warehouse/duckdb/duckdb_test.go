package duckdb_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestMeaning(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, duckdb.Options{Init: setup})
	})
}

// open makes a source that is closed with the test. Without a folder it has one of
// its own.
func open(t *testing.T, o duckdb.Options) *warehouse.Source {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.MaxQueries == 0 {
		o.Limits = warehouse.Limits{MaxQueries: 2, FreeSQL: true, Now: time.Now}
	}
	source, err := duckdb.Open(t.Context(), o)
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
