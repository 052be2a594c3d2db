package warehousetest

import "github.com/pipewatch-dev/pipewatch/probe"

const trapTables = `create table cust (id int, region varchar(5));
create table ord (oid int, cid int, region varchar(5), ts timestamp with time zone);
insert into cust values (1, 'eu');
insert into cust values (1, 'eu');
insert into cust values (2, 'eu');
insert into cust values (3, null);
insert into cust values (null, 'us');
insert into ord values (1, 1, 'eu', '2026-01-01 00:10:00+00');
insert into ord values (2, 2, 'eu', '2026-01-01 00:20:00+00');
insert into ord values (3, 9, 'eu', '2026-01-01 01:10:00+00');
insert into ord values (4, null, 'eu', '2026-01-01 01:20:00+00');
insert into ord values (5, 3, null, '2026-01-01 02:10:00+00');
insert into ord values (6, 8, 'eu', '2026-01-01 03:55:00+00');
`

const typeTables = `create table child (i int, d decimal(12,2), f double precision, s varchar(10), b boolean, day date, wall timestamp, ts timestamp with time zone);
create table parent (i bigint, d decimal(10,0), f double precision, s varchar(20), b boolean, day date, wall timestamp, ts timestamp with time zone);
insert into child values (1, 1.00, 1, 'a', true, '2013-01-01', '2013-01-01 00:00:00', '2013-01-01 00:00:00+00');
insert into parent values (1, 1, 1, 'a', true, '2013-01-01', '2013-01-01 00:00:00', '2013-01-01 00:00:00+00');
`

