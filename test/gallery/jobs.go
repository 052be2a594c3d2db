package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// job is something the company runs on a schedule. Its work takes what is due
// since its bookmark, so that one which stood still catches up.
type job struct {
	name         string
	daily        bool // at hour:minute of New York; else every hour at the minute
	hour, minute int
	took         time.Duration
	calls        bool // it calls a URL and leaves no row in the control table
	work         []work
}

// work is one table that a job writes. Due is the rows that are due; an exhibit
// may put other rows in their place.
type work struct {
	table, before, due string
}

// The jobs. {since} and {until} bound the moments that are due, {first} and {today}
// the days.
var jobs = []job{
	{name: "load_weather", minute: 1, took: time.Minute, calls: true, work: []work{{
		table: "weather", due: "select * from memory.main.source_weather where time_hour > {since} and time_hour <= {until}",
	}}},
	{name: "load_flights", minute: 2, took: time.Minute, work: []work{{
		table: "flights", due: `select flight_id, dep_day, time_hour, carrier, flight, tailnum, origin, dest, distance, hour
from memory.main.source_flights where time_hour > {since} and time_hour <= {until}`,
	}}},
	{name: "load_arrivals", minute: 3, took: time.Minute, work: []work{{
		table: "arrivals", due: "select * from memory.main.source_arrivals where label_time > {since} and label_time <= {until}",
	}}},
	{name: "build_features", daily: true, hour: 5, minute: 30, took: 4 * time.Minute, work: []work{{
		table: "features", before: "delete from features where dep_day >= {first}",
		due: `select f.flight_id, f.dep_day, f.time_hour, f.carrier, f.origin, f.dest, f.distance, f.hour, w.temp, w.wind_speed, w.visib, p.seats
from flights f left join weather w on w.origin = f.origin and w.time_hour = f.time_hour left join planes p on p.tailnum = f.tailnum
where f.dep_day >= {first} and f.dep_day < {today}`,
	}}},
	{name: "build_training", daily: true, hour: 6, minute: 0, took: 6 * time.Minute, work: []work{{
		table: "training_set", before: "delete from training_set",
		due: `select f.* exclude (time_hour), a.arr_delay
from features f join arrivals a using (flight_id)
where a.status = 'landed' and f.dep_day >= {today} - 30 and f.dep_day < {today} - 2`,
	}}},
	{name: "build_dashboard", daily: true, hour: 6, minute: 30, took: 2 * time.Minute, work: []work{
		{
			table: "carrier_daily", before: "delete from carrier_daily where dep_day >= {first}",
			due: "select dep_day, carrier, count(*) as flights from flights where dep_day >= {first} and dep_day < {today} group by all",
		},
		{
			table: "punctuality", before: "delete from punctuality where dep_day >= {first} - 1",
			due: `select f.dep_day, f.carrier, avg((a.arr_delay <= 15)::int) as on_time
from flights f join arrivals a using (flight_id)
where a.status = 'landed' and f.dep_day >= {first} - 1 and f.dep_day < {today} - 1 group by all`,
		},
	}},
}

// next is when the job is due after a moment. A clock time that the day does not
// have comes right after the gap.
func (j job) next(after time.Time) time.Time {
	if !j.daily {
		due := after.Truncate(time.Hour).Add(time.Duration(j.minute) * time.Minute)
		if !due.After(after) {
			due = due.Add(time.Hour)
		}
		return due
	}
	local := after.In(newYork)
	for day := local.Day(); ; day++ {
		due := time.Date(local.Year(), local.Month(), day, j.hour, j.minute, 0, 0, newYork)
		if due.After(after) {
			return due
		}
	}
}

