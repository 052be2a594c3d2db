package checks

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// job is the kind that asks whether a job runs, succeeds and ends in time.
var job = define("job", "the job runs, succeeds and ends in time", behaviour[jobParams]{
	settle: settleJob, ask: askJob, judge: judgeJob,
})

type jobParams struct {
	Heartbeat   string `yaml:"heartbeat" jsonschema_description:"name under which the job reports its runs by heartbeat"`
	Runs        string `yaml:"runs" jsonschema_description:"a SELECT of run_id, started_at, ended_at, state from a control table in the node's connection"`
	Airflow     any    `yaml:"airflow" later:"asking Airflow"`
	DBT         any    `yaml:"dbt" later:"asking dbt"`
	OpenLineage any    `yaml:"openlineage" later:"hearing OpenLineage events"`

	States          map[string]string `yaml:"states" jsonschema_description:"the job's own words for a state, each with the word it means: running, success, failed, skipped or queued"`
	SucceededWithin *conf.Duration    `yaml:"succeeded_within" jsonschema_description:"longest time since a success ended"`
	By              *conf.ClockTime   `yaml:"by" jsonschema_description:"clock time in the DAG's zone by which it must have succeeded since the deadline before"`
	Every           string            `yaml:"every" jsonschema_description:"day, weekday, week (Monday), month (the 1st) or a cron line; default day"`
	WarnRuntime     *conf.Duration    `yaml:"warn_runtime" jsonschema_description:"runtime above which it warns"`
	MaxRuntime      *conf.Duration    `yaml:"max_runtime" jsonschema_description:"runtime above which it fails"`
	MaxQueued       *conf.Duration    `yaml:"max_queued" jsonschema_description:"longest time in the queue"`

	Zone     string     `yaml:"-"` // whose clock times By and Every mean
	deadline *deadlines // nil without By and Every
}

// The words for the state of a run.
const (
	running = "running"
	success = "success"
	failed  = "failed"
	skipped = "skipped"
	queued  = "queued"
)

// beatName is the shape of a heartbeat's name.
var beatName = regexp.MustCompile(`^[\pL\pN_.-]{1,100}$`)

var runStates = []string{running, success, failed, skipped, queued}

func settleJob(s Site, p *jobParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := noWhere(s)
	switch {
	case p.Heartbeat == "" && p.Runs == "":
		problems.Add(params.KeyProblem("nothing tells of the job's runs").WithCode("PW170").WithHint("add heartbeat: <name> or runs: \"select …\""))
	case p.Heartbeat != "" && p.Runs != "":
		problems.Add(params.Get("runs").KeyProblem("the runs come by heartbeat already").WithCode("PW170").WithHint("remove heartbeat or runs"))
	case p.Heartbeat != "" && !beatName.MatchString(p.Heartbeat):
		problems.Add(params.Get("heartbeat").Problem("%s cannot be called: it is a part of an address, /api/v1/heartbeats/<name>", params.Get("heartbeat").Quote()).
			WithCode("PW170").WithHint("use at most 100 letters, digits and the signs _ - ."))
	}
	if p.Runs != "" {
		problems.Merge(needConnection(s))
	}
	for _, meaning := range params.Get("states").Fields() {
		if !slices.Contains(runStates, meaning.Text()) {
			problems.Add(conf.NotOneOf(meaning, runStates...).WithCode("PW171"))
		}
	}
	if p.WarnRuntime != nil && p.MaxRuntime != nil && *p.WarnRuntime >= *p.MaxRuntime {
		problems.Add(params.Get("warn_runtime").Problem("warn_runtime %s is not less than max_runtime %s, so it could never only warn", p.WarnRuntime, p.MaxRuntime).WithCode("PW172"))
	}
	var ps conf.Problems
	p.deadline, ps = settleDeadlines(s, p.By, p.Every)
	problems.Merge(ps)
	p.Zone = zoneName(s.Node.Zone)
	return nil, problems
}

// jobOf is the parameters of a job node's check, by which other checks ask for
// its runs; false when the node is no job or its parameters cannot be read.
func jobOf(n *dag.Node) (jobParams, bool) {
	for _, spec := range n.Checks {
		var p jobParams
		if spec.Kind == "job" && len(spec.Params.Decode(&p)) == 0 {
			return p, p.Heartbeat != "" || p.Runs != ""
		}
	}
	return jobParams{}, false
}

// question asks for the runs of the job of a node.
func (p jobParams) question(n *dag.Node) probe.LastRuns {
	if p.Heartbeat != "" {
		return probe.LastRuns{Conn: probe.HeartbeatConn, Job: p.Heartbeat}
	}
	return probe.LastRuns{Conn: n.Connection, Job: n.ID.Name(), SQL: p.Runs}
}

func askJob(s Site, p jobParams, _ Memory, _ Moment) []probe.Question {
	return []probe.Question{p.question(s.Node)}
}

