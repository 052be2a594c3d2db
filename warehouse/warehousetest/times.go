package warehousetest

import "github.com/pipewatch-dev/pipewatch/probe"

const newYork = "America/New_York"

const eventTables = `create table events (id int, ts timestamp with time zone, wall timestamp, day date, kind varchar(10));
insert into events values (1, '2013-06-14 10:00:00+00', '2013-06-14 10:00:00', '2013-06-14', 'a');
insert into events values (2, '2013-06-15 11:00:00+00', '2013-06-15 11:00:00', '2013-06-15', 'b');
insert into events values (3, '2013-06-15 13:00:00+00', '2013-06-15 13:00:00', '2013-06-16', 'b');
insert into events values (4, null, null, null, null);
`

// times holds the cases of Watermark and Rows.
func times() []Case {
	return []Case{
		{"a row beyond the horizon is counted and never sets the watermark", eventTables,
			probe.Watermark{Of: table("events"), Column: column("ts", ""), Horizon: utc("2013-06-15 12:00")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 11:00"), Future: 1, Class: probe.Zoned}, "", ""},
		{"a row exactly at the horizon is not beyond it", eventTables,
			probe.Watermark{Of: table("events"), Column: column("ts", ""), Horizon: utc("2013-06-15 13:00")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 13:00"), Class: probe.Zoned}, "", ""},
		{"without a horizon the newest row is the watermark", eventTables,
			probe.Watermark{Of: table("events"), Column: column("ts", "")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 13:00"), Class: probe.Zoned}, "", ""},
		{"a value with a zone ignores the zone of the check", eventTables,
			probe.Watermark{Of: table("events"), Column: column("ts", newYork)},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 13:00"), Class: probe.Zoned}, "", ""},
		{"a naive value is UTC unless the check says otherwise", eventTables,
			probe.Watermark{Of: table("events"), Column: column("wall", ""), Horizon: utc("2013-06-15 12:00")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 11:00"), Future: 1, Class: probe.Naive}, "", ""},
		{"a naive value is read on the clock of the zone", eventTables,
			probe.Watermark{Of: table("events"), Column: column("wall", newYork), Horizon: utc("2013-06-15 16:00")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 15:00"), Future: 1, Class: probe.Naive}, "", ""},
		{"a date is its local midnight", eventTables,
			probe.Watermark{Of: table("events"), Column: column("day", newYork), Horizon: utc("2013-06-15 12:00")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-15 04:00"), Future: 1, Class: probe.Date}, "", ""},
		{"a date whose midnight is a second beyond the horizon is beyond it", eventTables,
			probe.Watermark{Of: table("events"), Column: column("day", newYork), Horizon: utc("2013-06-15 03:59:59")},
			probe.Mark{Rows: 4, Timed: 3, Max: utc("2013-06-14 04:00"), Future: 2, Class: probe.Date}, "", ""},
		{"a date begins after the gap where its midnight does not exist", `create table d (day date);
insert into d values ('2018-11-04');
`, probe.Watermark{Of: table("d"), Column: column("day", "America/Sao_Paulo")},
			probe.Mark{Rows: 1, Timed: 1, Max: utc("2018-11-04 03:00"), Class: probe.Date}, "", ""},
		{"a date begins at the first of two midnights", `create table d (day date);
insert into d values ('2013-11-03');
`, probe.Watermark{Of: table("d"), Column: column("day", "America/Havana")},
			probe.Mark{Rows: 1, Timed: 1, Max: utc("2013-11-03 04:00"), Class: probe.Date}, "", ""},
		{"a condition filters rows before anything is counted", eventTables,
			probe.Watermark{Of: table("events"), Where: "kind = 'a' -- only these", Column: column("ts", "")},
			probe.Mark{Rows: 1, Timed: 1, Max: utc("2013-06-14 10:00"), Class: probe.Zoned}, "", ""},
		{"an empty table has no watermark", "create table events (ts timestamp);\n",
			probe.Watermark{Of: table("events"), Column: column("ts", "")}, probe.Mark{Class: probe.Naive}, "", ""},
		{"a table with only NULL times has rows and no watermark", "create table events (ts date);\ninsert into events values (null);\n",
			probe.Watermark{Of: table("events"), Column: column("ts", "")}, probe.Mark{Rows: 1, Class: probe.Date}, "", ""},
		{"a year far away does not wrap around", "create table events (ts timestamp);\ninsert into events values ('9999-12-31 00:00:00');\ninsert into events values ('2013-01-01 00:00:00');\n",
			probe.Watermark{Of: table("events"), Column: column("ts", ""), Horizon: utc("2013-06-15 12:00")},
			probe.Mark{Rows: 2, Timed: 2, Max: utc("2013-01-01"), Future: 1, Class: probe.Naive}, "", ""},
		{"text is not a time", eventTables, probe.Watermark{Of: table("events"), Column: column("kind", "")}, nil, probe.Statement, "must be a date or a timestamp"},
		{"an unknown zone is named", eventTables, probe.Watermark{Of: table("events"), Column: column("wall", "Mars/Base")}, nil, probe.Statement, "Mars/Base"},

		{"all rows are counted", eventTables, probe.Rows{Of: table("events")}, int64(4), "", ""},
		{"a window includes its start and excludes its end", eventTables,
			probe.Rows{Of: table("events"), Window: probe.Window{By: column("ts", ""), From: utc("2013-06-14 10:00"), To: utc("2013-06-15 13:00")}}, int64(2), "", ""},
		{"a window on dates goes by their first moment", eventTables,
			probe.Rows{Of: table("events"), Window: probe.Window{By: column("day", newYork), From: utc("2013-06-14 04:00:01"), To: utc("2013-06-16 04:00")}}, int64(1), "", ""},
		{"a window on naive times goes by the clock of the zone", eventTables,
			probe.Rows{Of: table("events"), Window: probe.Window{By: column("wall", newYork), From: utc("2013-06-14 14:00"), To: utc("2013-06-15 15:00")}}, int64(1), "", ""},
		{"a window with an open end", eventTables,
			probe.Rows{Of: table("events"), Window: probe.Window{By: column("wall", ""), From: utc("2013-06-15")}}, int64(2), "", ""},
		{"rows of a query", eventTables, probe.Rows{Of: query("select * from events where kind = 'b' -- done")}, int64(2), "", ""},
	}
}

const springTables = `create table e (ts timestamp with time zone, seg varchar(5));
insert into e values ('2013-03-10 04:59:59+00', 'x');
insert into e values ('2013-03-10 05:00:00+00', 'x');
insert into e values ('2013-03-11 03:59:59+00', 'y');
insert into e values ('2013-03-11 04:00:00+00', null);
insert into e values (null, 'x');
`

const autumnTables = `create table e (wall timestamp, day date);
insert into e values ('2013-11-02 23:30:00', '2013-11-02');
insert into e values ('2013-11-03 00:30:00', '2013-11-03');
insert into e values ('2013-11-03 23:30:00', '2013-11-03');
insert into e values ('2013-11-04 00:00:00', '2013-11-04');
`

const hourTables = `create table e (ts timestamp with time zone);
insert into e values ('2013-11-03 05:10:00+00');
insert into e values ('2013-11-03 06:10:00+00');
insert into e values ('2013-11-03 06:50:00+00');
`

// buckets holds the cases of Buckets.
func buckets() []Case {
	day := func(s string, n int64) probe.Bucket { return probe.Bucket{Start: utc(s), Rows: n} }
	return []Case{
		{"a local day in spring has 23 hours", springTables, probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day, Zone: newYork},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-03-09 05:00", 1), day("2013-03-10 05:00", 2), day("2013-03-11 04:00", 1)}}, "", ""},
		{"a UTC day without a zone", springTables, probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-03-10", 2), day("2013-03-11", 2)}}, "", ""},
		{"only buckets that start in the range, and the first row of all", springTables,
			probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day, Zone: newYork, From: utc("2013-03-10 05:00"), To: utc("2013-03-11 04:00")},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned, Buckets: []probe.Bucket{day("2013-03-10 05:00", 2)}}, "", ""},
		{"a range that cuts a bucket leaves it out at the start and whole at the end", springTables,
			probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day, Zone: newYork, From: utc("2013-03-09 05:01"), To: utc("2013-03-10 12:00")},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned, Buckets: []probe.Bucket{day("2013-03-10 05:00", 2)}}, "", ""},
		{"rows beyond the horizon are in no bucket", springTables,
			probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day, Zone: newYork, Horizon: utc("2013-03-11 03:00")},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-10 05:00"), Future: 2, Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-03-09 05:00", 1), day("2013-03-10 05:00", 1)}}, "", ""},
		{"segments each have their buckets, and NULL is one", springTables,
			probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Day, Zone: newYork, Segment: "seg"},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned, Buckets: []probe.Bucket{
				{Segment: "NULL", Start: utc("2013-03-11 04:00"), Rows: 1}, {Segment: "x", Start: utc("2013-03-09 05:00"), Rows: 1}, {Segment: "x", Start: utc("2013-03-10 05:00"), Rows: 1}, {Segment: "y", Start: utc("2013-03-10 05:00"), Rows: 1}}}, "", ""},
		{"a week begins on Monday", springTables, probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Week, Zone: newYork},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-03-04 05:00", 3), day("2013-03-11 04:00", 1)}}, "", ""},
		{"a month begins on its first local day", springTables, probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Month, Zone: newYork},
			probe.BucketRows{First: utc("2013-03-10 04:59:59"), Watermark: utc("2013-03-11 04:00"), Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-03-01 05:00", 4)}}, "", ""},
		{"the hour that a clock shows twice is two", hourTables, probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Hour, Zone: newYork},
			probe.BucketRows{First: utc("2013-11-03 05:10"), Watermark: utc("2013-11-03 06:50"), Class: probe.Zoned,
				Buckets: []probe.Bucket{day("2013-11-03 05:00", 1), day("2013-11-03 06:00", 2)}}, "", ""},
		{"naive times of the zone keep their own days", autumnTables, probe.Buckets{Of: table("e"), By: column("wall", newYork), Per: probe.Day, Zone: newYork},
			probe.BucketRows{First: utc("2013-11-03 03:30"), Watermark: utc("2013-11-04 05:00"), Class: probe.Naive,
				Buckets: []probe.Bucket{day("2013-11-02 04:00", 1), day("2013-11-03 04:00", 2), day("2013-11-04 05:00", 1)}}, "", ""},
		{"naive UTC times fall into the days of another zone", autumnTables, probe.Buckets{Of: table("e"), By: column("wall", ""), Per: probe.Day, Zone: newYork},
			probe.BucketRows{First: utc("2013-11-02 23:30"), Watermark: utc("2013-11-04 00:00"), Class: probe.Naive,
				Buckets: []probe.Bucket{day("2013-11-02 04:00", 2), day("2013-11-03 04:00", 2)}}, "", ""},
		{"dates are days of their zone", autumnTables, probe.Buckets{Of: table("e"), By: column("day", newYork), Per: probe.Day, Zone: newYork, From: utc("2013-11-03 04:00")},
			probe.BucketRows{First: utc("2013-11-02 04:00"), Watermark: utc("2013-11-04 05:00"), Class: probe.Date,
				Buckets: []probe.Bucket{day("2013-11-03 04:00", 2), day("2013-11-04 05:00", 1)}}, "", ""},
		{"dates without a zone are days of the zone they are grouped by", autumnTables, probe.Buckets{Of: table("e"), By: column("day", ""), Per: probe.Day, Zone: newYork, From: utc("2013-11-03 04:00")},
			probe.BucketRows{First: utc("2013-11-02 04:00"), Watermark: utc("2013-11-04 05:00"), Class: probe.Date,
				Buckets: []probe.Bucket{day("2013-11-03 04:00", 2), day("2013-11-04 05:00", 1)}}, "", ""},
		{"dates of another zone fall into the day that holds their first moment", autumnTables, probe.Buckets{Of: table("e"), By: column("day", "UTC"), Per: probe.Day, Zone: newYork},
			probe.BucketRows{First: utc("2013-11-02"), Watermark: utc("2013-11-04"), Class: probe.Date,
				Buckets: []probe.Bucket{day("2013-11-01 04:00", 1), day("2013-11-02 04:00", 2), day("2013-11-03 04:00", 1)}}, "", ""},
		{"an empty table has no bucket and no first row", "create table e (ts timestamp);\n", probe.Buckets{Of: table("e"), By: column("ts", ""), Per: probe.Hour},
			probe.BucketRows{Class: probe.Naive}, "", ""},
		{"a condition filters", springTables, probe.Buckets{Of: table("e"), Where: "seg = 'y'", By: column("ts", ""), Per: probe.Day},
			probe.BucketRows{First: utc("2013-03-11 03:59:59"), Watermark: utc("2013-03-11 03:59:59"), Class: probe.Zoned, Buckets: []probe.Bucket{day("2013-03-11", 1)}}, "", ""},
	}
}
