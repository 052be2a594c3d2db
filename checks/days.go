package checks

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

const dateLayout = "2006-01-02"

// dayOf is the local day of a moment, as midnight UTC of the same date: days
// are added and compared there, where each has 24 hours.
func dayOf(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// dayStart is the first moment of a day (as dayOf gives it) in a zone. It is
// not simply midnight: in some zones the clock jumps over midnight, in others
// it shows midnight twice.
func dayStart(day time.Time, zone *time.Location) time.Time {
	isMidnight := func(t time.Time) bool {
		l := t.In(zone)
		h, m, s := l.Clock()
		return h == 0 && m == 0 && s == 0 && l.Day() == day.Day()
	}
	offset := func(t time.Time) time.Duration {
		_, seconds := t.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	// Read with the offset of the day before, a midnight shown twice is the first.
	early := day.Add(-offset(day.Add(-24 * time.Hour)))
	if isMidnight(early) {
		return early.In(zone)
	}
	late := day.Add(-offset(early))
	if isMidnight(late) {
		return late.In(zone)
	}
	jump, _ := early.In(zone).ZoneBounds()
	return jump
}

// startOfDay is the first moment of the local day that holds t.
func startOfDay(t time.Time, zone *time.Location) time.Time { return dayStart(dayOf(t, zone), zone) }

// addDays is the first moment of the local day n days after the day that holds t.
func addDays(t time.Time, n int, zone *time.Location) time.Time {
	return dayStart(dayOf(t, zone).AddDate(0, 0, n), zone)
}

// bucketStart is when the stretch of time that holds t began.
func bucketStart(t time.Time, per probe.Per, zone *time.Location) time.Time {
	return bucketAfter(t, per, 0, zone)
}

// bucketAfter is when the stretch n after the one that holds t begins; n may
// be negative. Hours are UTC's, weeks begin on Monday.
func bucketAfter(t time.Time, per probe.Per, n int, zone *time.Location) time.Time {
	day := dayOf(t, zone)
	switch per {
	case probe.Hour:
		return t.Truncate(time.Hour).Add(time.Duration(n) * time.Hour).In(zone)
	case probe.Week:
		sinceMonday := (int(day.Weekday()) + 6) % 7
		day = day.AddDate(0, 0, 7*n-sinceMonday)
	case probe.Month:
		day = day.AddDate(0, n, 1-day.Day())
	default:
		day = day.AddDate(0, 0, n)
	}
	return dayStart(day, zone)
}

// bucketsIn is how many whole stretches a duration takes, rounded up: `last`
// and `over` count days that may have 23 or 25 hours. A month counts 31 days,
// so that 365d are 12 of them.
func bucketsIn(d time.Duration, per probe.Per) int {
	const day = 24 * time.Hour
	length := map[probe.Per]time.Duration{probe.Hour: time.Hour, probe.Day: day, probe.Week: 7 * day, probe.Month: 31 * day}[per]
	return int((d + length - 1) / length)
}

// zoneName is how a question names a zone: empty for UTC.
func zoneName(zone *time.Location) string {
	if zone == nil || zone == time.UTC {
		return ""
	}
	return zone.String()
}
