package conf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/conf"
)

func TestDurationsReadAndPrint(t *testing.T) {
	cases := []struct {
		in   string
		want time.Duration
		out  string
	}{
		{"30s", 30 * time.Second, "30s"},
		{"20m", 20 * time.Minute, "20m"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"1h30m", 90 * time.Minute, "1h30m"},
		{"33h", 33 * time.Hour, "33h"},
		{"7d", 7 * 24 * time.Hour, "7d"},
		{"2w", 14 * 24 * time.Hour, "14d"},
		{"1w2d3h4m5s", 9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second, "219h4m5s"},
		{"0s", 0, "0s"},
		{"36500d", 36500 * 24 * time.Hour, "36500d"},
	}
	for _, c := range cases {
		got, err := conf.ParseDuration(c.in)
		if err != nil || got.Std() != c.want || got.String() != c.out {
			t.Errorf("%s: got %v that prints %q, %v; want %v that prints %q", c.in, got.Std(), got, err, c.want, c.out)
		}
	}
	if got := conf.Duration(-90 * time.Second).String(); got != "-1m30s" {
		t.Errorf("a negative difference prints %q", got)
	}
	for _, bad := range []string{"", "5", "s", "5x", "1.5h", "-5m", "5m ", "5m5m", "1m1h", "1h 5m", "36501d", "36500d1s", "999999999999w", "9999999999999s"} {
		if d, err := conf.ParseDuration(bad); err == nil {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}

func TestDurationsThatPrintAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := conf.Duration(time.Duration(rapid.Int64Range(0, 36500*86400).Draw(t, "seconds")) * time.Second)
		if back, err := conf.ParseDuration(d.String()); err != nil || back != d {
			t.Fatalf("%v prints %q and is read as %v, %v", d.Std(), d, back, err)
		}
	})
}

func TestPercentagesAreExact(t *testing.T) {
	parse := func(s string) conf.Percent {
		p, err := conf.ParsePercent(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	cases := []struct {
		name        string
		percent     string
		part, whole int64
		want        int
	}{
		{"a third is less than 33.333334%", "33.333334%", 1, 3, -1},
		{"a third is more than 33.333333%", "33.333333%", 1, 3, 1},
		{"97 of 100 is 97%", "97%", 97, 100, 0},
		{"one short of 99.999999% of a huge count is less", "50%", 1<<62 - 1, 1<<63 - 1, -1},
		{"one more than half of a huge count is more", "50%", 1 << 62, 1<<63 - 1, 1},
		{"nothing of nothing is all", "100%", 0, 0, 0},
		{"more than all is more than 100%", "100%", 3, 2, 1},
		{"0 is 0%", "0%", 0, 5, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(c.percent).Cmp(c.part, c.whole); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	if !parse("97%").AtLeast(97, 100) || parse("97.000001%").AtLeast(97, 100) {
		t.Error("AtLeast is not exact at the limit")
	}
	var zero conf.Percent
	if !zero.AtLeast(0, 10) || zero.String() != "0%" || zero.Float() != 0 {
		t.Errorf("the zero value is %s", zero)
	}
	if parse("40.0%") != parse("40%") {
		t.Error("equal percentages differ")
	}
	for _, bad := range []string{"", "%", "98", "-1%", "1e2%", "9.%", ".5%", "1.1234567%", "9999999%", "1 %", "5%%"} {
		if p, err := conf.ParsePercent(bad); err == nil {
			t.Errorf("%q is read as %s", bad, p)
		}
	}
}

func TestPercentagesCompareAsFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		millionths := rapid.Int64Range(0, 999_999_999_999).Draw(t, "millionths of a percent")
		text := fmt.Sprintf("%d.%06d%%", millionths/1_000_000, millionths%1_000_000)
		p, err := conf.ParsePercent(text)
		if err != nil {
			t.Fatal(err)
		}
		part, whole := rapid.Int64Range(0, 1<<63-1).Draw(t, "part"), rapid.Int64Range(1, 1<<63-1).Draw(t, "whole")
		want := new(big.Rat).SetFrac64(part, whole).Cmp(big.NewRat(millionths, 100_000_000))
		if got := p.Cmp(part, whole); got != want {
			t.Fatalf("%d/%d against %s: got %d, want %d", part, whole, p, got, want)
		}
		if back, err := conf.ParsePercent(p.String()); err != nil || back != p {
			t.Fatalf("%s prints %s and is read as %s, %v", text, p, back, err)
		}
	})
}

func TestASecretNeverShowsItself(t *testing.T) {
	const text = "hunter2"
	secret := conf.Secret(text)
	inside := struct {
		Token conf.Secret
		Ptr   *conf.Secret
		Map   map[string]conf.Secret
	}{secret, &secret, map[string]conf.Secret{"a": secret}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		fmt.Fprintf(&out, verb+verb, secret, inside.Map)
	}
	fmt.Fprintf(&out, "%v %+v %#v", inside, inside, inside)
	fmt.Fprint(&out, secret, &secret, inside)
	encoded, err := json.Marshal(inside)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "token", secret, "inside", inside)
	}
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %q in %s", form, out.String())
		}
	}
	if secret.Reveal() != text {
		t.Error("the secret is lost")
	}
}
