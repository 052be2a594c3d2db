package heartbeat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/jobs/heartbeat"
	"github.com/pipewatch-dev/pipewatch/probe"
)

var noon = time.Date(2013, 2, 8, 12, 0, 0, 0, time.UTC)

// clock is a minute past noon.
func clock(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }

func mark(minute int) probe.Instant { return probe.At(clock(minute)) }

func TestRuns(t *testing.T) {
	start, success, fail := probe.BeatStart, probe.BeatSuccess, probe.BeatFail
	tests := []struct {
		name  string
		beats []probe.Beat
		want  []probe.JobRun
	}{
		{"a job that never called has no runs", nil, []probe.JobRun{}},
		{
			"a lone success is a run that started when it ended",
			[]probe.Beat{{At: clock(1), Kind: success}},
			[]probe.JobRun{{State: "success", Started: mark(1), Ended: mark(1)}},
		},
		{
			"a start without an end is running",
			[]probe.Beat{{At: clock(1), Kind: start}},
			[]probe.JobRun{{State: "running", Started: mark(1)}},
		},
		{
			"a start is ended by the next end",
			[]probe.Beat{{At: clock(1), Kind: start}, {At: clock(3), Kind: fail, Exit: 2}},
			[]probe.JobRun{{State: "failed", Started: mark(1), Ended: mark(3)}},
		},
		{
			"runs that overlap are told apart by their ids",
			[]probe.Beat{
				{At: clock(1), Kind: start, Run: "a"}, {At: clock(2), Kind: start, Run: "b"},
				{At: clock(3), Kind: success, Run: "a"}, {At: clock(4), Kind: fail, Run: "b"},
			},
			[]probe.JobRun{
				{ID: "b", State: "failed", Started: mark(2), Ended: mark(4)},
				{ID: "a", State: "success", Started: mark(1), Ended: mark(3)},
			},
		},
		{
			"an end of another run does not end this one",
			[]probe.Beat{{At: clock(1), Kind: start, Run: "a"}, {At: clock(2), Kind: success, Run: "b"}},
			[]probe.JobRun{
				{ID: "b", State: "success", Started: mark(2), Ended: mark(2)},
				{ID: "a", State: "running", Started: mark(1)},
			},
		},
		{
			"a second start of the same run is that run begun anew",
			[]probe.Beat{{At: clock(1), Kind: start}, {At: clock(5), Kind: start}, {At: clock(6), Kind: success}},
			[]probe.JobRun{{State: "success", Started: mark(5), Ended: mark(6)}},
		},
		{
			"what came in the wrong order is put right",
			[]probe.Beat{{At: clock(3), Kind: success}, {At: clock(1), Kind: start}},
			[]probe.JobRun{{State: "success", Started: mark(1), Ended: mark(3)}},
		},
		{
			"what happens after the moment is not known yet",
			[]probe.Beat{{At: clock(1), Kind: start}, {At: clock(11), Kind: success}},
			[]probe.JobRun{{State: "running", Started: mark(1)}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, heartbeat.Runs(tt.beats, clock(10))); diff != "" {
				t.Errorf("runs (-want +got):\n%s", diff)
			}
		})
	}
}

// journal holds the beats of one job, or fails.
type journal struct {
	name  string
	beats []probe.Beat
	err   error
}

func (j journal) Beats(name string) ([]probe.Beat, error) {
	if name != j.name {
		return nil, j.err
	}
	return j.beats, j.err
}

func TestAskAnswersInOrderAndOnlyAboutJobs(t *testing.T) {
	s := heartbeat.Source{Journal: journal{name: "load", beats: []probe.Beat{{At: clock(1), Kind: probe.BeatSuccess}}}}
	answers := s.Ask(t.Context(), clock(2), []probe.Question{
		probe.LastRuns{Conn: probe.HeartbeatConn, Job: "other"},
		probe.Rows{},
		probe.LastRuns{Conn: probe.HeartbeatConn, Job: "load"},
	})
	if len(answers) != 3 {
		t.Fatalf("got %d answers to 3 questions", len(answers))
	}
	if runs, err := probe.Value[[]probe.JobRun](answers[0]); err != nil || len(runs) != 0 {
		t.Errorf("runs of a job that never called: %v, %v", runs, err)
	}
	if e, ok := errors.AsType[*probe.Error](answers[1].Err); !ok || e.Class != probe.Refused {
		t.Errorf("a question about rows: %v, want it refused", answers[1].Err)
	}
	if runs, err := probe.Value[[]probe.JobRun](answers[2]); err != nil || len(runs) != 1 {
		t.Errorf("runs of load: %v, %v, want one", runs, err)
	}
}

func TestAskPassesOnWhyTheJournalCannotBeRead(t *testing.T) {
	broken := errors.New("disk is gone")
	a := heartbeat.Source{Journal: journal{err: broken}}.Ask(t.Context(), noon, []probe.Question{probe.LastRuns{Job: "x"}})
	if !errors.Is(a[0].Err, broken) {
		t.Errorf("got %v, want %v in it", a[0].Err, broken)
	}
}
