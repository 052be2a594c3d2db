package warehousetest

import "github.com/pipewatch-dev/pipewatch/probe"

// values holds the cases of BadRows.
func values() []Case {
	const orders = `create table orders (id int, customer int, status varchar(10), amount decimal(10,2), ratio double precision, paid boolean, day date, wall timestamp, ts timestamp with time zone);
insert into orders values (1, 10, 'paid', 5.00, 0.5, true, '2013-01-01', '2013-01-01 10:00:00', '2013-01-01 10:00:00+00');
insert into orders values (1, 10, 'open', -1.00, 1.5, false, '2013-01-02', '2013-01-02 10:00:00', '2013-01-02 10:00:00+00');
insert into orders values (1, 11, 'it''s', 10.00, 0.0, true, '2013-01-03', '2013-01-03 10:00:00', '2013-01-03 10:00:00+00');
insert into orders values (2, null, null, null, null, null, null, null, null);
insert into orders values (null, 12, 'paid', 10.01, 1.0, true, '2013-01-04', '2013-01-04 10:00:00', '2013-01-04 10:00:00+00');
insert into orders values (null, 12, 'paid', 10.01, 1.0, true, '2013-01-04', '2013-01-04 10:00:00', '2013-01-04 10:00:00+00');
`
	const floats = `create table small (r real, f float);
insert into small values (0.1, 0.1), (16777216, 0.1), (null, null);
`
	of := func(name string, q probe.BadRows) probe.BadRows {
		q.Of = table(name)
		return q
	}
	rule := func(r probe.Rule, columns ...string) probe.BadRows {
		return probe.BadRows{Of: table("orders"), Rule: r, Columns: probe.List(columns...)}
	}
	accepted := func(column string, items ...string) probe.BadRows {
		q := rule(probe.Unexpected, column)
		q.Accepted = probe.List(items...)
		return q
	}
	between := func(column, low, high string) probe.BadRows {
		q := rule(probe.OutOfRange, column)
		q.Min, q.Max = low, high
		return q
	}
	windowed := func(q probe.BadRows) probe.BadRows {
		q.Window = probe.Window{By: column("day", ""), From: utc("2013-01-02"), To: utc("2013-01-04")}
		return q
	}
	bad := func(n, rows int64) probe.Bad { return probe.Bad{Bad: n, Rows: rows} }
	return []Case{
		{"NULLs of a column", orders, rule(probe.Nulls, "customer"), bad(1, 6), "", ""},
		{"NULLs in a window", orders, windowed(rule(probe.Nulls, "customer")), bad(0, 2), "", ""},
		{"rows beyond the first of each key, and NULL is no duplicate", orders, rule(probe.Duplicates, "id"), bad(2, 6), "", ""},
		{"a composite key with a NULL in any part is no duplicate", orders, rule(probe.Duplicates, "id", "customer"), bad(1, 6), "", ""},
		{"duplicates in a window", orders, windowed(rule(probe.Duplicates, "id")), bad(1, 2), "", ""},
		{"an unexpected word, and NULL is none", orders, accepted("status", `"paid"`, `"open"`), bad(1, 6), "", ""},
		{"a quote in an accepted word", orders, accepted("status", `"paid"`, `"open"`, `"it's"`), bad(0, 6), "", ""},
		{"accepted numbers", orders, accepted("id", "1", "3"), bad(1, 6), "", ""},
		{"an accepted number that is whole matches a decimal", orders, accepted("amount", "5", "10", "10.01", "null"), bad(1, 6), "", ""},
		{"an accepted truth", orders, accepted("paid", "true"), bad(1, 6), "", ""},
		{"an accepted date", orders, accepted("day", `"2013-01-01"`, `"2013-01-04"`), bad(2, 6), "", ""},
		{"nothing accepted makes everything unexpected but NULL", orders, accepted("status"), bad(5, 6), "", ""},
		{"an accepted number of a float of 32 bits", floats, of("small", accepted("r", "0.1", "16777216")), bad(0, 3), "", ""},
		{"another name of floats", floats, of("small", accepted("f", "0.1")), bad(0, 3), "", ""},
		{"a float of 32 bits at the end of its range", floats, of("small", between("r", "0.1", "16777216")), bad(0, 3), "", ""},
		{"a float of 32 bits at the other end of its range", floats, of("small", between("r", "", "0.1")), bad(1, 3), "", ""},
		{"another name of floats at the end of its range", floats, of("small", between("f", "0.1", "0.1")), bad(0, 3), "", ""},
		{"a float beyond the end of its range", floats, of("small", between("r", "0.10001", "16777215")), bad(2, 3), "", ""},
		{"a range beyond all floats of 32 bits", floats, of("small", between("r", "1e-60", "1e60")), bad(0, 3), "", ""},
		{"a range includes its limits", orders, between("amount", "-1", "10"), bad(2, 6), "", ""},
		{"a range with an open end", orders, between("ratio", "", "1"), bad(1, 6), "", ""},
		{"a range of naive times", orders, between("wall", `"2013-01-02 10:00:00"`, ""), bad(1, 6), "", ""},
		{"a range of moments", orders, between("ts", "", `"2013-01-02T05:00:00-05:00"`), bad(3, 6), "", ""},
		{"a range of words", orders, between("status", `"open"`, ""), bad(1, 6), "", ""},
		{"an empty table has no rows to be bad", "create table orders (id int);\n", rule(probe.Nulls, "id"), bad(0, 0), "", ""},
		{"an empty table has no duplicates", "create table orders (id int);\n", rule(probe.Duplicates, "id"), bad(0, 0), "", ""},

		{"a number is no word", orders, accepted("status", "3"), nil, probe.KeyTypes, `3 does not compare`},
		{"a word is no number", orders, accepted("id", `"1"`), nil, probe.KeyTypes, "write a number without quotes"},
		{"a word is no date", orders, between("day", `"soon"`, ""), nil, probe.KeyTypes, `"2013-07-04"`},
		{"an absent column", orders, rule(probe.Nulls, "custmer"), nil, probe.NoColumn, `did you mean "customer"?`},
		{"a range without limits", orders, between("amount", "", ""), nil, probe.Statement, "neither min nor max"},
	}
}

