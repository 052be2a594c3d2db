package watch

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
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

// evaluateGroup asks and judges the checks that share a time-out. The source asks only
// once what several of them want to know.
func evaluateGroup(ctx context.Context, src probe.Source, cs []*checks.Check, group []int, past map[dag.CheckID]checks.Memory, moments []checks.Moment, timeout time.Duration, results []checks.Result) {
	questions := make([][]probe.Question, len(group))
	each(len(group), func(g int) {
		n := group[g]
		questions[g] = cs[n].Ask(past[cs[n].ID()], moments[n])
	})
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("time-out of %s", timeout))
		defer cancel()
	}
	answers := src.Ask(ctx, moments[group[0]].Now, slices.Concat(questions...))
	own := make([][]probe.Answer, len(group))
	for g := range group {
		own[g], answers = answers[:len(questions[g])], answers[len(questions[g]):]
	}
	each(len(group), func(g int) {
		n := group[g]
		results[n] = judge(cs[n], own[g], past[cs[n].ID()], moments[n])
	})
}

// each calls do with 0 to n-1, by all processors at once.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	share := n/runtime.GOMAXPROCS(0) + 1
	for from := 0; from < n; from += share {
		wg.Go(func() {
			for i := from; i < min(from+share, n); i++ {
				do(i)
			}
		})
	}
	wg.Wait()
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
