package web_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

const flightDelay = `
version: 1
dag: flight_delay
description: Training set for the arrival-delay model
owner: ml-data
tags: [ml]
connection: local
schedule: "*/15 * * * *"
nodes:
  airports: {table: airports, row_count: {min: 1000}}
  load_flights:
    job: {heartbeat: load_flights, succeeded_within: 90m}
  weather:
    table: weather
    freshness: {column: time_hour, error_after: 6h}
    row_count: {min: 60, severity: warn}
  flights:
    table: nyc.flights
    description: Departures from New York's three airports
    runbook: https://runbooks.example/flights
    depends_on: [load_flights, airports, weather]
    freshness: {column: time_hour, warn_after: 2h, error_after: 6h}
    row_count: {min: 1}
    joins:
      - {to: airports, on: {left: dest, right: faa}, min_match: 98%}
      - {to: weather, on: [origin, time_hour], min_match: 99%}
    checks:
      - {name: no_negative_distance, sql: "select count(*) from flights where distance < 0", expect: {max: 0}}
  delay_labels:
    table: labels
    depends_on: [flights]
    freshness: {column: label_time, error_after: 12h}
  training_set:
    table: training_set
    depends_on: [flights, delay_labels]
    freshness: {column: built_at, error_after: 1d}
    row_count: {min: 1000}
`

const tower = `
version: 1
dag: tower
owner: ops
connection: local
nodes:
  radar: {table: radar, freshness: {column: at, error_after: 10m}}
  strips: {table: strips, values: {not_null: [flight], severity: warn}}
  notes: {table: notes}
`

var noon = time.Date(2013, 2, 8, 12, 0, 0, 0, time.UTC)

// at is some minutes after noon.
func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// suite compiles DAG files.
func suite(t testing.TB, texts ...string) *checks.Suite {
	t.Helper()
	var files []dag.File
	for i, text := range texts {
		files = append(files, dag.File{Name: fmt.Sprintf("dags/%d.yaml", i), Src: []byte(text)})
	}
	g, problems := dag.Load(files, dag.Known{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	s, problems := checks.Compile(g, checks.Builtin())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// stage is a service in memory: it decides about runs as the real one does, and
// keeps what a Source must give.
type stage struct {
	snapshot web.Snapshot
	runs     []incident.Run
	all      map[incident.ID]incident.Incident
	beats    []string // as they came
	reloads  int
	err      error // what every call that can fail gives
}

func newStage(s *checks.Suite) *stage {
	return &stage{
		snapshot: web.Snapshot{
			At: noon, Started: noon.Add(-time.Hour), Version: "1.2.3", Suite: s, Latest: map[dag.CheckID]web.Latest{},
			DAGs: map[string]web.DAGTimes{}, Nodes: incident.Assess(s, func(dag.CheckID) incident.State { return incident.State{} }),
		},
		all: map[incident.ID]incident.Incident{},
	}
}

// run judges a DAG's checks at a minute: those in verdicts as it says, the
// others pass.
func (s *stage) run(name string, minute int, verdicts map[dag.CheckID]checks.Verdict) {
	run := incident.Run{DAG: name, Slot: at(minute), Moment: at(minute)}
	for c := range s.snapshot.Suite.All() {
		if c.Node.ID.DAG() != name {
			continue
		}
		v, bad := verdicts[c.ID()]
		if !bad {
			v = checks.Verdict{Outcome: checks.Pass, Message: "as it should be", Observed: map[string]any{"rows": 336776}}
		}
		run.Results = append(run.Results, checks.Result{
			Check: c.ID(), Verdict: v, StartedAt: run.Moment, Took: 4 * time.Millisecond, SQL: []string{"select max(x)\nfrom " + c.Node.ID.Name()},
		})
	}
	s.record(run)
}

func (s *stage) record(run incident.Run) {
	now := &s.snapshot
	policy := incident.DefaultPolicy()
	policy.GroupWait = 0
	change := incident.Decide(now.Suite, now.Book, run, policy)
	now.Book = now.Book.Apply(change)
	maps.Copy(s.all, change.Incidents)
	s.runs = append(s.runs, run)
	now.At = run.Moment.Add(40 * time.Second)
	now.Nodes = incident.Assess(now.Suite, func(id dag.CheckID) incident.State { return now.Book.States.Of(id) })
	for _, r := range run.Results {
		now.Latest[r.Check] = web.Latest{Moment: run.Moment, Result: r}
	}
	now.DAGs[run.DAG] = web.DAGTimes{LastSlot: run.Slot, LastRun: run.Moment, NextSlot: run.Slot.Add(15 * time.Minute)}
}

func (s *stage) Snapshot() web.Snapshot {
	now := s.snapshot
	now.Explainer = incident.Explainer{Suite: now.Suite, Book: now.Book, Policy: incident.DefaultPolicy(), Now: now.At}
	return now
}

func (s *stage) History(id dag.NodeID, n int) ([]incident.Run, error) {
	var out []incident.Run
	for _, run := range slices.Backward(s.runs) {
		run.Results = slices.Clone(run.Results)
		run.Results = slices.DeleteFunc(run.Results, func(r checks.Result) bool { return r.Check.Node() != id })
		if len(run.Results) > 0 && len(out) < n {
			out = append(out, run)
		}
	}
	return out, s.err
}

func (s *stage) Incident(id incident.ID) (incident.Incident, error) {
	if i, ok := s.all[id]; ok || s.err != nil {
		return i, s.err
	}
	return incident.Incident{}, fmt.Errorf("incident %q: %w", id, fs.ErrNotExist)
}

func (s *stage) Incidents(before incident.ID, limit int, open bool) ([]incident.Incident, error) {
	var out []incident.Incident
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.all))) {
		if i := s.all[id]; (before == "" || id < before) && (!open || i.Status == incident.Open) && len(out) < limit {
			out = append(out, i)
		}
	}
	return out, s.err
}

