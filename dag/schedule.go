package dag

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// ParseSchedule reads a schedule: five cron fields or one of the @ words, meant in a
// zone (nil is UTC). It is the only door to the cron library and mends what that gets
// wrong:
//
//   - what makes it panic, what it silently changes and what never comes is an error;
//   - @every d comes at multiples of d since 1970, so that a restart moves nothing;
//   - at a change of the clocks a schedule with a fixed hour comes exactly once: right
//     after the gap when its time is skipped, the first time when it comes twice. One
//     with * hours comes whenever the clock on the wall shows it.
//
// Next works for any time and never fails: leap days are found across 2100 too.
func ParseSchedule(expr string, zone *time.Location) (Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	expr = strings.TrimSpace(expr)
	if d, ok := strings.CutPrefix(expr, "@every "); ok {
		return parseEvery(expr, strings.TrimSpace(d), zone)
	}
	if err := refuse(expr); err != nil {
		return nil, err
	}
	spec, err := parseCron(expr)
	if err != nil {
		return nil, err
	}
	s := clock{expr: expr, spec: spec, zone: zone, elapsed: everyHour(expr)}
	if s.wallNext(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule %q never comes: no month it names has that day", expr)
	}
	return s, nil
}

// refuse names what the library would accept or panic at although it must not be used.
func refuse(expr string) error {
	switch {
	case expr == "":
		return fmt.Errorf("the schedule is empty")
	case strings.HasPrefix(expr, "TZ=") || strings.HasPrefix(expr, "CRON_TZ="):
		return fmt.Errorf("schedule %q sets a zone; write timezone: in the file instead", expr)
	case expr == "@reboot":
		return fmt.Errorf("@reboot is not possible: a restart is no reason to judge data")
	case strings.HasPrefix(expr, "@"):
		return nil
	}
	fields := strings.Fields(expr)
	if len(fields) != 5 {
		return fmt.Errorf("schedule %q has %d fields and needs five: minute, hour, day of month, month, day of week", expr, len(fields))
	}
	for _, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			if part == "" {
				return fmt.Errorf("schedule %q has an empty item in %q", expr, field)
			}
		}
	}
	return nil
}

func parseCron(expr string) (spec *cron.SpecSchedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("schedule %q is malformed", expr)
		}
	}()
	parsed, err := cron.ParseStandard(expr)
	if err != nil {
		return nil, fmt.Errorf("schedule %q is malformed: %w", expr, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("schedule %q is malformed", expr)
	}
	// All reckoning happens on wall-clock readings written as UTC; zones come after.
	spec.Location = time.UTC
	return spec, nil
}

// everyHour reports whether the hour field is a wildcard, with or without a step.
func everyHour(expr string) bool {
	if strings.HasPrefix(expr, "@") {
		return expr == "@hourly"
	}
	hour := strings.Fields(expr)[1]
	return strings.HasPrefix(hour, "*") || strings.HasPrefix(hour, "?")
}

// every is a schedule of fixed steps since 1970.
type every struct {
	expr string
	step time.Duration
	zone *time.Location
}

func parseEvery(expr, text string, zone *time.Location) (Schedule, error) {
	var step time.Duration
	if d, err := conf.ParseDuration(text); err == nil {
		step = d.Std()
	} else if step, err = time.ParseDuration(text); err != nil {
		return nil, fmt.Errorf("schedule %q is malformed: write @every 10m or @every 1h30m", expr)
	}
	switch {
	case step < time.Second:
		return nil, fmt.Errorf("schedule %q is too often; the least is @every 1s", expr)
	case step%time.Second != 0:
		return nil, fmt.Errorf("schedule %q is no whole number of seconds", expr)
	case step > 366*24*time.Hour:
		return nil, fmt.Errorf("schedule %q is longer than a year", expr)
	}
	return every{expr, step, zone}, nil
}

func (e every) Next(t time.Time) time.Time {
	step := int64(e.step / time.Second)
	past := t.Unix() % step // seconds since the slot before t
	if past < 0 {
		past += step
	}
	return time.Unix(t.Unix()-past+step, 0).In(e.zone)
}

func (e every) String() string { return e.expr }

// clock is a schedule of clock readings in a zone.
type clock struct {
	expr    string
	spec    *cron.SpecSchedule
	zone    *time.Location
	elapsed bool // wildcard hours: comes whenever the clock shows it
}

func (c clock) String() string { return c.expr }

func (c clock) Next(t time.Time) time.Time {
	if c.elapsed {
		return c.nextShown(t)
	}
	// instant never decreases from one reading to the next, so the first reading
	// whose instant is after t is the answer. Readings up to t's own are past.
	reading := readingAt(t.In(c.zone))
	for {
		reading = c.wallNext(reading)
		if at := instant(reading, c.zone); at.After(t) {
			return at
		}
	}
}

// nextShown finds the next moment at which the wall clock shows a time of the
// schedule, going from one period of constant offset to the next.
func (c clock) nextShown(t time.Time) time.Time {
	period := t.In(c.zone)
	for after := readingAt(period); ; {
		end := constantUntil(period)
		_, offset := period.Zone()
		at := c.wallNext(after).Add(-time.Duration(offset) * time.Second).In(c.zone)
		if end.IsZero() || at.Before(end) {
			return at
		}
		// The moment at which the next period begins may itself be a slot.
		period, after = end, readingAt(end).Add(-time.Nanosecond)
	}
}

// constantUntil is a moment after t up to which t's offset holds; zero when it holds
// for ever. For years that a zone's rule covers, the standard library takes each to
// end after 365 days, so that on 31 December of a leap year the end lies before t.
func constantUntil(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		return end.AddDate(0, 0, 1)
	}
	return end
}

// wallNext is the library's Next on readings; it gives up after five years, which a
// leap day over a century without one outlasts. Zero when nothing comes in forty. It is
// asked from the end of the minute, as it would go there second by second.
func (c clock) wallNext(reading time.Time) time.Time {
	reading = reading.Truncate(time.Minute).Add(59 * time.Second)
	for range 8 {
		if next := c.spec.Next(reading); !next.IsZero() {
			return next
		}
		reading = time.Date(reading.Year()+5, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return time.Time{}
}

// readingAt is what the clock on the wall shows at t, written as a time in UTC.
func readingAt(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// instant is the first moment at which the clock of a zone has shown a reading or
// gone past it: its first occurrence where it comes twice, the end of the gap where
// it is skipped.
func instant(reading time.Time, zone *time.Location) time.Time {
	const farFromChange = 48 * time.Hour // no change of the clocks moves them by more than a day
	guess := time.Date(reading.Year(), reading.Month(), reading.Day(), reading.Hour(), reading.Minute(), reading.Second(), 0, zone)
	start, end := guess.ZoneBounds()
	if (start.IsZero() || guess.Sub(start) > farFromChange) && (end.IsZero() || end.Sub(guess) > farFromChange) {
		return guess
	}
	best := time.Time{}
	for _, near := range []time.Time{start.Add(-time.Nanosecond), guess, end} {
		_, offset := near.In(zone).Zone()
		at := reading.Add(-time.Duration(offset) * time.Second).In(zone)
		if readingAt(at).Equal(reading) && (best.IsZero() || at.Before(best)) {
			best = at
		}
	}
	if !best.IsZero() {
		return best
	}
	for _, change := range []time.Time{start, end} {
		before := readingAt(change.Add(-time.Nanosecond).In(zone))
		if !change.IsZero() && before.Before(reading) && readingAt(change.In(zone)).After(reading) {
			return change.In(zone)
		}
	}
	return guess // unreachable while zones change by whole periods
}
