package main

import (
	"go/format"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// few are exhibits of every sort, the cheapest of each.
var few = []string{
	"a loader fails", "a heartbeat stops", "an hour is lost", "rows twice", "parent keys twice", "a burst of NULL keys",
	"labels that contradict each other", "two faults at once", "a job retried with success", "a column added",
}
