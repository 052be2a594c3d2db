package warehouse

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// maxSegments is how many segments of an answer are read.
const maxSegments = 1000

// segmentText renders a segment column; NULL is a segment of its own, called NULL. Texts
// are apart by their bytes on every engine: a collation that takes 'AA' and 'aa' for the
// same would put them into one segment here and into two there.
func (p *planner) segmentText(t table, name string) (string, error) {
	c, err := t.column(name)
	if err != nil {
		return "", err
	}
	text := p.d.AsText(p.d.Quote(c.Name))
	if c.Class == probe.Text {
		text = p.d.Plain(c, p.d.Quote(c.Name))
		if p.d.ByBytes != nil {
			text = p.d.ByBytes(text)
		}
	}
	return "coalesce(" + text + ", 'NULL')", nil
}

// buckets counts rows per bucket in one scan. Rows outside of the buckets asked for
// fall into one group with the key NULL, so that the oldest and the newest moment
// are over all rows and the answer stays small.
func (p *planner) buckets(place int, q probe.Buckets) error {
	t, err := p.table(q.Of)
	if err != nil {
		return err
	}
	c, err := newDayClock(p.d, t, q.By, q.Zone)
	if err != nil {
		return err
	}
	b, err := newBucketing(c, q.Per, q.Zone, q.From, q.To)
	if err != nil {
		return err
	}
	segment := ""
	if q.Segment != "" {
		if segment, err = p.segmentText(t, q.Segment); err != nil {
			return err
		}
	}
	conds, err := p.conditions(t, q.Where, probe.Window{})
	if err != nil {
		return err
	}
	inside := b.inside()
	if !q.Horizon.IsZero() {
		inside = append(inside, c.upTo(q.Horizon))
	}
	keys := []string{when(all(inside), b.key())}
	if segment != "" {
		keys = append(keys, when(all(inside), segment))
	}
	list := []string{
		keys[0] + " as bucket",
		"count(*) as n_rows",
		c.micros("min("+when(p.d.Finite(c.native()), c.native())+")") + " as oldest",
		c.micros("max("+when(c.upTo(q.Horizon), c.native())+")") + " as newest",
		c.future(q.Horizon) + " as future",
	}
	groupBy := "\ngroup by 1"
	if segment != "" {
		list = append(list, keys[1]+" as segment")
		groupBy += ", 6"
	}
	sql := "select\n  " + strings.Join(list, ",\n  ") + "\nfrom " + t.from + whereClause(conds) + groupBy
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) { return readBuckets(b, rows) }))
	return nil
}

func readBuckets(b bucketing, rows [][]any) (any, error) {
	answer := probe.BucketRows{Class: b.column.Class}
	type slot struct {
		segment string
		start   probe.Instant
	}
	counts := make(map[slot]int64)
	for _, row := range rows {
		c := &cells{row: row}
		key, n, oldest, newest := c.next(), c.count(), c.instant(), c.instant()
		answer.Future += c.count()
		segment := ""
		if len(c.row) > 0 {
			segment = c.text()
		}
		if c.err != nil {
			return nil, c.err
		}
		if !oldest.IsZero() && (answer.First.IsZero() || oldest < answer.First) {
			answer.First = oldest
		}
		if !newest.IsZero() && (answer.Watermark.IsZero() || newest > answer.Watermark) {
			answer.Watermark = newest
		}
		if key == nil {
			continue
		}
		start, ok, err := b.start(key)
		if err != nil {
			return nil, err
		}
		if ok {
			counts[slot{segment, instantOf(start)}] += n
		}
	}
	for s, n := range counts {
		answer.Buckets = append(answer.Buckets, probe.Bucket{Segment: s.segment, Start: s.start, Rows: n})
	}
	slices.SortFunc(answer.Buckets, func(a, b probe.Bucket) int {
		return cmp.Or(strings.Compare(a.Segment, b.Segment), cmp.Compare(a.Start, b.Start))
	})
	return answer, nil
}
