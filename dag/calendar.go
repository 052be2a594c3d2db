package dag

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Calendar is days on which something rests, such as holidays: dates without a
// zone, each the local day of whoever asks. The zero value has none.
//
// It is written as a list of days ("2026-07-04"), ranges of them
// ("2026-12-24..2026-12-31") and rules (rrule: FREQ=WEEKLY;BYDAY=SA,SU, as in
// RFC 5545). A rule is written out once, for the years 2000 to 2100: after that a
// Calendar is plain data, and to ask it costs nothing.
type Calendar struct {
	days []int64 // since 1970, ascending, each once
}

// longestRest is how many days in a row a Calendar may hold: one that never ends
// would leave no deadline and no day to judge.
const longestRest = 366

// The years for which rules are written out.
var (
	firstOfRules = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	lastOfRules  = time.Date(2100, 12, 31, 0, 0, 0, 0, time.UTC)
)

const secondsOfDay = 24 * 60 * 60

// number counts a day, given as any moment that shows its date, from 1970.
func number(day time.Time) int64 {
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay
}

// Has tells whether a day, given as any moment that shows its date, is in the Calendar.
func (c Calendar) Has(day time.Time) bool {
	if len(c.days) == 0 {
		return false
	}
	_, found := slices.BinarySearch(c.days, number(day))
	return found
}

// From yields the days of the Calendar from a day on, each as midnight UTC of its date.
func (c Calendar) From(day time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		at, _ := slices.BinarySearch(c.days, number(day))
		for _, n := range c.days[at:] {
			if !yield(time.Unix(n*secondsOfDay, 0).UTC()) {
				return
			}
		}
	}
}

// Len is the number of days.
func (c Calendar) Len() int { return len(c.days) }

// MarshalJSON lists the days.
func (c Calendar) MarshalJSON() ([]byte, error) {
	days := make([]string, 0, len(c.days))
	for day := range c.From(time.Unix(0, 0).AddDate(-3000, 0, 0)) {
		days = append(days, day.Format(time.DateOnly))
	}
	return json.Marshal(days)
}

// DecodeConf reads a list of days, ranges and rules.
func (c *Calendar) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() != conf.List {
		return conf.Problems{v.Problem("%s is not a list of days", v.Quote()).WithHint(`write it as ["2026-07-04", "2026-12-24..2026-12-31"]`)}
	}
	var problems conf.Problems
	var days []int64
	for item := range v.Items() {
		more, ps := decodeDays(item)
		days = append(days, more...)
		problems.Merge(ps)
	}
	slices.Sort(days)
	c.days = slices.Compact(days)
	if len(problems) == 0 && c.longest() > longestRest {
		problems.Add(v.Problem("more than %d days in a row rest, so nothing would ever be judged", longestRest).WithHint("list the days that are exceptions"))
	}
	return problems
}

// ConfSchema says in JSON Schema what DecodeConf accepts.
func (Calendar) ConfSchema() []any {
	return []any{conf.ListOf{Of: conf.Either{"", struct {
		Rule string `yaml:"rrule" jsonschema:"required" jsonschema_description:"days that come again, as in RFC 5545: FREQ=WEEKLY;BYDAY=SA,SU"`
	}{}}}}
}

