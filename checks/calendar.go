package checks

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// closedDays is what `calendar` of a check gives: the name of one of the operator's
// calendars, or days of its own. Days are local to the DAG's zone.
type closedDays struct {
	name string
	days dag.Calendar
	zone *time.Location
}

// DecodeConf reads a name or a list of days. Rules are the operator's: writing one
// out takes a while, and a DAG file could hold thousands.
func (c *closedDays) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() == conf.String {
		c.name = v.Text()
		return nil
	}
	for item := range v.Items() {
		if rule := item.Get("rrule"); rule.Exists() {
			return conf.Problems{rule.KeyProblem("rules stand in pipewatch.yaml").WithHint("add the rule under calendars: there, and name that calendar here")}
		}
	}
	return c.days.DecodeConf(v)
}

// ConfSchema says in JSON Schema what DecodeConf accepts.
func (closedDays) ConfSchema() []any { return []any{"", []string{}} }

// MarshalJSON gives what was written: when the operator adds a day to a calendar, the
// checks that name it are still the same checks.
func (c closedDays) MarshalJSON() ([]byte, error) {
	switch {
	case c.name != "":
		return json.Marshal(c.name)
	case c.days.Len() == 0:
		return []byte("null"), nil
	}
	return json.Marshal(c.days)
}

// settle finds the calendar that was named.
func (c *closedDays) settle(s Site, v conf.Value) conf.Problems {
	c.zone = s.Node.Zone
	known := s.calendars()
	if c.name == "" || known == nil {
		return nil
	}
	days, ok := known[c.name]
	if !ok {
		p := v.Problem("no calendar is called %s", v.Quote()).WithCode("PW114").WithHint("list it under calendars: in pipewatch.yaml, or list the days here")
		if names := slices.Sorted(maps.Keys(known)); len(names) > 0 {
			if near := conf.Nearest(c.name, names); near != "" {
				p = p.WithHint("did you mean %q?", near)
			}
		}
		return conf.Problems{p}
	}
	c.days = days
	return nil
}

// given tells whether a calendar was written.
func (c closedDays) given() bool { return c.name != "" || c.days.Len() > 0 }

// has tells whether a moment falls on a closed day.
func (c closedDays) has(t time.Time) bool { return c.days.Len() > 0 && c.days.Has(t.In(c.zone)) }

// between yields the stretches of [from, to) that are closed, a day each at most.
func (c closedDays) between(from, to time.Time, each func(start, end time.Time)) {
	if c.days.Len() == 0 {
		return
	}
	for day := range c.days.From(dayOf(from, c.zone)) {
		start, end := dayStart(day, c.zone), dayStart(day.AddDate(0, 0, 1), c.zone)
		if !start.Before(to) {
			return
		}
		if start.Before(from) {
			start = from
		}
		if end.After(to) {
			end = to
		}
		each(start, end)
	}
}

// open is how much of [from, to) is on open days.
func (c closedDays) open(from, to time.Time) time.Duration {
	total := to.Sub(from)
	c.between(from, to, func(start, end time.Time) { total -= end.Sub(start) })
	return total
}

// add is the moment, not after limit, at which d of open time has passed since t.
func (c closedDays) add(t time.Time, d time.Duration, limit time.Time) time.Time {
	at := t
	c.between(t, limit, func(start, end time.Time) {
		switch gap := start.Sub(at); {
		case d < 0: // found
		case gap >= d:
			at, d = at.Add(d), -1
		default:
			at, d = end, d-gap
		}
	})
	if d >= 0 {
		at = at.Add(d)
	}
	return at
}
