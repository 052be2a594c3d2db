package watch

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Evaluate asks everything that the checks want to know, all at once, and
// judges each. It returns one result a check, in the same order, whatever goes
// wrong: trouble is a verdict of its own. Checks with different time-outs are
// asked one group after the other, so that a patient check does not make the
// others wait. Announced gives the planned work that concerns a check; nil is
// none.
func Evaluate(ctx context.Context, src probe.Source, cs []*checks.Check, past map[dag.CheckID]checks.Memory,
	announced func(*checks.Check) []checks.Announcement, at time.Time) []checks.Result {
	results := make([]checks.Result, len(cs))
	moments := make([]checks.Moment, len(cs))
	for n, c := range cs {
		moments[n].Now = at
		if announced != nil {
			moments[n].Announced = announced(c)
		}
	}
	groups := map[time.Duration][]int{}
	for n, c := range cs {
		groups[c.Spec.Timeout] = append(groups[c.Spec.Timeout], n)
	}
	for _, timeout := range slices.Sorted(maps.Keys(groups)) {
		evaluateGroup(ctx, src, cs, groups[timeout], past, moments, timeout, results)
	}
	return results
}

// evaluateGroup asks and judges the checks that share a time-out.
func evaluateGroup(ctx context.Context, src probe.Source, cs []*checks.Check, group []int, past map[dag.CheckID]checks.Memory, moments []checks.Moment, timeout time.Duration, results []checks.Result) {
	var questions []probe.Question
	number := map[probe.Question]int{}
	wants := make([][]int, len(group))
	for g, n := range group {
		for _, q := range cs[n].Ask(past[cs[n].ID()], moments[n]) {
			k, asked := number[q]
			if !asked {
				k = len(questions)
				number[q] = k
				questions = append(questions, q)
			}
			wants[g] = append(wants[g], k)
		}
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("time-out of %s", timeout))
		defer cancel()
	}
	answers := src.Ask(ctx, moments[group[0]].Now, questions)
	for g, n := range group {
		own := make([]probe.Answer, len(wants[g]))
		for i, k := range wants[g] {
			own[i] = answers[k]
		}
		results[n] = judge(cs[n], own, past[cs[n].ID()], moments[n])
	}
}

// judge makes one result. A panic in a kind is that check's error and nobody
// else's.
func judge(c *checks.Check, answers []probe.Answer, past checks.Memory, at checks.Moment) (r checks.Result) {
	r.Check = c.ID()
	for _, a := range answers {
		if r.StartedAt.IsZero() || a.Started.Before(r.StartedAt) {
			r.StartedAt = a.Started
		}
		r.Took = max(r.Took, a.Took)
		if a.Skew.Abs() > r.Skew.Abs() {
			r.Skew = a.Skew
		}
		if a.Statement != "" && !slices.Contains(r.SQL, a.Statement) {
			r.SQL = append(r.SQL, a.Statement)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			r.Verdict = checks.Verdict{Outcome: checks.Error, Message: fmt.Sprintf("pipewatch stumbled over this check: %v (please report it)\n%s", p, debug.Stack())}
			r.Memory = nil
		}
	}()
	r.Verdict, r.Memory = c.Judge(answers, past, at)
	return r
}