// joins holds the cases of Coverage. The first fixture is the handbook's trap: a
// NULL parent defeats NOT IN, a duplicate parent multiplies an inner join.
func joins() []Case {
	window := probe.Window{By: column("ts", ""), From: utc("2026-01-01"), To: utc("2026-01-01 03:00")}
	ord := probe.Coverage{Child: table("ord"), Keys: probe.List("cid"), Parent: table("cust"), ParentKeys: probe.List("id"), Window: window}
	with := func(change func(*probe.Coverage)) probe.Coverage { c := ord; change(&c); return c }
	on := func(left, right string) probe.Coverage {
		return probe.Coverage{Child: table("child"), Keys: probe.List(left), Parent: table("parent"), ParentKeys: probe.List(right)}
	}
	trapped := probe.Joined{Total: 5, NullKeys: 1, Eligible: 4, Matched: 3, Orphans: 1, OrphanKeys: 1}
	one := probe.Covered{Joined: probe.Joined{Total: 1, Eligible: 1, Matched: 1}, MaxFanOut: 1}
	cases := []Case{
		{"the trap: total 5, null keys 1, eligible 4, matched 3, orphans 1", trapTables, ord,
			probe.Covered{Joined: trapped, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"NULL keys are eligible orphans on request, and no orphan key", trapTables, with(func(c *probe.Coverage) { c.NullsOrphan = true }),
			probe.Covered{Joined: probe.Joined{Total: 5, NullKeys: 1, Eligible: 5, Matched: 3, Orphans: 2, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"a composite key with a NULL in any part is a NULL key", trapTables,
			with(func(c *probe.Coverage) {
				c.Keys, c.ParentKeys = probe.List("cid", "region"), probe.List("id", "region")
			}),
			probe.Covered{Joined: probe.Joined{Total: 5, NullKeys: 2, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"without a window all rows count", trapTables, with(func(c *probe.Coverage) { c.Window = probe.Window{} }),
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 5, Matched: 3, Orphans: 2, OrphanKeys: 2}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"a condition is on the child's rows", trapTables, with(func(c *probe.Coverage) { c.Where = "region = 'eu'" }),
			probe.Covered{Joined: probe.Joined{Total: 4, NullKeys: 1, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"segments come worst first, NULL among them", trapTables, with(func(c *probe.Coverage) { c.Segment = "region" }),
			probe.Covered{Joined: trapped, DuplicateParentKeys: 1, MaxFanOut: 2, Segments: []probe.SegmentJoined{
				{Segment: "eu", Joined: probe.Joined{Total: 4, NullKeys: 1, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}},
				{Segment: "NULL", Joined: probe.Joined{Total: 1, Eligible: 1, Matched: 1}}}}, "", ""},
		{"an orphan key in two segments counts once in the total", `create table c (k int, seg int);
create table p (k int);
insert into c values (1, 1);
insert into c values (1, 2);
`, probe.Coverage{Child: table("c"), Keys: probe.List("k"), Parent: table("p"), ParentKeys: probe.List("k"), Segment: "seg"},
			probe.Covered{Joined: probe.Joined{Total: 2, Eligible: 2, Orphans: 2, OrphanKeys: 1}, Segments: []probe.SegmentJoined{
				{Segment: "1", Joined: probe.Joined{Total: 1, Eligible: 1, Orphans: 1, OrphanKeys: 1}},
				{Segment: "2", Joined: probe.Joined{Total: 1, Eligible: 1, Orphans: 1, OrphanKeys: 1}}}}, "", ""},
		{"an empty child has nothing eligible", "create table c (k int);\ncreate table p (k int);\ninsert into p values (1);\n",
			probe.Coverage{Child: table("c"), Keys: probe.List("k"), Parent: table("p"), ParentKeys: probe.List("k")}, probe.Covered{MaxFanOut: 1}, "", ""},
		{"an empty child with segments has no segment", "create table c (k int, s int);\ncreate table p (k int);\n",
			probe.Coverage{Child: table("c"), Keys: probe.List("k"), Parent: table("p"), ParentKeys: probe.List("k"), Segment: "s"}, probe.Covered{}, "", ""},
		{"a query joins a query", trapTables,
			probe.Coverage{Child: query("select cid as k from ord;"), Keys: probe.List("k"), Parent: query("select id from cust where region = 'eu'"), ParentKeys: probe.List("id")},
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 5, Matched: 2, Orphans: 3, OrphanKeys: 3}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"a table joins itself", trapTables, probe.Coverage{Child: table("ord"), Keys: probe.List("cid"), Parent: table("ord"), ParentKeys: probe.List("oid")},
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 5, Matched: 3, Orphans: 2, OrphanKeys: 2}, MaxFanOut: 1}, "", ""},
		{"stretches of time are those of a zone, and rows outside of them do not count", trapTables, with(func(c *probe.Coverage) {
			c.Window, c.Per, c.Zone = probe.Window{By: column("ts", ""), To: utc("2026-01-01 03:30")}, probe.Hour, newYork
		}),
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 5, Matched: 3, Orphans: 2}, Cohorts: []probe.CohortJoined{
				{Start: utc("2026-01-01 00:00"), End: utc("2026-01-01 01:00"), Eligible: 2, Matched: 2},
				{Start: utc("2026-01-01 01:00"), End: utc("2026-01-01 02:00"), Eligible: 1},
				{Start: utc("2026-01-01 02:00"), End: utc("2026-01-01 03:00"), Eligible: 1, Matched: 1},
				{Start: utc("2026-01-01 03:00"), End: utc("2026-01-01 04:00"), Eligible: 1}}}, "", ""},
		{"a join per day counts NULL keys as orphans on request", trapTables, with(func(c *probe.Coverage) {
			c.Window, c.Per, c.Zone, c.NullsOrphan = probe.Window{By: column("ts", "")}, probe.Day, newYork, true
		}),
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 6, Matched: 3, Orphans: 3}, Cohorts: []probe.CohortJoined{
				{Start: utc("2025-12-31 05:00"), End: utc("2026-01-01 05:00"), Eligible: 6, Matched: 3}}}, "", ""},
		{"parents are counted by their keys, and those that a row of the window has", trapTables, with(func(c *probe.Coverage) { c.Parents = true }),
			probe.Covered{Joined: trapped, DuplicateParentKeys: 1, MaxFanOut: 2, ParentKeys: 3, ParentsMatched: 3}, "", ""},
		{"a condition on the child leaves parents without a row", trapTables, with(func(c *probe.Coverage) { c.Parents, c.Where = true, "oid <> 1" }),
			probe.Covered{Joined: probe.Joined{Total: 4, NullKeys: 1, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2, ParentKeys: 3, ParentsMatched: 2}, "", ""},
		{"a parent that two segments have counts once", trapTables, with(func(c *probe.Coverage) { c.Parents, c.Segment, c.Where = true, "oid", "oid in (1, 2, 3)" }),
			probe.Covered{Joined: probe.Joined{Total: 3, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2, ParentKeys: 3, ParentsMatched: 2, Segments: []probe.SegmentJoined{
				{Segment: "3", Joined: probe.Joined{Total: 1, Eligible: 1, Orphans: 1, OrphanKeys: 1}},
				{Segment: "1", Joined: probe.Joined{Total: 1, Eligible: 1, Matched: 1}},
				{Segment: "2", Joined: probe.Joined{Total: 1, Eligible: 1, Matched: 1}}}}, "", ""},
		{"a parent's key of several columns is none with a NULL in any part", trapTables, with(func(c *probe.Coverage) {
			c.Parents, c.Keys, c.ParentKeys = true, probe.List("cid", "region"), probe.List("id", "region")
		}),
			probe.Covered{Joined: probe.Joined{Total: 5, NullKeys: 2, Eligible: 3, Matched: 2, Orphans: 1, OrphanKeys: 1}, DuplicateParentKeys: 1, MaxFanOut: 2, ParentKeys: 2, ParentsMatched: 2}, "", ""},
		{"an empty child covers no parent, and an empty parent has none", "create table c (k int);\ncreate table p (k int);\ninsert into p values (1), (2), (null);\n",
			probe.Coverage{Child: table("c"), Keys: probe.List("k"), Parent: table("p"), ParentKeys: probe.List("k"), Parents: true}, probe.Covered{MaxFanOut: 1, ParentKeys: 2}, "", ""},
		{"a join per day counts no parents", trapTables, with(func(c *probe.Coverage) { c.Per, c.Parents = probe.Day, true }), nil, probe.Statement, "no count of parents"},
		{"a join per day has no segments", trapTables, with(func(c *probe.Coverage) { c.Per, c.Segment = probe.Day, "region" }), nil, probe.Statement, "no segments"},

		{"text does not compare with a number", typeTables, on("s", "i"), nil, probe.KeyTypes, "child.s is "},
		{"a boolean does not compare with a number", typeTables, on("b", "i"), nil, probe.KeyTypes, "parent.i is "},
		{"a date does not compare with text", typeTables, on("day", "s"), nil, probe.KeyTypes, "parent.s is "},
		{"an absent key column is named with those there are", typeTables, on("nope", "i"), nil, probe.NoColumn, `child has no column "nope"; it has i, d, f, s`},
		{"an absent parent column is looked for in the parent", typeTables, on("i", "ii"), nil, probe.NoColumn, `parent has no column "ii"; did you mean "i"?`},
		{"two connections are refused", typeTables, probe.Coverage{Child: table("child"), Keys: probe.List("i"), Parent: probe.Relation{Conn: "other", Table: probe.List("p")}, ParentKeys: probe.List("i")},
			nil, probe.Refused, "not available yet"},
		{"as many keys on the left as on the right", typeTables, probe.Coverage{Child: table("child"), Keys: probe.List("i", "d"), Parent: table("parent"), ParentKeys: probe.List("i")},
			nil, probe.Statement, "2 columns on the left, 1 on the right"},
	}
	for _, pair := range [][2]string{{"i", "d"}, {"i", "f"}, {"d", "i"}, {"f", "d"}, {"s", "s"}, {"b", "b"}, {"day", "day"}, {"wall", "ts"}, {"ts", "wall"}, {"day", "wall"}} {
		cases = append(cases, Case{pair[0] + " compares with " + pair[1], typeTables, on(pair[0], pair[1]), one, "", ""})
	}
	return cases
}
