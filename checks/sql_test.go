package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

func TestSQLVerdicts(t *testing.T) {
	const now = "2013-06-15T12:00:00Z"
	value := func(n float64) []any { return []any{probe.ScalarValue{Number: n}} }
	for _, c := range []struct {
		name, expect string
		turns        []turn
	}{
		{"limits are part of what is good", "{min: -1, max: 2.5}", []turn{
			{now, value(-1), "pass: value is -1"},
			{now, value(2.5), "pass: value is 2.5"},
			{now, value(-1.5), "fail below_min: value is -1.5, expected at least -1"},
			{now, value(1281.8299798792757), "fail above_max: value is 1,281.83, expected at most 2.5"},
			{now, value(2.5000000001), "fail above_max: value is 2.5000000001, expected at most 2.5"},
			{now, value(2000.001), "fail above_max: value is 2,000, expected at most 2.5"},
			{now, value(-1234567.25), "fail below_min: value is -1,234,567.25, expected at least -1"},
			{now, value(336776), "fail above_max: value is 336,776, expected at most 2.5"}}},
		{"one good value", "{equals: 0}", []turn{
			{now, value(0), "pass: value is 0"},
			{now, value(1e-9), "fail unequal: value is 1e-09, expected 0"}}},
		{"nothing to judge", "{equals: 0}", []turn{
			{now, []any{probe.ScalarValue{Null: true}}, "nodata: the statement gives no value"}}},
		{"nothing expected", "{}", []turn{{now, value(5), "pass: value is 5"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, checkOf(t, `checks: [{name: one, sql: "select 1", expect: `+c.expect+`}]`, "one"), c.turns)
		})
	}
}

func TestSQLAsk(t *testing.T) {
	c := checkOf(t, `checks: [{name: one, sql: "select count(*) from t where ts > {{ as_of }}", expect: {max: 0}}]`, "one")
	want := []probe.Question{probe.Scalar{Conn: "wh", SQL: "select count(*) from t where ts > {{ as_of }}"}}
	if diff := cmp.Diff(want, c.Ask(nil, moment(t, "2013-06-15T12:00:00Z"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSQLProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"no statement", `checks: [{name: one, expect: {max: 0}}]`,
			"13:14:  nodes.t.checks[0]: sql is missing"},
		{"limits that no value meets", `checks: [{name: one, sql: "select 1", expect: {min: 2, max: 1}}]`,
			"13:57: PW165 nodes.t.checks[0].expect.min: min 2 is more than max 1, so no value would do"},
		{"a value beside limits", `checks: [{name: one, sql: "select 1", expect: {max: 2, equals: 1}}]`,
			"13:60: PW165 nodes.t.checks[0].expect.equals: equals leaves nothing for min and max to say (use one or the other)"},
		{"a condition on no rows", `checks: [{name: one, sql: "select 1", where: "a > 0"}]`,
			"13:14: PW100 nodes.t.checks[0]: where has no meaning for sql (write the condition into the statement)"},
		{"a limit that is no number", `checks: [{name: one, sql: "select 1", expect: {max: none}}]`,
			`13:57:  nodes.t.checks[0].expect.max: "none" is not a number`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