// names holds the cases of identifiers and of what is not there.
func names() []Case {
	const odd = `create table "Select" ("order" int, "Group" int, "a ""b"" c" int, "ünï" int);
insert into "Select" values (1, null, 1, 1);
`
	return []Case{
		{"reserved words, quotes and letters of other languages are names", odd,
			probe.BadRows{Of: table("Select"), Rule: probe.Duplicates, Columns: probe.List("order", `a "b" c`, "ünï")}, probe.Bad{Rows: 1}, "", ""},
		{"an upper-case name", odd, probe.BadRows{Of: table("Select"), Rule: probe.Nulls, Columns: probe.List("Group")}, probe.Bad{Bad: 1, Rows: 1}, "", ""},
		{"a name that would end the statement is only a name", odd, probe.Rows{Of: table(`x"; drop table "Select`)}, nil, probe.NoTable, "does not exist"},
		{"an absent table is named with one that is near", "create table orders (id int);\n", probe.Rows{Of: table("order")}, nil, probe.NoTable, `did you mean "orders"?`},
		{"an absent table of a schema", "create table orders (id int);\n", probe.Rows{Of: table("staging", "orders")}, nil, probe.NoTable, `"staging.orders" does not exist`},
		{"a table of a schema", "create schema staging;\ncreate table staging.orders (id int);\ninsert into staging.orders values (1);\n",
			probe.Rows{Of: table("staging", "orders")}, int64(1), "", ""},
		{"a view", "create table t (id int);\ninsert into t values (1);\ncreate view v as select id, id as other from t;\n",
			probe.BadRows{Of: table("v"), Rule: probe.Nulls, Columns: probe.List("other")}, probe.Bad{Rows: 1}, "", ""},
	}
}