func (s *stage) Heartbeat(_ context.Context, name string, b web.Beat) error {
	s.beats = append(s.beats, fmt.Sprintf("%s %s %d %q %q", name, b.Kind, b.Exit, b.Run, b.Body))
	return s.err
}

func (s *stage) Reload(context.Context) error {
	s.reloads++
	return s.err
}

// The verdicts of the story.
var (
	stale = checks.Verdict{
		Outcome: checks.Fail, Reason: checks.Stale, Message: "newest time_hour is 33h old, limit 6h",
		Observed: map[string]any{"watermark": at(-33 * 60), "age_seconds": 118800, "future_rows": 0, "rows": 336776},
		Expected: map[string]any{"warn_after_seconds": 7200, "error_after_seconds": 21600},
		Onset:    at(-27 * 60), GoodUntil: at(-33 * 60),
	}
	orphans = checks.Verdict{
		Outcome: checks.Fail, Reason: checks.Orphans, Message: "98.7% of 6,112 rows match airports, at least 99% should",
		Observed: map[string]any{"eligible": 6112, "matched": 6032, "match_ratio": 0.98691},
	}
	nullFlights = checks.Verdict{Outcome: checks.Warn, Reason: checks.NullValues, Message: "flight is NULL in 3 rows, none should be"}
)

// story is a day on which flights stop, and what depends on them with them.
func story(t testing.TB) *stage {
	s := newStage(suite(t, flightDelay, tower))
	s.run("tower", -60, map[dag.CheckID]checks.Verdict{"tower/radar/freshness": stale})
	s.run("tower", -50, map[dag.CheckID]checks.Verdict{"tower/radar/freshness": stale})
	nulls := map[dag.CheckID]checks.Verdict{"tower/strips/values": nullFlights}
	s.run("tower", -40, nulls)
	s.run("tower", -30, nulls)
	s.run("flight_delay", -45, nil)
	s.run("flight_delay", -30, nil)
	lateLabels := stale
	lateLabels.Message, lateLabels.Onset = "newest label_time is 26h old, limit 12h", at(-20*60)
	for _, minute := range []int{-15, 0} {
		s.run("flight_delay", minute, map[dag.CheckID]checks.Verdict{
			"flight_delay/flights/freshness": stale, "flight_delay/delay_labels/freshness": lateLabels,
			"flight_delay/flights/joins_airports": orphans,
		})
	}
	return s
}
