// Package heartbeat answers what is known of jobs that can only call a URL.
//
// It is not the place where those calls arrive (that is package web) or are
// kept (package store): it reads them through [Journal] and makes runs of them.
// It judges nothing; whether a job is late is the business of package checks.
//
// # Data model
//
// A [probe.Beat] is one call: start, success or fail. Beats that carry the same
// run id are one run; a start without an id is ended by the next success or
// fail without one; an end whose start never came is a run that started when it
// ended. The runs are [probe.JobRun] in the states running, success and failed.
package heartbeat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Journal is where heartbeats are kept.
type Journal interface {
	// Beats lists the beats of a name, oldest first; none for a name that
	// never called.
	Beats(name string) ([]probe.Beat, error)
}

// Source answers [probe.LastRuns] on [probe.HeartbeatConn] from a journal.
type Source struct{ Journal Journal }

// Ask answers each question with the runs that were known at the moment at.
func (s Source) Ask(_ context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	for i, q := range qs {
		answers[i] = s.answer(at, q)
	}
	return answers
}

func (s Source) answer(at time.Time, q probe.Question) probe.Answer {
	last, ok := q.(probe.LastRuns)
	if !ok {
		return probe.Answer{Err: &probe.Error{Class: probe.Refused, Msg: fmt.Sprintf("heartbeats cannot answer %T, only the last runs of a job", q)}}
	}
	a := probe.Answer{Statement: "heartbeats of " + last.Job}
	beats, err := s.Journal.Beats(last.Job)
	if err != nil {
		a.Err = &probe.Error{Class: probe.Connection, Msg: err.Error(), Cause: err}
		return a
	}
	a.Value = Runs(beats, at)
	return a
}

// Runs makes runs of the beats up to a moment, newest first by start. A start
// that was followed by another start of the same run began anew.
func Runs(beats []probe.Beat, at time.Time) []probe.JobRun {
	runs := []probe.JobRun{}
	open := map[string]int{} // run id to its place in runs, while it is running
	byTime := slices.SortedStableFunc(slices.Values(beats), func(a, b probe.Beat) int { return a.At.Compare(b.At) })
	for _, b := range byTime {
		if b.At.After(at) {
			break
		}
		n, running := open[b.Run]
		if !running {
			n = len(runs)
			runs = append(runs, probe.JobRun{ID: b.Run, Started: probe.At(b.At)})
		}
		switch r := &runs[n]; b.Kind {
		case probe.BeatStart:
			r.State, r.Started = "running", probe.At(b.At)
			open[b.Run] = n
		case probe.BeatSuccess:
			r.State, r.Ended = "success", probe.At(b.At)
			delete(open, b.Run)
		default:
			r.State, r.Ended = "failed", probe.At(b.At)
			delete(open, b.Run)
		}
	}
	slices.SortStableFunc(runs, func(a, b probe.JobRun) int { return cmp.Compare(b.Started, a.Started) })
	return runs
}
