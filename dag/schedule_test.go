package dag_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/pipewatch-dev/pipewatch/dag"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := dag.ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestSchedulesThatAreRefused(t *testing.T) {
	cases := []struct{ name, expr, want string }{
		{"nothing", "", "empty"},
		{"a zone that makes the library panic", "TZ=", "write timezone:"},
		{"a zone without a schedule makes it panic too", "CRON_TZ=UTC", "write timezone:"},
		{"a zone before a schedule", "CRON_TZ=UTC 0 0 * * *", "write timezone:"},
		{"a restart", "@reboot", "restart"},
		{"an unknown word", "@fortnightly", "malformed"},
		{"seconds", "0 0 0 * * *", "6 fields"},
		{"too few fields", "0 0 *", "3 fields"},
		{"30 February", "0 0 30 2 *", "never comes"},
		{"31 April or June", "0 0 31 4,6 *", "never comes"},
		{"a minute that does not exist", "60 0 * * *", "malformed"},
		{"an hour that does not exist", "0 24 * * *", "malformed"},
		{"a range that runs backwards", "0 9-5 * * *", "malformed"},
		{"a step of zero", "*/0 * * * *", "malformed"},
		{"words", "every day at nine o'clock", "malformed"},
		{"an empty list, which the library would search for minutes on end", ", * * * *", "empty item"},
		{"an empty item", "1,,2 * * * *", "empty item"},
		{"a step of no time, which the library runs every second", "@every 0s", "least is @every 1s"},
		{"a negative step", "@every -5m", "least is @every 1s"},
		{"a step under a second", "@every 100ms", "least is @every 1s"},
		{"a step of broken seconds", "@every 1500ms", "whole number of seconds"},
		{"a step without unit", "@every 10", "malformed"},
		{"a step over a year", "@every 400d", "longer than a year"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := dag.ParseSchedule(c.expr, time.UTC)
			if err == nil {
				t.Fatalf("it is accepted as %v", s)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q in %q", c.want, err)
			}
		})
	}
}

