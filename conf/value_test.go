package conf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// parse reads a document that has no problems.
func parse(t *testing.T, src string) conf.Value {
	t.Helper()
	v, problems := conf.Parse("f.yaml", []byte(src))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDecodeFillsEveryKindOfField(t *testing.T) {
	v := parse(t, `
nodes:
  orders: {severity: warn, timeout: 1h30m, retries: 12.0, ratio: 1e3, enabled: true, limit: -5}
  items: {}
joins:
  - {to: items, on: id, min_match: 99.5%}
  - {to: days, on: {left: day, right: date}}
opens: "07:30"
zone: 2013-07-04
slack: {token: xoxb-1, api_url: "https://example.com"}
tags: one
level: 10
rest: {anything: [1, 2.5, true, ~, x]}
plain: {anything: [1, 2.5, true, ~, x]}
`)
	var s shop
	if err := v.Decode(&s).Err(); err != nil {
		t.Fatal(err)
	}
	orders := s.Nodes["orders"]
	got := map[string]any{
		"severity": orders.Severity, "timeout": orders.Timeout.String(), "retries": orders.Retries, "ratio": orders.Ratio,
		"enabled": orders.Enabled, "limit": *orders.Limit, "items": s.Nodes["items"].Severity, "nodes": len(s.Nodes),
		"match": s.Joins[0].MinMatch.String(), "no match": s.Joins[1].MinMatch == nil,
		"one key": s.Joins[0].On == keys{"id", "id"}, "two keys": s.Joins[1].On == keys{"day", "date"},
		"opens": s.Opens, "zone": s.Zone, "token": s.Slack.Token.Reveal(), "tags": *s.Tags, "level": *s.Level,
		"rest": s.Rest.Any(), "plain": s.Plain,
	}
	anything := map[string]any{"anything": []any{int64(1), 2.5, true, nil, "x"}}
	want := map[string]any{
		"severity": "warn", "timeout": "1h30m", "retries": uint8(12), "ratio": 1000.0,
		"enabled": true, "limit": int64(-5), "items": "", "nodes": 2,
		"match": "99.5%", "no match": true, "one key": true, "two keys": true,
		"opens": conf.ClockTime{Hour: 7, Minute: 30}, "zone": "2013-07-04", "token": "xoxb-1", "tags": conf.StringList{"one"}, "level": 10,
		"rest": anything, "plain": anything,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded values differ (-want +got):\n%s", diff)
	}
}

func TestWhatFitsIsSetAlsoWhenSomethingElseDoesNot(t *testing.T) {
	v := parse(t, "zone: a\nlevel: 99\nname: ok\njoins: [{to: x, min_match: 5}]\n")
	var s shop
	if problems := v.Decode(&s); len(problems) != 2 {
		t.Fatalf("want 2 problems, got %v", problems)
	}
	if s.Zone != "a" || s.Name != "ok" || s.Joins[0].To != "x" {
		t.Errorf("values beside the problems are lost: %+v", s)
	}
	if s.Joins[0].MinMatch != nil {
		t.Error("a percentage that could not be read looks present")
	}
}

func TestValuesKnowTheirPlaceAndPath(t *testing.T) {
	v := parse(t, "a:\n  b: [x, {c: y}]\n")
	c := v.Get("a").Get("b")
	for item := range c.Items() {
		c = item.Get("c")
	}
	if c.Path() != "a.b[1].c" || c.Pos().String() != "f.yaml:2:14" || c.KeyPos().String() != "f.yaml:2:11" || c.Name() != "c" {
		t.Errorf("path %s at %s, key %q at %s", c.Path(), c.Pos(), c.Name(), c.KeyPos())
	}
	missing := v.Get("a").Get("nothing").Get("below")
	if missing.Exists() || missing.Path() != "a.nothing.below" || missing.Pos().String() != "f.yaml:1:1" {
		t.Errorf("a missing value is at %s, path %s", missing.Pos(), missing.Path())
	}
	var zero conf.Value
	if zero.Exists() || zero.Kind() != conf.Absent || zero.Text() != "" || zero.Path() != "" || !zero.Pos().IsZero() || zero.Get("x").Exists() || zero.Len() != 0 {
		t.Error("the zero Value is not absent")
	}
}

func TestAliasesAndMergeKeys(t *testing.T) {
	v := parse(t, `
x-base: &base {severity: warn, timeout: 5s}
x-more: &more {timeout: 9s, retries: 2}
a: {<<: *base, severity: error}
b: {<<: [*base, *more]}
c: *base
"<<": plain
`)
	want := map[string]any{
		"a": map[string]any{"severity": "error", "timeout": "5s"},
		"b": map[string]any{"severity": "warn", "timeout": "5s", "retries": int64(2)},
		"c": map[string]any{"severity": "warn", "timeout": "5s"},
	}
	if diff := cmp.Diff(want, v.Only("a", "b", "c").Any()); diff != "" {
		t.Errorf("merged maps differ (-want +got):\n%s", diff)
	}
	if timeout := v.Get("a").Get("timeout"); timeout.Pos().Line != 2 || timeout.Path() != "a.timeout" {
		t.Errorf("a merged value is at %s, path %s", timeout.Pos(), timeout.Path())
	}
	if v.Get("<<").Text() != "plain" {
		t.Error("a quoted << was taken for a merge key")
	}
}

func TestMergeLaysNodesOverDefaults(t *testing.T) {
	const file = `
base: {a: 1, m: {x: 1, y: 2}, l: [1, 2], gone: 1, s: {k: 1}}
over: {b: 3, m: {y: 9, z: 3}, l: [3], gone: ~, s: text, none: ~}
`
	v := parse(t, file)
	base, over := v.Get("base"), v.Get("over")
	merged := conf.Merge(base, over)
	want := map[string]any{
		"a": int64(1), "b": int64(3), "m": map[string]any{"x": int64(1), "y": int64(9), "z": int64(3)},
		"l": []any{int64(3)}, "s": "text", "none": nil, // a null that removes nothing stays, so that it is seen
	}
	if diff := cmp.Diff(want, merged.Any()); diff != "" {
		t.Errorf("merged map differs (-want +got):\n%s", diff)
	}
	if x := merged.Get("m").Get("x"); x.Pos().Line != 2 || x.Path() != "over.m.x" {
		t.Errorf("an inherited value is at %s, path %s", x.Pos(), x.Path())
	}
	if got := conf.Merge(conf.Value{}, over); got.Pos() != over.Pos() {
		t.Error("nothing below does not give the upper value")
	}
	if got := conf.Merge(base, conf.Value{}); got.Pos() != base.Pos() || got.Path() != "base" {
		t.Error("nothing above does not give the lower value")
	}
	if base.Get("gone").Kind() != conf.Number {
		t.Error("merging changed its input")
	}
}

func TestWithoutAndOnlyKeepTheRest(t *testing.T) {
	var file strings.Builder
	for key := range strings.SplitSeq("abcdefghijkl", "") { // more keys than are scanned
		file.WriteString(key + ": 1\n")
	}
	v := parse(t, file.String())
	rest, few := v.Without("b", "nothing"), v.Only("b", "c", "nothing")
	if rest.Len() != 11 || rest.Get("b").Exists() || !rest.Get("l").Exists() {
		t.Errorf("Without leaves %v", rest.Any())
	}
	if few.Len() != 2 || !few.Get("c").Exists() || few.Get("d").Exists() {
		t.Errorf("Only leaves %v", few.Any())
	}
	if !v.Get("b").Exists() {
		t.Error("the original lost a key")
	}
}

func TestExpand(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"a name is replaced", "a${LOADED}b", "a12b"},
		{"a default is for what is not set", "${NOWHERE:-x}", "x"},
		{"a default is for what is empty, as in a shell", "${EMPTY:-x}", "x"},
		{"a default may be empty", "[${NOWHERE:-}]", "[]"},
		{"a default is not for what is set", "${LOADED:-x}", "12"},
		{"two dollars stand for one", "$${LOADED} $$x $y", "${LOADED} $$x $y"},
		{"what was put in is not read again", "${SECRET}${LOADED}", "hunter212"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc := parse(t, "'${KEY}': ['"+c.in+"', 1]\n")
			after, problems := doc.Expand(lookup)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"${KEY}": []any{c.want, int64(1)}}
			if diff := cmp.Diff(want, after.Any()); diff != "" {
				t.Errorf("expanded value differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.in, doc.Get("${KEY}").Any().([]any)[0]); diff != "" {
				t.Error("expanding changed its input")
			}
		})
	}
}

