package mysql_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

// This server tells no cost before version 11.
func TestAPlanTellsHowTimesAreRead(t *testing.T) {
	s := need(t)
	warehousetest.Plans(t, func(t *testing.T, setup []string) *warehouse.Source {
		return open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	}, false)
}
