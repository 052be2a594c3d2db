package checks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// compiledJob loads a DAG with one job.
func compiledJob(t *testing.T, keys string) (*checks.Check, conf.Problems) {
	t.Helper()
	src := "version: 1\ndag: d\nconnection: wh\ntimezone: America/New_York\nnodes:\n  load:\n    job: " + keys + "\n"
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(src)}}, dag.Known{})
	if len(problems) > 0 {
		t.Fatalf("the DAG around the job: %v", problems)
	}
	suite, problems := checks.Compile(g, checks.Builtin())
	return suite.Check("d/load/job"), problems
}

func jobCheck(t *testing.T, keys string) *checks.Check {
	t.Helper()
	c, problems := compiledJob(t, keys)
	if len(problems) > 0 {
		t.Fatalf("compile: %v", problems)
	}
	return c
}

// ran is a run, "" for a time that nobody told.
func ran(id, state, started, ended string) probe.JobRun {
	run := probe.JobRun{ID: id, State: state}
	if started != "" {
		run.Started = instant(started)
	}
	if ended != "" {
		run.Ended = instant(ended)
	}
	return run
}

func TestJobVerdicts(t *testing.T) {
	good := ran("r1", "success", "2013-06-15T08:00:00Z", "2013-06-15T08:30:00Z")
	bad := ran("r2", "failed", "2013-06-15T09:00:00Z", "2013-06-15T09:10:00Z")
	runs := func(list ...probe.JobRun) []any { return []any{list} }
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"a success is too long ago", "{heartbeat: load, succeeded_within: 90m}", []turn{
			{"2013-06-15T10:00:00Z", runs(good), "pass: last success was 1h30m ago"},
			{"2013-06-15T10:00:01Z", runs(good), "fail late: last success was 1h30m ago, limit 1h30m"}}},
		{"a failure is the reason only once the limit is broken", "{heartbeat: load, succeeded_within: 90m}", []turn{
			{"2013-06-15T09:30:00Z", runs(bad, good), "pass: last success was 1h ago"},
			{"2013-06-15T10:10:00Z", runs(bad, good), "fail failed: run r2 failed 1h ago; last success was 1h40m ago, limit 1h30m"}}},
		{"a run on the way after a failure leaves it late", "{heartbeat: load, succeeded_within: 90m}", []turn{
			{"2013-06-15T10:10:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", ""), bad, good),
				"fail late: last success was 1h40m ago, limit 1h30m; a run has been running for 10m"}}},
		{"without a limit on success the newest finished run decides", "{heartbeat: load}", []turn{
			{"2013-06-15T10:10:00Z", runs(good), "pass: last success was 1h40m ago"},
			{"2013-06-15T10:10:00Z", runs(bad, good), "fail failed: run r2 failed 1h ago"},
			{"2013-06-15T10:10:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", ""), bad, good), "fail failed: run r2 failed 1h ago"},
			{"2013-06-15T10:10:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", "")), "pass: a run has been running for 10m"}}},
		{"the order of the answer does not matter", "{heartbeat: load}", []turn{
			{"2013-06-15T10:10:00Z", runs(good, bad), "fail failed: run r2 failed 1h ago"}}},
		{"a retry replaces the try before", "{heartbeat: load}", []turn{
			{"2013-06-15T10:00:00Z", runs(ran("r2", "success", "2013-06-15T09:20:00Z", "2013-06-15T09:30:00Z"), bad, good), "pass: last success was 30m ago"}}},
		{"it never ran", "{heartbeat: load, succeeded_within: 90m}", []turn{
			{"2013-06-15T10:00:00Z", runs(), "fail never_ran: it has never run"},
			{"2013-06-15T10:00:00Z", runs(ran("r1", "skipped", "2013-06-15T09:00:00Z", "2013-06-15T09:00:00Z")), "fail never_ran: it has never run"}}},
		{"it never succeeded", "{heartbeat: load, succeeded_within: 90m}", []turn{
			{"2013-06-15T10:10:00Z", runs(bad), "fail failed: run r2 failed 1h ago; it has never succeeded, limit 1h30m"},
			{"2013-06-15T10:10:00Z", runs(ran("r3", "queued", "2013-06-15T10:00:00Z", "")), "fail late: it has never succeeded, limit 1h30m; a run has been queued for 10m"}}},
		{"a deadline that nothing meets", `{heartbeat: load, by: "07:00", every: day}`, []turn{
			{"2013-06-16T10:59:59Z", runs(ran("r1", "success", "2013-06-15T10:00:00Z", "2013-06-15T10:30:00Z")), "pass: last success was 24h29m ago"},
			{"2013-06-16T11:00:00Z", runs(ran("r1", "success", "2013-06-15T10:00:00Z", "2013-06-15T10:30:00Z")), "fail late: last success was 24h30m ago, due at 2013-06-16 07:00 EDT"},
			{"2013-06-16T11:00:00Z", runs(bad), "fail failed: run r2 failed 25h50m ago; it has never succeeded, a deadline has passed"}}},
		{"a runtime warns and then fails", "{heartbeat: load, warn_runtime: 20m, max_runtime: 40m}", []turn{
			{"2013-06-15T10:20:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", "")), "pass: a run has been running for 20m"},
			{"2013-06-15T10:30:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", "")), "warn too_long: run r3 has been running for 30m, limit 20m"},
			{"2013-06-15T10:41:00Z", runs(ran("r3", "running", "2013-06-15T10:00:00Z", "")), "fail too_long: run r3 has been running for 41m, limit 40m"},
			{"2013-06-15T12:00:00Z", runs(ran("r3", "success", "2013-06-15T10:00:00Z", "2013-06-15T10:25:00Z")), "warn too_long: run r3 took 25m, limit 20m"}}},
		{"a queue", "{heartbeat: load, max_queued: 10m}", []turn{
			{"2013-06-15T10:11:00Z", runs(ran("r3", "queued", "2013-06-15T10:00:00Z", "")), "fail stuck_queued: run r3 has been queued for 11m, limit 10m"}}},
		{"states have other words", "{heartbeat: load, states: {DONE: success, ABORT: failed}}", []turn{
			{"2013-06-15T10:10:00Z", runs(ran("r1", "DONE", "2013-06-15T08:00:00Z", "2013-06-15T08:30:00Z")), "pass: last success was 1h40m ago"},
			{"2013-06-15T10:10:00Z", runs(ran("r1", "SUCCESS", "2013-06-15T08:00:00Z", "2013-06-15T08:30:00Z")), "pass: last success was 1h40m ago"},
			{"2013-06-15T10:10:00Z", runs(ran("r1", "gone", "2013-06-15T08:00:00Z", "2013-06-15T08:30:00Z")),
				`error: run "r1" has state "gone", which is none of running, success, failed, skipped, queued: say under states what it means`}}},
		{"a job that only tells when it is done", "{heartbeat: load, max_runtime: 40m}", []turn{
			{"2013-06-15T10:10:00Z", runs(ran("r3", "success", "", "2013-06-15T10:00:00Z"), bad, good), "pass: last success was 10m ago"}}},
		{"a run at no time at all", "{heartbeat: load}", []turn{
			{"2013-06-15T10:10:00Z", runs(ran("r1", "failed", "", "")), `error: run "r1" has neither started_at nor ended_at, so it cannot be judged`}}},
		{"a success without an end", "{heartbeat: load}", []turn{
			{"2013-06-15T10:10:00Z", runs(ran("r1", "success", "2013-06-15T08:00:00Z", "")), `error: run "r1" succeeded but has no ended_at, so it cannot be judged`}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, jobCheck(t, c.keys), c.turns) })
	}
}