// longest is the most days in a row.
func (c Calendar) longest() int {
	longest, run := 0, 0
	for i, n := range c.days {
		if i > 0 && n != c.days[i-1]+1 {
			run = 0
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// decodeDays reads one item of a list.
func decodeDays(v conf.Value) ([]int64, conf.Problems) {
	if v.Kind() == conf.Map {
		var rule struct {
			Rule conf.Value `yaml:"rrule" jsonschema:"required"`
		}
		if problems := v.Decode(&rule); len(problems) > 0 {
			return nil, problems
		}
		days, err := expand(rule.Rule.Text())
		if err != nil {
			return nil, conf.Problems{rule.Rule.Problem("%v", err).WithHint("such as FREQ=WEEKLY;BYDAY=SA,SU or FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")}
		}
		return days, nil
	}
	from, to, isRange := strings.Cut(v.Text(), "..")
	if !isRange {
		to = from
	}
	first, err := time.Parse(time.DateOnly, from)
	last, err2 := time.Parse(time.DateOnly, to)
	switch {
	case err != nil || err2 != nil:
		return nil, conf.Problems{v.Problem("%s is not a day", v.Quote()).WithHint(`write it as "2026-07-04", or a range as "2026-12-24..2026-12-31"`)}
	case last.Before(first):
		return nil, conf.Problems{v.Problem("%s ends before it begins", v.Quote())}
	case number(last)-number(first) >= longestRest:
		return nil, conf.Problems{v.Problem("%s is longer than %d days", v.Quote(), longestRest)}
	}
	var days []int64
	for n := number(first); n <= number(last); n++ {
		days = append(days, n)
	}
	return days, nil
}

// expand writes a rule out. What a rule leaves open the library takes from its start:
// without one, every day that the rule means must be in the rule itself.
func expand(text string) (days []int64, err error) {
	defer func() {
		if r := recover(); r != nil {
			days, err = nil, fmt.Errorf("the rule cannot be read: %v", r)
		}
	}()
	option, start, err := parseRule(text)
	if err != nil {
		return nil, err
	}
	option.Dtstart = firstOfRules
	if !start.IsZero() {
		option.Dtstart = start
	}
	if option.Until.IsZero() || option.Until.After(lastOfRules) {
		option.Until = lastOfRules
	}
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, fmt.Errorf("the rule cannot be read: %w", err)
	}
	for next := rule.Iterator(); ; {
		day, more := next()
		if !more {
			break
		}
		days = append(days, number(day))
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("the rule means no day up to %d", lastOfRules.Year())
	}
	return days, nil
}

// parseRule reads the parts of a rule and refuses those that mean no days.
func parseRule(text string) (option *rrule.ROption, start time.Time, err error) {
	has := map[string]bool{}
	var parts []string
	for part := range strings.SplitSeq(strings.TrimPrefix(text, "RRULE:"), ";") {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case has[key]:
			return nil, start, fmt.Errorf("the rule says %s twice", key)
		case key == "BYHOUR" || key == "BYMINUTE" || key == "BYSECOND":
			return nil, start, fmt.Errorf("%s is about times, and a calendar has days", key)
		case key == "FREQ" && (value == "HOURLY" || value == "MINUTELY" || value == "SECONDLY"):
			return nil, start, fmt.Errorf("%s is about times, and a calendar has days", value)
		case key == "DTSTART":
			if start, err = time.Parse("20060102", value); err != nil {
				return nil, start, fmt.Errorf("DTSTART=%s is not a day: write it as 20260704", value)
			}
		default:
			parts = append(parts, part)
		}
		has[key] = true
	}
	says := has["BYDAY"] || has["BYMONTHDAY"] || has["BYYEARDAY"] || has["BYEASTER"] || strings.Contains(text, "FREQ=DAILY")
	switch {
	case !start.IsZero() && (start.Before(firstOfRules) || start.After(lastOfRules)):
		return nil, start, fmt.Errorf("DTSTART must lie between %d and %d", firstOfRules.Year(), lastOfRules.Year())
	case start.IsZero() && (has["COUNT"] || has["INTERVAL"]):
		return nil, start, fmt.Errorf("COUNT and INTERVAL count from a first day: add DTSTART=20260704")
	case start.IsZero() && !says:
		return nil, start, fmt.Errorf("the rule does not say which days: add BYDAY, BYMONTHDAY, BYYEARDAY or BYEASTER, or DTSTART=20260704")
	}
	if option, err = rrule.StrToROption(strings.Join(parts, ";")); err != nil {
		return nil, start, fmt.Errorf("the rule cannot be read: %w", err)
	}
	return option, start, nil
}
