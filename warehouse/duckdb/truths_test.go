package duckdb_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

const newYork = "America/New_York"

func at(s string) probe.Instant {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return probe.At(t)
}

// flights is the example's tables as views over its files.
func flights(t *testing.T, more ...string) *warehouse.Source {
	var init []string
	for _, name := range []string{"flights", "weather", "planes", "airports", "airlines"} {
		init = append(init, "create view "+name+" as select * from 'data/"+name+".parquet'")
	}
	return open(t, duckdb.Options{Dir: "../../examples", Init: append(init, more...)})
}

// The figures were computed twice by others, with pandas and with SQL, from the
// flights of New York in 2013.
func TestTheFiguresOfTheFlightsAreExact(t *testing.T) {
	hour := probe.TimeColumn{Name: "time_hour"}
	joined := func(total, null, matched, orphanKeys int64) probe.Covered {
		return probe.Covered{Joined: probe.Joined{Total: total, NullKeys: null, Eligible: total - null, Matched: matched,
			Orphans: total - null - matched, OrphanKeys: orphanKeys}, MaxFanOut: 1}
	}
	weather := func(end string) probe.Coverage {
		q := probe.Coverage{Child: rel("flights"), Keys: probe.List("origin", "time_hour"), Parent: rel("weather"), ParentKeys: probe.List("origin", "time_hour")}
		if end != "" {
			q.Window = probe.Window{By: hour, From: at(end) - probe.Instant(7*24*time.Hour), To: at(end)}
		}
		return q
	}
	unique := func(table string, keys ...string) probe.BadRows {
		return probe.BadRows{Of: rel(table), Rule: probe.Duplicates, Columns: probe.List(keys...)}
	}
	nulls := func(table, column string) probe.BadRows {
		return probe.BadRows{Of: rel(table), Rule: probe.Nulls, Columns: probe.List(column)}
	}
	cases := []struct {
		q    probe.Question
		want any
	}{
		{probe.Rows{Of: rel("planes")}, int64(3322)},
		{probe.Rows{Of: rel("airports")}, int64(1458)},
		{probe.Rows{Of: rel("airlines")}, int64(16)},
		{probe.Watermark{Of: rel("flights"), Column: hour}, probe.Mark{Rows: 336776, Timed: 336776, Max: at("2014-01-01T04:00:00Z"), Class: probe.Zoned}},
		{probe.Watermark{Of: rel("weather"), Column: hour}, probe.Mark{Rows: 26115, Timed: 26115, Max: at("2013-12-30T23:00:00Z"), Class: probe.Zoned}},
		{nulls("flights", "tailnum"), probe.Bad{Bad: 2512, Rows: 336776}},
		{nulls("flights", "dep_time"), probe.Bad{Bad: 8255, Rows: 336776}},
		{nulls("flights", "arr_time"), probe.Bad{Bad: 8713, Rows: 336776}},
		{nulls("flights", "arr_delay"), probe.Bad{Bad: 9430, Rows: 336776}},
		{nulls("weather", "wind_gust"), probe.Bad{Bad: 20778, Rows: 26115}},
		{nulls("airports", "tzone"), probe.Bad{Bad: 3, Rows: 1458}},
		{probe.Coverage{Child: rel("flights"), Keys: probe.List("dest"), Parent: rel("airports"), ParentKeys: probe.List("faa")}, joined(336776, 0, 329174, 4)},
		{probe.Coverage{Child: rel("flights"), Keys: probe.List("tailnum"), Parent: rel("planes"), ParentKeys: probe.List("tailnum")}, joined(336776, 2512, 284170, 721)},
		{weather(""), joined(336776, 0, 335220, 108)},
		{weather("2013-02-12T00:00:00Z"), joined(6099, 0, 6099, 0)},
		{weather("2013-06-15T12:00:00Z"), joined(6619, 0, 6619, 0)},
		{weather("2013-11-05T00:00:00Z"), joined(6355, 0, 6260, 10)},
		{weather("2014-01-01T05:00:00Z"), joined(6064, 0, 5132, 65)},
		{unique("planes", "tailnum"), probe.Bad{Rows: 3322}},
		{unique("airports", "faa"), probe.Bad{Rows: 1458}},
		{unique("airlines", "carrier"), probe.Bad{Rows: 16}},
		{unique("weather", "origin", "time_hour"), probe.Bad{Rows: 26115}},
		{unique("weather", "origin", "year", "month", "day", "hour"), probe.Bad{Bad: 3, Rows: 26115}},
		{unique("flights", "time_hour", "carrier", "flight", "origin"), probe.Bad{Rows: 336776}},
		{unique("flights", "year", "month", "day", "carrier", "flight"), probe.Bad{Bad: 24, Rows: 336776}},
	}
	var qs []probe.Question
	for _, c := range cases {
		qs = append(qs, c.q)
	}
	source := flights(t)
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		if diff := cmp.Diff(cases[i].want, a.Value); a.Err != nil || diff != "" {
			t.Errorf("%#v: %v %s", qs[i], a.Err, diff)
		}
	}
}

