package checks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// thousands writes a number as people read it: 336,776.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	first := (len(digits)-1)%3 + 1
	parts := []string{digits[:first]}
	for rest := digits[first:]; rest != ""; rest = rest[3:] {
		parts = append(parts, rest[:3])
	}
	return sign + strings.Join(parts, ",")
}

// counted is a number of things: "1 row", "6,355 rows".
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(n) + " " + thing + "s"
}

// share writes part of whole as a percentage, cut and not rounded, so that what
// misses a least share is never shown as meeting it.
func share(part, whole int64) string {
	return hundredths(part * 10_000 / max(whole, 1))
}

// shareUp is share rounded up, for what must not exceed a limit.
func shareUp(part, whole int64) string {
	whole = max(whole, 1)
	return hundredths((part*10_000 + whole - 1) / whole)
}

func hundredths(n int64) string {
	if n == 10_000 {
		return "100%"
	}
	return fmt.Sprintf("%d.%02d%%", n/100, n%100)
}

// ratio is part of whole as a JSON number; nil, JSON's null, when there is no whole.
func ratio(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	return new(float64(part) / float64(whole))
}

// instant is a moment for JSON; nil, JSON's null, when there is none.
func instant(i probe.Instant) *time.Time {
	if i.IsZero() {
		return nil
	}
	return new(i.Time())
}

// bucketName is how people call the stretch of time that starts at a moment, given
// in the zone whose days are meant.
func bucketName(start time.Time, per probe.Per) string {
	switch per {
	case probe.Hour:
		return start.Format("2006-01-02 15:04 MST")
	case probe.Week:
		return "week of " + start.Format(dateLayout)
	case probe.Month:
		return start.Format("2006-01")
	}
	return start.Format(dateLayout)
}
