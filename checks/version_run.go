package checks

import (
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// jobInput is a job whose run may explain a change.
type jobInput struct {
	Name     string
	Params   jobParams
	Question probe.LastRuns
}

// jobsAbove are the jobs upstream of a node whose runs can be asked for, nearest first.
func jobsAbove(s Site) []jobInput {
	var jobs []jobInput
	for _, id := range s.Graph.Upstream(s.Node.ID) {
		n := s.Graph.Node(id)
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

// readRuns finds the jobs that succeeded after the accepted version was last seen,
// and one that is still under way.
func (c *change) readRuns(answers []probe.Answer) (underWay string, err error) {
	for i, job := range c.params.Jobs {
		runs, err := probe.Value[[]probe.JobRun](answers[i])
		if err != nil {
			return "", err
		}
		h, err := job.Params.history(runs)
		if err != nil {
			return "", err
		}
		switch {
		case h.succeeded.After(time.Unix(c.past.At, 0)):
			c.explainedBy = append(c.explainedBy, job.Name)
		case h.newest != nil && h.newest.State == running:
			underWay = job.Name
		}
	}
	return underWay, nil
}