// The smallest day is Thanksgiving on New York's clock, and the evening of the last
// day on UTC's.
func TestTheDaysOfTheFlightsAreExact(t *testing.T) {
	source, hour := flights(t), probe.TimeColumn{Name: "time_hour"}
	days := func(zone string) []probe.Bucket {
		b, err := probe.Value[probe.BucketRows](ask(t, source, probe.Buckets{Of: rel("flights"), By: hour, Per: probe.Day, Zone: zone}))
		if err != nil {
			t.Fatal(err)
		}
		return b.Buckets
	}
	smallest := func(all []probe.Bucket) probe.Bucket {
		return slices.MinFunc(all, func(a, b probe.Bucket) int { return int(a.Rows - b.Rows) })
	}
	local, utc := days(newYork), days("")
	if len(local) != 365 || smallest(local) != (probe.Bucket{Start: at("2013-11-28T05:00:00Z"), Rows: 634}) {
		t.Errorf("%d local days, the smallest %+v", len(local), smallest(local))
	}
	if len(utc) != 366 || smallest(utc) != (probe.Bucket{Start: at("2014-01-01T00:00:00Z"), Rows: 88}) {
		t.Errorf("%d UTC days, the smallest %+v", len(utc), smallest(utc))
	}
	for start, want := range map[string]int64{"2013-03-10T05:00:00Z": 908, "2013-11-03T04:00:00Z": 902, "2013-11-27T05:00:00Z": 1014} {
		if !slices.Contains(local, probe.Bucket{Start: at(start), Rows: want}) {
			t.Errorf("no day that starts at %s has %d flights", start, want)
		}
	}
}