// attempts are what happens at one due time of a job, with the trouble it has.
func (p *pipeline) attempts(j job, due time.Time) []event {
	n := slices.IndexFunc(p.exhibit.troubles, func(t trouble) bool {
		return t.job == j.name && !due.Before(t.from) && due.Before(t.until)
	})
	work := func(ctx context.Context) error { return p.run(ctx, j, due) }
	if n < 0 {
		return []event{{due.Add(j.took), work}}
	}
	t := p.exhibit.troubles[n]
	note := func(at time.Time, run, state string) event {
		return event{at, func(ctx context.Context) error { return p.note(ctx, j, run, due, at, state) }}
	}
	switch t.how {
	case fails:
		return []event{note(due.Add(j.took), "", "failed")}
	case absent:
		return nil
	case hangs: // the first does not end before it is killed, and none starts beside it
		if j.next(t.from.Add(-time.Nanosecond)).Equal(due) {
			return []event{note(due, "", "running"), note(t.until.Add(-time.Minute), "", "failed")}
		}
		return nil
	case idles:
		return []event{note(due.Add(j.took), "", "success")}
	case late:
		return []event{{due.Add(t.by), func(ctx context.Context) error { return p.runAt(ctx, j, due.Add(t.by-j.took), due) }}}
	case retries: // the first attempt fails, the second succeeds
		return []event{note(due.Add(j.took), "", "failed"), {due.Add(t.by), func(ctx context.Context) error {
			return p.runAt(ctx, j, due.Add(t.by-j.took), due)
		}}}
	default: // failsFinally: every attempt fails
		return []event{note(due.Add(j.took), "", "failed"), note(due.Add(t.by), "-2", "failed"), note(due.Add(2*t.by), "-3", "failed")}
	}
}

// run does a job's work on time.
func (p *pipeline) run(ctx context.Context, j job, due time.Time) error {
	return p.runAt(ctx, j, due, due)
}

// runAt does a job's work from a start on. Work that fails is the company's
// trouble, not ours: the run has failed.
func (p *pipeline) runAt(ctx context.Context, j job, started, due time.Time) error {
	since := p.bookmark[j.name]
	values := map[string]string{
		"since": moment(since), "until": moment(started.Truncate(time.Hour)),
		"first": date(since), "today": date(started),
	}
	err := p.exec(ctx, "begin")
	for _, w := range j.work {
		rows := "select * from due"
		for _, f := range p.exhibit.feeds {
			if f.table == w.table && !due.Before(f.from) && due.Before(f.until) {
				rows = f.rows
			}
		}
		if err == nil && w.before != "" {
			err = p.exec(ctx, p.fill(w.before, values))
		}
		if err == nil {
			err = p.exec(ctx, p.fill("insert into "+w.table+" by name with due as (\n"+w.due+"\n)\n"+rows, values))
		}
	}
	if err != nil {
		p.failures = append(p.failures, fmt.Sprintf("%s at %s: %v", j.name, started.In(newYork), err))
		if err := p.exec(ctx, "rollback"); err != nil {
			return err
		}
		return p.note(ctx, j, "", started, started.Add(j.took), "failed")
	}
	if err := p.exec(ctx, "commit"); err != nil {
		return err
	}
	p.bookmark[j.name] = started.Truncate(time.Hour)
	if j.daily {
		p.bookmark[j.name] = started
	}
	return p.note(ctx, j, "", started, started.Add(j.took), "success")
}

// note leaves a run where pipewatch can learn of it.
func (p *pipeline) note(ctx context.Context, j job, attempt string, started, at time.Time, state string) error {
	id := j.name + started.UTC().Format("-20060102T1504") + attempt
	if j.calls {
		kind := map[string]probe.BeatKind{"success": probe.BeatSuccess, "failed": probe.BeatFail, "running": probe.BeatStart}[state]
		return p.beat(j.name, probe.Beat{At: at, Kind: kind, Run: id})
	}
	ended := moment(at)
	if state == "running" {
		ended = "null"
	}
	return p.exec(ctx, fmt.Sprintf("delete from etl_runs where run_id = '%s'; insert into etl_runs values ('%s', '%s', %s, %s, '%s')",
		id, j.name, id, moment(started), ended, state))
}