func TestJobOnset(t *testing.T) {
	v := play(t, jobCheck(t, "{heartbeat: load, succeeded_within: 90m}"), []turn{{"2013-06-15T10:10:00Z", []any{[]probe.JobRun{
		ran("r2", "failed", "2013-06-15T09:00:00Z", "2013-06-15T09:10:00Z"), ran("r1", "success", "2013-06-15T08:00:00Z", "2013-06-15T08:30:00Z"),
	}}, "fail failed: run r2 failed 1h ago; last success was 1h40m ago, limit 1h30m"}})
	if want := moment(t, "2013-06-15T09:10:00Z").Now; !v.Onset.Equal(want) {
		t.Errorf("onset %s, want the end of the failed run, %s", v.Onset, want)
	}
	if want := moment(t, "2013-06-15T08:30:00Z").Now; !v.GoodUntil.Equal(want) {
		t.Errorf("good until %s, want the end of the success, %s", v.GoodUntil, want)
	}
	observes(t, v, `{"state": "failed", "run_id": "r2", "started_at": "2013-06-15T09:00:00Z", "ended_at": "2013-06-15T09:10:00Z", "duration_seconds": 600, "succeeded_at": "2013-06-15T08:30:00Z"}`)
}

func TestJobAsk(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       probe.LastRuns
	}{
		{"heartbeats have a connection of their own", "{heartbeat: nightly}", probe.LastRuns{Conn: probe.HeartbeatConn, Job: "nightly"}},
		{"a control table is in the node's connection", `{runs: "select * from etl.runs"}`, probe.LastRuns{Conn: "wh", Job: "load", SQL: "select * from etl.runs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff([]probe.Question{c.want}, jobCheck(t, c.keys).Ask(nil, moment(t, "2013-06-15T12:00:00Z"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJobProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"no source of runs", "{succeeded_within: 1h}",
			`d.yaml:7:5: PW170 nodes.load.job: nothing tells of the job's runs (add heartbeat: <name> or runs: "select …")`},
		{"two sources", `{heartbeat: load, runs: "select 1"}`,
			"d.yaml:7:28: PW170 nodes.load.job.runs: the runs come by heartbeat already (remove heartbeat or runs)"},
		{"a source to come", "{airflow: {connection: airflow, dag_id: load}}",
			"d.yaml:7:11: nodes.load.job.airflow: not available yet (asking Airflow) (remove the key)"},
		{"a meaning that is none", "{heartbeat: load, states: {DONE: succes}}",
			`d.yaml:7:43: PW171 nodes.load.job.states.DONE: "succes" is not one of running, success, failed, skipped, queued (did you mean "success"?)`},
		{"a warning that could never be seen", "{heartbeat: load, warn_runtime: 1h, max_runtime: 40m}",
			"d.yaml:7:42: PW172 nodes.load.job.warn_runtime: warn_runtime 1h is not less than max_runtime 40m, so it could never only warn"},
		{"a day without a clock time", "{heartbeat: load, every: day}",
			`d.yaml:7:28: PW112 nodes.load.job.every: every: day has no clock time (add by: "07:00")`},
		{"a condition on no rows", `{heartbeat: load, where: "a > 0"}`,
			"d.yaml:7:5: PW100 nodes.load.job: where has no meaning for job (write the condition into the statement)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := compiledJob(t, c.keys)
			var lines []string
			for _, p := range problems {
				lines = append(lines, strings.TrimSuffix(p.Error()+" ("+p.Hint+")", " ()"))
			}
			if diff := cmp.Diff(c.want, strings.Join(lines, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRowsOfAJobCannotBeJudged(t *testing.T) {
	src := "version: 1\ndag: d\nconnection: wh\nnodes:\n  load:\n    job: {heartbeat: load}\n    freshness: {column: ts}\n"
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(src)}}, dag.Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = checks.Compile(g, checks.Builtin())
	want := "d.yaml:7:5: PW100 nodes.load.freshness: freshness is about rows, and a job has none"
	if got := problems.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
