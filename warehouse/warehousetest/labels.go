package warehousetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

const smallTables = `create table ex (k int, day date, wall timestamp);
create table lb (k int, ts timestamp, v varchar(5));
insert into ex values (1, '2013-11-03', '2013-11-03 12:00:00');
insert into ex values (2, '2013-11-03', '2013-11-03 12:00:00');
insert into ex values (3, '2013-11-04', '2013-11-04 12:00:00');
insert into ex values (null, '2013-11-04', '2013-11-04 12:00:00');
insert into lb values (1, '2013-11-04 05:00:00', 'a');
insert into lb values (1, '2013-11-04 06:00:00', 'b');
insert into lb values (2, '2013-11-04 05:00:01', 'a');
insert into lb values (2, '2013-11-09 00:00:00', 'b');
insert into lb values (7, '2013-11-05 00:00:00', 'a');
insert into lb values (3, null, 'a');
insert into lb values (null, '2013-11-05 00:00:00', 'a');
`

// labels holds the cases of Cohorts. The first fixture is the handbook's: ten days
// of ten examples, half labelled after 20 hours and 40 % after 60, a broken day, one
// label that is older than its example, one that has none.
func labels() []Case {
	setup := "create table pred (id int, ts timestamp with time zone);\ncreate table lab (id int, observed_at timestamp with time zone, y int);\n"
	setup += fixture()
	ask := probe.Cohorts{Of: table("pred"), EventTime: column("ts", ""), Keys: probe.List("id"), Labels: table("lab"), LabelKeys: probe.List("id"),
		LabelledAt: column("observed_at", ""), Per: probe.Day, At: utc("2026-01-10 12:00"), Ages: probe.List("86400", "259200")}
	with := func(change func(*probe.Cohorts)) probe.Cohorts { c := ask; change(&c); return c }
	day := func(d int, eligible, labelled, early int64, ages ...int64) probe.Cohort {
		start := utc("2026-01-01") + probe.Instant(int64(d-1)*86400e9)
		return probe.Cohort{Start: start, End: start + 86400e9, Eligible: eligible, Labelled: labelled, Early: early, AtAge: ages}
	}
	dated := probe.Cohorts{Of: table("ex"), EventTime: column("day", newYork), Keys: probe.List("k"), Labels: table("lb"), LabelKeys: probe.List("k"),
		LabelledAt: column("ts", ""), Value: "v", Per: probe.Day, Zone: newYork, At: utc("2013-11-06"), Ages: probe.List("0")}
	return []Case{
		{"the handbook's cohorts", setup, ask, probe.CohortList{
			Labels: 67, OrphanLabels: 1, LabelWatermark: utc("2026-01-10 08:00"), FutureLabels: 17,
			Cohorts: []probe.Cohort{day(1, 10, 9, 1, 5, 9), day(2, 10, 9, 0, 5, 9), day(3, 10, 9, 0, 5, 9), day(4, 10, 9, 0, 5, 9), day(5, 10, 9, 0, 5, 9),
				day(6, 10, 9, 0, 5, 9), day(7, 10, 1, 0, 1, 1), day(8, 10, 5, 0, 5, 5), day(9, 10, 5, 0, 5, 5), day(10, 10, 0, 0, 0, 0)}}, "", ""},
		{"only cohorts that start in the range, and still all labels", setup,
			with(func(c *probe.Cohorts) { c.From, c.To, c.Ages = utc("2026-01-07"), utc("2026-01-08"), "" }),
			probe.CohortList{Labels: 67, OrphanLabels: 1, LabelWatermark: utc("2026-01-10 08:00"), FutureLabels: 17, Cohorts: []probe.Cohort{day(7, 10, 1, 0)}}, "", ""},
		{"a range without examples still tells about the labels", setup, with(func(c *probe.Cohorts) { c.From = utc("2027-01-01") }),
			probe.CohortList{Labels: 67, OrphanLabels: 1, LabelWatermark: utc("2026-01-10 08:00"), FutureLabels: 17}, "", ""},
		{"a condition filters examples and makes no label an orphan", setup, with(func(c *probe.Cohorts) { c.Where, c.Ages, c.To = "id <= 105", "", utc("2026-01-02") }),
			probe.CohortList{Labels: 67, OrphanLabels: 1, LabelWatermark: utc("2026-01-10 08:00"), FutureLabels: 17, Cohorts: []probe.Cohort{day(1, 5, 5, 1)}}, "", ""},
		{"an earlier moment knows fewer labels", setup, with(func(c *probe.Cohorts) { c.At, c.To, c.Ages = utc("2026-01-02 12:00"), utc("2026-01-02"), "" }),
			probe.CohortList{Labels: 7, OrphanLabels: 1, LabelWatermark: utc("2026-01-02 11:00"), FutureLabels: 77, Cohorts: []probe.Cohort{day(1, 10, 5, 1)}}, "", ""},
		{"a day of 25 hours ends at the next local midnight, and age counts from there", smallTables, dated, probe.CohortList{
			Labels: 5, OrphanLabels: 2, LabelWatermark: utc("2013-11-05"), FutureLabels: 1, Cohorts: []probe.Cohort{
				{Start: utc("2013-11-03 04:00"), End: utc("2013-11-04 05:00"), Eligible: 2, Labelled: 2, Conflicting: 1, AtAge: []int64{1}},
				{Start: utc("2013-11-04 05:00"), End: utc("2013-11-05 05:00"), Eligible: 2, AtAge: []int64{0}}}}, "", ""},
		{"naive event times on the clock of the zone", smallTables, func() probe.Cohorts {
			c := dated
			c.EventTime, c.Value, c.Per = column("wall", newYork), "", probe.Week
			return c
		}(), probe.CohortList{Labels: 5, OrphanLabels: 2, LabelWatermark: utc("2013-11-05"), FutureLabels: 1, Cohorts: []probe.Cohort{
			{Start: utc("2013-10-28 04:00"), End: utc("2013-11-04 05:00"), Eligible: 2, Labelled: 2, AtAge: []int64{1}},
			{Start: utc("2013-11-04 05:00"), End: utc("2013-11-11 05:00"), Eligible: 2, AtAge: []int64{0}}}}, "", ""},
		{"hours are cohorts too", smallTables, func() probe.Cohorts {
			c := dated
			c.EventTime, c.Value, c.Per, c.Ages = column("wall", ""), "", probe.Hour, probe.List("57600", "57601")
			return c
		}(), probe.CohortList{Labels: 5, OrphanLabels: 2, LabelWatermark: utc("2013-11-05"), FutureLabels: 1, Cohorts: []probe.Cohort{
			{Start: utc("2013-11-03 12:00"), End: utc("2013-11-03 13:00"), Eligible: 2, Labelled: 2, AtAge: []int64{1, 2}},
			{Start: utc("2013-11-04 12:00"), End: utc("2013-11-04 13:00"), Eligible: 2, AtAge: []int64{0, 0}}}}, "", ""},
		{"no labels at all", "create table ex (k int, day date);\ncreate table lb (k int, ts timestamp);\ninsert into ex values (1, '2013-11-03');\n",
			probe.Cohorts{Of: table("ex"), EventTime: column("day", ""), Keys: probe.List("k"), Labels: table("lb"), LabelKeys: probe.List("k"), LabelledAt: column("ts", ""), Per: probe.Day, At: utc("2013-11-06")},
			probe.CohortList{Cohorts: []probe.Cohort{{Start: utc("2013-11-03"), End: utc("2013-11-04"), Eligible: 1}}}, "", ""},
		{"keys that do not compare", smallTables, func() probe.Cohorts { c := dated; c.LabelKeys = probe.List("v"); return c }(), nil, probe.KeyTypes, "lb.v is "},
		{"an absent value column", smallTables, func() probe.Cohorts { c := dated; c.Value = "vv"; return c }(), nil, probe.NoColumn, `did you mean "v"?`},
	}
}

// fixture fills pred and lab.
func fixture() string {
	var pred, lab []string
	stamp := func(t time.Time) string { return t.Format("'2006-01-02 15:04:05+00'") }
	for d := 1; d <= 10; d++ {
		happened := time.Date(2026, 1, d, 12, 0, 0, 0, time.UTC)
		for i := 1; i <= 10; i++ {
			id := d*100 + i
			pred = append(pred, fmt.Sprintf("(%d, %s)", id, stamp(happened)))
			if i == 10 || d == 7 && i > 1 {
				continue // never labelled
			}
			wait := 20 * time.Hour
			if i > 5 {
				wait = 60 * time.Hour
			}
			lab = append(lab, fmt.Sprintf("(%d, %s, 1)", id, stamp(happened.Add(wait))))
		}
	}
	lab = append(lab, "(101, '2026-01-01 11:00:00+00', 1)", "(9999, '2026-01-02 11:00:00+00', 1)")
	return "insert into pred values " + strings.Join(pred, ", ") + ";\ninsert into lab values " + strings.Join(lab, ", ") + ";\n"
}
