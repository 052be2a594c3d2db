package checks_test

import (
	"encoding/json"
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
// agree, and name the oldest; where all are met, the last that has passed.
func TestDeadlinesAgreeWithAWalkOverAllOfThem(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	closed := map[string]bool{"2013-03-01": true, "2013-03-09": true, "2013-03-10": true, "2013-03-11": true, "2013-03-12": true, "2013-11-01": true, "2013-11-03": true, "2013-11-04": true}
	rests := func(at time.Time) bool { return closed[at.In(zone).Format(time.DateOnly)] }
	every := map[string]string{"day": "* * *", "weekday": "* * 1-5", "week": "* * 1", "month": "1 * *"}
	for word, days := range every {
		for i, covers := range []string{"previous_day", "same_day", "90m", "1d", "2d3h", "previous_day", "same_day", "1d", "previous_day", "same_day", "1d"} {
			shift := []string{"skip", "next", "previous"}[max(0, i-2)/3] // of each some
			t.Run(word+" covers "+covers+" shift "+shift, func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, 2013))
				schedule, err := dag.ParseSchedule("30 2 "+days, zone) // an hour that is skipped once a year
				if err != nil {
					t.Fatal(err)
				}
				check := checkOf(t, fmt.Sprintf(`freshness: {column: ts, by: "02:30", every: %s, covers: %s, granularity: 1h, grace: 30m, calendar: ["2013-03-01", "2013-03-09..2013-03-12", "2013-11-01", "2013-11-03..2013-11-04"], shift: %s, max_skew: 2d}`, word, covers, shift), "freshness")
				known := map[time.Time]time.Time{}
				promises := func(d time.Time) time.Time {
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
				promised := func(d time.Time) time.Time {
					if _, ok := known[d]; !ok {
						known[d] = promises(d)
					}
					return known[d]
				}
				for range 120 {
					// Around both changes of the clocks.
					now := time.Date(2013, []time.Month{3, 11}[random.IntN(2)], 3, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.IntN(12*24*60)) * time.Minute)
					watermark := now.Add(-time.Duration(random.IntN(9*24*6)) * 10 * time.Minute)
					var missed, last time.Time
					for at := schedule.Next(now.AddDate(0, 0, -45)); at.Before(now.AddDate(0, 0, 8)) && missed.IsZero(); at = schedule.Next(at) {
						d, through := at, promised(at)
						for step := map[string]int{"next": 1, "previous": -1}[shift]; step != 0 && rests(d); {
							d = d.In(zone).AddDate(0, 0, step)
							if step == 1 {
								continue
							}
							through = promised(d) // no more than there can be by then
						}
						if rests(d) || d.After(now) {
							continue
						}
						last = d
						if watermark.Add(time.Hour).Before(through) {
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
					if shown := judgedDeadline(t, v); !shown.Equal(last) {
						t.Fatalf("at %s with rows up to %s: judged by %s, want %s", now, watermark, shown, last)
					}
				}
			})
		}
	}
}

// judgedDeadline is the deadline that a verdict says it was judged by.
func judgedDeadline(t *testing.T, v checks.Verdict) time.Time {
	t.Helper()
	var expected struct{ Deadline time.Time }
	b, err := json.Marshal(v.Expected)
	if err == nil {
		err = json.Unmarshal(b, &expected)
	}
	if err != nil {
		t.Fatal(err)
	}
	return expected.Deadline
}
