package notify

import (
	"slices"
	"time"
)

// Window is a recurring stretch of time by the clock on the wall: from 22:00 to
// 07:00, say, on some days of the week.
type Window struct {
	Days     []time.Weekday // on which it begins; empty for all
	From, To time.Duration  // since midnight; To at or before From is on the next day
	Zone     *time.Location // nil is UTC
}

// Until tells whether a moment is in the window, and when the window ends. Of
// the two mornings that a change to summer time may leave, the window ends by
// the clock that people see.
func (w Window) Until(at time.Time) (end time.Time, in bool) {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	at = at.In(zone)
	for back := range 2 { // it may have begun yesterday
		day := time.Date(at.Year(), at.Month(), at.Day()-back, 0, 0, 0, 0, zone)
		if len(w.Days) > 0 && !slices.Contains(w.Days, day.Weekday()) {
			continue
		}
		to := day
		if w.To <= w.From {
			to = day.AddDate(0, 0, 1)
		}
		from, until := onClock(day, w.From), onClock(to, w.To)
		if !at.Before(from) && at.Before(until) {
			return until, true
		}
	}
	return time.Time{}, false
}

// onClock is a time of day by the clock.
func onClock(day time.Time, since time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, int(since.Minutes()), 0, 0, day.Location())
}
