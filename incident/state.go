package incident

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
)

// step moves one check's state by one verdict (reliability: an error or nodata
// never opens and never resolves; pending and deferred hold what was).
func step(s State, c *checks.Check, v checks.Verdict, now time.Time, p Policy) State {
	last := s.At
	if s.Looked.After(last) {
		last = s.Looked // it was before the start
	}
	gap := !last.IsZero() && tooLong(c, last, now)
	passed := s.Phase == OK && s.Outcome == checks.Pass
	s.At = now
	s.Outcome, s.Message, s.Fingerprint = v.Outcome, "", c.Fingerprint
	if v.Outcome != checks.Pass {
		s.Message = v.Message
	}
	s = trouble(s, v, now, p)
	switch {
	case v.Outcome.Bad():
		if passed {
			s.GoodUntil = last // as far as anybody has looked
		}
		s = worse(s, c, v, now, p, gap)
	case v.Outcome == checks.Pass:
		s = better(s, now, p)
	}
	if s.Looked = (time.Time{}); s.Phase == Pending {
		s.Looked = now
	}
	return s
}

// trouble counts how long a check has gone unanswered, or had nothing to judge.
func trouble(s State, v checks.Verdict, now time.Time, p Policy) State {
	if v.Outcome != checks.NoData {
		s.Silent, s.Silences = time.Time{}, 0
	} else {
		if s.Silences == 0 {
			s.Silent = now
		}
		s.Silences = min(s.Silences+1, max(p.ErrorAfter, 1))
	}
	if v.Outcome != checks.Error {
		s.Troubled, s.Troubles, s.Broken = time.Time{}, 0, ""
		return s
	}
	if s.Troubles == 0 {
		s.Troubled = now
	}
	s.Troubles = min(s.Troubles+1, max(p.ErrorAfter, 1))
	s.Broken = v.Broken
	return s
}

// worse is a bad verdict: ok → pending → failing.
func worse(s State, c *checks.Check, v checks.Verdict, now time.Time, p Policy, gap bool) State {
	if s.Phase == Unknown || s.Phase == OK {
		s.Phase, s.Bad, s.FirstSeen, s.Since = Pending, 0, now, now
		s.HeldBy, s.Released = "", time.Time{}
	}
	if s.Phase == Pending && gap {
		// Nobody looked for a while: time alone must not open an incident.
		s.Since, s.Bad = now, 0
	}
	s.Good = 0
	s.Bad = min(s.Bad+1, max(p.FailAfter, 1))
	switch {
	case s.Phase == Recovering:
		s.Phase = Failing
	case s.Phase == Pending && s.Bad >= p.FailAfter && now.Sub(s.Since) >= c.Spec.For:
		s.Phase, s.FailedAt = Failing, now
	}
	f := Finding{
		Check: c.ID(), Outcome: v.Outcome, Reason: v.Reason, Message: v.Message, Severity: c.Spec.Severity,
		Onset: v.Onset, FirstSeen: s.FirstSeen,
	}
	if ofPeriods.has(v.Reason) && !v.Onset.IsZero() {
		f.Since = v.GoodUntil
	}
	if v.Outcome == checks.Warn {
		f.Severity = "warn"
	}
	if s.Finding.Reason == v.Reason && !s.Finding.Onset.IsZero() && s.Finding.Onset.Before(f.Onset) {
		// The same trouble, further along: it began when it began.
		f.Onset, f.Since = s.Finding.Onset, s.Finding.Since
	}
	s.Finding = f
	if !v.GoodUntil.IsZero() {
		s.GoodUntil = v.GoodUntil
	}
	return s
}

// better is a pass: failing → recovering → ok.
func better(s State, now time.Time, p Policy) State {
	s.Bad = 0
	switch s.Phase {
	case Failing:
		s.Phase, s.Since, s.Good = Recovering, now, 1
	case Recovering:
		s.Good++
	default:
		return healthy(s)
	}
	if s.Good >= p.ResolveAfter {
		return healthy(s)
	}
	return s
}

// healthy forgets a bad stretch.
func healthy(s State) State {
	return State{Phase: OK, Outcome: s.Outcome, Fingerprint: s.Fingerprint, At: s.At}
}

// tooLong tells whether more than three of the check's slots passed unused
// between two evaluations.
func tooLong(c *checks.Check, last, now time.Time) bool {
	missed := 0
	for t := last; missed <= 3; missed++ {
		next := time.Time{}
		for _, sched := range c.Spec.Schedules {
			if n := sched.Next(t); next.IsZero() || n.Before(next) {
				next = n
			}
		}
		if next.IsZero() || next.After(now) {
			return false
		}
		t = next
	}
	return true
}
