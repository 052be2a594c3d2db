package probe

import "time"

// Beat is one sign of life of a job that can only call a URL.
type Beat struct {
	At   time.Time `json:"at"`
	Kind BeatKind  `json:"kind"`
	Exit int       `json:"exit,omitempty"` // exit status that came with it
	Run  string    `json:"run,omitempty"`  // the caller's id of the run; pairs its start with its end
	Body string    `json:"body,omitempty"` // what the caller sent along
}

// BeatKind says what a job reports.
type BeatKind string

// The kinds of beats.
const (
	BeatStart   BeatKind = "start"
	BeatSuccess BeatKind = "success"
	BeatFail    BeatKind = "fail"
)
