package incident_test

import (
	"strings"
	"testing"
)

func TestForIsWaitedForInTimeWhateverTheCount(t *testing.T) {
	w := newWorldOf(t, strings.Replace(shop, "table: other\n    freshness: {", "table: other\n    freshness: {for: 12m, ", 1))
	w.expect(w.run(0, "other/freshness: fail stale"))
	w.expect(w.run(5, "other/freshness: fail stale"))
	w.expect(w.run(10, "other/freshness: fail stale"))
	w.expect(w.run(15, "other/freshness: fail stale"), "other: opened")
}

func TestForBeginsAnewAfterAGoodEvaluation(t *testing.T) {
	w := newWorldOf(t, strings.Replace(shop, "table: other\n    freshness: {", "table: other\n    freshness: {for: 8m, ", 1))
	w.expect(w.run(0, "other/freshness: fail stale"))
	w.expect(w.run(5))
	w.expect(w.run(10, "other/freshness: fail stale"))
	w.expect(w.run(15, "other/freshness: fail stale"))
	w.expect(w.run(20, "other/freshness: fail stale"), "other: opened")
}
