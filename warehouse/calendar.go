package warehouse

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// firstMoment is the first instant of a local day. That is midnight where the
// clock shows it once, the earlier of two where it shows it twice (Havana in
// autumn), and the end of the gap where it does not show it (São Paulo in spring).
func firstMoment(day time.Time, loc *time.Location) time.Time {
	y, m, d := day.Date()
	noon := time.Date(y, m, d, 12, 0, 0, 0, loc)
	turn, _ := noon.ZoneBounds()
	if turn.IsZero() || turn.In(loc).YearDay() != noon.YearDay() || turn.In(loc).Year() != y {
		return noon.Add(-12 * time.Hour)
	}
	_, before := turn.Add(-time.Nanosecond).In(loc).Zone()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Add(-time.Duration(before) * time.Second)
	if midnight.Before(turn) {
		return midnight.In(loc)
	}
	return turn.In(loc)
}

// civil is the day that a clock in loc shows at t, as midnight UTC of that day.
func civil(t time.Time, loc *time.Location) time.Time {
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// startOf is the first instant of the bucket that holds t.
func startOf(per probe.Per, t time.Time, loc *time.Location) time.Time {
	if per == probe.Hour {
		return t.UTC().Truncate(time.Hour)
	}
	return firstMoment(firstDay(per, civil(t, loc)), loc)
}

// firstDay is the day on which the day, week or month of a day begins.
func firstDay(per probe.Per, day time.Time) time.Time {
	switch per {
	case probe.Week:
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case probe.Month:
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// endOf is the first instant after the bucket that starts at start.
func endOf(per probe.Per, start time.Time, loc *time.Location) time.Time {
	day := civil(start, loc)
	switch per {
	case probe.Hour:
		return start.Add(time.Hour)
	case probe.Week:
		return firstMoment(day.AddDate(0, 0, 7), loc)
	case probe.Month:
		return firstMoment(day.AddDate(0, 1, 0), loc)
	}
	return firstMoment(day.AddDate(0, 0, 1), loc)
}

// alignUp is the first start of a bucket at or after t.
func alignUp(per probe.Per, t time.Time, loc *time.Location) time.Time {
	start := startOf(per, t, loc)
	if start.Equal(t) {
		return start
	}
	return endOf(per, start, loc)
}
