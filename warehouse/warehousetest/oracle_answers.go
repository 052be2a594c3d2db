package warehousetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// answer is what a question must be answered with, found by going through the rows.
func (w *world) answer(q probe.Question) any {
	switch q := q.(type) {
	case probe.Watermark:
		return watermarkOf(where(w.events, q.Where), q)
	case probe.Rows:
		return int64(len(within(where(w.events, q.Where), q.Window)))
	case probe.Buckets:
		return bucketsOf(where(w.events, q.Where), q)
	case probe.Coverage:
		if q.Per != "" {
			return w.coveredPer(where(w.events, q.Where), q)
		}
		return w.covered(within(where(w.events, q.Where), q.Window), q)
	case probe.BadRows:
		return badOf(within(where(w.events, q.Where), q.Window), q)
	case probe.Cohorts:
		return w.cohorts(where(w.events, q.Where), q)
	}
	panic(fmt.Sprintf("the oracle does not know %T", q))
}

func where(rows []event, condition string) []event {
	var out []event
	for _, e := range rows {
		switch condition {
		case "k > 2":
			if e.k == nil || *e.k <= 2 {
				continue
			}
		case "n is not null":
			if e.cents == nil {
				continue
			}
		}
		out = append(out, e)
	}
	return out
}

// moment is a row's time in a column; zero is NULL.
func (e event) moment(c probe.TimeColumn) probe.Instant {
	switch {
	case c.Name == "ts" && e.at != nil:
		return probe.At(*e.at)
	case c.Name == "wall" && e.wall != nil:
		t := *e.wall
		return probe.At(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, location(c.Zone)))
	case c.Name == "day" && e.day != nil:
		return dawn(*e.day, location(c.Zone))
	}
	return 0
}

func location(zone string) *time.Location {
	l, err := time.LoadLocation(zone) // "" is UTC
	if err != nil {
		panic(err)
	}
	return l
}

// dawn is the first moment of a day somewhere, looked for in steps of a quarter of
// an hour, of which every offset from UTC is made.
func dawn(day time.Time, at *time.Location) probe.Instant {
	for t := day.Add(-26 * time.Hour); ; t = t.Add(15 * time.Minute) {
		if l := t.In(at); l.Year() == day.Year() && l.YearDay() == day.YearDay() {
			return probe.At(t)
		}
	}
}

// stretch is the bucket that a moment lies in.
func stretch(i probe.Instant, per probe.Per, zone string) (start, end probe.Instant) {
	if per == probe.Hour {
		t := i.Time().Truncate(time.Hour)
		return probe.At(t), probe.At(t.Add(time.Hour))
	}
	l := i.Time().In(location(zone))
	first := time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
	next := first.AddDate(0, 0, 1)
	switch per {
	case probe.Week:
		first = first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		next = first.AddDate(0, 0, 7)
	case probe.Month:
		first = first.AddDate(0, 0, 1-first.Day())
		next = first.AddDate(0, 1, 0)
	}
	return dawn(first, location(zone)), dawn(next, location(zone))
}

// in tells whether a moment lies in [from, to), of which each may be open.
func in(i, from, to probe.Instant) bool { return (from == 0 || i >= from) && (to == 0 || i < to) }

func within(rows []event, w probe.Window) []event {
	if w == (probe.Window{}) {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(e event) bool {
		i := e.moment(w.By)
		return i == 0 || !in(i, w.From, w.To)
	})
}

func segmentOf(e event) string {
	if e.segment == nil {
		return "NULL"
	}
	return *e.segment
}

func watermarkOf(rows []event, q probe.Watermark) probe.Mark {
	m := mark(rows, q)
	if q.Segment != "" {
		parts := map[string][]event{}
		for _, e := range rows {
			parts[segmentOf(e)] = append(parts[segmentOf(e)], e)
		}
		for name, part := range parts {
			m.Segments = append(m.Segments, probe.SegmentMark{Segment: name, Mark: mark(part, q)})
		}
	}
	m.Class = classOf(q.Column)
	return m
}

func classOf(c probe.TimeColumn) probe.TypeClass {
	return map[string]probe.TypeClass{"ts": probe.Zoned, "wall": probe.Naive, "day": probe.Date}[c.Name]
}

