package checks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// withToken is an answer that came with a sound change token.
func withToken(d probe.Digests, token string) probe.Digests {
	d.Token, d.Sound = token, true
	return d
}

// still is the answer about a table that has the token still.
func still(token string) probe.Digests {
	return probe.Digests{Unchanged: true, Token: token, Sound: true}
}

// unlesses lists the tokens for which a check asks.
func unlesses(c *checks.Check, m checks.Memory, at checks.Moment) string {
	var text strings.Builder
	for _, q := range c.Ask(m, at) {
		if d, ok := q.(probe.Digest); ok {
			fmt.Fprintf(&text, "%q ", d.Unless)
		}
	}
	return text.String()
}

func TestVersionIsNotReadWhileTheTokenIsTheSame(t *testing.T) {
	check := checkOf(t, "version: {partition: {by: at, last: 3d}, on_change: fail}", "version")
	var memory checks.Memory
	for i, s := range []struct {
		at, unless string
		answer     probe.Digests
		want       string
		observed   string
	}{
		{"2013-06-13T16:00:00Z", `"" `, withToken(content("v1", "a", "b", "c"), "t1"), "pass: first sight of version v1", `{"sound": true, "tier": "content"}`},
		{"2013-06-13T17:00:00Z", `"t1" `, still("t1"), "pass: unchanged since 2013-06-13 12:00 EDT",
			`{"by_token": true, "version": "v1", "rows": 10, "partitions": {"2013-06-11T04:00:00Z": "a", "2013-06-12T04:00:00Z": "b", "2013-06-13T04:00:00Z": "c"},
			"columns": [{"name": "id", "type": "INTEGER", "nullable": false}, {"name": "v", "type": "VARCHAR", "nullable": true}]}`},
		{"2013-06-13T18:00:00Z", `"t1" `, withToken(content("v1", "a", "b", "c"), "t2"), "pass: unchanged since 2013-06-13 12:00 EDT", `{"version": "v1"}`},
		{"2013-06-14T17:59:00Z", `"t2" `, still("t2"), "pass: unchanged since 2013-06-13 12:00 EDT", `{"partitions": {"2013-06-12T04:00:00Z": "b", "2013-06-13T04:00:00Z": "c"}}`},
		// A day after it was read it is read again, whatever the token says.
		{"2013-06-14T18:00:00Z", `"" `, withToken(content("v1", "a", "b", "c"), "t2"), "pass: unchanged since 2013-06-13 12:00 EDT", `{}`},
		{"2013-06-14T19:00:00Z", `"t2" `, withToken(content("v2", "a", "b", "C"), "t3"), "fail restated: 2013-06-13, which was closed, changed", `{}`},
		// What is not accepted is read until it is, or is undone.
		{"2013-06-14T20:00:00Z", `"t2" `, withToken(content("v2", "a", "b", "C"), "t3"), "fail restated: 2013-06-13, which was closed, changed", `{}`},
		{"2013-06-14T21:00:00Z", `"t2" `, withToken(content("v1", "a", "b", "c"), "t4"), "pass: unchanged since 2013-06-13 12:00 EDT", `{}`},
		{"2013-06-14T22:00:00Z", `"t4" `, still("t4"), "pass: unchanged since 2013-06-13 12:00 EDT", `{}`},
	} {
		at := moment(t, s.at)
		if got := unlesses(check, memory, at); got != s.unless {
			t.Errorf("turn %d asks unless %s, want %s", i+1, got, s.unless)
		}
		v, next := check.Judge([]probe.Answer{{Value: s.answer}}, memory, at)
		if next != nil {
			memory = next
		}
		if got := said(v); got != s.want {
			t.Errorf("turn %d: got %s\nwant %s", i+1, got, s.want)
		}
		observes(t, v, s.observed)
	}
	edited := checkOf(t, "version: {columns: [id], partition: {by: at, last: 3d}, on_change: fail}", "version")
	if got := unlesses(edited, memory, moment(t, "2013-06-14T23:00:00Z")); got != `"" ` {
		t.Errorf("after an edit it is asked for unless %s", got)
	}
}

func TestVersionBelievesOnlySoundTokens(t *testing.T) {
	hint := content("v1")
	hint.Token, hint.Hint = "t1", "it is only a hint"
	wide := withToken(content("v1"), "t1")
	for i := range 300 {
		wide.Columns = append(wide.Columns, probe.Column{Name: fmt.Sprint("c", i)})
	}
	at := moment(t, "2013-06-15T16:00:00Z")
	for _, c := range []struct {
		name, keys string
		answers    []any
		want       string
	}{
		{"a sound one is", "{}", []any{withToken(content("v1"), "t1")}, `"t1" `},
		{"a hint is not", "{}", []any{hint}, `"" `},
		{"nor is one of a table with more columns than are remembered", "{}", []any{wide}, `"" `},
		{"what is compared with another table is read", "{equals: other}", []any{withToken(content("v1"), "t1"), withToken(content("v1"), "t2")}, `"" "" `},
		{"inputs have tokens of their own", "{built_from: [other], on_change: {require: upstream_changed}}", []any{withToken(content("v1"), "t1"), withToken(content("o1"), "t2")}, `"t1" "t2" `},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, "version: "+c.keys, "version")
			var answers []probe.Answer
			for _, a := range c.answers {
				answers = append(answers, probe.Answer{Value: a})
			}
			v, memory := check.Judge(answers, nil, at)
			if v.Outcome != checks.Pass || len(memory) == 0 {
				t.Fatalf("%s, memory %s", said(v), memory)
			}
			if got := unlesses(check, memory, at); got != c.want {
				t.Errorf("asks unless %s, want %s", got, c.want)
			}
		})
	}
}

