package checks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// mark is a table of 10 rows whose newest is of a moment.
func mark(newest string) probe.Mark {
	return probe.Mark{Rows: 10, Timed: 10, Max: instant(newest), Class: probe.Zoned}
}

func TestFreshnessVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"an age is judged by the worst limit it breaks", "freshness: {column: ts, warn_after: 2h, error_after: 6h}", []turn{
			{"2013-06-15T11:00:00Z", []any{mark("2013-06-15T09:00:00Z")}, "pass: newest ts is 2h old"},
			{"2013-06-15T11:00:01Z", []any{mark("2013-06-15T09:00:00Z")}, "warn stale: newest ts is 2h old, limit 2h"},
			{"2013-06-15T18:00:00Z", []any{mark("2013-06-15T09:00:00Z")}, "fail stale: newest ts is 9h old, limit 6h"}}},
		{"a row a little ahead of now has no age", "freshness: {column: ts, error_after: 1h}", []turn{
			{"2013-06-15T11:00:00Z", []any{mark("2013-06-15T11:04:00Z")}, "pass: newest ts is 0s old"}}},
		{"rows that are all dated beyond now are a finding and not an empty table", "freshness: {column: ts, error_after: 1h, on_empty: fail}", []turn{
			{"2013-06-15T11:00:00Z", []any{probe.Mark{Rows: 3, Timed: 3, Future: 3}}, "warn future_timestamps: 3 rows dated more than 5m in the future by ts"}}},
		{"rows whose times never were, such as -infinity and 0000-00-00, are nothing to judge by", "freshness: {column: ts, error_after: 1h, on_empty: pass}", []turn{
			{"2013-06-15T11:00:00Z", []any{probe.Mark{Rows: 3, Timed: 2}}, "nodata empty: no ts in 3 rows is a time that ever was"}}},
		{"once rows were seen an empty table fails, and again after rows came back", "freshness: {column: ts}", []turn{
			{"2013-06-15T11:00:00Z", []any{probe.Mark{}}, "nodata empty: there are no rows"},
			{"2013-06-15T12:00:00Z", []any{mark("2013-06-15T11:00:00Z")}, "pass: newest ts is 1h old"},
			{"2013-06-15T13:00:00Z", []any{probe.Mark{}}, "fail empty: there are no rows any more"},
			{"2013-06-15T14:00:00Z", []any{mark("2013-06-15T13:00:00Z")}, "pass: newest ts is 1h old"},
			{"2013-06-15T15:00:00Z", []any{probe.Mark{}}, "fail empty: there are no rows any more"}}},
		{"rows without a time were seen too", "freshness: {column: ts}", []turn{
			{"2013-06-15T11:00:00Z", []any{probe.Mark{Rows: 1200}}, "nodata empty: ts is NULL in all 1,200 rows"},
			{"2013-06-15T12:00:00Z", []any{probe.Mark{}}, "fail empty: there are no rows any more"}}},
		{"at the deadline itself it warns, a moment later it fails", `freshness: {column: ts, by: "07:00", covers: previous_day}`, []turn{
			{"2013-06-15T10:59:59Z", []any{mark("2013-06-15T03:00:00Z")}, "pass: newest ts is 7h59m old"},
			{"2013-06-15T11:00:00Z", []any{mark("2013-06-15T03:00:00Z")},
				"warn late: newest ts is 2013-06-14 23:00 EDT; all before 2013-06-15 00:00 EDT was due at 2013-06-15 07:00 EDT, 0s ago"},
			{"2013-06-15T11:00:01Z", []any{mark("2013-06-15T03:00:00Z")},
				"fail late: newest ts is 2013-06-14 23:00 EDT; all before 2013-06-15 00:00 EDT was due at 2013-06-15 07:00 EDT, 1s ago"}}},
		{"a deadline in the hour that the clock skips comes right after the gap", `freshness: {column: ts, by: "02:30", covers: previous_day}`, []turn{
			{"2013-03-10T06:59:59Z", []any{mark("2013-03-10T04:00:00Z")}, "pass: newest ts is 2h59m old"},
			{"2013-03-10T07:00:01Z", []any{mark("2013-03-10T04:00:00Z")},
				"fail late: newest ts is 2013-03-09 23:00 EST; all before 2013-03-10 00:00 EST was due at 2013-03-10 03:00 EDT, 1s ago"}}},
		{"a deadline in the hour that comes twice is the first of the two", `freshness: {column: ts, by: "01:30", covers: previous_day}`, []turn{
			{"2013-11-03T05:30:01Z", []any{mark("2013-11-03T03:00:00Z")},
				"fail late: newest ts is 2013-11-02 23:00 EDT; all before 2013-11-03 00:00 EDT was due at 2013-11-03 01:30 EDT, 1s ago"}}},
		{"weeks and days of covers are local days, the rest is elapsed time", `freshness: {column: ts, by: "07:00", covers: 1w1d12h}`, []turn{
			{"2013-06-15T12:00:00Z", []any{mark("2013-06-06T23:00:00Z")}, "pass: newest ts is 8d13h old"},
			{"2013-06-15T12:00:00Z", []any{mark("2013-06-06T22:59:00Z")},
				"fail late: newest ts is 2013-06-06 18:59 EDT; all before 2013-06-06 19:00 EDT was due at 2013-06-15 07:00 EDT, 1h ago"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, c.keys, "freshness"), c.turns) })
	}
}