type jobObserved struct {
	State           string     `json:"state"` // of the newest run; empty when it never ran
	StartedAt       *time.Time `json:"started_at"`
	EndedAt         *time.Time `json:"ended_at"`
	DurationSeconds *int64     `json:"duration_seconds"` // so far, while it runs
	RunID           string     `json:"run_id"`
	SucceededAt     *time.Time `json:"succeeded_at"` // end of the newest success
}

type jobExpected struct {
	SucceededWithinSeconds *int64 `json:"succeeded_within_seconds,omitempty"`
	// Deadline is the first that no success meets yet: the one that was
	// missed, or the next to come.
	Deadline           *time.Time `json:"deadline,omitempty"`
	WarnRuntimeSeconds *int64     `json:"warn_runtime_seconds,omitempty"`
	MaxRuntimeSeconds  *int64     `json:"max_runtime_seconds,omitempty"`
	MaxQueuedSeconds   *int64     `json:"max_queued_seconds,omitempty"`
}

// jobHistory is what a job's runs come to.
type jobHistory struct {
	newest    *probe.JobRun // with the state in the words above; nil when it never ran
	finished  *probe.JobRun // the newest that succeeded or failed
	succeeded time.Time     // end of the newest success, or zero
}

// history reads runs, newest first. Of several rows with one run id only the
// newest counts, so a retry that succeeded is a success; skipped runs are as
// if they had not been.
func (p jobParams) history(runs []probe.JobRun) (jobHistory, error) {
	runs = slices.Clone(runs)
	began := func(run probe.JobRun) probe.Instant { return cmp.Or(run.Started, run.Ended) }
	slices.SortStableFunc(runs, func(a, b probe.JobRun) int { return cmp.Compare(began(b), began(a)) })
	var h jobHistory
	seen := map[string]bool{}
	for i := range runs {
		run := &runs[i]
		if run.ID != "" && seen[run.ID] {
			continue
		}
		seen[run.ID] = true
		word := run.State
		state, known := p.means(word)
		switch {
		case !known:
			return h, fmt.Errorf("run %q has state %q, which is none of %s: say under states what it means", run.ID, word, strings.Join(runStates, ", "))
		case began(*run).IsZero():
			return h, fmt.Errorf("run %q has neither started_at nor ended_at, so it cannot be judged", run.ID)
		case state == success && run.Ended.IsZero():
			return h, fmt.Errorf("run %q succeeded but has no ended_at, so it cannot be judged", run.ID)
		case state == skipped:
			continue
		}
		run.State = state
		if h.newest == nil {
			h.newest = run
		}
		if h.finished == nil && (state == success || state == failed) {
			h.finished = run
		}
		if end := run.Ended.Time(); state == success && end.After(h.succeeded) {
			h.succeeded = end
		}
	}
	return h, nil
}

// means is the known word for a state.
func (p jobParams) means(word string) (string, bool) {
	if meaning, ok := p.States[word]; ok {
		return meaning, true
	}
	word = strings.ToLower(word)
	return word, slices.Contains(runStates, word)
}

func judgeJob(s Site, p jobParams, as []probe.Answer, _ Memory, at Moment) (Verdict, Memory) {
	runs, err := probe.Value[[]probe.JobRun](as[0])
	if err != nil {
		return couldNot(err), nil
	}
	h, err := p.history(runs)
	if err != nil {
		return Verdict{Outcome: Error, Message: err.Error()}, nil
	}
	expected := jobExpected{
		SucceededWithinSeconds: seconds(p.SucceededWithin), WarnRuntimeSeconds: seconds(p.WarnRuntime),
		MaxRuntimeSeconds: seconds(p.MaxRuntime), MaxQueuedSeconds: seconds(p.MaxQueued),
	}
	if h.newest == nil {
		return judgement{outcome: Fail, reason: NeverRan, message: "it has never run"}.verdict(jobObserved{}, expected), nil
	}
	observed := jobObserved{State: h.newest.State, StartedAt: instant(h.newest.Started), EndedAt: instant(h.newest.Ended), RunID: h.newest.ID}
	if !h.newest.Started.IsZero() {
		observed.DurationSeconds = new(int64(lasted(h.newest, at) / time.Second))
	}
	if !h.succeeded.IsZero() {
		observed.SucceededAt = &h.succeeded
	}
	found := []judgement{p.judgeSuccess(h, at), p.judgeRuntime(h, at), p.judgeQueue(h, at)}
	if p.deadline != nil {
		j, deadline := p.judgeDeadline(h, at)
		expected.Deadline = instant(probe.At(deadline))
		found = append(found, j)
	}
	decided := worst(found[0], found[1:]...)
	decided.goodUntil = h.succeeded
	v := decided.verdict(observed, expected)
	if run := h.finished; run != nil && !run.Ended.IsZero() {
		v.Event = Event{run.Ended.Time(), endedAs[run.State]}
		if run.ID != "" {
			v.Event.What += " (run " + run.ID + ")"
		}
	}
	return v, nil
}

