package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// figure is one thing that a check observed or expected, for people.
type figure struct{ Name, Value string }

// pair is one member of a JSON object.
type pair struct {
	key   string
	value json.RawMessage
}

// members gives the members of what marshals to a JSON object, in their order;
// none for anything else.
func members(v any) []pair {
	b, err := json.Marshal(v)
	if err != nil || len(b) == 0 || b[0] != '{' {
		return nil // a verdict without figures, or one that was never made
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	_, _ = dec.Token() // the opening brace
	var all []pair
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return all
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return all
		}
		all = append(all, pair{fmt.Sprint(key), value})
	}
	return all
}

// numbers are the members that are numbers.
func numbers(v any) map[string]float64 {
	found := map[string]float64{}
	for _, p := range members(v) {
		if n, err := strconv.ParseFloat(string(p.value), 64); err == nil {
			found[p.key] = n
		}
	}
	return found
}

// figures puts what was observed or expected into words. Lists are only
// counted: they are in the API. What is null or empty is left out.
func figures(v any, zone *time.Location) []figure {
	var all []figure
	for _, p := range members(v) {
		if text := spell(p.key, p.value, zone); text != "" {
			name := strings.TrimSuffix(strings.TrimSuffix(p.key, "_seconds"), "_ratio")
			all = append(all, figure{words(name), text})
		}
	}
	return all
}

func spell(key string, value json.RawMessage, zone *time.Location) string {
	var v any
	if json.Unmarshal(value, &v) != nil {
		return ""
	}
	switch v := v.(type) {
	case float64:
		switch {
		case strings.HasSuffix(key, "_seconds"):
			return duration(time.Duration(v) * time.Second)
		case strings.HasSuffix(key, "_ratio") || strings.HasSuffix(key, "coverage") || strings.HasPrefix(key, "max_drop") || strings.HasPrefix(key, "max_rise"):
			return percent(v)
		}
		return number(v)
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return clock(t, zone)
		}
		return v
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case []any:
		if len(v) > 0 {
			return strconv.Itoa(len(v))
		}
	}
	return ""
}

// number writes a number with its thousands apart.
func number(v float64) string {
	if v != math.Trunc(v) || math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 6, 64)
	}
	digits := strconv.FormatInt(int64(math.Abs(v)), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:]
	}
	if v < 0 {
		digits = "-" + digits
	}
	return digits
}

// percent writes a share so that it never rounds up to all or down to nothing.
func percent(v float64) string {
	p := v * 100
	digits := 1
	for digits < 6 && (v < 1 && math.Round(p*math.Pow10(digits)) >= 100*math.Pow10(digits) || v > 0 && math.Round(p*math.Pow10(digits)) == 0) {
		digits++
	}
	text := strconv.FormatFloat(p, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + "\u202f%"
}

// words makes words of a word of the contract.
func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

// duration is a length of time in two units at most.
func duration(d time.Duration) string {
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	d = d.Abs().Truncate(time.Second)
	for i, u := range units {
		if d < u.of && i < len(units)-1 {
			continue
		}
		text := fmt.Sprintf("%d\u202f%s", d/u.of, u.name)
		if rest := d % u.of; i+1 < len(units) && rest >= units[i+1].of && i < 2 {
			text += fmt.Sprintf(" %d\u202f%s", rest/units[i+1].of, units[i+1].name)
		}
		return text
	}
	return ""
}

// clock is a moment as people write it.
func clock(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2 Jan 2006 15:04 MST")
}
