package conf

import (
	"fmt"
	"log/slog"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time written as 30s, 20m, 1h30m, 6h, 7d or 2w. A day is 24
// hours. It is never negative.
type Duration time.Duration

// Units of durations, largest first; each may be used once, in this order.
var units = []struct {
	letter byte
	length time.Duration
}{{'w', 7 * 24 * time.Hour}, {'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// maxDuration keeps sums of a few durations and an instant within int64 nanoseconds.
const maxDuration = 36500 * 24 * time.Hour

// ParseDuration reads the notation of [Duration].
func ParseDuration(s string) (Duration, error) {
	var total time.Duration
	rest, unit := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits > 12 || digits == len(rest) {
			return 0, fmt.Errorf("%s is not a duration", quote(s))
		}
		for unit < len(units) && units[unit].letter != rest[digits] {
			unit++
		}
		if unit == len(units) {
			return 0, fmt.Errorf("%s is not a duration", quote(s))
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > int64(maxDuration/units[unit].length) {
			return 0, fmt.Errorf("%s is longer than 100 years", quote(s))
		}
		total += time.Duration(n) * units[unit].length
		rest, unit = rest[digits+1:], unit+1
	}
	switch {
	case s == "":
		return 0, fmt.Errorf("%s is not a duration", quote(s))
	case total > maxDuration:
		return 0, fmt.Errorf("%s is longer than 100 years", quote(s))
	}
	return Duration(total), nil
}

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String prints whole days as days and everything else in hours, minutes and
// seconds, in the notation that ParseDuration reads; parts of a second are cut.
func (d Duration) String() string {
	if d < 0 {
		return "-" + (-d).String()
	}
	const day = Duration(24 * time.Hour)
	switch {
	case d < Duration(time.Second):
		return "0s"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	var b strings.Builder
	for _, u := range units[2:] {
		if n := time.Duration(d) / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			d -= Duration(n * u.length)
		}
	}
	return b.String()
}

// DecodeConf reads the duration; a bare 0 means none.
func (d *Duration) DecodeConf(v Value) Problems {
	if v.Kind() == Number && v.Text() == "0" {
		*d = 0
		return nil
	}
	const hint = "write it as 30s, 20m, 1h30m, 6h, 7d or 2w"
	if v.Kind() != String {
		return Problems{v.Problem("%s is not a duration", v.Quote()).WithHint(hint)}
	}
	parsed, err := ParseDuration(v.Text())
	if err != nil {
		if _, longer := strings.CutSuffix(err.Error(), "100 years"); longer {
			return Problems{v.Problem("%s is longer than 100 years", v.Quote())}
		}
		return Problems{v.Problem("%s is not a duration", v.Quote()).WithHint(hint)}
	}
	*d = parsed
	return nil
}

// MarshalText makes JSON and logs show the notation that people write.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Percent is a share written with its sign, as in 99.5%, kept as an exact fraction
// so that a limit is never missed by rounding. The zero value is 0%. It is
// comparable.
type Percent struct{ num, den int64 } // lowest terms; den 0 only in the zero value

// ParsePercent reads the notation of [Percent]: digits, at most six decimals, and %.
func ParsePercent(s string) (Percent, error) {
	digits, signed := strings.CutSuffix(s, "%")
	whole, decimals, pointed := strings.Cut(digits, ".")
	bad := !signed || whole == "" || len(whole) > 6 || len(decimals) > 6 || pointed && decimals == "" ||
		strings.Trim(whole+decimals, "0123456789") != ""
	if bad {
		return Percent{}, fmt.Errorf("%s is not a percentage", quote(s))
	}
	num, err := strconv.ParseInt(whole+decimals, 10, 64)
	if err != nil {
		return Percent{}, fmt.Errorf("%s is not a percentage", quote(s))
	}
	den := int64(100)
	for range decimals {
		den *= 10
	}
	reduced := big.NewRat(num, den)
	return Percent{reduced.Num().Int64(), reduced.Denom().Int64()}, nil
}

// Cmp compares part/whole with the percentage exactly: -1 when it is less, 0 when it
// is equal, 1 when it is more. Both are counts and not negative; 0 of 0 counts as all.
func (p Percent) Cmp(part, whole int64) int {
	if whole == 0 {
		part, whole = 1, 1
	}
	leftHi, leftLo := bits.Mul64(uint64(part), uint64(max(p.den, 1)))
	rightHi, rightLo := bits.Mul64(uint64(p.num), uint64(whole))
	switch {
	case leftHi < rightHi || leftHi == rightHi && leftLo < rightLo:
		return -1
	case leftHi == rightHi && leftLo == rightLo:
		return 0
	}
	return 1
}

// Rat is the share as an exact fraction: 199/200 for 99.5%.
func (p Percent) Rat() *big.Rat { return big.NewRat(p.num, max(p.den, 1)) }

// AtLeast reports whether part/whole is the percentage or more.
func (p Percent) AtLeast(part, whole int64) bool { return p.Cmp(part, whole) >= 0 }

// Float is the share as a number: 0.995 for 99.5%.
func (p Percent) Float() float64 { return float64(p.num) / float64(max(p.den, 1)) }

// String prints the percentage exactly and without trailing zeros.
func (p Percent) String() string {
	s := big.NewRat(p.num, max(p.den, 1))
	text := s.Mul(s, big.NewRat(100, 1)).FloatString(6)
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + "%"
}

// DecodeConf reads the percentage and refuses a number without the sign, as 98 and
// 0.98 cannot be told apart by intent.
func (p *Percent) DecodeConf(v Value) Problems {
	parsed, err := ParsePercent(v.Text())
	switch {
	case v.Kind() == String && err == nil:
		*p = parsed
		return nil
	case v.Kind() == Number:
		return Problems{v.Problem("%s has no percent sign", v.Quote()).WithHint("%s", percentHint(v.Text()))}
	}
	return Problems{v.Problem("%s is not a percentage", v.Quote()).WithHint("write it as 98%% or 99.5%%")}
}

func percentHint(text string) string {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || f < 0 || f > 1e6:
		return "write it as 98% or 99.5%"
	case f > 0 && f <= 1:
		return fmt.Sprintf("write %s%% if that share is meant", strconv.FormatFloat(f*100, 'f', -1, 32))
	}
	return fmt.Sprintf("write %s%%", text)
}

// MarshalText makes JSON and logs show the notation that people write.
func (p Percent) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// ClockTime is a time of day, written in quotes as "07:30", in a zone that its user
// knows.
type ClockTime struct{ Hour, Minute int }

// String prints the time as 07:30.
func (t ClockTime) String() string { return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute) }

// DecodeConf reads the time of day. It must be quoted, as YAML readers of the older
// kind take 07:30 for a number to the base 60.
func (t *ClockTime) DecodeConf(v Value) Problems {
	parsed, err := time.Parse("15:04", v.Text())
	switch {
	case err != nil || len(v.Text()) != len("15:04"):
		return Problems{v.Problem("%s is not a time of day", v.Quote()).WithHint(`write it in quotes as "07:30"`)}
	case !v.Quoted() && !v.n.expanded:
		return Problems{v.Problem("a time of day must be quoted").WithHint(`write "%s"`, v.Text())}
	}
	*t = ClockTime{parsed.Hour(), parsed.Minute()}
	return nil
}

// Secret is text that never shows itself: it prints as *** in every format.
type Secret string

const masked = "***"

// Reveal returns the secret itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns ***.
func (s Secret) String() string { return masked }

// GoString returns ***.
func (s Secret) GoString() string { return masked }

// Format prints *** for every verb, so that %x and %q hide the text too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// MarshalText returns ***.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalJSON returns "***".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + masked + `"`), nil }

// LogValue returns *** for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// DecodeConf reads the secret; no problem of it shows the text or the source line.
func (s *Secret) DecodeConf(v Value) Problems {
	if v.Kind() != String {
		p := v.KeyProblem("a secret must be text").WithHint(`quote it, or better take it from outside: "${VAR}" or "${file:/path}"`)
		p.Hidden = true
		return Problems{p}
	}
	*s = Secret(v.Text())
	return nil
}

// StringList is a list of texts that may be written as one text where it has one.
type StringList []string

// DecodeConf reads "a" or [a, b].
func (l *StringList) DecodeConf(v Value) Problems {
	if v.Kind() == List {
		return v.Decode((*[]string)(l))
	}
	var one string
	problems := v.Decode(&one)
	if len(problems) == 0 {
		*l = StringList{one}
	}
	return problems
}

// secretName tells the keys whose values messages and excerpts must not show.
func secretName(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{"secret", "token", "password", "passwd", "passphrase", "dsn", "webhook_url", "credential",
		"api_key", "apikey", "private_key", "access_key", "authorization"} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
