package checks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// around is a DAG whose node t carries the check of a test, below two tables and a job.
const around = `version: 1
dag: d
connection: wh
timezone: America/New_York
nodes:
  other: {table: other}
  more: {table: s.more, version: {of: content, exclude: loaded_at}}
  far: {table: far, connection: elsewhere}
  load: {job: {heartbeat: load, succeeded_within: 1d}}
  t:
    table: t
    depends_on: [load]
    `

// compiled loads the DAG around the keys of node t.
func compiled(t *testing.T, keys string) (*checks.Suite, conf.Problems) {
	t.Helper()
	src := around + strings.ReplaceAll(strings.TrimSpace(keys), "\n", "\n    ") + "\n"
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(src)}}, dag.Known{})
	if len(problems) > 0 {
		t.Fatalf("the DAG around the check: %v", problems)
	}
	return checks.Compile(g, checks.Builtin())
}

// checkOf is the check of a kind on node t.
func checkOf(t *testing.T, keys, id string) *checks.Check {
	t.Helper()
	suite, problems := compiled(t, keys)
	if len(problems) > 0 {
		t.Fatalf("compile: %v", problems)
	}
	c := suite.Check(dag.CheckID("d/t/" + id))
	if c == nil {
		t.Fatalf("there is no check %s", id)
	}
	return c
}

// moment reads a time such as 2013-06-15T12:00:00Z.
func moment(t *testing.T, text string) checks.Moment {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return checks.Moment{Now: at}
}

func instant(text string) probe.Instant {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return probe.At(at)
}

// turn is one evaluation: what came back, and what it should mean, as "fail orphans:
// message".
type turn struct {
	at      string
	answers []any
	want    string
}

// play evaluates turn after turn, carrying the memory, and compares what they said.
func play(t *testing.T, c *checks.Check, turns []turn) (last checks.Verdict) {
	t.Helper()
	var memory checks.Memory
	for i, turn := range turns {
		var answers []probe.Answer
		for _, a := range turn.answers {
			answers = append(answers, probe.Answer{Value: a})
		}
		at := moment(t, turn.at)
		if asked := c.Ask(memory, at); len(asked) != len(answers) {
			t.Fatalf("turn %d: asks %d questions, the test has %d answers", i+1, len(asked), len(answers))
		}
		v, next := c.Judge(answers, memory, at)
		if next != nil {
			memory = next
		}
		if diff := cmp.Diff(turn.want, said(v)); diff != "" {
			t.Errorf("turn %d (-want +got):\n%s", i+1, diff)
		}
		last = v
	}
	return last
}

func said(v checks.Verdict) string {
	head := strings.TrimSpace(fmt.Sprintf("%s %s", v.Outcome, v.Reason))
	return head + ": " + v.Message
}