// endedAs says how a finished run ended.
var endedAs = map[string]string{success: "succeeded", failed: "failed"}

// lasted is how long a run took, or takes so far; 0 when its start is unknown.
func lasted(run *probe.JobRun, at Moment) time.Duration {
	if run.Started.IsZero() {
		return 0
	}
	end := at.Now
	if !run.Ended.IsZero() {
		end = run.Ended.Time()
	}
	return max(0, end.Sub(run.Started.Time()))
}

// judgeSuccess judges the newest success by its age. Without any limit on
// success a job fails when its newest finished run failed.
func (p jobParams) judgeSuccess(h jobHistory, at Moment) judgement {
	if p.SucceededWithin == nil {
		if p.deadline == nil && h.finished != nil && h.finished.State == failed {
			return failedRun(h.finished, at)
		}
		return judgement{outcome: Pass, message: h.describe(at)}
	}
	limit := p.SucceededWithin.Std()
	if !h.succeeded.IsZero() && at.Now.Sub(h.succeeded) <= limit {
		return judgement{outcome: Pass, message: h.describe(at)}
	}
	return h.broken("limit "+spoken(limit), h.succeeded.Add(limit), at)
}

// judgeDeadline judges by the deadlines: one is met by a success that ended
// after the deadline before it. So a success meets the first deadline that
// comes after it, and the one after that is the first it does not meet.
func (p jobParams) judgeDeadline(h jobHistory, at Moment) (judgement, time.Time) {
	if h.succeeded.IsZero() {
		return h.broken("a deadline has passed", time.Time{}, at), time.Time{}
	}
	deadline := p.deadline.after(p.deadline.from(h.succeeded))
	if deadline.After(at.Now) {
		return judgement{outcome: Pass}, deadline
	}
	return h.broken("due at "+clock(deadline, p.deadline.zone), deadline, at), deadline
}

// broken is a missed limit on success: failed when the newest run is why.
func (h jobHistory) broken(limit string, onset time.Time, at Moment) judgement {
	j := judgement{outcome: Fail, reason: Late, message: "it has never succeeded, " + limit}
	if !h.succeeded.IsZero() {
		j.onset = onset
		j.message = fmt.Sprintf("last success was %s ago, %s", spoken(at.Now.Sub(h.succeeded)), limit)
	}
	if h.newest.State == failed {
		run := failedRun(h.newest, at)
		run.message += "; " + j.message
		return run
	}
	if h.newest.State == running || h.newest.State == queued {
		j.message += fmt.Sprintf("; a run has been %s for %s", h.newest.State, spoken(lasted(h.newest, at)))
	}
	return j
}

// failedRun is the judgement on a run that failed; it became true at its end.
func failedRun(run *probe.JobRun, at Moment) judgement {
	j := judgement{outcome: Fail, reason: JobFailed, onset: cmp.Or(run.Ended, run.Started).Time()}
	j.message = fmt.Sprintf("run %s failed %s ago", run.ID, spoken(at.Now.Sub(j.onset)))
	return j
}

// describe says how the job does when all is well.
func (h jobHistory) describe(at Moment) string {
	if h.succeeded.IsZero() {
		return fmt.Sprintf("a run has been %s for %s", h.newest.State, spoken(lasted(h.newest, at)))
	}
	return fmt.Sprintf("last success was %s ago", spoken(at.Now.Sub(h.succeeded)))
}

// judgeRuntime judges how long the newest run takes, or took when it succeeded.
func (p jobParams) judgeRuntime(h jobHistory, at Moment) judgement {
	run := h.newest
	if run.State != running && run.State != success {
		return judgement{outcome: Pass}
	}
	for _, limit := range []struct {
		most    *conf.Duration
		outcome Outcome
	}{{p.MaxRuntime, Fail}, {p.WarnRuntime, Warn}} {
		if took := lasted(run, at); limit.most != nil && took > limit.most.Std() {
			verb := "took"
			if run.State == running {
				verb = "has been running for"
			}
			return judgement{outcome: limit.outcome, reason: TooLong, onset: run.Started.Time().Add(limit.most.Std()),
				message: fmt.Sprintf("run %s %s %s, limit %s", run.ID, verb, spoken(took), spoken(limit.most.Std()))}
		}
	}
	return judgement{outcome: Pass}
}

// judgeQueue judges how long the newest run has waited to start.
func (p jobParams) judgeQueue(h jobHistory, at Moment) judgement {
	waited := lasted(h.newest, at)
	if h.newest.State != queued || p.MaxQueued == nil || waited <= p.MaxQueued.Std() {
		return judgement{outcome: Pass}
	}
	return judgement{outcome: Fail, reason: StuckQueued, onset: h.newest.Started.Time().Add(p.MaxQueued.Std()),
		message: fmt.Sprintf("run %s has been queued for %s, limit %s", h.newest.ID, spoken(waited), spoken(p.MaxQueued.Std()))}
}
