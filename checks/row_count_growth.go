package checks

import (
	"fmt"
	"math"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// growth is by how many rows a table may grow from one evaluation to the next.
type growth struct {
	Min *int64 `yaml:"min" jsonschema_description:"least rows more than at the last evaluation; below 0 the table may shrink"`
	Max *int64 `yaml:"max" jsonschema:"minimum=0" jsonschema_description:"most rows more, for each evaluation since"`
}

// countBase is a number of all rows from which growth is counted.
type countBase struct {
	Rows int64     `json:"rows"`
	At   time.Time `json:"at"`
	// First is the first sight. It may have come right after a load, so that the next
	// evaluation need not see one.
	First bool `json:"first,omitempty"`
}

// settle refuses limits that are always or never met.
func (g *growth) settle(v conf.Value) (problems conf.Problems) {
	switch {
	case g == nil:
	case g.Min == nil && g.Max == nil:
		problems.Add(v.KeyProblem("delta has neither min nor max, so it could never fail").WithCode("PW120").WithHint("give one of them, or both"))
	case g.Min != nil && g.Max != nil && *g.Min > *g.Max:
		problems.Add(v.Get("min").Problem("min %d is more than max %d, so no growth would do", *g.Min, *g.Max).WithCode("PW120"))
	}
	return problems
}

// mostDue is how many evaluations are counted at most.
const mostDue = 1000

// dueSince counts the times in (since, now] at which any of the schedules comes.
func dueSince(schedules []dag.Schedule, since, now time.Time) (n int64) {
	for at := since; n < mostDue; n++ {
		next := time.Time{}
		for _, s := range schedules {
			if t := s.Next(at); !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
		if next.IsZero() || next.After(now) {
			return n
		}
		at = next
	}
	return n
}

// judge holds the number of all rows against that of the base, which moves when all is
// well, and when a change was announced. An evaluation that no schedule asked for, as
// one by hand, may come before the next load: it moves nothing.
func (g growth) judge(s Site, rows int64, base *countBase, at Moment) (judgement, growth) {
	due := dueSince(s.Spec.Schedules, base.At, at.Now)
	limits, grown := g.over(max(due, 1)), rows-base.Rows
	j := judgement{outcome: Pass}
	change := fmt.Sprintf("%s more than at %s", counted(grown, "row"), clock(base.At, s.Node.Zone))
	if grown < 0 {
		change = fmt.Sprintf("%s fewer than at %s", counted(-grown, "row"), clock(base.At, s.Node.Zone))
	}
	switch {
	case announcedSince(at, base.At) != nil:
		*base = countBase{Rows: rows, At: at.Now.UTC()}
	case g.Max != nil && grown > *limits.Max:
		j = judgement{outcome: Fail, reason: AboveMax, goodUntil: base.At, message: fmt.Sprintf("%s, at most %s expected", change, thousands(*limits.Max))}
	case due == 0:
	case g.Min == nil || grown >= *limits.Min:
		*base = countBase{Rows: rows, At: at.Now.UTC()}
	case base.First && due == 1:
		j = judgement{outcome: Pending, reason: NoHistory, message: change + ", which was the first time; the next evaluation tells"}
	default:
		j = judgement{outcome: Fail, reason: BelowMin, goodUntil: base.At, message: fmt.Sprintf("%s, at least %s expected", change, thousands(*limits.Min))}
	}
	return j, limits
}

// over is what may come of several evaluations of which only the last was made: as much
// growth, or loss, as each may bring. One load is enough for min, as what others bring
// is not known.
func (g growth) over(n int64) growth {
	if g.Max != nil {
		g.Max = new(min(*g.Max, math.MaxInt64/n) * n)
	}
	if g.Min != nil && *g.Min < 0 {
		g.Min = new(max(*g.Min, math.MinInt64/n) * n)
	}
	return g
}