// observes compares chosen fields of what a verdict observed.
func observes(t *testing.T, v checks.Verdict, want string) {
	t.Helper()
	var all, some map[string]any
	b, err := json.Marshal(v.Observed)
	if err != nil {
		t.Fatal(err)
	}
	for text, into := range map[string]*map[string]any{string(b): &all, want: &some} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	for key := range all {
		if _, asked := some[key]; !asked {
			delete(all, key)
		}
	}
	if diff := cmp.Diff(some, all); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// problemsOf are the problems of the checks around the keys of node t, one a line.
func problemsOf(t *testing.T, keys string) string {
	t.Helper()
	_, problems := compiled(t, keys)
	var lines []string
	for _, p := range problems {
		line := fmt.Sprintf("%d:%d: %s %s: %s", p.Pos.Line, p.Pos.Col, p.Code, p.Path, p.Msg)
		if p.Hint != "" {
			line += " (" + p.Hint + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func covered(total, nulls, matched, orphanKeys int64) probe.Covered {
	return probe.Covered{Joined: probe.Joined{
		Total: total, NullKeys: nulls, Eligible: total - nulls, Matched: matched, Orphans: total - nulls - matched, OrphanKeys: orphanKeys,
	}}
}

func TestJoinsVerdicts(t *testing.T) {
	const noon = "2013-06-15T12:00:00Z"
	segmented := covered(1000, 0, 990, 4)
	segmented.Segments = []probe.SegmentJoined{
		{Segment: "nobody"},
		{Segment: "JFK", Joined: probe.Joined{Total: 100, Eligible: 100, Matched: 91, Orphans: 9}},
		{Segment: "EWR", Joined: probe.Joined{Total: 900, Eligible: 900, Matched: 899, Orphans: 1}},
	}
	parents := func(matched, keys int64) probe.Covered {
		c := covered(100, 0, 100, 0)
		c.ParentKeys, c.ParentsMatched = keys, matched
		return c
	}
	fanned := covered(100, 0, 100, 0)
	fanned.DuplicateParentKeys, fanned.MaxFanOut = 3, 12
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"a share exactly at the limit is enough", "{to: other, on: k, min_match: 98%}", []turn{
			{noon, []any{covered(50, 0, 49, 1)}, "pass: 98.00% of 50 rows match other"}}},
		{"one row below the limit fails, and the share shown is below it too", "{to: other, on: k, min_match: 99%}", []turn{
			{noon, []any{covered(100_000, 0, 98_999, 7)}, "fail orphans: 98.99% of 100,000 rows match other, limit 99%: 1,001 orphans of 7 keys"}}},
		{"rows without a key are not judged", "{to: other, on: k, min_match: 100%}", []turn{
			{noon, []any{covered(10, 4, 6, 0)}, "pass: 100% of 6 rows match other"}}},
		{"nothing eligible is nodata, not a pass", "{to: other, on: k, min_match: 98%}", []turn{
			{noon, []any{covered(0, 0, 0, 0)}, "nodata: nothing to judge: no rows in the window"}}},
		{"only rows without a key are nodata", "{to: other, on: k, min_match: 98%}", []turn{
			{noon, []any{covered(3, 3, 0, 0)}, "nodata: nothing to judge: 3 rows without a key"}}},
		{"rows without a key have a limit of their own, also when nothing is eligible", "{to: other, on: k, max_null_keys: 2}", []turn{
			{noon, []any{covered(3, 3, 0, 0)}, "fail null_keys: 3 of 3 rows without a key for other, limit 2"}}},
		{"without a limit it only observes", "{to: other, on: k}", []turn{
			{noon, []any{covered(100, 0, 1, 99)}, "pass: 1.00% of 100 rows match other"}}},
		{"as many orphans as allowed pass", "{to: other, on: k, max_orphans: 2}", []turn{
			{noon, []any{covered(100, 0, 98, 1)}, "pass: 98.00% of 100 rows match other"}}},
		{"more orphans than allowed fail", "{to: other, on: k, max_orphans: 1}", []turn{
			{noon, []any{covered(100, 0, 98, 1)}, "fail orphans: 2 rows of 1 key do not match other, limit 1"}}},
		{"keys that the parent has twice are a finding where they are limited", "{to: other, on: k, max_duplicate_parent_keys: 2}", []turn{
			{noon, []any{fanned}, "fail fan_out: 3 keys more than once in other (up to 12 times), limit 2"}}},
		{"and none where they are not", "{to: other, on: k, min_match: 98%}", []turn{
			{noon, []any{fanned}, "pass: 100% of 100 rows match other"}}},
		{"the worst segment decides though the whole is fine", "{to: other, on: k, min_match: 95%, segment: origin}", []turn{
			{noon, []any{segmented}, `fail orphans: origin "JFK": 91.00% of 100 rows match other, limit 95%: 9 orphans`}}},
		{"parents without a row are a finding where they are limited", "{to: other, on: k, min_parents: 80%}", []turn{
			{noon, []any{parents(4, 5)}, "pass: 100% of 100 rows match other"},
			{noon, []any{parents(79_999, 100_000)}, "fail uncovered_parents: 79.99% of 100,000 keys in other have rows, limit 80%: 20,001 without any"}}},
		{"no row at all is nodata, whatever parents there are", "{to: other, on: k, min_parents: 80%}", []turn{
			{noon, []any{probe.Covered{ParentKeys: 5}}, "nodata: nothing to judge: no rows in the window"}}},
		{"a parent without keys covers nothing", "{to: other, on: k, min_parents: 80%}", []turn{
			{noon, []any{covered(9, 0, 0, 2)}, "nodata: nothing to judge: other has no keys"}}},
		{"too few rows tell nothing about shares", "{to: other, on: k, min_match: 99%, min_parents: 99%, min_eligible: 10}", []turn{
			{noon, []any{covered(9, 0, 1, 2)}, "nodata: only 9 eligible rows, 10 wanted"},
			{noon, []any{covered(14, 5, 1, 2)}, "nodata: only 9 eligible rows, 10 wanted"},
			{noon, []any{covered(15, 5, 1, 2)}, "fail orphans: 10.00% of 10 rows match other, limit 99%: 9 orphans of 2 keys"}}},
		{"a count of orphans is one however few rows there are", "{to: other, on: k, max_orphans: 2, min_eligible: 10}", []turn{
			{noon, []any{covered(9, 0, 1, 2)}, "fail orphans: 8 rows of 2 keys do not match other, limit 2"}}},
		{"a segment of too few rows is not judged apart", "{to: other, on: k, min_match: 95%, segment: origin, min_eligible: 101}", []turn{
			{noon, []any{segmented}, "pass: 99.00% of 1,000 rows match other"}}},
		{"a warning is a warning", "{to: other, on: k, min_match: 99%, severity: warn}", []turn{
			{noon, []any{covered(100, 0, 90, 1)}, "warn orphans: 90.00% of 100 rows match other, limit 99%: 10 orphans of 1 key"}}},
		{"a check that could not be answered is an error", "{to: other, on: k}", []turn{
			{noon, []any{probe.Mark{}}, "error: answer holds probe.Mark where probe.Covered belongs"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, "joins: "+c.keys, "joins"), c.turns) })
	}
}

func TestJoinsRatchet(t *testing.T) {
	with := func(hashes ...uint64) []any {
		c := covered(100, 0, 100-int64(len(hashes)), int64(len(hashes)))
		c.OrphanHashes = hashes
		return []any{c}
	}
	upgraded := func(hashes ...uint64) []any {
		c := with(hashes...)[0].(probe.Covered)
		c.Fingerprint = "engine 2"
		return []any{c}
	}
	scarce := covered(3, 0, 2, 1)
	scarce.OrphanHashes = []uint64{7}
	crowd := covered(100_000, 0, 90_000, 5001)
	crowd.OrphanHashes = make([]uint64, 5000)
	for _, c := range []struct {
		name  string
		turns []turn
	}{
		{"the first sight is accepted and a new key is not", []turn{
			{"2013-06-15T12:00:00Z", with(1, 5, 9), "pass: 97.00% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", with(1, 5, 9), "pass: 97.00% of 100 rows match other"},
			{"2013-06-17T12:00:00Z", with(1, 5, 7), "fail orphans: 1 new orphan key besides the 3 known"},
			{"2013-06-18T12:00:00Z", with(1, 5, 7), "fail orphans: 1 new orphan key besides the 2 known"},
			{"2013-06-19T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"}}},
		{"a key that found its parent is forgotten, so its return is new", []turn{
			{"2013-06-15T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", with(5), "pass: 99.00% of 100 rows match other"},
			{"2013-06-17T12:00:00Z", with(1, 5), "fail orphans: 1 new orphan key besides the 1 known"}}},
		{"an empty window forgets nothing", []turn{
			{"2013-06-15T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", []any{covered(0, 0, 0, 0)}, "nodata: nothing to judge: no rows in the window"},
			{"2013-06-17T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"}}},
		{"an upgrade of the engine hashes keys otherwise, so they are accepted anew", []turn{
			{"2013-06-15T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", upgraded(2, 6), "pass: 98.00% of 100 rows match other"},
			{"2013-06-17T12:00:00Z", upgraded(2, 7), "fail orphans: 1 new orphan key besides the 2 known"}}},
		{"too few rows forget nothing and accept nothing", []turn{
			{"2013-06-15T12:00:00Z", []any{scarce}, "nodata: only 3 eligible rows, 10 wanted"},
			{"2013-06-16T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"},
			{"2013-06-17T12:00:00Z", []any{scarce}, "nodata: only 3 eligible rows, 10 wanted"},
			{"2013-06-18T12:00:00Z", with(1, 5), "pass: 98.00% of 100 rows match other"}}},
		{"no orphans at first sight means that every one is new", []turn{
			{"2013-06-15T12:00:00Z", with(), "pass: 100% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", with(3), "fail orphans: 1 new orphan key besides the 0 known"}}},
		{"more keys than can be remembered are refused at first sight", []turn{
			{"2013-06-15T12:00:00Z", []any{crowd}, "error: 5,001 orphan keys cannot be remembered, at most 5,000: judge by min_match, or narrow the check with where"}}},
		{"and are new keys afterwards", []turn{
			{"2013-06-15T12:00:00Z", with(3), "pass: 99.00% of 100 rows match other"},
			{"2013-06-16T12:00:00Z", []any{crowd}, "fail orphans: 5,001 orphan keys, of which 1 were known"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			play(t, checkOf(t, "joins: {to: other, on: k, known_orphans: ratchet, min_eligible: 10}", "joins"), c.turns)
		})
	}
}

func TestJoinsRatchetFitsInAMemory(t *testing.T) {
	full := covered(100_000, 0, 90_000, 5000)
	for i := range uint64(5000) {
		full.OrphanHashes = append(full.OrphanHashes, ^uint64(0)-5000+i)
	}
	c := checkOf(t, "joins: {to: other, on: k, known_orphans: ratchet}", "joins")
	_, memory := c.Judge([]probe.Answer{{Value: full}}, nil, moment(t, "2013-06-15T12:00:00Z"))
	if len(memory) == 0 || len(memory) > checks.MaxMemory {
		t.Errorf("the memory has %d bytes", len(memory))
	}
}

func TestJoinsObserve(t *testing.T) {
	c := checkOf(t, "joins: {to: other, on: k, by: at, last: 7d, allow_late: 2h, min_match: 99%}", "joins")
	v := play(t, c, []turn{{"2013-11-05T00:00:00Z", []any{covered(6355, 0, 6260, 10)},
		"fail orphans: 98.50% of 6,355 rows match other, limit 99%: 95 orphans of 10 keys"}})
	observes(t, v, `{"total": 6355, "null_keys": 0, "eligible": 6355, "matched": 6260, "orphans": 95, "orphan_keys": 10,
		"match_ratio": 0.985051140833989, "duplicate_parent_keys": 0, "window_start": "2013-10-28T22:00:00Z", "window_end": "2013-11-04T22:00:00Z"}`)
	v = play(t, c, []turn{{"2013-11-05T00:00:00Z", []any{covered(0, 0, 0, 0)}, "nodata: nothing to judge: no rows in the window"}})
	observes(t, v, `{"match_ratio": null}`)
	few := covered(10, 0, 10, 0)
	few.ParentKeys, few.ParentsMatched = 4, 3
	v = play(t, checkOf(t, "joins: {to: other, on: k, min_parents: 75%}", "joins"), []turn{{"2013-11-05T00:00:00Z", []any{few}, "pass: 100% of 10 rows match other"}})
	observes(t, v, `{"parent_keys": 4, "parent_keys_matched": 3, "parent_match_ratio": 0.75}`)
}

func TestJoinsAsk(t *testing.T) {
	table := func(name string) probe.Relation { return probe.Relation{Conn: "wh", Table: probe.List(name)} }
	for _, c := range []struct {
		name, keys string
		want       probe.Coverage
	}{
		{"one key of one name, all rows", "joins: {to: other, on: k}", probe.Coverage{
			Child: table("t"), Keys: probe.List("k"), Parent: table("other"), ParentKeys: probe.List("k")}},
		{"several keys", "joins: {to: other, on: [a, b]}", probe.Coverage{
			Child: table("t"), Keys: probe.List("a", "b"), Parent: table("other"), ParentKeys: probe.List("a", "b")}},
		{"other names on the other side", "joins: {to: other, on: {left: [a, b], right: [x, y]}}", probe.Coverage{
			Child: table("t"), Keys: probe.List("a", "b"), Parent: table("other"), ParentKeys: probe.List("x", "y")}},
		{"the window ends where rows may still be late", "joins: {to: other, on: {left: a, right: b}, by: at, column_tz: Europe/Berlin, last: 7d, allow_late: 2h}", probe.Coverage{
			Child: table("t"), Keys: probe.List("a"), Parent: table("other"), ParentKeys: probe.List("b"),
			Window: probe.Window{By: probe.TimeColumn{Name: "at", Zone: "Europe/Berlin"}, From: instant("2013-06-08T10:00:00Z"), To: instant("2013-06-15T10:00:00Z")}}},
		{"late rows alone leave the window open at its start", "joins: {to: other, on: k, by: at, allow_late: 2h}", probe.Coverage{
			Child: table("t"), Keys: probe.List("k"), Parent: table("other"), ParentKeys: probe.List("k"),
			Window: probe.Window{By: probe.TimeColumn{Name: "at"}, To: instant("2013-06-15T10:00:00Z")}}},
		{"time is told by the freshness column", "freshness: {column: seen_at, column_tz: America/New_York, warn_after: 1h}\njoins: {to: other, on: k, last: 1d}", probe.Coverage{
			Child: table("t"), Keys: probe.List("k"), Parent: table("other"), ParentKeys: probe.List("k"),
			Window: probe.Window{By: probe.TimeColumn{Name: "seen_at", Zone: "America/New_York"}, From: instant("2013-06-14T12:00:00Z"), To: instant("2013-06-15T12:00:00Z")}}},
		{"conditions, segments and policies travel with the question", `joins: {to: other, on: k, where: "k > 0", nulls: orphan, segment: origin, known_orphans: ratchet, min_parents: 90%}`, probe.Coverage{
			Child: table("t"), Where: "k > 0", Keys: probe.List("k"), Parent: table("other"), ParentKeys: probe.List("k"),
			NullsOrphan: true, Segment: "origin", KeySample: 5000, Parents: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, c.keys, "joins")
			if diff := cmp.Diff([]probe.Question{c.want}, check.Ask(nil, moment(t, "2013-06-15T12:00:00Z"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]dag.NodeID{"d/other"}, check.Upstream); diff != "" {
				t.Errorf("upstream (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJoinsProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"a parent that nobody knows", "joins: {to: othr, on: k}",
			`13:17: PW130 nodes.t.joins.to: unknown node "othr" (did you mean "other"?)`},
		{"a parent that is a job", "joins: {to: load, on: k}",
			`13:17: PW130 nodes.t.joins.to: "load" is a job and has no rows (name the table that the job writes)`},
		{"keys of unequal length", "joins: {to: other, on: {left: [a, b], right: c}}",
			`13:28: PW131 nodes.t.joins.on: 2 columns on the left and 1 on the right cannot be equal`},
		{"a window without a time column", "joins: {to: other, on: k, last: 7d}",
			`13:5: PW133 nodes.t.joins: a window needs a time column (name one with by:, or give the node a freshness check)`},
		{"an empty window", "joins: {to: other, on: k, by: at, last: 0s}",
			`13:45: PW134 nodes.t.joins.last: a window of 0s holds no row`},
		{"limits that are never or always missed", "joins:\n- {to: other, on: k, min_match: 0%}\n- {to: more, on: k, min_match: 101%}",
			"14:37: PW134 nodes.t.joins[0].min_match: a least share of 0% can never be missed (remove the key to only observe)\n" +
				"15:36: PW134 nodes.t.joins[1].min_match: no share reaches 101% (100% is the most)"},
		{"a share of parents that is never or always missed", "joins:\n- {to: other, on: k, min_parents: 0%}\n- {to: more, on: k, min_parents: 101%, min_eligible: 0}",
			"14:39: PW134 nodes.t.joins[0].min_parents: a least share of 0% can never be missed (remove the key to only observe)\n" +
				`15:58:  nodes.t.joins[1].min_eligible: "0" is less than 1` + "\n" +
				"15:38: PW134 nodes.t.joins[1].min_parents: no share reaches 101% (100% is the most)"},
		{"ages without a time column", "joins: {to: other, on: k, curve: {}}",
			`13:31: PW133 nodes.t.joins.curve: rows have an age only by a time column (name one with by:, or give the node a freshness check)`},
		{"a curve over too many", "joins: {to: other, on: k, by: at, curve: {over: 31}}",
			`13:53: ` + ` nodes.t.joins.curve.over: "31" is more than 30`},
		{"a parent that does not tell how far it has come", "joins: {to: other, on: a, by: ts, parent_lag: 1h}",
			"13:39: PW133 nodes.t.joins.parent_lag: how far other has come is told by its freshness check, and it has none (give that node freshness: {column: …})"},
		{"a lag of nothing of rows without a time", "joins: {to: other, on: a, parent_lag: 0s}",
			"13:43: PW134 nodes.t.joins.parent_lag: parent_lag: 0s defers nothing (remove it, or make it longer)\n" +
				"13:31: PW133 nodes.t.joins.parent_lag: how far the rows have come is told by a time column (name one with by:, or give the node a freshness check)\n" +
				"13:31: PW133 nodes.t.joins.parent_lag: how far other has come is told by its freshness check, and it has none (give that node freshness: {column: …})"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