func TestSchedulesComeWhenTheyShould(t *testing.T) {
	cases := []struct {
		name, zone, expr, after string
		want                    []string
	}{
		{"a fixed hour in a gap comes right after it, once", "America/New_York", "30 2 * * *", "2026-03-07T12:00:00Z",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"several times in a gap come together", "America/New_York", "*/15 2 * * *", "2026-03-08T00:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"}},
		{"a fixed hour that comes twice runs the first time", "America/New_York", "30 1 * * *", "2026-10-31T12:00:00Z",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"wildcard hours run through the repeated hour", "America/New_York", "30 * * * *", "2026-11-01T00:45:00-04:00",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00", "2026-11-01T02:30:00-05:00"}},
		{"wildcard hours pass over a gap", "Europe/Berlin", "30 * * * *", "2026-03-29T01:00:00+01:00",
			[]string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}},
		{"the moment after a gap is a slot of wildcard hours", "Europe/Berlin", "@hourly", "2026-03-29T01:00:00+01:00",
			[]string{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		{"a midnight that does not exist", "America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00Z",
			[]string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"a gap of half an hour", "Australia/Lord_Howe", "0 2 * * *", "2026-10-03T12:00:00Z",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:00:00+11:00"}},
		{"a day that does not exist", "Pacific/Apia", "0 12 * * *", "2011-12-29T13:00:00-10:00",
			[]string{"2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"}},
		{"a leap day over a century without one", "UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z",
			[]string{"2104-02-29T00:00:00Z", "2108-02-29T00:00:00Z"}},
		{"either day field may fit", "UTC", "0 0 13 * 5", "2026-11-01T00:00:00Z",
			[]string{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		{"it is strictly after", "UTC", "0 0 * * *", "2026-11-01T00:00:00Z", []string{"2026-11-02T00:00:00Z"}},
		{"a nanosecond before is before", "UTC", "0 0 * * *", "2026-10-31T23:59:59.999999999Z", []string{"2026-11-01T00:00:00Z"}},
		{"steps are multiples since 1970", "UTC", "@every 7m", "2026-11-01T00:00:30Z",
			[]string{"2026-11-01T00:06:00Z", "2026-11-01T00:13:00Z"}},
		{"steps before 1970", "UTC", "@every 1h", "1969-12-31T22:59:59Z", []string{"1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"}},
		{"steps in days", "UTC", "@every 1d", "2026-11-01T00:00:00Z", []string{"2026-11-02T00:00:00Z"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := dag.ParseSchedule(c.expr, zone(t, c.zone))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = s.Next(at)
				got = append(got, at.Format(time.RFC3339))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if s.String() != c.expr {
				t.Errorf("it prints %q", s)
			}
		})
	}
}

// oracle is an independent reading of five fields: it knows numbers, *, ranges, lists
// and steps, and says only whether a clock reading fits.
type oracle struct {
	fields   [5]map[int]bool
	star     [5]bool
	wildHour bool
}

func newOracle(expr string) oracle {
	least, most := [5]int{0, 0, 1, 1, 0}, [5]int{59, 23, 31, 12, 6}
	var o oracle
	for i, field := range strings.Fields(expr) {
		o.fields[i] = map[int]bool{}
		for part := range strings.SplitSeq(field, ",") {
			span, stepText, stepped := strings.Cut(part, "/")
			from, to, step := least[i], most[i], 1
			if stepped {
				step, _ = strconv.Atoi(stepText)
			}
			if span != "*" {
				low, high, ranged := strings.Cut(span, "-")
				from, _ = strconv.Atoi(low)
				switch {
				case ranged:
					to, _ = strconv.Atoi(high)
				case !stepped:
					to = from
				}
			} else if step == 1 {
				o.star[i] = true
			}
			for n := from; n <= to; n += step {
				o.fields[i][n] = true
			}
		}
	}
	o.wildHour = strings.HasPrefix(strings.Fields(expr)[1], "*")
	return o
}

func (o oracle) fits(reading time.Time) bool {
	day, weekday := o.fields[2][reading.Day()], o.fields[4][int(reading.Weekday())]
	days := day || weekday
	if o.star[2] || o.star[4] {
		days = day && weekday
	}
	return days && o.fields[0][reading.Minute()] && o.fields[1][reading.Hour()] && o.fields[3][int(reading.Month())]
}

// walk lists the slots in (from, to] by looking at the wall clock every minute. With
// wildcard hours a slot is every minute whose reading fits. Otherwise each reading
// that fits belongs to the first minute at which the clock had come to it or past it.
func (o oracle) walk(from, to time.Time, z *time.Location) []time.Time {
	read := func(t time.Time) time.Time {
		l := t.In(z)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	var slots []time.Time
	highest := read(from)
	for t := from.Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
		now := read(t)
		if o.wildHour {
			if o.fits(now) {
				slots = append(slots, t)
			}
			continue
		}
		fits := false
		for ; highest.Before(now); highest = highest.Add(time.Minute) {
			fits = fits || o.fits(highest.Add(time.Minute))
		}
		if fits {
			slots = append(slots, t)
		}
	}
	return slots
}

var oracleSpecs = []string{
	"30 2 * * *", "30 1 * * *", "0 0 * * *", "0 2 * * *", "59 23 * * *", "*/15 * * * *", "0 * * * *", "30 */2 * * *", "*/20 0-3 * * *",
	"15 2 * * 0", "0 3 * * 1-5", "10,40 1,2,23 * * *", "5 0 1 */2 *", "5 4 */2 * 1", "7 2 4,8,29-31 * *",
}

func TestSchedulesAgreeWithAWalkOverTheMinutes(t *testing.T) {
	changes := []struct{ zone, around string }{
		{"America/New_York", "2026-03-08"}, {"America/New_York", "2026-11-01"},
		{"Europe/Berlin", "2026-03-29"}, {"Europe/Berlin", "2026-10-25"},
		{"America/Sao_Paulo", "2018-11-04"}, {"America/Sao_Paulo", "2018-02-18"},
		{"Australia/Lord_Howe", "2026-04-05"}, {"Australia/Lord_Howe", "2026-10-04"},
		{"Pacific/Apia", "2011-12-30"}, {"Pacific/Chatham", "2026-04-05"},
		{"America/Havana", "2026-03-08"}, {"America/Havana", "2026-11-01"},
		{"Africa/Casablanca", "2026-02-15"}, {"Asia/Pyongyang", "2015-08-15"}, {"Antarctica/Troll", "2026-03-29"},
		{"America/New_York", "2028-12-31"}, {"Europe/Berlin", "2040-12-31"}, {"America/New_York", "2100-12-31"}, // a year's end that the standard library misplaces
		{"Asia/Kolkata", "2026-03-29"}, {"UTC", "2024-02-29"},
	}
	for _, c := range changes {
		t.Run(c.zone+" "+c.around, func(t *testing.T) {
			day, err := time.Parse(time.DateOnly, c.around)
			if err != nil {
				t.Fatal(err)
			}
			z := zone(t, c.zone)
			for _, expr := range oracleSpecs {
				compareWithWalk(t, expr, day.AddDate(0, 0, -3), day.AddDate(0, 0, 4), z)
			}
		})
	}
}

func compareWithWalk(t *testing.T, expr string, from, to time.Time, z *time.Location) {
	t.Helper()
	s, err := dag.ParseSchedule(expr, z)
	if err != nil {
		t.Fatal(err)
	}
	want := newOracle(expr).walk(from, to, z)
	var got []time.Time
	for at := s.Next(from); !at.After(to); at = s.Next(at) {
		got = append(got, at)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("%q in %s\n got %v\nwant %v", expr, z, got, want)
	}
	// Asked from any moment between, it names the same slots.
	for probe, i := from, 0; probe.Before(to) && i < len(want); probe = probe.Add(37 * time.Minute) {
		for i < len(want) && !want[i].After(probe) {
			i++
		}
		if i < len(want) && !s.Next(probe).Equal(want[i]) {
			t.Errorf("%q in %s: after %v comes %v, want %v", expr, z, probe, s.Next(probe), want[i])
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, expr := range oracleSpecs {
		f.Add(expr, int64(1772946000), uint8(0))
	}
	f.Add("@every 1h30m10s", int64(-5), uint8(3))
	f.Add("CRON_TZ=", int64(0), uint8(1))
	f.Add("? 0/3 L W 1#2", int64(0), uint8(1))
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo"}
	f.Fuzz(func(t *testing.T, expr string, unix int64, zoneIndex uint8) {
		s, err := dag.ParseSchedule(expr, zone(t, zones[int(zoneIndex)%len(zones)]))
		if err != nil {
			return
		}
		const year = 366 * 24 * 3600
		at := time.Unix(unix%(150*year), 0)
		for range 5 {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%q: after %v comes %v", expr, at, next)
			}
			if middle := at.Add(next.Sub(at) / 2); !s.Next(middle).Equal(next) {
				t.Fatalf("%q: %v comes after %v, and after %v comes %v", expr, next, at, middle, s.Next(middle))
			}
			at = next
		}
	})
}
