package warehouse

import (
	"strconv"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// segmentMarks asks for the newest moment of a table and of its segments, those that
// are furthest behind first: the totals stand in a row of their own, so that they hold
// also where there are more segments than are read.
func (p *planner) segmentMarks(place int, q probe.Watermark, t table, c clock) error {
	segment, err := p.segmentText(t, q.Segment)
	if err != nil {
		return err
	}
	conds, err := p.conditions(t, q.Where, probe.Window{})
	if err != nil {
		return err
	}
	sql := "with segments as (\nselect\n  " + segment + " as segment,\n  count(*) as n_rows,\n  count(" + p.d.Quote(c.column.Name) + ") as timed,\n  " +
		"max(" + when(c.upTo(q.Horizon), c.native()) + ") as newest,\n  " +
		c.future(q.Horizon) + " as future\nfrom " + t.from + whereClause(conds) + "\ngroup by " + segment + "\n)\n" +
		"select sum(n_rows) as n_rows, sum(timed) as timed, " + c.micros("max(newest)") + " as newest, " +
		"sum(future) as future, 0 as place, '' as segment\nfrom segments\nunion all\n" +
		"select * from (\nselect n_rows, timed, " + c.micros("newest") + " as newest, future, 1 as place, segment\nfrom segments\n" +
		"order by case when segments.newest is null then 0 else 1 end, segments.newest, segment\nlimit " + strconv.Itoa(maxSegments) + "\n) as worst"
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) { return readSegmentMarks(c.column.Class, rows) }))
	return nil
}

func readSegmentMarks(class probe.TypeClass, rows [][]any) (any, error) {
	if len(rows) == 0 {
		return nil, refuse(probe.BadAnswer, "the segments came back without their totals")
	}
	var answer probe.Mark
	for _, row := range rows {
		c := &cells{row: row}
		mark := probe.Mark{Rows: c.count(), Timed: c.count(), Max: c.instant(), Future: c.count()}
		if c.count() == 0 {
			mark.Segments, mark.Class = answer.Segments, class
			answer = mark
		} else {
			answer.Segments = append(answer.Segments, probe.SegmentMark{Segment: c.text(), Mark: mark})
		}
		if c.err != nil {
			return nil, c.err
		}
	}
	return answer, nil
}
