package main

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
)

// checked is the part of check -o json that the ground truths speak of.
type checked struct {
	Verdict   string
	Summary   map[string]int
	Incidents []struct {
		Root   string
		Checks []string
		Blocks []string
	}
	Nodes []struct {
		ID, Health string
		RootCause  bool     `json:"root_cause"`
		CausedBy   []string `json:"caused_by"`
		Checks     []struct {
			ID, Verdict, Reason string
			Observed            map[string]any
			SQL                 []string
		}
	}
}

// checkExample runs the check command on the flights example.
func checkExample(t *testing.T, asOf string) (checked, int) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"check", "-c", "../../examples/pipewatch.yaml", "--as-of", asOf, "-o", "json"}, &out, &errs)
	var rep checked
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatalf("check -o json: %v\n%s\n%s", err, out.String(), errs.String())
	}
	return rep, code
}

// observed is what one check saw.
func (c checked) observed(t *testing.T, id string) map[string]any {
	t.Helper()
	for _, n := range c.Nodes {
		for _, ch := range n.Checks {
			if ch.ID == "flight_delay/"+id {
				return ch.Observed
			}
		}
	}
	t.Fatalf("no check %s in the report", id)
	return nil
}

// expect holds observed figures against the truths; numbers are equal when
// they print alike to six places.
func expect(t *testing.T, what string, observed map[string]any, want map[string]any) {
	t.Helper()
	for key, w := range want {
		got := observed[key]
		n, isNumber := w.(float64)
		if g, ok := got.(float64); isNumber && ok && math.Abs(g-n) < 5e-7 {
			continue
		}
		if got != w {
			t.Errorf("%s: %s is %v, in truth %v", what, key, got, w)
		}
	}
}

// The figures were counted from the files by two other programs (pandas and
// plain SQL), see examples/README.md; windows end eight hours before the
// moment, as weather may be that late.
func TestCheckSeesTheTruthAboutTheFlights(t *testing.T) {
	windows := []struct {
		asOf                          string
		total, matched, orphans, keys float64
		exit                          int
	}{
		{asOf: "2013-02-12T08:00:00Z", total: 6099, matched: 6099, exit: exitFail}, // the snowstorm, seen by the labels
		{asOf: "2013-06-15T20:00:00Z", total: 6619, matched: 6619},
		{asOf: "2013-11-05T08:00:00Z", total: 6355, matched: 6260, orphans: 95, keys: 10},
		{asOf: "2014-01-01T13:00:00Z", total: 6064, matched: 5132, orphans: 932, keys: 65, exit: exitFail},
	}
	for _, w := range windows {
		t.Run(w.asOf, func(t *testing.T) {
			rep, code := checkExample(t, w.asOf)
			if code != w.exit {
				t.Errorf("exit code %d, want %d", code, w.exit)
			}
			expect(t, "weather", rep.observed(t, "flights/joins_weather"), map[string]any{
				"total": w.total, "null_keys": 0.0, "eligible": w.total, "matched": w.matched, "orphans": w.orphans, "orphan_keys": w.keys,
			})
		})
	}
}

func TestCheckSeesTheTruthAboutTheWholeYear(t *testing.T) {
	rep, _ := checkExample(t, "2014-01-01T13:00:00Z")
	expect(t, "flights", rep.observed(t, "flights/freshness"), map[string]any{
		"watermark": "2014-01-01T04:00:00Z", "rows": 336776.0, "future_rows": 0.0, "age_seconds": 9 * 3600.0,
	})
	expect(t, "weather", rep.observed(t, "weather/freshness"), map[string]any{
		"watermark": "2013-12-30T23:00:00Z", "rows": 26115.0, "age_seconds": 38 * 3600.0,
	})
	expect(t, "dest", rep.observed(t, "flights/joins_airports"), map[string]any{
		"total": 336776.0, "null_keys": 0.0, "eligible": 336776.0, "matched": 329174.0, "orphans": 7602.0, "orphan_keys": 4.0,
		"match_ratio": 329174.0 / 336776.0, "duplicate_parent_keys": 0.0,
	})
	expect(t, "tailnum", rep.observed(t, "flights/joins_planes"), map[string]any{
		"total": 336776.0, "null_keys": 2512.0, "eligible": 334264.0, "matched": 284170.0, "orphans": 50094.0, "orphan_keys": 721.0,
		"match_ratio": 284170.0 / 334264.0,
	})
	expect(t, "airlines", rep.observed(t, "airlines/row_count"), map[string]any{"rows": 16.0})
	for id, rows := range map[string]float64{
		"airports/values": 1458, "planes/values": 3322, "weather/values": 26115, "flights/values": 336776, "delay_labels/values": 327346,
	} {
		for _, rule := range rep.observed(t, id)["rules"].([]any) {
			expect(t, id, rule.(map[string]any), map[string]any{"bad": 0.0, "rows": rows})
		}
	}
	if len(rep.Incidents) != 1 || rep.Incidents[0].Root != "flight_delay/weather" {
		t.Errorf("incidents %+v, want one, of the weather feed that stopped", rep.Incidents)
	}
}

func TestCheckSeesTheSnowstormInTheLabelsOnly(t *testing.T) {
	rep, code := checkExample(t, "2013-02-12T08:00:00Z")
	if code != exitFail {
		t.Errorf("exit code %d, want %d", code, exitFail)
	}
	days := map[string][2]float64{"2013-02-08T05:00:00Z": {930, 455}, "2013-02-09T05:00:00Z": {684, 291}}
	seen := 0
	for _, c := range rep.observed(t, "delay_labels/labels")["cohorts"].([]any) {
		c := c.(map[string]any)
		if day, ok := days[c["start"].(string)]; ok {
			seen++
			expect(t, c["start"].(string), c, map[string]any{"eligible": day[0], "labelled": day[1], "mature": true})
		}
	}
	if seen != len(days) {
		t.Errorf("%d of the two days of the storm are among the cohorts", seen)
	}
	if len(rep.Incidents) != 1 || rep.Incidents[0].Root != "flight_delay/delay_labels" {
		t.Errorf("incidents %+v, want one, of the labels", rep.Incidents)
	}
	if v := rep.Summary["fail"]; v != 1 {
		t.Errorf("%d checks fail, want the labels' only", v)
	}
}

// All days that the calendar makes odd pass: nothing cries wolf.
func TestCheckIsQuietOnOddDays(t *testing.T) {
	for _, asOf := range []string{
		"2013-03-11T13:00:00Z", // after the day with 23 hours
		"2013-07-05T13:00:00Z", // after Independence Day
		"2013-10-26T16:00:00Z", // weather was away for six hours
		"2013-11-04T13:00:00Z", // after the day with 25 hours
		"2013-11-29T13:00:00Z", // after Thanksgiving, the emptiest day
		"2013-12-26T13:00:00Z",
	} {
		t.Run(asOf, func(t *testing.T) {
			if rep, code := checkExample(t, asOf); code != 0 {
				t.Errorf("exit code %d: %+v", code, rep.Incidents)
			}
		})
	}
}