// A label is known when the flight has landed; half of the figures are those of
// the snowstorm of February.
func TestTheLabelsOfTheFlightsAreExact(t *testing.T) {
	source := flights(t,
		`create table flights_keyed as select *, make_date(year, month, day) as dep_day,
			strftime(make_date(year, month, day), '%Y%m%d') || '-' || carrier || flight || '-' || origin || '-' || sched_dep_time as flight_id,
			time_hour + to_minutes(minute) + to_minutes(dep_delay) as dep_at
		from flights`,
		`create table labels as with departed as (
			select f.flight_id, f.arr_delay, f.arr_time, coalesce(a.tzone, 'America/Puerto_Rico') as tz, timezone(coalesce(a.tzone, 'America/Puerto_Rico'), f.dep_at) as dep_clock
			from flights_keyed f left join airports a on a.faa = f.dest where f.arr_delay is not null
		), landed as (
			select *, date_trunc('day', dep_clock) + to_minutes(arr_time // 100 * 60 + arr_time % 100) as arr_clock from departed
		) select flight_id, arr_delay, timezone(tz, case when arr_clock < dep_clock then arr_clock + interval 1 day else arr_clock end) as label_time from landed`)
	q := probe.Cohorts{Of: rel("flights_keyed"), EventTime: probe.TimeColumn{Name: "dep_day", Zone: newYork}, Keys: probe.List("flight_id"),
		Labels: rel("labels"), LabelKeys: probe.List("flight_id"), LabelledAt: probe.TimeColumn{Name: "label_time"}, Value: "arr_delay",
		Per: probe.Day, Zone: newYork, At: at("2014-02-01T00:00:00Z"), Ages: probe.List("0", "21600", "43200", "86400", "172800"), Digest: true}
	a := ask(t, source, q)
	t.Logf("%s\n%s", a.Took, a.Statement)
	list, err := probe.Value[probe.CohortList](a)
	if err != nil {
		t.Fatal(err)
	}
	var eligible, labelled, early, conflicting int64
	known := make([]int64, 5)
	under := make([]int, 5)
	digests := make(map[string]bool)
	for _, c := range list.Cohorts {
		eligible, labelled, early, conflicting = eligible+c.Eligible, labelled+c.Labelled, early+c.Early, conflicting+c.Conflicting
		for i, n := range c.AtAge {
			known[i] += n
			if n*100 < 97*c.Eligible {
				under[i]++
			}
		}
		digests[c.Digest] = true
	}
	if len(list.Cohorts) != 365 || eligible != 336776 || labelled != 327346 || list.Labels != 327346 || early+conflicting+list.OrphanLabels+list.FutureLabels != 0 {
		t.Errorf("%d cohorts, %d eligible, %d labelled, %d labels, %d early, %d conflicting, %d orphans, %d future",
			len(list.Cohorts), eligible, labelled, list.Labels, early, conflicting, list.OrphanLabels, list.FutureLabels)
	}
	if diff := cmp.Diff([]int64{300718, 327236, 327334, 327346, 327346}, known); diff != "" {
		t.Errorf("labels by age: %s", diff)
	}
	if diff := cmp.Diff([]int{365, 81, 81, 81, 81}, under); diff != "" {
		t.Errorf("days under 97 %% by age: %s", diff)
	}
	if len(digests) != 365 || digests[""] {
		t.Errorf("%d different digests of 365 cohorts", len(digests))
	}
	storm := list.Cohorts[slices.IndexFunc(list.Cohorts, func(c probe.Cohort) bool { return c.Start == at("2013-02-09T05:00:00Z") })]
	if diff := cmp.Diff([]int64{684, 291, 260, 291}, []int64{storm.Eligible, storm.Labelled, storm.AtAge[0], storm.AtAge[1]}); diff != "" {
		t.Errorf("9 February: %s", diff)
	}
}

// A whole run over the flights is far below what a person would wait for, also on a
// slow machine and under the race detector.
func TestAWholeRunOverTheFlightsIsQuick(t *testing.T) {
	source := flights(t)
	hour := probe.TimeColumn{Name: "time_hour"}
	var qs []probe.Question
	for _, table := range []string{"flights", "weather"} {
		qs = append(qs, probe.Watermark{Of: rel(table), Column: hour}, probe.Rows{Of: rel(table)}, probe.Digest{Of: rel(table)},
			probe.Buckets{Of: rel(table), By: hour, Per: probe.Day, Zone: newYork}, probe.Digest{Of: rel(table), By: hour, Per: probe.Day, Zone: newYork},
			probe.BadRows{Of: rel(table), Rule: probe.Nulls, Columns: probe.List("origin")}, probe.BadRows{Of: rel(table), Rule: probe.Nulls, Columns: probe.List("hour")},
			probe.Coverage{Child: rel(table), Keys: probe.List("origin"), Parent: rel("airports"), ParentKeys: probe.List("faa")})
	}
	qs = append(qs, probe.Coverage{Child: rel("flights"), Keys: probe.List("origin", "time_hour"), Parent: rel("weather"), ParentKeys: probe.List("origin", "time_hour")},
		probe.Scalar{Conn: "wh", SQL: "select count(*) from flights where distance < 0"}, probe.Columns{Of: rel("planes")}, probe.Digest{Of: rel("airports")})
	started := time.Now()
	statements := make(map[string]bool)
	for i, a := range source.Ask(t.Context(), time.Now(), qs) {
		if a.Err != nil {
			t.Errorf("%#v: %v", qs[i], a.Err)
		}
		statements[a.Statement] = true
	}
	took := time.Since(started)
	t.Logf("%d questions, %d statements, %s", len(qs), len(statements), took)
	// For flights and weather each: a scan, buckets, partitions, a join; then the
	// join of both, the scalar, and a scan of airports. One tells columns.
	if len(statements) != 12 {
		t.Errorf("%d statements, want 12", len(statements))
	}
	if took > 20*time.Second {
		t.Errorf("a run took %s", took)
	}
}
