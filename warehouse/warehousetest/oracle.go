package warehousetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// How many worlds there are by default, and questions about each.
const (
	worlds    = 16
	perWorld  = 50
	mostDrawn = 25 // rows of a table
)

// random asks random questions about random tables, all of them in one run, and
// holds the answers to those of the oracle, which goes through the rows one by one.
// The tables are of few values, so that keys match and repeat, around a night in
// which clocks change. PIPEWATCH_TEST_WORLDS says of how many worlds.
func random(t *testing.T, open Open) {
	worlds := worlds
	if s := os.Getenv("PIPEWATCH_TEST_WORLDS"); s != "" {
		var err error
		if worlds, err = strconv.Atoi(s); err != nil || worlds < 1 {
			t.Fatalf("PIPEWATCH_TEST_WORLDS is %q: set it to a number of worlds, 1 or more", s)
		}
	}
	r := rand.New(rand.NewPCG(20131103, 1))
	var setup []string
	var all []*world
	for n := range worlds {
		w := drawWorld(r, n)
		setup, all = append(setup, w.statements()...), append(all, w)
	}
	var qs []probe.Question
	var want []any
	for _, w := range all {
		for range perWorld {
			q := w.question(r)
			qs, want = append(qs, q), append(want, w.answer(q))
		}
	}
	failed := 0
	for i, a := range open(t, setup).Ask(t.Context(), Moment, qs) {
		if a.Err == nil && cmp.Equal(want[i], a.Value, cmpopts.EquateEmpty(), byName) {
			continue
		}
		if failed++; failed <= 3 {
			t.Errorf("%+v\nerror: %v\n(-want +got):\n%s\n%s", qs[i], a.Err, cmp.Diff(want[i], a.Value, cmpopts.EquateEmpty(), byName), a.Statement)
		}
	}
	if failed > 3 {
		t.Errorf("%d of %d answers are wrong", failed, len(qs))
	}
}

// byName compares segments in the order of their names: of those that are equally
// far behind any may come first.
var byName = cmpopts.SortSlices(func(a, b probe.SegmentMark) bool { return a.Segment < b.Segment })

// world is three tables: events that have a parent and get labels.
type world struct {
	n       int
	events  []event
	parents []parent
	labels  []label
}

// event, parent and label are rows; nil is NULL.
type event struct {
	k             *int
	word, segment *string
	cents         *int
	at            *time.Time // a moment
	wall          *time.Time // a clock's time, as if it were UTC
	day           *time.Time // a day, as its midnight in UTC
}

type parent struct {
	k    *int
	word *string
}

type label struct {
	k  *int
	at *time.Time
	v  *string
}

func drawWorld(r *rand.Rand, n int) *world {
	w := &world{n: n}
	for range r.IntN(mostDrawn) {
		e := event{k: maybe(r, r.IntN(6)), word: maybe(r, word(r)), segment: maybe(r, []string{"x", "X", "y", "NULL", ""}[r.IntN(5)]), cents: maybe(r, r.IntN(500)-100)}
		e.at = maybe(r, drawMoment(r))
		e.wall = maybe(r, drawMoment(r))
		e.day = maybe(r, drawMoment(r).Truncate(24*time.Hour))
		w.events = append(w.events, e)
	}
	for range r.IntN(12) {
		w.parents = append(w.parents, parent{maybe(r, r.IntN(6)), maybe(r, word(r))})
	}
	for range r.IntN(mostDrawn) {
		w.labels = append(w.labels, label{maybe(r, r.IntN(7)), maybe(r, drawMoment(r)), maybe(r, word(r))})
	}
	return w
}

// maybe is a value or, one time in eight, NULL.
func maybe[T any](r *rand.Rand, v T) *T {
	if r.IntN(8) == 0 {
		return nil
	}
	return &v
}

func word(r *rand.Rand) string { return []string{"a", "b", "c"}[r.IntN(3)] }

// drawMoment is a moment of the days around 3 November 2013, when New York's clocks
// went back at 06:00 UTC and Havana's at 05:00; often one at which a day or an hour
// begins somewhere, or a second off. As a clock's time it is never one that New
// York's clocks showed twice.
func drawMoment(r *rand.Rand) time.Time {
	base := time.Date(2013, 11, 2, 0, 0, 0, 0, time.UTC)
	t := base.Add(time.Duration(r.IntN(60)) * time.Hour)
	switch r.IntN(4) {
	case 0:
		t = t.Add(-time.Second)
	case 1:
		t = t.Add(time.Duration(r.IntN(3600)) * time.Second)
	}
	if t.Day() == 3 && t.Hour() < 2 {
		t = t.Add(2 * time.Hour)
	}
	return t
}

// statements make the tables.
func (w *world) statements() []string {
	out := []string{
		fmt.Sprintf("create table e%d (k int, word varchar(5), seg varchar(5), n decimal(6,2), ts timestamp with time zone, wall timestamp, day date)", w.n),
		fmt.Sprintf("create table p%d (k int, word varchar(5))", w.n),
		fmt.Sprintf("create table l%d (k int, ts timestamp with time zone, v varchar(5))", w.n),
	}
	var events, parents, labels []string
	for _, e := range w.events {
		events = append(events, fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %s)", literal(e.k, "%d"), literal(e.word, "'%s'"), literal(e.segment, "'%s'"),
			cents(e.cents), stamp(e.at, "'2006-01-02 15:04:05+00'"), stamp(e.wall, "'2006-01-02 15:04:05'"), stamp(e.day, "'2006-01-02'")))
	}
	for _, p := range w.parents {
		parents = append(parents, fmt.Sprintf("(%s, %s)", literal(p.k, "%d"), literal(p.word, "'%s'")))
	}
	for _, l := range w.labels {
		labels = append(labels, fmt.Sprintf("(%s, %s, %s)", literal(l.k, "%d"), stamp(l.at, "'2006-01-02 15:04:05+00'"), literal(l.v, "'%s'")))
	}
	for i, rows := range [][]string{events, parents, labels} {
		if len(rows) > 0 {
			out = append(out, fmt.Sprintf("insert into %c%d values %s", "epl"[i], w.n, strings.Join(rows, ", ")))
		}
	}
	return out
}