func mark(rows []event, q probe.Watermark) probe.Mark {
	m := probe.Mark{Rows: int64(len(rows))}
	for _, e := range rows {
		i := e.moment(q.Column)
		switch {
		case i == 0:
			continue
		case q.Horizon != 0 && i > q.Horizon:
			m.Future++
		default:
			m.Max = max(m.Max, i)
		}
		m.Timed++
	}
	return m
}

func bucketsOf(rows []event, q probe.Buckets) probe.BucketRows {
	b := probe.BucketRows{Class: classOf(q.By)}
	counts := map[probe.Bucket]int64{}
	for _, e := range rows {
		i := e.moment(q.By)
		if i == 0 {
			continue
		}
		if b.First == 0 || i < b.First {
			b.First = i
		}
		if q.Horizon != 0 && i > q.Horizon {
			b.Future++
			continue
		}
		b.Watermark = max(b.Watermark, i)
		start, _ := stretch(i, q.Per, q.Zone)
		if !in(start, q.From, q.To) {
			continue
		}
		at := probe.Bucket{Start: start}
		if q.Segment != "" {
			at.Segment = segmentOf(e)
		}
		counts[at]++
	}
	for at, n := range counts {
		at.Rows = n
		b.Buckets = append(b.Buckets, at)
	}
	slices.SortFunc(b.Buckets, func(a, b probe.Bucket) int {
		return cmp.Or(strings.Compare(a.Segment, b.Segment), cmp.Compare(a.Start, b.Start))
	})
	return b
}

// keyOf is a key as text, "" with a NULL in it.
func keyOf(columns probe.Names, k *int, word *string) string {
	if k == nil || len(columns.Items()) > 1 && word == nil {
		return ""
	}
	key := strconv.Itoa(*k)
	if len(columns.Items()) > 1 {
		key += "/" + *word
	}
	return key
}

// parentKeys counts the rows of each parent.
func (w *world) parentKeys(q probe.Coverage) map[string]int64 {
	parents := map[string]int64{}
	for _, p := range w.parents {
		if key := keyOf(q.ParentKeys, p.k, p.word); key != "" {
			parents[key]++
		}
	}
	return parents
}

func (w *world) covered(rows []event, q probe.Coverage) probe.Covered {
	parents := w.parentKeys(q)
	c := probe.Covered{Joined: joined(rows, q, parents)}
	for _, n := range parents {
		c.MaxFanOut = max(c.MaxFanOut, n)
		if n > 1 {
			c.DuplicateParentKeys++
		}
	}
	if q.Parents {
		c.ParentKeys = int64(len(parents))
		for key := range parents {
			if slices.ContainsFunc(rows, func(e event) bool { return keyOf(q.Keys, e.k, e.word) == key }) {
				c.ParentsMatched++
			}
		}
	}
	if q.Segment != "" {
		parts := map[string][]event{}
		for _, e := range rows {
			parts[segmentOf(e)] = append(parts[segmentOf(e)], e)
		}
		for name, part := range parts {
			c.Segments = append(c.Segments, probe.SegmentJoined{Segment: name, Joined: joined(part, q, parents)})
		}
		worstFirst(c.Segments)
	}
	return c
}

func joined(rows []event, q probe.Coverage, parents map[string]int64) probe.Joined {
	j := probe.Joined{Total: int64(len(rows))}
	orphans := map[string]bool{}
	for _, e := range rows {
		key := keyOf(q.Keys, e.k, e.word)
		switch {
		case key == "":
			j.NullKeys++
		case parents[key] > 0:
			j.Matched++
		default:
			j.Orphans++
			orphans[key] = true
		}
	}
	j.OrphanKeys = int64(len(orphans))
	if q.NullsOrphan {
		j.Orphans += j.NullKeys
	}
	j.Eligible = j.Matched + j.Orphans
	return j
}

