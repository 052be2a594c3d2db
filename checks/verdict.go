package checks

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// Outcome is what one evaluation said, in the words of the contract.
type Outcome string

// The outcomes.
const (
	Pass     Outcome = "pass"
	Warn     Outcome = "warn"
	Fail     Outcome = "fail"
	NoData   Outcome = "nodata"   // nothing to judge
	Error    Outcome = "error"    // could not find out
	Pending  Outcome = "pending"  // not due yet, or no past to judge by
	Deferred Outcome = "deferred" // cannot be judged fairly now
)

// rank orders outcomes from best to worst, as a report's verdict does.
var rank = map[Outcome]int{Pass: 0, Pending: 1, Deferred: 2, Warn: 3, NoData: 4, Error: 5, Fail: 6}

// Worse tells whether o is worse than p: fail > error > nodata > warn >
// deferred > pending > pass.
func (o Outcome) Worse(p Outcome) bool { return rank[o] > rank[p] }

// Bad tells whether o moves a check towards an incident.
func (o Outcome) Bad() bool { return o == Fail || o == Warn }

// Reason is the stable word for why a check is not simply good.
type Reason string

// The reasons, by kind of check.
const (
	Stale            Reason = "stale"
	Late             Reason = "late"
	Empty            Reason = "empty"
	FutureTimestamps Reason = "future_timestamps"

	BelowMin      Reason = "below_min"
	AboveMax      Reason = "above_max"
	Dropped       Reason = "dropped"
	Rose          Reason = "rose"
	MissingBucket Reason = "missing_bucket"
	FromZero      Reason = "from_zero"
	Frozen        Reason = "frozen"
	Unequal       Reason = "unequal"
	NoHistory     Reason = "no_history"

	Orphans     Reason = "orphans"
	NullKeys    Reason = "null_keys"
	FanOut      Reason = "fan_out"
	BehindCurve Reason = "behind_curve"
	// UncoveredParents is about keys of a parent that no row has.
	UncoveredParents Reason = "uncovered_parents"
	Skew             Reason = "skew"

	SchemaChanged     Reason = "schema_changed"
	ContentChanged    Reason = "content_changed"
	Restated          Reason = "restated"
	UnexplainedChange Reason = "unexplained_change"
	Lag               Reason = "lag"
	Torn              Reason = "torn"
	NoOp              Reason = "no_op"
	Regressed         Reason = "regressed"

	UnderCovered  Reason = "under_covered"
	StaleFeed     Reason = "stale_feed"
	Leakage       Reason = "leakage"
	Conflicting   Reason = "conflicting"
	FrozenChanged Reason = "frozen_changed"

	NullValues       Reason = "nulls"
	Duplicates       Reason = "duplicates"
	UnexpectedValues Reason = "unexpected_values"
	OutOfRange       Reason = "out_of_range"

	JobFailed   Reason = "failed"
	TooLong     Reason = "too_long"
	NeverRan    Reason = "never_ran"
	Paused      Reason = "paused"
	StuckQueued Reason = "stuck_queued"
)

// reasonWords lists the reasons that a finding can have.
func reasonWords() []string {
	var words []string
	for _, r := range []Reason{
		Stale, Late, Empty, FutureTimestamps, BelowMin, AboveMax, Dropped,
		Rose, MissingBucket, FromZero, Frozen, Unequal, Orphans, NullKeys,
		FanOut, UncoveredParents, BehindCurve, SchemaChanged, ContentChanged, Restated, UnexplainedChange, Lag,
		Torn, NoOp, Regressed, UnderCovered, StaleFeed, Leakage, Conflicting,
		FrozenChanged, NullValues, Duplicates, UnexpectedValues, OutOfRange, JobFailed, TooLong,
		NeverRan, Paused, StuckQueued,
	} {
		words = append(words, string(r))
	}
	return words
}

// Verdict is what one evaluation of a check found.
type Verdict struct {
	Outcome Outcome
	// Reason is empty for a plain pass and for an error.
	Reason Reason
	// Message says in one sentence what was found against what was expected,
	// without naming the node ("newest time_hour is 33h old, limit 6h").
	Message string
	// Observed and Expected marshal to the JSON objects of the contract.
	Observed any
	Expected any
	// Onset is when the finding became true in the data, where the data tells;
	// zero means "when it was first seen".
	Onset time.Time
	// GoodUntil is the newest moment at which the data was known to be good
	// ("last good" in messages); zero where the kind cannot say.
	GoodUntil time.Time
	// Broken names what the world lacks when the outcome is error: "column"
	// when a named column is gone, which a schema change upstream explains;
	// "connection" when the source could not be reached; else empty.
	Broken string
	// Event is what last became another in what the check looks at. It is no
	// judgement: messages about what breaks below name it.
	Event Event
}

// Event is something that happened to what a check looks at: a new version, the
// end of a job's run.
type Event struct {
	At   time.Time `json:"at,omitzero"`
	What string    `json:"what,omitempty"` // of the node, as in "has other content"; no row values
}

// Result is one evaluation of one check in a run.
type Result struct {
	Check     dag.CheckID
	Verdict   Verdict
	StartedAt time.Time // wall time of its first statement
	Took      time.Duration
	Skew      time.Duration // the largest of the clocks it asked, against ours (probe.Answer.Skew)
	SQL       []string
	Memory    Memory // what the kind remembers from now on; nil leaves it as it is
}