func literal[T any](v *T, form string) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf(form, *v)
}

func cents(v *int) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.2f", float64(*v)/100)
}

func stamp(v *time.Time, layout string) string {
	if v == nil {
		return "null"
	}
	return v.Format(layout)
}

// question draws one.
func (w *world) question(r *rand.Rand) probe.Question {
	events := table(fmt.Sprintf("e%d", w.n))
	where := pick(r, "", "", "k > 2", "n is not null")
	switch r.IntN(6) {
	case 0:
		by := drawColumn(r)
		return probe.Watermark{Of: events, Where: where, Column: by, Horizon: w.end(r, by), Segment: pick(r, "", "seg")}
	case 1:
		return probe.Rows{Of: events, Where: where, Window: w.window(r)}
	case 2:
		by := drawColumn(r)
		q := probe.Buckets{Of: events, Where: where, By: by, Per: drawPer(r), Zone: by.Zone, From: w.end(r, by), To: w.end(r, by), Horizon: w.end(r, by), Segment: pick(r, "", "seg")}
		if by.Name == "ts" {
			q.Zone = drawZone(r)
		}
		return q
	case 3:
		return w.coverage(r, events, where)
	case 4:
		return drawBad(r, probe.BadRows{Of: events, Where: where, Window: w.window(r)})
	default:
		by, per := drawColumn(r), drawPer(r)
		if by.Name == "day" && per == probe.Hour {
			per = probe.Day // a date has no hours: an error of its own
		}
		return probe.Cohorts{
			Of: events, Where: where, EventTime: by, Keys: probe.List("k"), Labels: table(fmt.Sprintf("l%d", w.n)), LabelKeys: probe.List("k"),
			LabelledAt: column("ts", ""), Value: pick(r, "", "v"), Per: per, Zone: by.Zone, From: w.end(r, by), To: w.end(r, by),
			At: probe.At(drawMoment(r)), Ages: probe.List("0", "7200", "90000"),
		}
	}
}

func (w *world) coverage(r *rand.Rand, events probe.Relation, where string) probe.Coverage {
	q := probe.Coverage{
		Child: events, Where: where, Keys: probe.List("k"), Parent: table(fmt.Sprintf("p%d", w.n)), ParentKeys: probe.List("k"),
		Window: w.window(r), NullsOrphan: r.IntN(3) == 0,
	}
	if r.IntN(3) == 0 {
		q.Keys, q.ParentKeys = probe.List("k", "word"), probe.List("k", "word")
	}
	switch r.IntN(4) {
	case 0:
		q.Segment = "seg"
	case 1:
		q.Parents = true
	case 2:
		q.Window.By = drawColumn(r)
		q.Per, q.Zone = drawPer(r), q.Window.By.Zone
	}
	return q
}

func drawBad(r *rand.Rand, q probe.BadRows) probe.BadRows {
	switch r.IntN(4) {
	case 0:
		q.Rule, q.Columns = probe.Nulls, probe.List(pick(r, "k", "word", "ts", "day"))
	case 1:
		q.Rule, q.Columns = probe.Duplicates, probe.List("k")
		if r.IntN(2) == 0 {
			q.Columns = probe.List("k", "word")
		}
	case 2:
		q.Rule, q.Columns, q.Accepted = probe.Unexpected, probe.List("word"), probe.List(`"a"`, `"c"`)
	default:
		q.Rule, q.Columns = probe.OutOfRange, probe.List("n")
		if q.Min = pick(r, "", "-0.5", "0"); q.Min == "" || r.IntN(2) == 0 {
			q.Max = pick(r, "2.5", "3")
		}
	}
	return q
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

func drawZone(r *rand.Rand) string {
	return pick(r, "UTC", newYork, "America/Havana", "Asia/Kolkata")
}

// drawColumn is a column of time. A clock's time is one of a zone whose clocks did
// not change, or of New York.
func drawColumn(r *rand.Rand) probe.TimeColumn {
	switch r.IntN(3) {
	case 0:
		return column("ts", "")
	case 1:
		return column("wall", pick(r, "UTC", newYork, "Asia/Kolkata"))
	default:
		return column("day", drawZone(r))
	}
}

// end is a moment or none, half of the time that of a row: most mistakes are about
// what lies exactly at an end.
func (w *world) end(r *rand.Rand, by probe.TimeColumn) probe.Instant {
	switch {
	case r.IntN(2) == 0:
		return 0
	case r.IntN(2) == 0 || len(w.events) == 0:
		return probe.At(drawMoment(r))
	}
	return w.events[r.IntN(len(w.events))].moment(by)
}

func (w *world) window(r *rand.Rand) probe.Window {
	by := drawColumn(r)
	if out := (probe.Window{By: by, From: w.end(r, by), To: w.end(r, by)}); out.From != 0 || out.To != 0 {
		return out
	}
	return probe.Window{}
}

func drawPer(r *rand.Rand) probe.Per {
	return []probe.Per{probe.Hour, probe.Day, probe.Week, probe.Month}[r.IntN(4)]
}

// worstFirst orders as answers do.
func worstFirst(s []probe.SegmentJoined) { slices.SortFunc(s, probe.WorseFirst) }
