package mysql_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks/checkstest"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

// TestMeaning runs what every question means on this engine.
func TestMeaning(t *testing.T) {
	s := need(t)
	warehousetest.Run(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	}, "a truth is no answer") // a comparison is a number here: 1 or 0
}

// TestCases runs what every check kind means on this engine.
func TestCases(t *testing.T) {
	s := need(t)
	checkstest.Run(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	})
}

// TestDifferential holds random checks on random tables against a slow oracle.
func TestDifferential(t *testing.T) {
	s := need(t)
	checkstest.Differential(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	})
}
