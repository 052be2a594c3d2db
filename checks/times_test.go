package checks_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

func TestAgesAreSaidAsPeopleSayThem(t *testing.T) {
	const now = "2026-06-15T12:00:00Z"
	for _, c := range []struct {
		name string
		age  time.Duration
		want string
	}{
		{"hours up to three days", 71 * time.Hour, "71h"},
		{"then days and hours", 74 * time.Hour, "3d2h"},
		{"days alone beyond two months", 60*24*time.Hour + 5*time.Hour, "60d"},
		{"days up to two years", 730 * 24 * time.Hour, "730d"},
		{"then years", 731 * 24 * time.Hour, "2 years"},
		{"many years", 4914*24*time.Hour + 8*time.Hour, "13 years"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := moment(t, now)
			mark := probe.Mark{Rows: 1, Timed: 1, Max: probe.At(at.Now.Add(-c.age)), Class: probe.Zoned}
			play(t, checkOf(t, "freshness: {column: ts}", "freshness"), []turn{{now, []any{mark}, "pass: newest ts is " + c.want + " old"}})
		})
	}
}
