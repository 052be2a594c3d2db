package checkstest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// This file makes random tables and random checks on them; what must come out is worked
// out row by row in oracle_*.go, which know no SQL and nothing of package checks but its
// words.

// draw is a round of [Differential]: three tables around a change of clocks, and
// the moment at which checks on them are judged.
type draw struct {
	*rand.Rand
	n      int
	zone   *time.Location // of the DAG
	clocks *time.Location // of the columns without a zone
	now    time.Time
	child  []childRow
	parent []parentRow
	labels []labelRow
	nodes  strings.Builder
	want   map[dag.CheckID]string
}

// childRow is a row of a child table; nil is NULL.
type childRow struct {
	k          *int
	j          *string
	ts         *time.Time // and the column wall: the same as the clocks show it
	day        *time.Time // at noon in UTC
	n          *int       // thousandths
	seg, state *string
}

type parentRow struct {
	k *int
	j *string
}

type labelRow struct {
	k     *int
	at    *time.Time
	value *string
}

// changes of clocks: over night, at midnight forth and back, by half an hour, never.
var changes = []struct{ zone, day string }{
	{"America/New_York", "2013-03-10"}, {"America/New_York", "2013-11-03"}, {"America/Sao_Paulo", "2013-10-20"}, {"America/Havana", "2013-03-10"},
	{"America/Havana", "2013-11-03"}, {"Australia/Lord_Howe", "2013-10-06"}, {"Europe/Berlin", "2013-10-27"}, {"Asia/Kolkata", "2013-06-15"}, {"UTC", "2013-06-15"},
}

// Differential holds an engine to giving the verdicts that a slow oracle gives, for
// checks with random keys on random tables. PIPEWATCH_TEST_ROUNDS says how many tables
// there are, PIPEWATCH_TEST_SEED which.
func Differential(t *testing.T, open Open) {
	rounds, seed := fromEnvironment(t, "PIPEWATCH_TEST_ROUNDS", 36), fromEnvironment(t, "PIPEWATCH_TEST_SEED", 1)
	var setup []string
	var files []dag.File
	var draws []*draw
	for n := range rounds {
		d := newDraw(uint64(seed), n)
		d.checks()
		setup = append(setup, d.tables()...)
		src := fmt.Sprintf("version: 1\ndag: d%d\nconnection: %s\ntimezone: %s\nnodes:%s\n", n, Connection, d.zone, d.nodes.String())
		files, draws = append(files, dag.File{Name: fmt.Sprintf("d%d.yaml", n), Src: []byte(src)}), append(draws, d)
	}
	graph, problems := dag.Load(files, dag.Known{})
	suite, more := checks.Compile(graph, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	source := open(t, setup)
	said := map[string]int{}
	for i, d := range draws {
		for id, got := range d.judge(t, source, suite) {
			said[strings.Fields(d.want[id])[0]]++
			if !strings.HasPrefix(got, d.want[id]+"\n") {
				t.Errorf("%s of zone %s at %s says %s\nwant %s", id, d.zone, d.now.Format(time.RFC3339), got, d.want[id])
			}
		}
		if t.Failed() { // one round is enough to read
			t.Fatalf("%s\n%s", files[i].Src, strings.Join(d.tables(), ";\n"))
		}
	}
	for _, outcome := range []checks.Outcome{checks.Pass, checks.Warn, checks.Fail, checks.NoData, checks.Pending} {
		if said[string(outcome)] < rounds/6 {
			t.Errorf("of %d rounds only %d checks say %s: the draws show too little", rounds, said[string(outcome)], outcome)
		}
	}
	t.Log(said)
}

func fromEnvironment(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q: set it to a number above 0", name, s)
	}
	return n
}

// judge asks what the checks of a round ask in one run. The verdict of each is followed
// by what it says, for people.
func (d *draw) judge(t *testing.T, source probe.Source, suite *checks.Suite) map[dag.CheckID]string {
	t.Helper()
	at := checks.Moment{Now: d.now}
	var asked []probe.Question
	for id := range d.want {
		c := suite.Check(id)
		if c == nil {
			t.Fatalf("there is no check %s in\n%s", id, d.nodes.String())
		}
	}
	var own []*checks.Check
	for c := range suite.All() {
		if _, ok := d.want[c.ID()]; ok {
			own, asked = append(own, c), append(asked, c.Ask(nil, at)...)
		}
	}
	answers := source.Ask(t.Context(), d.now, asked)
	said := map[dag.CheckID]string{}
	for _, c := range own {
		n := len(c.Ask(nil, at))
		v, _ := c.Judge(answers[:n], nil, at)
		said[c.ID()] = fmt.Sprintf("%s %s\n(%s)\n%s", v.Outcome, v.Reason, v.Message, answers[0].Statement)
		answers = answers[n:]
	}
	return said
}