func TestAnInterpolatedTextMayStandForAnyType(t *testing.T) {
	doc := parse(t, `{nodes: {a: {retries: "${LOADED}", ratio: "${LOADED}", enabled: "${NOWHERE:-true}", timeout: "${LOADED}s"}}, level: "${LOADED}"}`)
	doc, problems := doc.ExpandOpen(lookup)
	var s shop
	problems.Merge(doc.Decode(&s))
	a := s.Nodes["a"]
	if a.Retries != 12 || a.Ratio != 12 || !a.Enabled || a.Timeout.String() != "12s" {
		t.Errorf("decoded %+v", a)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Msg, `"12" is more than 10`) {
		t.Errorf("want one problem that cites the variable, got %v", problems)
	}
}

func TestProblemsAreSortedAndToldOnce(t *testing.T) {
	at := func(file string, line, col int) conf.Problem {
		return conf.Problem{Pos: conf.Pos{File: file, Line: line, Col: col}, Msg: "m"}
	}
	var problems conf.Problems
	if problems.Err() != nil {
		t.Fatal("no problems are an error")
	}
	for _, p := range []conf.Problem{at("b", 1, 1), at("a", 10, 1), at("a", 2, 5), at("a", 2, 1), at("a", 10, 1)} {
		problems.Add(p)
	}
	want := "a:2:1: m\na:2:5: m\na:10:1: m\nb:1:1: m"
	if got := problems.Err().Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	p := at("a", 0, 0).WithCode("PW101")
	p.Path = "nodes.x"
	if got := p.Error(); got != "a: PW101 nodes.x: m" {
		t.Errorf("got %q", got)
	}
}
