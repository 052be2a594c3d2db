package checks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// deadlines are the moments by which something is promised: a clock time of
// each day, weekday, week or month, or the times of a cron line, in the DAG's
// zone. One that falls on a closed day does not exist, or moves.
type deadlines struct {
	schedule dag.Schedule
	closed   closedDays
	shift    string // next, previous, or skip
	zone     *time.Location
}

// Where a deadline goes that falls on a closed day.
const (
	shiftNext     = "next"     // the same clock time of the next open day
	shiftPrevious = "previous" // that of the open day before
)

// promise is a deadline and what must be there by then.
type promise struct {
	at      time.Time
	through time.Time // all data before it
}

// everyWords are the short forms of `every` as the part of a cron line after
// the clock time. A week's deadline is on Monday, a month's on the first.
var everyWords = map[string]string{"day": "* * *", "weekday": "* * 1-5", "week": "* * 1", "month": "1 * *"}

// settleDeadlines reads `by` and `every` of a check; nil when it has neither.
func settleDeadlines(s Site, by *conf.ClockTime, every string) (*deadlines, conf.Problems) {
	params := s.Spec.Params
	if by == nil && (every == "" || params.Get("by").Exists()) {
		return nil, nil // there is none, or its clock time could not be read
	}
	days, isWord := everyWords[every]
	if every == "" {
		days, isWord = everyWords["day"], true
	}
	var expr string
	switch {
	case isWord && by == nil:
		return nil, conf.Problems{params.Get("every").KeyProblem("every: %s has no clock time", every).
			WithCode("PW112").WithHint(`add by: "07:00"`)}
	case isWord:
		expr = fmt.Sprintf("%d %d %s", by.Minute, by.Hour, days)
	case by != nil && strings.ContainsAny(every, " @"):
		return nil, conf.Problems{params.Get("by").KeyProblem("the cron line in every says the clock time already").
			WithCode("PW112").WithHint("remove by")}
	case !strings.ContainsAny(every, " @"):
		return nil, conf.Problems{conf.NotOneOf(params.Get("every"), "day", "weekday", "week", "month").WithCode("PW112")}
	default:
		expr = every
	}
	schedule, err := dag.ParseSchedule(expr, s.Node.Zone)
	if err != nil {
		return nil, conf.Problems{params.Get("every").Problem("%v", err).WithCode("PW112")}
	}
	return &deadlines{schedule: schedule, zone: s.Node.Zone}, nil
}

// from is the first deadline at or after t, and after the first after t, whatever
// days are closed.
func (d *deadlines) from(t time.Time) time.Time  { return d.schedule.Next(t.Add(-1)) }
func (d *deadlines) after(t time.Time) time.Time { return d.schedule.Next(t) }

// never tells whether no deadline is left: all fall on closed days. It looks at years
// that only the rules of a calendar reach.
func (d *deadlines) never() bool {
	if d.shift == shiftNext || d.shift == shiftPrevious {
		return false
	}
	end := time.Date(2100, 12, 31, 0, 0, 0, 0, time.UTC)
	at := d.after(end.AddDate(-11, 0, 0))
	for at.Before(end) && d.closed.has(at) {
		at = d.following(at)
	}
	return !at.Before(end)
}

// following is the deadline after one; after one that does not exist, that of the
// next day, as the day has no others.
func (d *deadlines) following(at time.Time) time.Time {
	if d.shift != shiftNext && d.shift != shiftPrevious && d.closed.has(at) {
		at = addDays(at, 1, d.zone).Add(-1)
	}
	return d.after(at)
}

// kept is the deadline with what it promises, moved where its day is closed; false
// where it does not exist. A deadline that moves promises no more than it did, and no
// more than there can be by then: a monthly file that is due later is still the month's.
func (d *deadlines) kept(at time.Time, c covers) (promise, bool) {
	p := promise{at, c.promised(at, d.zone)}
	step := map[string]int{shiftNext: 1, shiftPrevious: -1}[d.shift]
	if !d.closed.has(at) {
		return p, true
	}
	if step == 0 {
		return p, false
	}
	for d.closed.has(p.at) {
		p.at = p.at.In(d.zone).AddDate(0, 0, step)
	}
	if moved := c.promised(p.at, d.zone); moved.Before(p.through) {
		p.through = moved
	}
	return p, true
}

// covers says what a deadline promises: all data of the local day before it,
// of its own day, or up to some time before it.
type covers struct {
	Word string        // previous_day, same_day or empty
	Days int           // local days before the deadline
	Less conf.Duration // and this long
}

const (
	previousDay = "previous_day"
	sameDay     = "same_day"
)

// DecodeConf reads a word or a duration; days of the duration are local days,
// which need not have 24 hours.
func (c *covers) DecodeConf(v conf.Value) conf.Problems {
	if v.Text() == previousDay || v.Text() == sameDay {
		*c = covers{Word: v.Text()}
		return nil
	}
	if _, err := conf.ParseDuration(v.Text()); err != nil {
		return conf.Problems{conf.NotOneOf(v, previousDay, sameDay).WithHint("or how long before the deadline, such as 2h or 1d")}
	}
	rest := v.Text()
	for _, unit := range []struct {
		letter string
		days   int
	}{{"w", 7}, {"d", 1}} {
		if count, after, found := strings.Cut(rest, unit.letter); found {
			n, _ := strconv.Atoi(count) // digits: ParseDuration has read them, and the larger unit is cut off
			c.Days, rest = c.Days+n*unit.days, after
		}
	}
	if rest != "" {
		c.Less, _ = conf.ParseDuration(rest) // a part of what was read above
	}
	return nil
}

// ConfSchema says in JSON Schema what DecodeConf accepts.
func (covers) ConfSchema() []any { return []any{"", conf.Duration(0)} }

// promised is the end of what a deadline promises.
func (c covers) promised(deadline time.Time, zone *time.Location) time.Time {
	switch c.Word {
	case previousDay:
		return startOfDay(deadline, zone)
	case sameDay:
		return addDays(deadline, 1, zone)
	}
	return deadline.In(zone).AddDate(0, 0, -c.Days).Add(-c.Less.Std())
}

// due is the first deadline that promises more than the data up to complete
// holds. As deadlines promise more and more, it tells everything: all before it
// are met, and if it has passed it is missed.
func (d *deadlines) due(c covers, complete time.Time) promise {
	// No deadline before this can promise more; the last moment differs by a
	// clock change at most.
	first := complete
	switch {
	case c.Word == sameDay:
		first = startOfDay(complete, d.zone)
	case c.Word == "":
		first = complete.Add(c.Less.Std() + time.Duration(c.Days)*24*time.Hour - 3*time.Hour)
	}
	for at := d.from(first); ; at = d.following(at) {
		if p, ok := d.kept(at, c); ok && p.through.After(complete) {
			return p
		}
	}
}

// last is the newest deadline up to now; false when there is none in forty years.
func (d *deadlines) last(c covers, now time.Time) (promise, bool) {
	var found promise
	for back := time.Hour; back < 40*366*24*time.Hour; back *= 2 {
		for at := d.after(now.Add(-back)); ; at = d.following(at) {
			p, ok := d.kept(at, c)
			if ok && p.at.After(now) || !ok && at.After(now) {
				break
			}
			if ok {
				found = p
			}
		}
		if !found.at.IsZero() {
			return found, true
		}
	}
	return found, false
}
