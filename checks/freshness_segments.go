package checks

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// maxSegments is how many segments an answer has at most.
const maxSegments = 1000

type segmentFresh struct {
	Segment    string     `json:"segment"`
	Watermark  *time.Time `json:"watermark"`
	AgeSeconds *int64     `json:"age_seconds"`
	Rows       int64      `json:"rows"`
}

// judgeSegments judges every segment as if it were a table of its own and lets the
// worst decide, the one furthest behind of equals.
func (p freshnessParams) judgeSegments(mark probe.Mark, seen bool, at Moment, observed *freshnessObserved, expected *freshnessExpected) judgement {
	type finding struct {
		judgement
		probe.SegmentMark
	}
	var found []finding
	for _, of := range mark.Segments { // furthest behind first
		of.Class = mark.Class
		found = append(found, finding{p.judgeRows(of.Mark, seen, at), of})
	}
	slices.SortStableFunc(found, func(a, b finding) int { return cmp.Compare(rank[b.outcome], rank[a.outcome]) })
	for _, f := range found[:min(len(found), shownSegments)] {
		newest, _ := p.watermark(f.Max, f.Class)
		shown := segmentFresh{Segment: f.Segment, Rows: f.Rows}
		shown.Watermark, shown.AgeSeconds = aged(newest, at)
		observed.Segments = append(observed.Segments, shown)
	}
	worst := found[0]
	p.expectDeadline(worst.Mark, at, expected)
	if worst.outcome != Pass {
		worst.message = fmt.Sprintf("%s %q: %s", p.Segment, worst.Segment, worst.message)
		return worst.judgement
	}
	count := counted(int64(len(found)), p.Segment+" value")
	if len(found) == maxSegments {
		count += " that were read"
	}
	worst.message = fmt.Sprintf("%s %q is furthest behind of %s: %s", p.Segment, worst.Segment, count, worst.message)
	return worst.judgement
}
