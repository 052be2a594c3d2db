package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

func TestValuesVerdicts(t *testing.T) {
	const noon = "2013-06-15T12:00:00Z"
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"no bad row passes", "{not_null: [a, b]}", []turn{
			{noon, []any{probe.Bad{Rows: 1000}, probe.Bad{Rows: 1000}}, "pass: no rule of 2 is broken in 1,000 rows"}}},
		{"one bad row fails, as none is allowed", "{not_null: [a]}", []turn{
			{noon, []any{probe.Bad{Bad: 1, Rows: 1000}}, "fail nulls: 1 of 1,000 rows have no a, limit 0"}}},
		{"as many bad rows as allowed pass", "{not_null: [a], max_bad: 3}", []turn{
			{noon, []any{probe.Bad{Bad: 3, Rows: 1000}}, "pass: no rule of 1 is broken in 1,000 rows"}}},
		{"one more fails", "{not_null: [a], max_bad: 3}", []turn{
			{noon, []any{probe.Bad{Bad: 4, Rows: 1000}}, "fail nulls: 4 of 1,000 rows have no a, limit 3"}}},
		{"a share exactly at the limit passes", "{not_null: [a], max_bad: 0.1%}", []turn{
			{noon, []any{probe.Bad{Bad: 1, Rows: 1000}}, "pass: no rule of 1 is broken in 1,000 rows"}}},
		{"a share above it fails and is shown above it", "{not_null: [a], max_bad: 0.1%}", []turn{
			{noon, []any{probe.Bad{Bad: 1001, Rows: 1_000_000}}, "fail nulls: 1,001 of 1,000,000 rows have no a (0.11%), limit 0.1%"}}},
		{"the limit holds for each rule, and the first broken one speaks", "{unique: [k, [a, b]], accepted: {c: [x]}, between: {n: {min: 0}}, max_bad: 1}", []turn{
			{noon, []any{probe.Bad{Bad: 1, Rows: 10}, probe.Bad{Bad: 2, Rows: 10}, probe.Bad{Bad: 5, Rows: 10}, probe.Bad{Bad: 1, Rows: 10}},
				"fail duplicates: 2 of 10 rows repeat a, b, limit 1; 1 rule more broken"}}},
		{"unexpected values have their word", "{accepted: {c: [x]}}", []turn{
			{noon, []any{probe.Bad{Bad: 2, Rows: 10}}, "fail unexpected_values: 2 of 10 rows have an unexpected c, limit 0"}}},
		{"and so have those out of range", "{between: {n: {max: 9}}}", []turn{
			{noon, []any{probe.Bad{Bad: 2, Rows: 10}}, "fail out_of_range: 2 of 10 rows have an out-of-range n, limit 0"}}},
		{"no rows are nothing to judge", "{not_null: [a]}", []turn{
			{noon, []any{probe.Bad{}}, "nodata: nothing to judge: no rows"}}},
		{"a warning is a warning", "{not_null: [a], severity: warn}", []turn{
			{noon, []any{probe.Bad{Bad: 1, Rows: 2}}, "warn nulls: 1 of 2 rows have no a, limit 0"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, "values: "+c.keys, "values"), c.turns) })
	}
}

func TestValuesObserve(t *testing.T) {
	v := play(t, checkOf(t, "values: {not_null: [a], unique: [[a, b]]}", "values"), []turn{
		{"2013-06-15T12:00:00Z", []any{probe.Bad{Bad: 1, Rows: 10}, probe.Bad{Rows: 10}}, "fail nulls: 1 of 10 rows have no a, limit 0"}})
	observes(t, v, `{"rules": [{"column": "a", "rule": "not_null", "bad": 1, "rows": 10}, {"column": "a, b", "rule": "unique", "bad": 0, "rows": 10}]}`)
}

func TestValuesAsk(t *testing.T) {
	c := checkOf(t, `values: {not_null: [a], unique: [k, [x, y]], accepted: {s: [on, "off", 3, 1.5, true]}, between: {m: {max: "2013-01-02"}, n: {min: -1, max: 2.5}}, last: 1d, by: at, where: "a > 0"}`, "values")
	var want []probe.Question
	for _, q := range []probe.BadRows{
		{Rule: probe.Nulls, Columns: probe.List("a")},
		{Rule: probe.Duplicates, Columns: probe.List("k")},
		{Rule: probe.Duplicates, Columns: probe.List("x", "y")},
		{Rule: probe.Unexpected, Columns: probe.List("s"), Accepted: probe.List(`"on"`, `"off"`, `3`, `1.5`, `true`)},
		{Rule: probe.OutOfRange, Columns: probe.List("m"), Max: `"2013-01-02"`},
		{Rule: probe.OutOfRange, Columns: probe.List("n"), Min: `-1`, Max: `2.5`},
	} {
		q.Of, q.Where = probe.Relation{Conn: "wh", Table: probe.List("t")}, "a > 0"
		q.Window = probe.Window{By: probe.TimeColumn{Name: "at"}, From: instant("2013-06-14T12:00:00Z"), To: instant("2013-06-15T12:00:00Z")}
		want = append(want, q)
	}
	if diff := cmp.Diff(want, c.Ask(nil, moment(t, "2013-06-15T12:00:00Z"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValuesProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"no rule", "values: {max_bad: 3}",
			"13:5: PW160 nodes.t.values: no rule to judge by (give not_null, unique, accepted or between)"},
		{"a range without limits, one upside down, one of two types and one of neither", "values: {between: {a: {}, b: {min: 2, max: 1}, c: {min: 1, max: x}, d: {max: true}}}",
			"13:27: PW161 nodes.t.values.between.a: the limits of a leave no value, or leave all (give min, max or both, of one type, min not above max)\n" +
				"13:34: PW161 nodes.t.values.between.b: the limits of b leave no value, or leave all (give min, max or both, of one type, min not above max)\n" +
				"13:55: PW161 nodes.t.values.between.c: the limits of c leave no value, or leave all (give min, max or both, of one type, min not above max)\n" +
				"13:76: PW161 nodes.t.values.between.d: the limits of d leave no value, or leave all (give min, max or both, of one type, min not above max)"},
		{"lists that accept nothing or NULL", "values: {accepted: {a: [], b: [x, null]}}",
			"13:28: PW161 nodes.t.values.accepted.a: no value of a would be accepted (list the values)\n" +
				"13:39: PW161 nodes.t.values.accepted.b[1]: NULL is always accepted here (remove it; not_null is the rule that forbids it)"},
		{"a share that nothing exceeds", "values: {not_null: [a], max_bad: 100%}",
			"13:38: PW162 nodes.t.values.max_bad: a limit of 100% can never be exceeded (allow a smaller share)"},
		{"a share without its sign", "values: {not_null: [a], max_bad: 0.5}",
			`13:38:  nodes.t.values.max_bad: "0.5" is not a whole number (write a count, or a share with its sign, as in 0.5%)`},
		{"a window without a time column", "values: {not_null: [a], last: 1d}",
			"13:29: PW163 nodes.t.values.last: a window needs a time column (name one with by:, or give the node a freshness check)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
