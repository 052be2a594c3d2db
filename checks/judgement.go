package checks

import "time"

// judgement is one thing a check holds its answers against. A check makes
// several; its verdict is the worst of them.
type judgement struct {
	outcome   Outcome
	reason    Reason
	message   string
	onset     time.Time
	goodUntil time.Time
}

// worst is the judgement that decides: the worst outcome, the first of equals.
// A judgement without a past (pending) decides only when all others pass.
func worst(first judgement, rest ...judgement) judgement {
	for _, j := range rest {
		if j.outcome.Worse(first.outcome) {
			first = j
		}
	}
	return first
}

// verdict makes the judgement a Verdict about what was observed and expected.
func (j judgement) verdict(observed, expected any) Verdict {
	return Verdict{
		Outcome: j.outcome, Reason: j.reason, Message: j.message,
		Observed: observed, Expected: expected, Onset: j.onset, GoodUntil: j.goodUntil,
	}
}
