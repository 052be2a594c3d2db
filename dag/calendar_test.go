package dag_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// calendarOf reads a calendar as it stands in a file.
func calendarOf(t *testing.T, src string) (dag.Calendar, string) {
	t.Helper()
	v, problems := conf.Parse("f.yaml", []byte("c: "+src))
	var file struct {
		C dag.Calendar `yaml:"c"`
	}
	problems.Merge(v.Decode(&file))
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Path+": "+p.Msg)
	}
	return file.C, strings.Join(lines, "\n")
}

func TestCalendars(t *testing.T) {
	for _, c := range []struct{ name, src, year, want string }{
		{"days are kept in order and once", `["2026-12-25", "2026-07-04", "2026-12-25"]`, "2026", "0704 1225"},
		{"unquoted days too", `[2026-07-04]`, "2026", "0704"},
		{"a range includes both its ends", `["2026-12-30..2027-01-02"]`, "2026", "1230 1231"},
		{"a range of one day", `["2026-12-30..2026-12-30"]`, "2026", "1230"},
		{"the fourth Thursday of November", `[{rrule: "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"}]`, "2013", "1128"},
		{"the last Monday of May, with the prefix that calendars export", `[{rrule: "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO"}]`, "2026", "0525"},
		{"Easter Monday", `[{rrule: "FREQ=YEARLY;BYEASTER=1"}]`, "2026", "0406"},
		{"a rule that has ended", `[{rrule: "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=4;UNTIL=20251231T000000Z"}]`, "2026", ""},
		{"every other Friday from a first one", `[{rrule: "FREQ=WEEKLY;INTERVAL=2;DTSTART=20261204;UNTIL=20270101"}]`, "2026", "1204 1218"},
		{"the 29th of February comes when there is one", `[{rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"}]`, "2096", "0229"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, problems := calendarOf(t, c.src)
			if problems != "" {
				t.Fatal(problems)
			}
			var days []string
			for day := range got.From(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
				if !got.Has(day) || got.Has(day.AddDate(0, 0, -1)) != got.Has(day.Add(-time.Second)) {
					t.Errorf("the list and the look-up disagree about %s", day)
				}
				if day.Format("2006") == c.year {
					days = append(days, day.Format("0102"))
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(days, " ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestADayIsThatOfTheClockThatAsks(t *testing.T) {
	c, _ := calendarOf(t, `["2026-07-04"]`)
	tokyo := time.FixedZone("JST", 9*60*60)
	if at := time.Date(2026, 7, 3, 15, 0, 0, 0, time.UTC); c.Has(at) || !c.Has(at.In(tokyo)) {
		t.Error("at 15:00 UTC of the 3rd it is the 4th in Tokyo and not in Greenwich")
	}
	if text, err := json.Marshal(c); err != nil || string(text) != `["2026-07-04"]` {
		t.Errorf("as JSON it is %s, %v", text, err)
	}
}

func TestCalendarProblems(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"a word", `us`, `c: "us" is not a list of days`},
		{"a day that is none", `["2026-02-30"]`, `c[0]: "2026-02-30" is not a day`},
		{"a range backwards", `["2026-12-31..2026-12-24"]`, `c[0]: "2026-12-31..2026-12-24" ends before it begins`},
		{"a range without end", `["2026-12-31..9999-12-24"]`, `c[0]: "2026-12-31..9999-12-24" is longer than 366 days`},
		{"years in a row", `["2026-01-01..2026-12-31", "2027-01-01..2027-12-31"]`, `c: more than 366 days in a row rest, so nothing would ever be judged`},
		{"every day", `[{rrule: FREQ=DAILY}]`, `c: more than 366 days in a row rest, so nothing would ever be judged`},
		{"another key", `[{day: "2026-02-03"}]`, "c[0].day: unknown key \"day\"\nc[0]: rrule is missing"},
		{"no rule at all", `[{rrule: ""}]`, `c[0].rrule: the rule does not say which days: add BYDAY, BYMONTHDAY, BYYEARDAY or BYEASTER, or DTSTART=20260704`},
		{"a word that is no rule", `[{rrule: "weekends;BYDAY=SA"}]`, `c[0].rrule: the rule cannot be read: wrong format`},
		{"a rule that leaves its day to chance", `[{rrule: "FREQ=YEARLY;BYMONTH=7"}]`, `c[0].rrule: the rule does not say which days: add BYDAY, BYMONTHDAY, BYYEARDAY or BYEASTER, or DTSTART=20260704`},
		{"every other week of nobody knows which", `[{rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR"}]`, `c[0].rrule: COUNT and INTERVAL count from a first day: add DTSTART=20260704`},
		{"hours", `[{rrule: "FREQ=HOURLY"}]`, `c[0].rrule: HOURLY is about times, and a calendar has days`},
		{"an hour of the day", `[{rrule: "FREQ=DAILY;BYHOUR=3"}]`, `c[0].rrule: BYHOUR is about times, and a calendar has days`},
		{"a part said twice", `[{rrule: "FREQ=WEEKLY;BYDAY=SA;BYDAY=SU"}]`, `c[0].rrule: the rule says BYDAY twice`},
		{"a day that never comes", `[{rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}]`, `c[0].rrule: the rule means no day up to 2100`},
		{"a first day that is none", `[{rrule: "FREQ=WEEKLY;DTSTART=tomorrow"}]`, `c[0].rrule: DTSTART=tomorrow is not a day: write it as 20260704`},
		{"a first day long ago", `[{rrule: "FREQ=WEEKLY;DTSTART=19000101"}]`, `c[0].rrule: DTSTART must lie between 2000 and 2100`},
		{"a weekday that is none", `[{rrule: "FREQ=WEEKLY;BYDAY=XX"}]`, `c[0].rrule: the rule cannot be read: undefined weekday: XX`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got := calendarOf(t, c.src); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// FuzzCalendarRules looks for rules on which the reader stumbles or never ends.
func FuzzCalendarRules(f *testing.F) {
	for _, rule := range []string{"FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU;BYSETPOS=-1", "FREQ=MONTHLY;BYMONTHDAY=-1;WKST=SU", "FREQ=DAILY;BYYEARDAY=366"} {
		f.Add(rule)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		quoted, err := json.Marshal(rule)
		if err != nil {
			t.Skip("no JSON can hold it")
		}
		c, problems := calendarOf(t, `[{rrule: `+string(quoted)+`}]`)
		if problems == "" && c.Len() == 0 {
			t.Errorf("rule %q is accepted and means no day", rule)
		}
	})
}
