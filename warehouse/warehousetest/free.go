package warehousetest

import "github.com/pipewatch-dev/pipewatch/probe"

// free holds the cases of what people write themselves: Scalar, conditions and
// queries.
func free() []Case {
	const t = "create table t (a int, s varchar(5), ts timestamp with time zone);\ninsert into t values (1, 'x', '2013-06-15 11:00:00+00');\ninsert into t values (2, 'y', '2013-06-15 13:00:00+00');\n"
	scalar := func(sql string) probe.Scalar { return probe.Scalar{Conn: "wh", SQL: sql} }
	number := func(n float64) probe.ScalarValue { return probe.ScalarValue{Number: n} }
	return []Case{
		{"one number", t, scalar("select count(*) from t"), number(2), "", ""},
		{"a semicolon and a comment at the end", t, scalar("select max(a) from t -- newest\n;\n"), number(2), "", ""},
		{"a fraction", t, scalar("select cast(1.25 as decimal(10,2))"), number(1.25), "", ""},
		{"a large whole number", t, scalar("select 4611686018427387904"), number(4611686018427387904), "", ""},
		{"a common table expression", t, scalar("with x as (select a from t) select sum(a) from x"), number(3), "", ""},
		{"no row is nothing", t, scalar("select a from t where a > 5"), probe.ScalarValue{Null: true}, "", ""},
		{"NULL is nothing", t, scalar("select max(a) from t where a > 5"), probe.ScalarValue{Null: true}, "", ""},
		{"the moment of the run", t, scalar("select count(*) from t where ts <= {{ as_of }}"), number(1), "", ""},
		{"the moment of the run in a condition", t, probe.Rows{Of: table("t"), Where: "ts > {{as_of}}"}, int64(1), "", ""},
		{"the moment of the run in a query", t, probe.Rows{Of: query("select * from t where ts > {{ as_of }}")}, int64(1), "", ""},
		{"several rows are no answer", t, scalar("select a from t"), nil, probe.BadAnswer, "several rows"},
		{"several columns are no answer", t, scalar("select a, s from t"), nil, probe.BadAnswer, "2 columns"},
		{"text is no answer", t, scalar("select max(s) from t"), nil, probe.BadAnswer, "text"},
		{"a truth is no answer", t, scalar("select count(*) = 2 from t"), nil, probe.BadAnswer, "cast it as integer"},
		{"a time is no answer", t, scalar("select max(ts) from t"), nil, probe.BadAnswer, "a time"},
		{"two statements are refused", t, scalar("select 1; select 2"), nil, probe.Refused, "2"},
		{"a statement that changes something is refused", t, scalar("delete from t"), nil, probe.Refused, "SELECT"},
		{"nothing at all is refused", t, scalar(" -- nothing"), nil, probe.Refused, "0"},
		{"an unknown table of a text", t, scalar("select count(*) from tt"), nil, probe.NoTable, "tt"},
		{"an unknown column of a condition", t, probe.Rows{Of: table("t"), Where: "b = 1"}, nil, probe.NoColumn, "b"},
		{"a condition that closes its parenthesis", t, probe.Rows{Of: table("t"), Where: "1 = 1) or (1 = 1"}, nil, probe.Statement, "syntax"},
		{"a condition that adds a SELECT", t, probe.Rows{Of: table("t"), Where: "1 = 1) union select (1"}, nil, probe.Statement, "syntax"},
		{"a condition that is a list", t, probe.Rows{Of: table("t"), Where: "a = 1, a = 2"}, nil, probe.Refused, "one condition"},
		{"a condition with an order", t, probe.Rows{Of: table("t"), Where: "a = 1 order by 1"}, nil, probe.Refused, "one condition"},
		{"a condition with a subquery", t, probe.Rows{Of: table("t"), Where: "a = (select max(a) from t)"}, int64(1), "", ""},
		{"a condition whose comment has no end", t, probe.Rows{Of: table("t"), Where: "a = 1 /* "}, nil, probe.Statement, "comment"},
		{"a condition of two lines with a comment", t, probe.Rows{Of: table("t"), Where: "a = 1 -- one\nor a = 2 -- two"}, int64(2), "", ""},
	}
}

// controlTables holds the cases of LastRuns.
func controlTables() []Case {
	const jobs = `create table jobs (run_id int, Started_At timestamp, ended_at timestamp, state varchar(20));
insert into jobs values (1, '2013-06-14 08:00:00', '2013-06-14 09:00:00', 'success');
insert into jobs values (3, '2013-06-16 08:00:00', null, 'Läuft');
insert into jobs values (2, '2013-06-15 08:00:00', '2013-06-15 08:30:00', 'failed');
insert into jobs values (4, null, null, 'queued');
`
	run := func(id, state, started, ended string) probe.JobRun {
		r := probe.JobRun{ID: id, State: state}
		if started != "" {
			r.Started = utc(started)
		}
		if ended != "" {
			r.Ended = utc(ended)
		}
		return r
	}
	runs := func(sql, zone string) probe.LastRuns {
		return probe.LastRuns{Conn: "wh", Job: "load", SQL: sql, Zone: zone}
	}
	return []Case{
		{"runs, newest first, those without a start last", jobs, runs("select * from jobs", ""), []probe.JobRun{
			run("3", "Läuft", "2013-06-16 08:00", ""), run("2", "failed", "2013-06-15 08:00", "2013-06-15 08:30"),
			run("1", "success", "2013-06-14 08:00", "2013-06-14 09:00"), run("4", "queued", "", "")}, "", ""},
		{"runs whose ids are all of a large table", jobs, runs("select repeat('x', 1000000) as run_id, a.started_at, a.ended_at, a.state from jobs a, jobs b, jobs c, jobs d", ""),
			nil, probe.BadAnswer, "more than 128 MiB"},
		{"runs on the clock of a zone", jobs, runs("select * from jobs where run_id = 1", newYork),
			[]probe.JobRun{run("1", "success", "2013-06-14 12:00", "2013-06-14 13:00")}, "", ""},
		{"an empty control table has no runs", jobs, runs("select * from jobs where 1 = 0", ""), []probe.JobRun{}, "", ""},
		{"a control table lacks a column", jobs, runs("select run_id, started_at, state from jobs", ""), nil, probe.NoColumn, `"ended_at"`},
		{"a control table must be asked for", jobs, runs("", ""), nil, probe.Statement, "run_id, started_at, ended_at, state"},
	}
}