func TestFreshnessOnsetIsTheFirstMissedDeadline(t *testing.T) {
	c := checkOf(t, `freshness: {column: ts, by: "07:00", covers: previous_day, granularity: 1h}`, "freshness")
	v := play(t, c, []turn{{"2013-06-20T12:00:00Z", []any{mark("2013-06-14T03:00:00Z")},
		"fail late: newest ts is 2013-06-13 23:00 EDT; all before 2013-06-15 00:00 EDT was due at 2013-06-15 07:00 EDT, 5d1h ago"}})
	if want := moment(t, "2013-06-15T11:00:00Z").Now; !v.Onset.Equal(want) {
		t.Errorf("onset %s, want %s", v.Onset, want)
	}
	if want := moment(t, "2013-06-14T03:00:00Z").Now; !v.GoodUntil.Equal(want) {
		t.Errorf("good until %s, want %s", v.GoodUntil, want)
	}
}

func TestFreshnessOfDates(t *testing.T) {
	// Friday the 14th in New York, noon in UTC a day later.
	date := probe.Mark{Rows: 10, Timed: 10, Max: instant("2013-06-14T04:00:00Z"), Class: probe.Date}
	for _, c := range []struct{ name, keys, want, observed string }{
		{"without a meaning it cannot be judged", "freshness: {column: day, error_after: 1d}",
			"error: day is a DATE: say date_semantics: complete if a day is loaded when it is over, start if a row only says that its day has begun", `{}`},
		{"a day that has begun counts from its start", "freshness: {column: day, error_after: 1d, date_semantics: start}",
			"fail stale: newest day is 32h old, limit 1d", `{"watermark": "2013-06-14T04:00:00Z", "age_seconds": 115200}`},
		{"a whole day counts from its end", "freshness: {column: day, error_after: 1d, date_semantics: complete}",
			"pass: newest day is 8h old", `{"watermark": "2013-06-15T04:00:00Z", "age_seconds": 28800}`},
		{"a missed deadline names the newest day as it stands in the table", `freshness: {column: day, date_semantics: complete, by: "07:00", covers: same_day}`,
			"fail late: newest day is 2013-06-14; all before 2013-06-16 00:00 EDT was due at 2013-06-15 07:00 EDT, 1h ago", `{"watermark": "2013-06-15T04:00:00Z", "age_seconds": 28800}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := play(t, checkOf(t, c.keys, "freshness"), []turn{{"2013-06-15T12:00:00Z", []any{date}, c.want}})
			if v.Observed != nil {
				observes(t, v, c.observed)
			}
		})
	}
}

func TestFreshnessOfWhatIsNoDate(t *testing.T) {
	c := checkOf(t, "freshness: {column: ts, error_after: 1d, date_semantics: complete}", "freshness")
	play(t, c, []turn{{"2013-06-15T12:00:00Z", []any{mark("2013-06-15T11:00:00Z")}, "error: ts is no DATE, so date_semantics says nothing about it: remove it"}})
}

func TestFreshnessAsk(t *testing.T) {
	of := probe.Relation{Conn: "wh", Table: probe.List("t")}
	now := moment(t, "2013-06-15T12:00:00Z")
	for _, c := range []struct {
		name, keys string
		want       probe.Watermark
	}{
		{"rows beyond five minutes are the future", "freshness: {column: ts}",
			probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "ts"}, Horizon: probe.At(now.Now.Add(5 * time.Minute))}},
		{"a DATE is a day of the DAG's zone", "freshness: {column: day, date_semantics: start}",
			probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "day", Zone: "America/New_York"}, Horizon: probe.At(now.Now.Add(5 * time.Minute))}},
		{"zone, condition and skew travel with the question", `freshness: {column: ts, column_tz: Europe/Berlin, max_skew: 1h, where: "a > 0"}`,
			probe.Watermark{Of: of, Where: "a > 0", Column: probe.TimeColumn{Name: "ts", Zone: "Europe/Berlin"}, Horizon: probe.At(now.Now.Add(time.Hour))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]probe.Question{c.want}, checkOf(t, c.keys, "freshness").Ask(nil, now)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFreshnessProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"a warning that could never be seen", "freshness: {column: ts, warn_after: 6h, error_after: 6h}",
			`13:41: PW111 nodes.t.freshness.warn_after: warn_after 6h is not less than error_after 6h, so it could never only warn`},
		{"no column", "freshness: {error_after: 6h}", `13:5:  nodes.t.freshness: column is missing`},
		{"a zone that is none", "freshness: {column: ts, column_tz: EDT4}",
			`13:40: PW110 nodes.t.freshness.column_tz: "EDT4" is not a time zone (write an IANA name such as America/New_York)`},
		{"a day without a clock time", "freshness: {column: ts, every: day}",
			`13:29: PW112 nodes.t.freshness.every: every: day has no clock time (add by: "07:00")`},
		{"a clock time beside a cron line", `freshness: {column: ts, by: "07:00", every: "0 8 * * *"}`,
			`13:29: PW112 nodes.t.freshness.by: the cron line in every says the clock time already (remove by)`},
		{"a cron line that is none", `freshness: {column: ts, every: "0 8 30 2 *"}`,
			`13:36: PW112 nodes.t.freshness.every: schedule "0 8 30 2 *" never comes: no month it names has that day`},
		{"a word that is none", `freshness: {column: ts, by: "07:00", every: weekdays}`,
			`13:49: PW112 nodes.t.freshness.every: "weekdays" is not one of day, weekday, week, month (did you mean "weekday"?)`},
		{"covers without a deadline", "freshness: {column: ts, covers: previous_day, grace: 5m}",
			`13:29: PW113 nodes.t.freshness.covers: covers belongs to a deadline, and there is none (add by: "07:00", or remove it)` + "\n" +
				`13:51: PW113 nodes.t.freshness.grace: grace belongs to a deadline, and there is none (add by: "07:00", or remove it)`},
		{"covers that is neither word nor duration", `freshness: {column: ts, by: "07:00", covers: yesterday}`,
			`13:50:  nodes.t.freshness.covers: "yesterday" is not one of previous_day, same_day (or how long before the deadline, such as 2h or 1d)`},
		{"a holiday that is no day", `freshness: {column: ts, by: "07:00", calendar: ["4 July"]}`,
			`13:53:  nodes.t.freshness.calendar[0]: "4 July" is not a day (write it as "2026-07-04", or a range as "2026-12-24..2026-12-31")`},
		{"a rule, which only the operator writes", `freshness: {column: ts, by: "07:00", calendar: [{rrule: "FREQ=WEEKLY;BYDAY=SU"}]}`,
			`13:54:  nodes.t.freshness.calendar[0].rrule: rules stand in pipewatch.yaml (add the rule under calendars: there, and name that calendar here)`},
		{"all problems of a block at once, and none that only follows from another", `freshness: {column: ts, by: "7", every: day, covers: 1d, warn_after: 6h, error_after: 2h}`,
			`13:33:  nodes.t.freshness.by: "7" is not a time of day (write it in quotes as "07:30")` + "\n" +
				`13:74: PW111 nodes.t.freshness.warn_after: warn_after 6h is not less than error_after 2h, so it could never only warn`},
		{"a calendar of nothing", `freshness: {column: ts, calendar: ["2013-07-04"]}`,
			`13:29: PW113 nodes.t.freshness.calendar: calendar belongs to a deadline or a limit on the age, and there is none (add by: "07:00" or error_after: 6h, or remove it)`},
		{"a shift of nothing", `freshness: {column: ts, by: "07:00", shift: next}`,
			`13:42: PW113 nodes.t.freshness.shift: shift is about days of a calendar, and there is none (add calendar, or remove it)`},
		{"two ways to tell a load", `freshness: {column: ts, complete_when: {no_change_for: 15m, sql: "select 1"}}`,
			`13:29: PW115 nodes.t.freshness.complete_when: complete_when needs one of no_change_for, sql and job`},
		{"no way to tell a load", `freshness: {column: ts, complete_when: {}}`,
			`13:29: PW115 nodes.t.freshness.complete_when: complete_when needs one of no_change_for, sql and job`},
		{"a load by segments", `freshness: {column: ts, segment: origin, complete_when: {no_change_for: 15m}}`,
			`13:46: PW115 nodes.t.freshness.complete_when: complete_when is about the whole table and segment about its parts (put one of them on a second node of the same table)`},
		{"a load that is complete at once", `freshness: {column: ts, complete_when: {no_change_for: 0s}}`,
			`13:60: PW115 nodes.t.freshness.complete_when.no_change_for: after 0s every load would be complete`},
		{"a load that is complete when it is too old", `freshness: {column: ts, error_after: 10m, complete_when: {no_change_for: 16m}}`,
			`13:78: PW115 nodes.t.freshness.complete_when.no_change_for: no_change_for 16m is more than error_after 10m: what has not changed for so long is too old already (use a deadline, or make error_after longer)`},
		{"a load of no job", `freshness: {column: ts, complete_when: {job: lod}}`,
			`13:50: PW115 nodes.t.freshness.complete_when.job: unknown node "lod" (did you mean "load"?)`},
		{"a load of a table", `freshness: {column: ts, complete_when: {job: t}}`,
			`13:50: PW115 nodes.t.freshness.complete_when.job: "t" is no job whose runs can be asked for (give that node job: with heartbeat or runs)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An age is held against the moment of the run. A warehouse whose clock is off is a
// finding of its own connection, and no correction.
func TestFreshnessIsJudgedByOurClock(t *testing.T) {
	c := checkOf(t, "freshness: {column: ts, error_after: 6h}", "freshness")
	for _, skew := range []time.Duration{0, time.Hour, -12 * time.Hour} {
		v, _ := c.Judge([]probe.Answer{{Value: mark("2013-06-15T09:00:00Z"), Skew: skew}}, nil, moment(t, "2013-06-15T12:00:00Z"))
		if got := said(v); got != "pass: newest ts is 3h old" {
			t.Errorf("with a clock that is %s off: %s", skew, got)
		}
	}
}
