package checks

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

func TestDayStart(t *testing.T) {
	for _, c := range []struct{ name, zone, day, want string }{
		{"an ordinary day starts at midnight", "America/New_York", "2013-06-15", "2013-06-15T04:00:00Z"},
		{"the day the clock jumps at two starts in winter time", "America/New_York", "2013-03-10", "2013-03-10T05:00:00Z"},
		{"the day after starts in summer time", "America/New_York", "2013-03-11", "2013-03-11T04:00:00Z"},
		{"the day of 25 hours starts in summer time", "America/New_York", "2013-11-03", "2013-11-03T04:00:00Z"},
		{"a day without midnight starts at one", "America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		{"a midnight shown twice is the first", "America/Havana", "2013-11-03", "2013-11-03T04:00:00Z"},
		{"far east", "Pacific/Kiritimati", "2013-06-15", "2013-06-14T10:00:00Z"},
		{"UTC", "UTC", "2013-06-15", "2013-06-15T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			day, err := time.Parse(dateLayout, c.day)
			if err != nil {
				t.Fatal(err)
			}
			if got := dayStart(day, zone).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Every day of every zone must begin where the minute before still belongs to
// another date; this finds the mistakes that the table above did not think of.
func TestEveryDayBeginsAfterAnotherDate(t *testing.T) {
	for _, name := range []string{"America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2019; day = day.AddDate(0, 0, 1) {
			at := dayStart(day, zone)
			if !dayOf(at, zone).Equal(day) || !dayOf(at.Add(-time.Minute), zone).Before(day) {
				t.Fatalf("%s: day %s starts at %s, a minute before it is %s", name, day.Format(dateLayout), at, at.Add(-time.Minute).In(zone))
			}
		}
	}
}

func TestBucketAfter(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		per  probe.Per
		n    int
		want string
	}{
		{"its own day", probe.Day, 0, "2013-11-06T05:00:00Z"},
		{"a day before a clock change is another offset", probe.Day, -3, "2013-11-03T04:00:00Z"},
		{"weeks begin on Monday", probe.Week, 0, "2013-11-04T05:00:00Z"},
		{"the week before", probe.Week, -1, "2013-10-28T04:00:00Z"},
		{"months have their own lengths", probe.Month, 1, "2013-12-01T05:00:00Z"},
		{"the month before", probe.Month, -1, "2013-10-01T04:00:00Z"},
		{"hours are UTC's", probe.Hour, -2, "2013-11-06T10:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := time.Date(2013, 11, 6, 12, 34, 0, 0, time.UTC)
			if got := bucketAfter(at, c.per, c.n, zone).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