func (w *world) coveredPer(rows []event, q probe.Coverage) probe.Covered {
	type span struct{ start, end probe.Instant }
	parts := map[span][]event{}
	var all []event
	for _, e := range rows {
		i := e.moment(q.Window.By)
		if i == 0 {
			continue
		}
		if start, end := stretch(i, q.Per, q.Zone); in(start, q.Window.From, q.Window.To) {
			all = append(all, e)
			parts[span{start, end}] = append(parts[span{start, end}], e)
		}
	}
	parents := w.parentKeys(q)
	c := probe.Covered{Joined: joined(all, q, parents)}
	c.OrphanKeys = 0 // is not asked
	for at, part := range parts {
		j := joined(part, q, parents)
		c.Cohorts = append(c.Cohorts, probe.CohortJoined{Start: at.start, End: at.end, Eligible: j.Eligible, Matched: j.Matched})
	}
	slices.SortFunc(c.Cohorts, func(a, b probe.CohortJoined) int { return cmp.Compare(a.Start, b.Start) })
	return c
}

func badOf(rows []event, q probe.BadRows) probe.Bad {
	b := probe.Bad{Rows: int64(len(rows))}
	seen := map[string]bool{}
	for _, e := range rows {
		if brokenBy(e, q, seen) {
			b.Bad++
		}
	}
	return b
}

func brokenBy(e event, q probe.BadRows, seen map[string]bool) bool {
	switch q.Rule {
	case probe.Nulls:
		return map[string]bool{"k": e.k == nil, "word": e.word == nil, "ts": e.at == nil, "day": e.day == nil}[q.Columns.Items()[0]]
	case probe.Duplicates:
		key := keyOf(q.Columns, e.k, e.word)
		again := key != "" && seen[key]
		seen[key] = true
		return again
	case probe.Unexpected:
		return e.word != nil && *e.word == "b"
	}
	limit := func(text string, or float64) float64 {
		if text == "" {
			return or
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		return f * 100
	}
	return e.cents != nil && (float64(*e.cents) < limit(q.Min, -1e9) || float64(*e.cents) > limit(q.Max, 1e9))
}

// labelsOf are the labels of a key.
func (w *world) labelsOf(k *int) (out []label) {
	for _, l := range w.labels {
		if k != nil && l.k != nil && *l.k == *k && l.at != nil {
			out = append(out, l)
		}
	}
	return out
}

func (w *world) cohorts(rows []event, q probe.Cohorts) probe.CohortList {
	var list probe.CohortList
	for _, l := range w.labels {
		switch {
		case l.at == nil:
		case probe.At(*l.at) > q.At:
			list.FutureLabels++
		default:
			list.Labels++
			list.LabelWatermark = max(list.LabelWatermark, probe.At(*l.at))
			if !slices.ContainsFunc(w.events, func(e event) bool { return l.k != nil && e.k != nil && *e.k == *l.k }) {
				list.OrphanLabels++
			}
		}
	}
	cohorts := map[probe.Instant]*probe.Cohort{}
	for _, e := range rows {
		happened := e.moment(q.EventTime)
		if happened == 0 {
			continue
		}
		start, end := stretch(happened, q.Per, q.Zone)
		if !in(start, q.From, q.To) {
			continue
		}
		c := cohorts[start]
		if c == nil {
			c = &probe.Cohort{Start: start, End: end, AtAge: make([]int64, len(q.Ages.Items()))}
			cohorts[start] = c
		}
		note(c, happened, w.labelsOf(e.k), q)
	}
	for _, start := range slices.Sorted(maps.Keys(cohorts)) {
		list.Cohorts = append(list.Cohorts, *cohorts[start])
	}
	return list
}

// note counts one example of a cohort, with its labels.
func note(c *probe.Cohort, happened probe.Instant, labels []label, q probe.Cohorts) {
	c.Eligible++
	if len(labels) == 0 {
		return
	}
	first := probe.At(*labels[0].at)
	values := map[string]bool{}
	for _, l := range labels {
		first = min(first, probe.At(*l.at))
		if l.v != nil && probe.At(*l.at) <= q.At {
			values[*l.v] = true
		}
	}
	if first < happened {
		c.Early++ // known or not: it will have been there before what it is about
	}
	if first > q.At {
		return
	}
	c.Labelled++
	if q.Value != "" && len(values) > 1 {
		c.Conflicting++
	}
	for i, age := range q.Ages.Items() {
		seconds, err := strconv.ParseInt(age, 10, 64)
		if err != nil {
			panic(err)
		}
		if first <= c.End+probe.Instant(seconds*1e9) {
			c.AtAge[i]++
		}
	}
}
