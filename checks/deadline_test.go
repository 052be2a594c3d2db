package checks_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// midnight is the first moment of the local day n days after that of t, found
// by walking hours.
func midnight(t time.Time, n int, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	want := time.Date(y, m, d+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	at := time.Date(y, m, d+n-1, 9, 0, 0, 0, time.UTC)
	for at.In(zone).Format(time.DateOnly) != want {
		at = at.Add(time.Hour)
	}
	return at
}

// The contract's rule, word by word: walk all deadlines, work out what each
// promises, and find those that have passed and are not met. The kind must
// agree, and name the oldest.
func TestDeadlinesAgreeWithAWalkOverAllOfThem(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	every := map[string]string{"day": "* * *", "weekday": "* * 1-5", "week": "* * 1", "month": "1 * *"}
	for word, days := range every {
		for _, covers := range []string{"previous_day", "same_day", "90m", "1d", "2d3h"} {
			t.Run(word+" covers "+covers, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 2013))
				schedule, err := dag.ParseSchedule("30 2 "+days, zone) // an hour that is skipped once a year
				if err != nil {
					t.Fatal(err)
				}
				check := checkOf(t, fmt.Sprintf(`freshness: {column: ts, by: "02:30", every: %s, covers: %s, granularity: 1h, grace: 30m, calendar: ["2013-03-12", "2013-11-04"], max_skew: 2d}`, word, covers), "freshness")
				promised := func(d time.Time) time.Time {
					switch covers {
					case "previous_day":
						return midnight(d, 0, zone)
					case "same_day":
						return midnight(d, 1, zone)
					case "90m":
						return d.Add(-90 * time.Minute)
					case "1d":
						return d.In(zone).AddDate(0, 0, -1)
					}
					return d.In(zone).AddDate(0, 0, -2).Add(-3 * time.Hour)
				}
				for range 300 {
					// Around both changes of the clocks.
					now := time.Date(2013, []time.Month{3, 11}[random.IntN(2)], 3, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.IntN(12*24*60)) * time.Minute)
					watermark := now.Add(-time.Duration(random.IntN(9*24*6)) * 10 * time.Minute)
					var missed time.Time
					for d := schedule.Next(now.AddDate(0, -3, 0)); !d.After(now) && missed.IsZero(); d = schedule.Next(d) {
						if day := d.In(zone).Format(time.DateOnly); day == "2013-03-12" || day == "2013-11-04" {
							continue
						}
						if watermark.Add(time.Hour).Before(promised(d)) {
							missed = d
						}
					}
					want := checks.Pass
					if !missed.IsZero() {
						want = checks.Fail
						if !now.After(missed.Add(30 * time.Minute)) {
							want = checks.Warn
						}
					}
					v, _ := check.Judge([]probe.Answer{{Value: probe.Mark{Rows: 1, Timed: 1, Max: probe.At(watermark), Class: probe.Zoned}}}, nil, checks.Moment{Now: now})
					if v.Outcome != want || !v.Onset.Equal(missed) {
						t.Fatalf("at %s with rows up to %s: %s with onset %s, want %s since %s", now, watermark, v.Outcome, v.Onset, want, missed)
					}
				}
			})
		}
	}
}
