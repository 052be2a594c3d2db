package store

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// In schema 1 a run was deflated lines of JSON: a heading, then one line a
// result. Each result begins with its check.

// heading is the first line.
type heading struct {
	DAG      string             `json:"dag,omitempty"`
	Slot     time.Time          `json:"slot,omitzero"`
	Moment   time.Time          `json:"moment"`
	InFlight []string           `json:"in_flight,omitempty"`
	Broken   []incident.Broken  `json:"broken,omitempty"`
	Troubles []incident.Trouble `json:"troubles,omitempty"`
	Since    time.Time          `json:"since,omitzero"`
	By       string             `json:"by,omitempty"`
	Via      string             `json:"via,omitempty"`
	Acts     []incident.Act     `json:"acts,omitempty"`

	Announce []incident.Announcement `json:"announce,omitempty"`
}

// run is the run that the heading tells of, without its results.
func (h heading) run() incident.Run {
	return incident.Run{
		DAG: h.DAG, Slot: h.Slot, Moment: h.Moment, InFlight: h.InFlight, Broken: h.Broken, Troubles: h.Troubles,
		Since: h.Since, By: h.By, Via: h.Via, Acts: h.Acts, Announce: h.Announce,
	}
}

// judged is what a result line has but the figures.
type judged struct {
	Check     dag.CheckID    `json:"check"`
	Outcome   checks.Outcome `json:"outcome"`
	Reason    checks.Reason  `json:"reason,omitempty"`
	Message   string         `json:"message,omitempty"`
	Onset     time.Time      `json:"onset,omitzero"`
	GoodUntil time.Time      `json:"good_until,omitzero"`
	Broken    string         `json:"broken,omitempty"`
	Started   time.Time      `json:"started,omitzero"`
	Took      time.Duration  `json:"took,omitempty"` // nanoseconds
	Skew      time.Duration  `json:"skew,omitempty"` // nanoseconds
}

type readLine struct {
	judged
	Observed json.RawMessage `json:"observed,omitempty"`
	Expected json.RawMessage `json:"expected,omitempty"`
}

// inflateRun reads such a run back, with only the results whose check's id begins
// with prefix.
func inflateRun(key string, frame []byte, prefix string) (incident.Run, error) {
	lines, err := unseal(runs, key, frame)
	if err != nil {
		return incident.Run{}, err
	}
	bad := func(err error) (incident.Run, error) {
		return incident.Run{}, &CorruptError{Bucket: runs, Key: key, Cause: err}
	}
	head, lines, _ := bytes.Cut(lines, []byte{'\n'})
	var h heading
	if err := json.Unmarshal(head, &h); err != nil {
		return bad(err)
	}
	run := h.run()
	begin := []byte(`{"check":"` + prefix)
	for line := range bytes.Lines(lines) {
		if !bytes.HasPrefix(line, begin) {
			continue
		}
		var l readLine
		if err := json.Unmarshal(line, &l); err != nil {
			return bad(err)
		}
		run.Results = append(run.Results, l.result())
	}
	return run, nil
}

func (l readLine) result() checks.Result {
	v := checks.Verdict{
		Outcome: l.Outcome, Reason: l.Reason, Message: l.Message, Onset: l.Onset, GoodUntil: l.GoodUntil, Broken: l.Broken,
	}
	if l.Observed != nil {
		v.Observed = l.Observed
	}
	if l.Expected != nil {
		v.Expected = l.Expected
	}
	return checks.Result{Check: l.Check, Verdict: v, StartedAt: l.Started, Took: l.Took, Skew: l.Skew}
}
