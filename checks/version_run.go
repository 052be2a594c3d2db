package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// jobInput is a job whose runs tell something about a version.
type jobInput struct {
	Name     string
	Params   jobParams
	Question probe.LastRuns
}

// jobsAbove are the jobs whose runs explain what became of a node: those that write
// it or, where none is known, all upstream, nearest first. A loader that runs every
// hour explains nothing of a table that another job builds every night.
func jobsAbove(s Site) []jobInput {
	if own := writers(s.graph(), s.Node); len(own) > 0 {
		return own
	}
	return jobsOf(s.graph(), s.graph().Upstream(s.Node.ID))
}

// writers are the jobs that write a node: those it depends on itself.
func writers(g *dag.Graph, n *dag.Node) []jobInput {
	var ids []dag.NodeID
	for _, edge := range n.Upstream {
		ids = append(ids, edge.To)
	}
	return jobsOf(g, ids)
}

func jobsOf(g *dag.Graph, ids []dag.NodeID) []jobInput {
	var jobs []jobInput
	for _, id := range ids {
		n := g.Node(id)
		if n == nil || n.Type != dag.Job {
			continue
		}
		if p, ok := jobOf(n); ok {
			jobs = append(jobs, jobInput{n.ID.Name(), p, p.question(n)})
		}
	}
	return jobs
}

func jobNames(jobs []jobInput) string {
	names := make([]string, len(jobs))
	for i, j := range jobs {
		names[i] = j.Name
	}
	return strings.Join(names, " or ")
}

// allJobs are the jobs that are asked about, each once.
func (p versionParams) allJobs() []jobInput {
	all := slices.Concat(p.Jobs, p.Writers)
	for _, in := range p.Inputs {
		all = append(all, in.Writers...)
	}
	var jobs []jobInput
	for _, j := range all {
		if !slices.ContainsFunc(jobs, func(o jobInput) bool { return o.Question == j.Question }) {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// ranLast is what the runs of a job say about versions.
type ranLast struct {
	began     time.Time // when its newest success began to read, at the earliest; zero where nobody knows
	succeeded time.Time // when that ended; zero where there was none
	underWay  bool
}

// jobRuns is what is known of jobs, by their questions.
type jobRuns map[probe.LastRuns]ranLast

func (p versionParams) readJobs(answers []probe.Answer) (jobRuns, error) {
	known := jobRuns{}
	for i, job := range p.allJobs() {
		runs, err := probe.Value[[]probe.JobRun](answers[i])
		if err != nil {
			return nil, err
		}
		h, err := job.Params.history(runs)
		if err != nil {
			return nil, err
		}
		known[job.Question] = ranLast{began: began(job.Params, runs, h.succeeded), succeeded: h.succeeded, underWay: h.newest != nil && h.newest.State == running}
	}
	return known, nil
}

// began is when the success that ended at a moment began: as it was told, or else the
// end of the success before it.
func began(p jobParams, runs []probe.JobRun, ended time.Time) time.Time {
	var before time.Time
	for _, run := range runs {
		state, _ := p.means(run.State)
		switch end := run.Ended.Time(); {
		case state != success:
		case end.Equal(ended) && !run.Started.IsZero():
			return run.Started.Time()
		case end.Before(ended) && end.After(before):
			before = end
		}
	}
	return before
}

// rebuilt tells whether one of the jobs succeeded with a run that began at a moment or
// later, so that it read what was there then.
func (known jobRuns) rebuilt(jobs []jobInput, from time.Time) bool {
	return slices.ContainsFunc(jobs, func(j jobInput) bool {
		r := known[j.Question]
		return !r.began.IsZero() && !r.began.Before(from)
	})
}

// explain finds the jobs that succeeded after the accepted version was last seen, and
// one that is still under way.
func (c *change) explain(known jobRuns) (underWay string) {
	for _, job := range c.params.Jobs {
		switch r := known[job.Question]; {
		case r.succeeded.After(time.Unix(c.past.At, 0)):
			c.explainedBy = append(c.explainedBy, job.Name)
		case r.underWay:
			underWay = job.Name
		}
	}
	return underWay
}

// judgeIdle judges a run that succeeded and changed nothing since the version was first
// seen. Where it is known what the node is built from, some of that must have changed
// before the run began.
func (p versionParams) judgeIdle(s Site, past versionMemory, seen sighting, jobs jobRuns) (judgement, bool) {
	from := past.Since
	if len(p.Inputs) > 0 {
		var newer []int64
		for _, in := range p.Inputs {
			if past.Inputs[in.Name] != seen.Inputs[in.Name] {
				newer = append(newer, seen.Tracked[in.ID].Since)
			}
		}
		if len(newer) == 0 {
			return judgement{}, false
		}
		from = max(from, slices.Min(newer))
	}
	i := slices.IndexFunc(p.Writers, func(j jobInput) bool { return jobs.rebuilt([]jobInput{j}, time.Unix(from, 0)) })
	if i < 0 {
		return judgement{}, false
	}
	ended := jobs[p.Writers[i].Question].succeeded
	j := judgement{outcome: p.idle(), reason: NoOp, onset: ended, message: fmt.Sprintf("%s succeeded at %s and changed nothing: unchanged since %s",
		p.Writers[i].Name, clock(ended, s.Node.Zone), clock(time.Unix(past.Since, 0), s.Node.Zone))}
	if j.outcome == Pass {
		j.onset, j.goodUntil = time.Time{}, time.Unix(seen.At, 0)
	}
	return j, true
}

// idle is the outcome of a run that changed nothing.
func (p versionParams) idle() Outcome {
	switch p.NoOp {
	case "warn":
		return Warn
	case "fail":
		return Fail
	}
	return Pass
}
