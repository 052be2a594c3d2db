package postgres_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestAPlanTellsHowTimesAreReadAndWhatItCosts(t *testing.T) {
	warehousetest.Plans(t, func(t *testing.T, setup []string) *warehouse.Source {
		return open(t, dsn("postgres", fresh(t, append(setup, "analyze")...)), warehouse.Limits{})
	}, true)
}