func newDraw(seed uint64, n int) *draw {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, uint64(n))), n: n, want: map[dag.CheckID]string{}}
	change := changes[d.IntN(len(changes))]
	day, err := time.Parse(time.DateOnly, change.day)
	if err != nil {
		panic(err)
	}
	d.zone, d.clocks = zoneOf(change.zone), zoneOf(changes[d.IntN(len(changes))].zone)
	d.now = day.Add(time.Duration(d.IntN(5*24*60))*time.Minute + 5*time.Hour)
	if d.IntN(8) > 0 {
		for range d.IntN(60) {
			d.child = append(d.child, d.childRow())
		}
		for range d.IntN(12) {
			d.parent = append(d.parent, parentRow{d.key(), d.letter()})
		}
		for range d.IntN(40) {
			d.labels = append(d.labels, labelRow{d.key(), d.moment(), pick(d, "x", "X", "y")})
		}
	}
	return d
}

func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // a name of this file
	}
	return zone
}

func (d *draw) childRow() childRow {
	row := childRow{k: d.key(), j: d.letter(), ts: d.moment(), seg: pick(d, "a", "b"), state: pick(d, "open", "paid", "it's", "Paid", "é")}
	if at := d.moment(); at != nil {
		y, m, day := at.In(d.zone).Date()
		row.day = new(time.Date(y, m, day, 12, 0, 0, 0, time.UTC))
	}
	if d.IntN(9) > 0 {
		row.n = new(d.IntN(9)*500 - 1000)
	}
	return row
}

func (d *draw) key() *int {
	if d.IntN(10) == 0 {
		return nil
	}
	return new(d.IntN(10))
}

func (d *draw) letter() *string { return pick(d, "x", "y", "z") }

func pick(d *draw, words ...string) *string {
	if d.IntN(12) == 0 {
		return nil
	}
	return &words[d.IntN(len(words))]
}

// moment is one of the days before now, at times its very edge, at times a little ahead;
// never one that a clock without a zone shows twice.
func (d *draw) moment() *time.Time {
	for {
		at := d.now.Add(-time.Duration(d.IntN(9*24*60)) * time.Minute)
		switch d.IntN(12) {
		case 0:
			return nil
		case 1:
			at = d.now.Add(time.Duration(d.IntN(5)-1) * 5 * time.Minute)
		case 2, 3:
			at = dayStart(at.In(d.zone), 0, d.zone)
		case 4:
			at = at.Truncate(time.Hour)
		}
		if !twice(at, d.clocks) {
			return new(at.UTC())
		}
	}
}

// twice tells whether a zone's clock shows another moment in the same way.
func twice(at time.Time, zone *time.Location) bool {
	shown := at.In(zone).Format(time.DateTime)
	for _, apart := range []time.Duration{30 * time.Minute, time.Hour} {
		if at.Add(apart).In(zone).Format(time.DateTime) == shown || at.Add(-apart).In(zone).Format(time.DateTime) == shown {
			return true
		}
	}
	return false
}

// tables are the statements that make the tables of a round.
func (d *draw) tables() []string {
	setup := []string{
		fmt.Sprintf("create table child%d (k integer, j varchar(9), ts timestamptz, wall timestamp, day date, n decimal(9,3), seg varchar(9), state varchar(9))", d.n),
		fmt.Sprintf("create table parent%d (k decimal(9,2), j varchar(9))", d.n),
		fmt.Sprintf("create table label%d (k bigint, known_at timestamp, value varchar(9))", d.n),
	}
	var child, parent, label []string
	for _, r := range d.child {
		child = append(child, row(number(r.k, 1), text(r.j), stamp(r.ts, time.UTC, "+00"), stamp(r.ts, d.clocks, ""), date(r.day), number(r.n, 1000), text(r.seg), text(r.state)))
	}
	for _, r := range d.parent {
		parent = append(parent, row(number(r.k, 1), text(r.j)))
	}
	for _, r := range d.labels {
		label = append(label, row(number(r.k, 1), stamp(r.at, d.clocks, ""), text(r.value)))
	}
	for name, rows := range map[string][]string{"child": child, "parent": parent, "label": label} {
		if len(rows) > 0 {
			setup = append(setup, fmt.Sprintf("insert into %s%d values %s", name, d.n, strings.Join(rows, ", ")))
		}
	}
	return setup
}

func row(cells ...string) string { return "(" + strings.Join(cells, ", ") + ")" }

func number(n *int, of int) string {
	if n == nil {
		return "null"
	}
	return strconv.FormatFloat(float64(*n)/float64(of), 'f', -1, 64)
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return "'" + strings.ReplaceAll(*s, "'", "''") + "'"
}

func stamp(at *time.Time, zone *time.Location, offset string) string {
	if at == nil {
		return "null"
	}
	return "'" + at.In(zone).Format(time.DateTime) + offset + "'"
}

func date(at *time.Time) string {
	if at == nil {
		return "null"
	}
	return "'" + at.Format(time.DateOnly) + "'"
}

// expect adds a node over a table with one check more than was there, and what it must say.
func (d *draw) expect(table, kind, keys, want string) {
	name := fmt.Sprintf("n%d", len(d.want))
	fmt.Fprintf(&d.nodes, "\n  %s: {table: %s%d, %s}", name, table, d.n, keys)
	d.want[dag.CheckID(fmt.Sprintf("d%d/%s/%s", d.n, name, kind))] = want
}
