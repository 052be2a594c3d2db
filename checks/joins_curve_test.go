package checks_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// youngest is the answers of a join whose newest whole day found so many of 100
// parents.
func youngest(day string, matched int64) []any {
	start := instant(day + "T00:00:00-05:00")
	return []any{covered(100, 0, 100, 0), probe.Covered{Cohorts: []probe.CohortJoined{
		{Start: start, End: start + probe.Instant(24*time.Hour), Eligible: 100, Matched: matched}}}}
}

func TestJoinsCurve(t *testing.T) {
	const fine, early = "pass: 100% of 100 rows match other", "pending no_history: no 3 earlier days were seen at an age that one has now"
	behind := func(day, share, age, usual string) string {
		return "warn behind_curve: " + day + ": " + share + " of 100 rows match other " + age + " after its end, usually " + usual + " at that age (tolerance 5%)"
	}
	learnt := []turn{
		{"2013-11-05T06:00:00Z", youngest("2013-11-04", 90), early}, {"2013-11-06T06:00:00Z", youngest("2013-11-05", 92), early},
		{"2013-11-07T06:00:00Z", youngest("2013-11-06", 94), early},
	}
	for _, c := range []struct {
		name  string
		turns []turn
	}{
		{"a share exactly at the tolerance is not behind", []turn{{"2013-11-08T06:00:00Z", youngest("2013-11-07", 87), fine}}},
		{"less is behind, until the parents come", []turn{
			{"2013-11-08T06:00:00Z", youngest("2013-11-07", 86), behind("2013-11-07", "86.00%", "1h", "92.0%")},
			{"2013-11-08T06:10:00Z", youngest("2013-11-07", 87), fine}}},
		{"younger than any other was is not comparable", []turn{{"2013-11-08T05:30:00Z", youngest("2013-11-07", 10), early}}},
		{"in the next step of age there is no past yet", []turn{{"2013-11-08T08:00:00Z", youngest("2013-11-07", 10), early}}},
		{"a fault that lasts does not become usual", []turn{
			{"2013-11-08T06:00:00Z", youngest("2013-11-07", 50), behind("2013-11-07", "50.00%", "1h", "92.0%")},
			{"2013-11-09T06:00:00Z", youngest("2013-11-08", 50), behind("2013-11-08", "50.00%", "1h", "92.0%")},
			{"2013-11-10T06:00:00Z", youngest("2013-11-09", 50), behind("2013-11-09", "50.00%", "1h", "92.0%")},
			{"2013-11-11T06:00:00Z", youngest("2013-11-10", 50), behind("2013-11-10", "50.00%", "1h", "92.0%")}}},
		{"what is long past is forgotten, and the curve learns anew", []turn{
			{"2014-01-08T06:00:00Z", youngest("2014-01-07", 50), early}, {"2014-01-09T06:00:00Z", youngest("2014-01-08", 50), early},
			{"2014-01-10T06:00:00Z", youngest("2014-01-09", 50), early}, {"2014-01-11T06:00:00Z", youngest("2014-01-10", 50), fine}}},
		{"a day without rows has no share", []turn{{"2013-11-08T06:00:00Z", []any{covered(100, 0, 100, 0), probe.Covered{Cohorts: []probe.CohortJoined{
			{Start: instant("2013-11-07T05:00:00Z"), End: instant("2013-11-08T05:00:00Z")}}}}, fine}}},
		{"a limit that is broken outranks the curve", []turn{{"2013-11-08T06:00:00Z",
			append([]any{covered(100, 0, 80, 3)}, youngest("2013-11-07", 50)[1]), "fail orphans: 20 rows of 3 keys do not match other, limit 5"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, "joins: {to: other, on: k, by: at, max_orphans: 5, curve: {}}", "joins")
			play(t, check, append(append([]turn{}, learnt...), c.turns...))
		})
	}
}

// The longest curve of hourly cohorts and a full ratchet share one memory.
func TestJoinsCurveAndRatchetFitInAMemory(t *testing.T) {
	full := covered(100_000, 0, 90_000, 5000)
	for i := range uint64(5000) {
		full.OrphanHashes = append(full.OrphanHashes, ^uint64(0)-5000+i)
	}
	c := checkOf(t, "joins: {to: other, on: k, by: at, known_orphans: ratchet, curve: {per: hour, over: 30, tolerance: 100%}}", "joins")
	var memory checks.Memory
	largest := 0
	for at := moment(t, "2013-06-01T00:30:00Z"); at.Now.Month() == time.June; at.Now = at.Now.Add(time.Hour) {
		var young probe.Covered
		for n := range 168 {
			end := at.Now.Truncate(time.Hour).Add(-time.Duration(167-n) * time.Hour)
			young.Cohorts = append(young.Cohorts, probe.CohortJoined{Start: probe.At(end.Add(-time.Hour)), End: probe.At(end), Eligible: 1_000_000, Matched: 999_999})
		}
		v, next := c.Judge([]probe.Answer{{Value: full}, {Value: young}}, memory, at)
		if v.Outcome == checks.Error {
			t.Fatal(v.Message)
		}
		if next != nil {
			memory = next
		}
		largest = max(largest, len(memory))
	}
	if largest < 50<<10 || largest > checks.MaxMemory {
		t.Errorf("the memory has up to %d bytes", largest)
	}
}
