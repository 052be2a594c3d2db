package duckdb_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestAPlanTellsHowTimesAreRead(t *testing.T) {
	warehousetest.Plans(t, func(t *testing.T, setup []string) *warehouse.Source {
		return open(t, duckdb.Options{Init: setup})
	}, false)
}