// An input that was not read has the version that it had.
func TestVersionWhoseInputsAreNotRead(t *testing.T) {
	play(t, checkOf(t, "version: {built_from: [other], on_change: {require: upstream_changed}}", "version"), []turn{
		{"2013-06-15T16:00:00Z", []any{withToken(content("v1"), "t1"), withToken(content("o1"), "u1")}, "pass: first sight of version v1"},
		{"2013-06-15T17:00:00Z", []any{withToken(content("v2"), "t2"), still("u1")}, "fail unexplained_change: the content changed, still 10 rows, but other did not change"},
		{"2013-06-15T18:00:00Z", []any{withToken(content("v2"), "t2"), withToken(content("o2"), "u2")},
			"pass content_changed: the content changed, still 10 rows, explained by a new version of other"},
		{"2013-06-15T19:00:00Z", []any{still("t2"), still("u2")}, "pass: unchanged since 2013-06-15 14:00 EDT"},
		{"2013-06-15T20:00:00Z", []any{withToken(content("v3"), "t3"), still("u2")}, "fail unexplained_change: the content changed, still 10 rows, but other did not change"},
	})
}

// An input whose own check was edited is another thing than the one that was seen.
func TestVersionWhoseInputIsDefinedAnew(t *testing.T) {
	at := moment(t, "2013-06-15T16:00:00Z")
	keys := "version: {built_from: [other], on_change: {require: upstream_changed}}"
	_, memory := checkOf(t, keys, "version").Judge([]probe.Answer{{Value: withToken(content("v1"), "t1")}, {Value: withToken(content("o1"), "u1")}}, nil, at)
	edited := checkOf(t, keys+"\nfreshness: {column: at}", "version")
	if got := unlesses(edited, memory, at); got != `"t1" "u1" ` {
		t.Errorf("an edit elsewhere: asks unless %s", got)
	}
	keys = "version: {built_from: [more], on_change: {require: upstream_changed}}"
	_, memory = checkOf(t, keys, "version").Judge([]probe.Answer{{Value: withToken(content("v1"), "t1")}, {Value: withToken(content("o1"), "u1")}}, nil, at)
	other := compiledAround(t, "exclude: loaded_at", "exclude: [loaded_at, by]", keys)
	if got := unlesses(other, memory, at); got != `"t1" "" ` {
		t.Errorf("an edit of the input's check: asks unless %s", got)
	}
}

// compiledAround is the check of node t with something edited around it.
func compiledAround(t *testing.T, old, edited, keys string) *checks.Check {
	t.Helper()
	src := strings.Replace(around, old, edited, 1) + keys + "\n"
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(src)}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return suite.Check("d/t/version")
}

func TestVersionOfOtherTiers(t *testing.T) {
	token := func(value, hint string) []any {
		return []any{probe.Digests{Columns: twoColumns, Value: value, Fingerprint: "engine 1/token", Token: value, Sound: hint == "", Hint: hint}}
	}
	v := play(t, checkOf(t, "version: {of: native, on_change: fail}", "version"), []turn{
		{"2013-06-15T16:00:00Z", token("t1", ""), "pass: first sight of version t1"},
		{"2013-06-15T17:00:00Z", token("t1", ""), "pass: unchanged since 2013-06-15 12:00 EDT"},
		{"2013-06-15T18:00:00Z", token("t2", ""), "fail content_changed: the table was written"},
	})
	observes(t, v, `{"tier": "native", "sound": true, "rows": null}`)
	v = play(t, checkOf(t, "version: {of: native}", "version"), []turn{
		{"2013-06-15T16:00:00Z", token("t1", "only a time"), "pass: first sight of version t1"},
		{"2013-06-15T18:00:00Z", token("t2", "only a time"), "pass content_changed: the table may have been written: its change token, which is a hint, is another"},
	})
	observes(t, v, `{"tier": "native", "sound": false, "hint": "only a time"}`)
	v = play(t, checkOf(t, "version: {of: profile, on_change: fail}", "version"), []turn{
		{"2013-06-15T16:00:00Z", []any{content("p1")}, "pass: first sight of version p1"},
		{"2013-06-15T18:00:00Z", []any{content("p2")}, "fail content_changed: the content changed, still 10 rows"},
	})
	observes(t, v, `{"tier": "profile", "sound": false, "rows": 10}`)
}
