package checks

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// Two tables that are loaded one after the other are no consistent cut in between: rows
// have come whose parents have not. With parent_lag orphans are deferred while the
// parent has not come as far as the rows that are judged. That is bounded twice, by how
// far the parent is behind and by how long orphans were deferred, so that a parent
// which is always a little behind hides no real orphan for ever.

// settleLag finds how the parent tells how far it has come.
func (p *joinsParams) settleLag(parent *dag.Node, v conf.Value) conf.Problems {
	if p.ParentLag == nil {
		return nil
	}
	var problems conf.Problems
	if *p.ParentLag == 0 {
		problems.Add(v.Problem("parent_lag: 0s defers nothing").WithCode("PW134").WithHint("remove it, or make it longer"))
	}
	if p.Time.Name == "" {
		problems.Add(v.KeyProblem("how far the rows have come is told by a time column").WithCode("PW133").
			WithHint("name one with by:, or give the node a freshness check"))
	}
	if parent == nil {
		return problems
	}
	of, ok := freshnessOf(parent)
	if !ok {
		problems.Add(v.KeyProblem("how far %s has come is told by its freshness check, and it has none", p.To).WithCode("PW133").
			WithHint("give that node freshness: {column: …}"))
	}
	p.ParentTime = of
	return problems
}

// askLag asks how far both sides have come, the parent as its freshness check does.
func (p joinsParams) askLag(s Site, at Moment) []probe.Question {
	if p.ParentLag == nil {
		return nil
	}
	return []probe.Question{
		probe.Watermark{Of: p.Parent, Column: p.ParentTime.time(), Horizon: p.ParentTime.horizon(at)},
		probe.Watermark{Of: s.Relation(), Where: s.Spec.Where, Column: p.Time, Horizon: p.ParentTime.horizon(at)},
	}
}

// judgeLag defers orphans while the parent is behind. since is when orphans were first
// deferred, and is zero once there are none.
func (p joinsParams) judgeLag(j judgement, marks []probe.Answer, since time.Time, at Moment, zone *time.Location) (judgement, time.Time, error) {
	parent, err := probe.Value[probe.Mark](marks[0])
	if err != nil {
		return j, since, err
	}
	rows, err := probe.Value[probe.Mark](marks[1])
	if err != nil {
		return j, since, err
	}
	if j.outcome != Fail || j.reason != Orphans {
		return j, time.Time{}, nil
	}
	_, has := p.ParentTime.watermark(parent.Max, parent.Class)
	needs := rows.Max.Time() // of the rows that are judged
	if end := p.window(at).To.Time(); !end.IsZero() && end.Before(needs) {
		needs = end
	}
	if has.IsZero() || !has.Before(needs) {
		return j, since, nil
	}
	if since.IsZero() {
		since = at.Now.UTC()
	}
	behind, waited, limit := needs.Sub(has), at.Now.Sub(since), p.ParentLag.Std()
	said := fmt.Sprintf("%s has come to %s, %s behind the rows", p.To, clock(has, zone), spoken(behind))
	if behind > limit || waited > limit {
		j.message += "; " + said
		return j, since, nil
	}
	return judgement{outcome: Deferred, reason: Skew, message: said + ": " + j.message}, since, nil
}
