package incident_test

import "testing"

func TestAFallOfSeverityIsSaidOnceUnlessARecoveryExplainsIt(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.expect(w.run(5, "other/freshness: fail stale @1"), "other: opened")
	w.expect(w.run(10, "other/freshness: warn stale @1"), "other: lowered")
	w.expect(w.run(15, "other/freshness: warn stale @1"))
	w.expect(w.run(20, "other/freshness: fail stale @1"), "other: raised")
	w.expect(w.run(25), "other: closed")

	w = newWorld(t)
	w.run(0)
	w.expect(w.run(5, "lines/row_count: warn below_min", "lines/freshness: fail stale @4"), "lines: opened")
	w.expect(w.run(10, "lines/row_count: warn below_min"), "lines: recovered lines/freshness")
}
