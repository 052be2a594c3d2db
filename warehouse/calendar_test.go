package warehouse

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// The oracle walks the minutes of a year and looks at the clock.
func TestADayBeginsAtItsFirstMinute(t *testing.T) {
	for zone, year := range map[string]int{
		"UTC": 2013, "America/New_York": 2013, "Europe/Berlin": 2013, "Australia/Lord_Howe": 2013, "Asia/Kathmandu": 2013, // 45 minutes off the hour
		"America/Sao_Paulo": 2018, "America/Havana": 2013, "Atlantic/Azores": 2013, "Asia/Beirut": 2013, "Africa/Cairo": 2014, // turn the clock at midnight
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		minute := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		seen := map[time.Time]time.Time{civil(minute, loc): {}} // the first day is cut
		for ; minute.Year() == year; minute = minute.Add(time.Minute) {
			day := civil(minute, loc)
			if _, known := seen[day]; !known {
				seen[day] = minute
				if got := firstMoment(day, loc); !got.Equal(minute) {
					t.Errorf("%s: %s begins at %s, got %s", zone, day.Format(time.DateOnly), minute, got.UTC())
				}
			}
			if first := seen[day]; !first.IsZero() {
				if got := startOf(probe.Day, minute, loc); !got.Equal(first) {
					t.Fatalf("%s: the day of %s begins at %s, got %s", zone, minute, first, got.UTC())
				}
			}
		}
	}
}

func TestBucketsFollowEachOtherWithoutAGap(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for per, want := range map[probe.Per]int{probe.Hour: 8760, probe.Day: 365, probe.Week: 52, probe.Month: 12} {
		start := alignUp(per, time.Date(2013, 1, 1, 5, 0, 0, 0, time.UTC), loc)
		n := 0
		for start.Before(time.Date(2014, 1, 1, 5, 0, 0, 0, time.UTC)) {
			end := endOf(per, start, loc)
			if !startOf(per, end.Add(-time.Nanosecond), loc).Equal(start) || !startOf(per, end, loc).Equal(end) || !alignUp(per, start.Add(1), loc).Equal(end) {
				t.Fatalf("the %s from %s to %s does not hold together", per, start, end)
			}
			start, n = end, n+1
		}
		if n != want {
			t.Errorf("%d buckets of a %s in a year, want %d", n, per, want)
		}
	}
}
