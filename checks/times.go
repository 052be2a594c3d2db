package checks

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// seconds is a duration for JSON; nil when there is none.
func seconds(d *conf.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(int64(d.Std() / time.Second))
}

// spoken is a length of time as people say it, in two units at most: 45s,
// 33h, 9h30m, 5d2h, 214d, 13 years.
func spoken(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d < time.Minute:
		return conf.Duration(d.Truncate(time.Second)).String()
	case d < 3*day:
		return conf.Duration(d.Truncate(time.Minute)).String()
	case d >= 731*day:
		return fmt.Sprintf("%d years", d/(365*day+6*time.Hour))
	case d >= 60*day:
		return fmt.Sprintf("%dd", d/day)
	}
	hours := d.Truncate(time.Hour) % day
	if hours == 0 {
		return conf.Duration(d.Truncate(day)).String()
	}
	return conf.Duration(d.Truncate(day)).String() + conf.Duration(hours).String()
}

// clock is a moment as people of a zone read it.
func clock(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04 MST")
}
