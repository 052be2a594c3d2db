package checkstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// This file holds runs of many checks at once, where one of them must spoil no other.

// Moment is when they are judged.
var Moment = time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC)

// VanishTables are the tables of [Vanish].
var VanishTables = []string{
	"create table a (id int, ts timestamp)", "insert into a values (1, '2013-06-15 11:00:00')",
	"create table b (id int, ts timestamp)", "insert into b values (1, '2013-06-15 11:00:00')",
	"create table c (id int, ts timestamp)", "insert into c values (1, '2013-06-15 11:00:00')",
}

const vanishNodes = `
  a:
    table: a
    row_count: {min: 1}
    joins: {to: b, on: id, min_match: 100%}
  b:
    table: b
    row_count: {min: 1}
    freshness: {column: ts, error_after: 2h}
    values: {not_null: [id]}
  c:
    table: c
    row_count: {min: 1}
    freshness: {column: ts, error_after: 2h}
`

// Vanish holds a run in which table b goes after its columns were read and before its
// rows are: meanwhile keeps a locked until it has dropped b. The engine has to work on
// one statement after the other. What is about b is an error that says words; the rest
// is judged as ever.
func Vanish(t *testing.T, source probe.Source, meanwhile func(), words string) {
	t.Helper()
	suite := suiteOf(t, vanishNodes)
	done := make(chan map[dag.CheckID]checks.Verdict)
	go func() { done <- judgeAll(t, source, suite) }()
	meanwhile()
	for id, v := range <-done {
		switch gone := id.Node() == "case/b" || id == "case/a/joins"; {
		case gone && (v.Outcome != checks.Error || !strings.Contains(v.Message, words)):
			t.Errorf("%s: %s %q, want an error that says %q", id, v.Outcome, v.Message, words)
		case !gone && v.Outcome != checks.Pass:
			t.Errorf("%s: %s %q, want a pass", id, v.Outcome, v.Message)
		}
	}
}

// thousand is how many sound tables there are beside the bad one in [Thousand].
const thousand = 1000

// ThousandTables are the tables of [Thousand]: t0, t1, …, each with its number in its
// only row, and a view that fails as its rows are read. made creates a table with one
// column from a SELECT.
func ThousandTables(made string) []string {
	setup := []string{"create table twice (i int)", "insert into twice values (1), (2)", "create view bad as select (select i from twice) as i"}
	for n := range thousand {
		setup = append(setup, fmt.Sprintf(made, fmt.Sprintf("t%d", n), n))
	}
	return setup
}

// Thousand holds a run of 1,001 checks of one statement each, of which one fails: half
// of the others pass and half fail, each for itself. It gives the statements that the
// answers are from, each once.
func Thousand(t *testing.T, source probe.Source) (statements int) {
	t.Helper()
	var nodes strings.Builder
	for n := range thousand {
		fmt.Fprintf(&nodes, "\n  t%d: {table: t%d, values: {between: {i: {max: %d}}}}", n, n, thousand/2-1)
		if n == thousand/2 {
			nodes.WriteString("\n  bad: {view: bad, values: {between: {i: {max: 1}}}}")
		}
	}
	suite := suiteOf(t, nodes.String())
	at := checks.Moment{Now: Moment}
	sent := map[string]bool{}
	var asked []probe.Question
	for c := range suite.All() {
		asked = append(asked, c.Ask(nil, at)...)
	}
	if len(asked) != thousand+1 {
		t.Fatalf("%d questions", len(asked))
	}
	answers := source.Ask(t.Context(), at.Now, asked)
	i := 0
	for c := range suite.All() {
		v, _ := c.Judge(answers[i:i+1], nil, at)
		sent[answers[i].Statement] = true
		want := checks.Pass
		var n int
		if _, err := fmt.Sscanf(c.Node.ID.Name(), "t%d", &n); err != nil {
			want = checks.Error
		} else if n >= thousand/2 {
			want = checks.Fail
		}
		if v.Outcome != want {
			t.Errorf("%s: %s %q, want %s", c.ID(), v.Outcome, v.Message, want)
		}
		i++
	}
	return len(sent)
}

// suiteOf compiles nodes on [Connection].
func suiteOf(t *testing.T, nodes string) *checks.Suite {
	t.Helper()
	src := "version: 1\ndag: case\nconnection: " + Connection + "\nnodes:" + nodes + "\n"
	graph, problems := dag.Load([]dag.File{{Name: "case.yaml", Src: []byte(src)}}, dag.Known{})
	suite, more := checks.Compile(graph, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return suite
}

// judgeAll asks what all checks ask in one run and judges them.
func judgeAll(t *testing.T, source probe.Source, suite *checks.Suite) map[dag.CheckID]checks.Verdict {
	at := checks.Moment{Now: Moment}
	var asked []probe.Question
	for c := range suite.All() {
		asked = append(asked, c.Ask(nil, at)...)
	}
	answers := source.Ask(t.Context(), at.Now, asked)
	said := map[dag.CheckID]checks.Verdict{}
	for c := range suite.All() {
		n := len(c.Ask(nil, at))
		v, _ := c.Judge(answers[:n], nil, at)
		said[c.ID()], answers = v, answers[n:]
	}
	return said
}
