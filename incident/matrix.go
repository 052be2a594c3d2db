package incident

import (
	"slices"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// reasons is a set of reason words.
type reasons []checks.Reason

func (r reasons) has(x checks.Reason) bool { return slices.Contains(r, x) }

// rule is one row of the matrix: a finding with a reason in above, on a node
// upstream, explains findings with a reason in below.
type rule struct{ above, below reasons }

// The words of the matrix.
var (
	jobBroken   = reasons{checks.JobFailed, checks.Late, checks.TooLong, checks.NeverRan, checks.Paused, checks.StuckQueued}
	jobIdle     = reasons{checks.Late, checks.NeverRan, checks.StuckQueued}
	dataMissing = reasons{
		checks.Stale, checks.Late, checks.Empty, checks.Frozen, checks.Dropped, checks.BelowMin, checks.MissingBucket,
		checks.Unequal, checks.StaleFeed, checks.UnderCovered, checks.BehindCurve,
	}
	missingBelow = slices.Concat(dataMissing, reasons{
		checks.Orphans, checks.UncoveredParents, checks.Lag, checks.Torn, checks.NoOp, checks.NullValues, checks.NullKeys,
	})
)

// dataRules says which finding of a table, view or query explains which below
// (semantics: "what explains what"). What is not listed explains itself only.
var dataRules = []rule{
	{dataMissing, missingBelow},
	{reasons{checks.Orphans}, reasons{
		checks.Orphans, checks.NullValues, checks.Dropped, checks.BelowMin, checks.MissingBucket, checks.UnderCovered, checks.BehindCurve,
	}},
	{
		reasons{checks.Rose, checks.AboveMax, checks.FanOut, checks.Duplicates},
		reasons{checks.Rose, checks.AboveMax, checks.FanOut, checks.Duplicates, checks.Unequal},
	},
	{reasons{checks.NullValues, checks.NullKeys}, reasons{checks.NullValues, checks.NullKeys, checks.Orphans}},
	{reasons{checks.SchemaChanged}, reasons{checks.SchemaChanged, checks.ContentChanged}},
	{
		reasons{checks.ContentChanged, checks.Restated, checks.UnexplainedChange},
		reasons{checks.ContentChanged, checks.Restated, checks.UnexplainedChange, checks.FrozenChanged},
	},
	{reasons{checks.Lag, checks.Torn}, reasons{checks.Lag, checks.Torn, checks.Orphans, checks.UnexplainedChange}},
}

// announcedBelow is what announced work on a table can cause in those below it:
// whatever some finding of the table could explain, but for reasons that explain
// only themselves.
var announcedBelow = func() reasons {
	var out reasons
	for _, r := range dataRules {
		out = append(out, r.below...)
	}
	return out
}()

// explains tells whether the finding above can be why the one below exists.
// The caller has made sure that above's node is upstream of below's check.
func explains(above, below *checks.Check, why, what Finding) bool {
	if below.Spec.Kind == "sql" { // takes the blame of any failing ancestor, unless it says of which
		return below.Blames || slices.Contains(below.ExplainedBy, why.Reason)
	}
	job := below.Spec.Kind == "job"
	if above.Spec.Kind == "job" {
		if job {
			return jobBroken.has(why.Reason) && jobIdle.has(what.Reason)
		}
		return jobBroken.has(why.Reason) && missingBelow.has(what.Reason)
	}
	if job {
		return dataMissing.has(why.Reason) && (what.Reason == checks.Late || what.Reason == checks.NeverRan)
	}
	if above.Spec.Kind == "sql" {
		// A hand-written check says no more than that something is wrong: its
		// reason words are those of row counts, its meaning is not.
		return false
	}
	if why.Reason == what.Reason {
		return true
	}
	if why.Reason == checks.UnexpectedValues && what.Reason == checks.Orphans {
		return slices.Contains(below.Upstream, dag.NodeID(above.Node.ID))
	}
	for _, r := range dataRules {
		if r.above.has(why.Reason) && r.below.has(what.Reason) {
			return true
		}
	}
	return false
}

// ofPeriods are the reasons that rows of a day, or of another period, give once it is
// over: those were missing, or too many, while it lasted.
var ofPeriods = reasons{checks.MissingBucket, checks.Dropped, checks.BelowMin, checks.Rose, checks.AboveMax}

// before tells whether the finding above did not begin later than the one
// below, as far as anybody can know. Where either is only known from when it was
// first seen, those times are compared; what is about a period that is over
// may have begun with it, and was not to be seen before its end.
func before(above, below Finding) bool {
	switch {
	case !above.Since.IsZero() && !above.Since.After(below.Began()):
		return true
	case above.Onset.IsZero() || below.Onset.IsZero():
		return !above.FirstSeen.After(below.FirstSeen)
	}
	return !above.Onset.After(below.Onset)
}
