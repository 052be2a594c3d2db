package checks

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// A table that is filled a few rows at a time looks fresh with its first row. With
// complete_when it is judged as it was when its last load was complete, until the
// next one is.

// completeWhen is how one knows that a load is complete.
type completeWhen struct {
	NoChangeFor *conf.Duration `yaml:"no_change_for" json:",omitzero" jsonschema_description:"neither the number of rows nor the newest time has changed for so long"`
	SQL         string         `yaml:"sql" json:",omitzero" jsonschema_description:"one SELECT of one value: the load is complete when it is true, or a number but 0"`
	Job         string         `yaml:"job" json:",omitzero" jsonschema_description:"a job node: the load is complete when its newest run succeeded"`

	job jobInput
}

// settle checks that there is one way to know, and that it can ever be told.
func (c *completeWhen) settle(s Site, p freshnessParams) ([]dag.NodeID, conf.Problems) {
	var problems conf.Problems
	v := s.Spec.Params.Get("complete_when")
	ways := 0
	for _, key := range []string{"no_change_for", "sql", "job"} {
		if v.Get(key).Exists() {
			ways++
		}
	}
	if ways != 1 {
		problems.Add(v.KeyProblem("complete_when needs one of no_change_for, sql and job").WithCode("PW115"))
	}
	if p.Segment != "" {
		problems.Add(v.KeyProblem("complete_when is about the whole table and segment about its parts").WithCode("PW115").WithHint("put one of them on a second node of the same table"))
	}
	if d := c.NoChangeFor; d != nil {
		least := d.Std() - p.skew()
		switch {
		case *d == 0:
			problems.Add(v.Get("no_change_for").Problem("after 0s every load would be complete").WithCode("PW115"))
		case p.ErrorAfter != nil && least > p.ErrorAfter.Std() && !p.Calendar.given() && p.DateSemantics == "":
			problems.Add(v.Get("no_change_for").Problem("no_change_for %s is more than error_after %s: what has not changed for so long is too old already", d, p.ErrorAfter).
				WithCode("PW115").WithHint("use a deadline, or make error_after longer"))
		}
	}
	if c.SQL != "" {
		problems.Merge(needConnection(s))
	}
	if c.Job == "" {
		return nil, problems
	}
	id, ps := c.settleJob(s, v.Get("job"))
	problems.Merge(ps)
	return id, problems
}

// settleJob finds the job, whose troubles explain those of the check.
func (c *completeWhen) settleJob(s Site, v conf.Value) ([]dag.NodeID, conf.Problems) {
	n, ps := namedNode(s, v, "PW115", func(n *dag.Node) bool { return n.Type == dag.Job })
	if n == nil {
		return nil, ps
	}
	if s.graph().Lost(n.ID) {
		return nil, nil
	}
	params, ok := jobOf(n)
	if !ok {
		return nil, conf.Problems{v.Problem("%s is no job whose runs can be asked for", v.Quote()).WithCode("PW115").WithHint("give that node job: with heartbeat or runs")}
	}
	c.job = jobInput{n.ID.Name(), params, params.question(n)}
	return []dag.NodeID{n.ID}, nil
}

// ask is what must be known besides the watermark.
func (c *completeWhen) ask(s Site) []probe.Question {
	switch {
	case c == nil:
		return nil
	case c.SQL != "":
		return []probe.Question{probe.Scalar{Conn: s.Node.Connection, SQL: c.SQL, Truth: true}}
	case c.Job != "":
		return []probe.Question{c.job.Question}
	}
	return nil
}

// loadMemory is what a check remembers of the loads of its table.
type loadMemory struct {
	// The table as it was last seen, and since when: of no_change_for.
	Rows   int64         `json:"rows,omitempty"`
	Newest probe.Instant `json:"newest,omitempty"`
	Since  time.Time     `json:"since,omitzero"`
	// Complete is the table as it was when a load was last seen complete.
	Complete *completeLoad `json:"complete,omitempty"`
}

type completeLoad struct {
	Rows   int64         `json:"rows"`
	Timed  int64         `json:"timed"`
	Newest probe.Instant `json:"newest"`
}

// load is how far the load of a table is.
type load struct {
	complete bool
	unknown  bool   // there is no past to tell by
	first    bool   // none was seen complete
	why      string // it is under way
}

// look tells how far the load is, and what to remember for the next time.
func (c *completeWhen) look(as []probe.Answer, mark probe.Mark, past loadMemory, at Moment) (load, loadMemory, error) {
	now, next := load{}, past
	switch {
	case c.NoChangeFor != nil:
		if past.Since.IsZero() || past.Rows != mark.Rows || past.Newest != mark.Max {
			next.Rows, next.Newest, next.Since = mark.Rows, mark.Max, at.Now.UTC()
		}
		still := at.Now.Sub(next.Since)
		now = load{complete: still >= c.NoChangeFor.Std(), unknown: past.Since.IsZero(),
			why: fmt.Sprintf("its rows have not changed for %s of %s", spoken(still), spoken(c.NoChangeFor.Std()))}
	case c.SQL != "":
		value, err := probe.Value[probe.ScalarValue](as[0])
		if err != nil {
			return now, next, fmt.Errorf("complete_when: %w", err)
		}
		now = load{complete: value.Number != 0, why: "complete_when is not true yet"}
	case c.Job != "":
		runs, err := probe.Value[[]probe.JobRun](as[0])
		var h jobHistory
		if err == nil {
			h, err = c.job.Params.history(runs)
		}
		switch {
		case err != nil:
			return now, next, fmt.Errorf("complete_when: job %s: %w", c.Job, err)
		case h.newest == nil:
			now.why = "job " + c.Job + " has never run"
		default:
			now = load{complete: h.newest.State == success, why: fmt.Sprintf("the newest run of job %s is %s", c.Job, h.newest.State)}
		}
	}
	now.first = past.Complete == nil
	if now.complete {
		next.Complete = &completeLoad{mark.Rows, mark.Timed, mark.Max}
	}
	return now, next, nil
}

// judged is the table as it is judged: as it was when a load was last complete, or as
// it is where none was seen.
func (l load) judged(mark probe.Mark, m loadMemory) probe.Mark {
	if c := m.Complete; !l.complete && c != nil {
		mark.Rows, mark.Timed, mark.Max = c.Rows, c.Timed, c.Newest
	}
	return mark
}

// temper is a judgement while a load may be under way: what fails fails all the same,
// as a load that is not complete makes nothing fresher.
func (l load) temper(j judgement) judgement {
	switch {
	case l.complete:
	case l.unknown && j.outcome == Pass:
		return judgement{outcome: Pending, reason: NoHistory, message: j.message + "; no past yet to tell whether a load is under way"}
	case l.unknown:
	case l.first && (j.outcome == Pass || j.outcome == NoData):
		j.outcome, j.reason, j.message = Deferred, "", "a load is under way ("+l.why+") and none was seen complete; "+j.message
	case j.outcome == Pass || j.outcome == NoData:
		j.outcome, j.reason, j.message = Deferred, "", "a load is under way ("+l.why+"); by the last complete one "+j.message
	default:
		j.message += "; a load is under way (" + l.why + ")"
	}
	return j
}

type loadObserved struct {
	Complete  *bool      `json:"complete"`  // null: there is no past to tell by
	Watermark *time.Time `json:"watermark"` // when a load was last seen complete
}

func (l load) observed(m loadMemory) *loadObserved {
	o := &loadObserved{}
	if !l.unknown {
		o.Complete = &l.complete
	}
	if m.Complete != nil {
		o.Watermark = instant(m.Complete.Newest)
	}
	return o
}
