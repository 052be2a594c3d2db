package warehousetest

import (
	"slices"
	"strconv"

	"github.com/pipewatch-dev/pipewatch/probe"
)

const feedTables = `create table feeds (origin varchar(10), ts timestamp with time zone, wall timestamp, day date);
insert into feeds values ('JFK', '2013-06-15 11:00:00+00', '2013-06-15 11:00:00', '2013-06-15');
insert into feeds values ('JFK', '2013-06-15 13:00:00+00', '2013-06-15 13:00:00', '2013-06-16');
insert into feeds values ('EWR', '2013-06-14 10:00:00+00', '2013-06-14 10:00:00', '2013-06-14');
insert into feeds values ('LGA', null, null, null);
insert into feeds values (null, '2013-06-15 09:00:00+00', '2013-06-15 09:00:00', '2013-06-15');
`

// segments holds the cases of Watermark with a segment.
func segments() []Case {
	mark := func(rows, timed, future int64, newest string) probe.Mark {
		m := probe.Mark{Rows: rows, Timed: timed, Future: future}
		if newest != "" {
			m.Max = utc(newest)
		}
		return m
	}
	of := func(class probe.TypeClass, all probe.Mark, segments ...probe.SegmentMark) probe.Mark {
		all.Class, all.Segments = class, segments
		return all
	}
	crowd := make([]string, 10_000)
	for i := range crowd {
		crowd[i] = strconv.Itoa(i)
	}
	slices.Sort(crowd)
	var first []probe.SegmentMark
	for _, name := range crowd[:1000] {
		first = append(first, probe.SegmentMark{Segment: name, Mark: mark(1, 1, 0, "2013-06-15")})
	}
	return []Case{
		{"segments come furthest behind first, those without a time before all", feedTables,
			probe.Watermark{Of: table("feeds"), Column: column("ts", ""), Horizon: utc("2013-06-15 12:00"), Segment: "origin"},
			of(probe.Zoned, mark(5, 4, 1, "2013-06-15 11:00"),
				probe.SegmentMark{Segment: "LGA", Mark: mark(1, 0, 0, "")},
				probe.SegmentMark{Segment: "EWR", Mark: mark(1, 1, 0, "2013-06-14 10:00")},
				probe.SegmentMark{Segment: "NULL", Mark: mark(1, 1, 0, "2013-06-15 09:00")},
				probe.SegmentMark{Segment: "JFK", Mark: mark(2, 2, 1, "2013-06-15 11:00")}), "", ""},
		{"times of segments are read on the clock of the zone", feedTables,
			probe.Watermark{Of: table("feeds"), Where: "origin = 'EWR'", Column: column("wall", newYork), Segment: "origin"},
			of(probe.Naive, mark(1, 1, 0, "2013-06-14 14:00"),
				probe.SegmentMark{Segment: "EWR", Mark: mark(1, 1, 0, "2013-06-14 14:00")}), "", ""},
		{"naive times of segments are UTC", feedTables,
			probe.Watermark{Of: table("feeds"), Where: "origin = 'EWR'", Column: column("wall", ""), Segment: "origin"},
			of(probe.Naive, mark(1, 1, 0, "2013-06-14 10:00"),
				probe.SegmentMark{Segment: "EWR", Mark: mark(1, 1, 0, "2013-06-14 10:00")}), "", ""},
		{"dates of segments are local midnights", feedTables,
			probe.Watermark{Of: table("feeds"), Where: "origin = 'JFK'", Column: column("day", newYork), Segment: "origin", Horizon: utc("2013-06-15 12:00")},
			of(probe.Date, mark(2, 2, 1, "2013-06-15 04:00"),
				probe.SegmentMark{Segment: "JFK", Mark: mark(2, 2, 1, "2013-06-15 04:00")}), "", ""},
		{"an empty table has no segments", "create table feeds (origin int, ts timestamp);\n",
			probe.Watermark{Of: table("feeds"), Column: column("ts", ""), Segment: "origin"}, probe.Mark{Class: probe.Naive}, "", ""},
		{"of ten thousand segments a thousand are read and all are counted", `create table d (n int);
insert into d values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
`, probe.Watermark{Of: query("select timestamp '2013-06-15 00:00:00' as ts, a.n * 1000 + b.n * 100 + c.n * 10 + e.n as s from d a cross join d b cross join d c cross join d e"),
			Column: column("ts", ""), Segment: "s"},
			of(probe.Naive, mark(10_000, 10_000, 0, "2013-06-15"), first...), "", ""},
		{"a segment that is no column is named", feedTables,
			probe.Watermark{Of: table("feeds"), Column: column("ts", ""), Segment: "orign"}, nil, probe.NoColumn, `no column "orign"; did you mean "origin"?`},
		{"a truth is 1", "create table d (n int);\ninsert into d values (1);\n",
			probe.Scalar{Conn: "wh", SQL: "select n = 1 from d", Truth: true}, probe.ScalarValue{Number: 1}, "", ""},
		{"an untruth is 0", "create table d (n int);\ninsert into d values (1);\n",
			probe.Scalar{Conn: "wh", SQL: "select exists (select 1 from d where n > 1)", Truth: true}, probe.ScalarValue{}, "", ""},
	}
}
