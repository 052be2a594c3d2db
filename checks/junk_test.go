package checks_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// whole is a block of each kind with as many keys as go together, one a line.
var whole = map[string][]string{
	"freshness": {"column: ts", "column_tz: UTC", "granularity: 1h", "max_skew: 5m", "on_empty: fail", "warn_after: 1h", "error_after: 2h", `by: "07:00"`, "every: day",
		"covers: previous_day", "grace: 5m", `calendar: ["2013-07-04"]`, "shift: next", "complete_when: {job: load}"},
	"row_count": {"min: 1", "max: 9", "per: day", "by: ts", "column_tz: UTC", "granularity: 1h", "grace: 1h", "last: 2d", `calendar: ["2013-07-04"]`, "segment: a",
		"compare: {to: median, over: 9d, max_drop: 40%, max_rise: 40%, min_base: 1, min_score: 3}", "frozen_after: 2d", "non_decreasing: true", "delta: {min: 1, max: 9}", "equals: {node: other, ratio: 0.5, tolerance: 1%}"},
	"joins": {"to: other", "on: [a, b]", "by: ts", "last: 1d", "allow_late: 1h", "min_match: 99%", "max_orphans: 1", "max_null_keys: 1", "max_duplicate_parent_keys: 1", "nulls: orphan",
		"min_parents: 90%", "min_eligible: 9",
		"known_orphans: ratchet", "curve: {over: 14, tolerance: 5%}"},
	"version": {"of: content", `columns: "*"`, "exclude: [a]", "partition: {by: ts, per: day, last: 9d}", "built_from: [other]", "on_change: {require: upstream_changed}", "closed_after: 2d"},
	"labels": {"of: other", "on: a", "event_time: ts", "labelled_at: at", "value: v", "per: day", "delay: 1d", "grace: 1h", "min_coverage: 90%", "last: 30d", "freeze_after: 20d", "leakage: fail",
		"conflicting: fail", "kind: explicit", "curve: {over: 14, tolerance: 5%}"},
	"values": {"not_null: [a]", "unique: [a, [b, c]]", "accepted: {a: [1, 2]}", "between: {a: {min: 1, max: 2}}", "max_bad: 1%", "last: 1d", "by: ts"},
}

// What could not be read is settled all the same: that must neither stumble nor let a
// check through.
func TestJunkUnderAnyKeyIsAProblemAndNothingElse(t *testing.T) {
	junk := []string{"nonsense", "-1", "0", "99999999999999999999", "[]", "{}", "[[{}]]", "{nonsense: {}}", `""`, "0s", "true", "100%"}
	for _, k := range checks.Builtin() {
		keys, ok := whole[k.Name]
		if !ok {
			continue // its block is a statement or a job's
		}
		t.Run(k.Name, func(t *testing.T) {
			block := func(keys []string) string { return k.Name + ": {" + strings.Join(keys, ", ") + "}" }
			if problems := problemsOf(t, block(keys)); problems != "" {
				t.Fatalf("the block itself: %s", problems)
			}
			for i, key := range keys {
				name, _, _ := strings.Cut(key, ":")
				for _, value := range junk {
					spoilt := slices.Clone(keys)
					spoilt[i] = name + ": " + value
					suite, problems := compiled(t, block(spoilt))
					if (suite.Check(dag.CheckID("d/t/"+k.Name)) != nil) == (len(problems) > 0) {
						t.Errorf("%s: %s gives %d problems and check %v", name, value, len(problems), suite.Check(dag.CheckID("d/t/"+k.Name)))
					}
					if len(problems) > 3 {
						t.Errorf("%s: %s makes a noise: %s", name, value, fmt.Sprint(problems))
					}
				}
			}
		})
	}
}
