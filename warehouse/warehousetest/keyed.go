package warehousetest

import "github.com/pipewatch-dev/pipewatch/probe"

const keyedTables = `create table cust (id bigint primary key, region varchar(5) not null, code int not null, unique (region, code));
create table ord (oid int primary key, cid bigint, region varchar(5), code int, ts timestamp with time zone);
insert into cust values (1, 'eu', 1);
insert into cust values (2, 'eu', 2);
insert into cust values (3, 'us', 1);
insert into ord values (1, 1, 'eu', 1, '2026-01-01 00:10:00+00');
insert into ord values (2, 1, 'eu', null, '2026-01-01 00:20:00+00');
insert into ord values (3, 9, 'us', 1, '2026-01-01 01:10:00+00');
insert into ord values (4, null, null, null, '2026-01-01 01:20:00+00');
insert into ord values (5, 9, 'us', 2, '2026-01-01 02:10:00+00');
insert into ord values (6, 8, 'us', 2, '2026-01-01 03:55:00+00');
`

// keyed holds cases over tables whose keys a constraint keeps: an engine may answer
// them with less work, and never otherwise.
func keyed() []Case {
	window := probe.Window{By: column("ts", ""), From: utc("2026-01-01"), To: utc("2026-01-01 03:00")}
	ord := probe.Coverage{Child: table("ord"), Keys: probe.List("cid"), Parent: table("cust"), ParentKeys: probe.List("id")}
	with := func(change func(*probe.Coverage)) probe.Coverage { c := ord; change(&c); return c }
	rule := func(r probe.Rule, columns ...string) probe.BadRows {
		return probe.BadRows{Of: table("cust"), Rule: r, Columns: probe.List(columns...)}
	}
	all := probe.Joined{Total: 6, NullKeys: 1, Eligible: 5, Matched: 2, Orphans: 3, OrphanKeys: 2}
	return []Case{
		{"a parent with a key has no duplicates", keyedTables, ord, probe.Covered{Joined: all, MaxFanOut: 1}, "", ""},
		{"a window is on the rows of the child, also where the parent has a key", keyedTables, with(func(c *probe.Coverage) { c.Window = window }),
			probe.Covered{Joined: probe.Joined{Total: 5, NullKeys: 1, Eligible: 4, Matched: 2, Orphans: 2, OrphanKeys: 1}, MaxFanOut: 1}, "", ""},
		{"a condition is on the rows of the child, also where the parent has its columns", keyedTables, with(func(c *probe.Coverage) { c.Where = "region = 'us'" }),
			probe.Covered{Joined: probe.Joined{Total: 3, Eligible: 3, Orphans: 3, OrphanKeys: 2}, MaxFanOut: 1}, "", ""},
		{"NULL keys are eligible orphans on request, also where the parent has a key", keyedTables, with(func(c *probe.Coverage) { c.NullsOrphan = true }),
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 1, Eligible: 6, Matched: 2, Orphans: 4, OrphanKeys: 2}, MaxFanOut: 1}, "", ""},
		{"a parent may have a key of several columns", keyedTables, with(func(c *probe.Coverage) {
			c.Keys, c.ParentKeys = probe.List("code", "region"), probe.List("code", "region")
		}), probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 2, Eligible: 4, Matched: 2, Orphans: 2, OrphanKeys: 1}, MaxFanOut: 1}, "", ""},
		{"parents are counted also where they have a key", keyedTables, with(func(c *probe.Coverage) { c.Parents = true }),
			probe.Covered{Joined: all, MaxFanOut: 1, ParentKeys: 3, ParentsMatched: 1}, "", ""},
		{"a part of a key is no key", keyedTables, with(func(c *probe.Coverage) { c.Keys, c.ParentKeys = probe.List("code"), probe.List("code") }),
			probe.Covered{Joined: probe.Joined{Total: 6, NullKeys: 2, Eligible: 4, Matched: 4}, DuplicateParentKeys: 1, MaxFanOut: 2}, "", ""},
		{"a key has no duplicates", keyedTables, rule(probe.Duplicates, "id"), probe.Bad{Rows: 3}, "", ""},
		{"a key of two columns has no duplicates, in any order", keyedTables, rule(probe.Duplicates, "code", "region"), probe.Bad{Rows: 3}, "", ""},
		{"a part of a key has duplicates", keyedTables, rule(probe.Duplicates, "region"), probe.Bad{Bad: 1, Rows: 3}, "", ""},
		{"a column that is never NULL has no NULLs", keyedTables, rule(probe.Nulls, "region"), probe.Bad{Rows: 3}, "", ""},
	}
}
