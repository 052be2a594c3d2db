package incident

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Report is what one evaluation of many checks found, in the JSON of the
// contract (version 1). Commands print it and the API returns it.
type Report struct {
	Version   int              `json:"version"`
	AsOf      time.Time        `json:"as_of"`
	Verdict   checks.Outcome   `json:"verdict"`
	Summary   Summary          `json:"summary"`
	Nodes     []NodeReport     `json:"nodes"`
	Incidents []IncidentReport `json:"incidents"`
}

// Summary counts a report.
type Summary struct {
	Nodes    int `json:"nodes"`
	Checks   int `json:"checks"`
	Pass     int `json:"pass"`
	Warn     int `json:"warn"`
	Fail     int `json:"fail"`
	NoData   int `json:"nodata"`
	Error    int `json:"error"`
	Pending  int `json:"pending"`
	Deferred int `json:"deferred"`
}

// NodeReport is one node of a report.
type NodeReport struct {
	ID        dag.NodeID    `json:"id"`
	Health    Health        `json:"health"`
	RootCause bool          `json:"root_cause"`
	CausedBy  []dag.NodeID  `json:"caused_by"`
	Blocks    []dag.NodeID  `json:"blocks"`
	Checks    []CheckReport `json:"checks"`
}

// CheckReport is one check of a report.
type CheckReport struct {
	ID        dag.CheckID    `json:"id"`
	Kind      string         `json:"kind"`
	Verdict   checks.Outcome `json:"verdict"`
	Reason    checks.Reason  `json:"reason"`
	Severity  dag.Severity   `json:"severity"`
	Shadow    bool           `json:"shadow,omitempty"`
	Observed  any            `json:"observed"`
	Expected  any            `json:"expected"`
	Message   string         `json:"message"`
	StartedAt time.Time      `json:"started_at"`
	TookMS    int64          `json:"took_ms"`
	SQL       []string       `json:"sql"`
}

// IncidentReport is one data incident of a report.
type IncidentReport struct {
	Root     dag.NodeID    `json:"root"`
	Severity dag.Severity  `json:"severity"`
	Checks   []dag.CheckID `json:"checks"`
	Blocks   []dag.NodeID  `json:"blocks"`
}

// NewReport makes the report of a run on an empty book: what fails now is an
// incident now. Only nodes that show accepts are listed; the causes of what
// they suffer are found among all that ran.
func NewReport(s *checks.Suite, run Run, show func(dag.NodeID) bool) Report {
	change := Decide(s, Book{}, run, AtOnce())
	state := func(id dag.CheckID) State { return change.States[id] }
	results := make(map[dag.CheckID]*checks.Result, len(run.Results))
	for i, r := range run.Results {
		results[r.Check] = &run.Results[i]
	}
	rep := Report{Version: 1, AsOf: run.Moment.UTC(), Verdict: checks.Pass, Nodes: []NodeReport{}, Incidents: []IncidentReport{}}
	standings := Assess(s, state)
	rep.Nodes = slices.Grow(rep.Nodes, len(standings))
	for _, st := range standings {
		if !show(st.Node) {
			continue
		}
		n := NodeReport{
			ID: st.Node, Health: st.Health, RootCause: st.Root,
			CausedBy: orEmpty(st.CausedBy), Blocks: orEmpty(st.Blocks), Checks: []CheckReport{},
		}
		own := s.Of(st.Node)
		n.Checks = slices.Grow(n.Checks, len(own))
		for _, c := range own {
			if r, ran := results[c.ID()]; ran {
				n.Checks = append(n.Checks, rep.count(c, *r))
			}
		}
		rep.Summary.Nodes++
		rep.Nodes = append(rep.Nodes, n)
	}
	rep.Incidents = append(rep.Incidents, incidentReports(change, show)...)
	return rep
}

func (sum *Summary) add(o checks.Outcome) {
	switch o {
	case checks.Pass:
		sum.Pass++
	case checks.Warn:
		sum.Warn++
	case checks.Fail:
		sum.Fail++
	case checks.NoData:
		sum.NoData++
	case checks.Error:
		sum.Error++
	case checks.Pending:
		sum.Pending++
	case checks.Deferred:
		sum.Deferred++
	}
}

// count adds one result to the summary and the verdict.
func (rep *Report) count(c *checks.Check, r checks.Result) CheckReport {
	v := r.Verdict
	sum := &rep.Summary
	sum.Checks++
	sum.add(v.Outcome)
	if v.Outcome.Worse(rep.Verdict) && !c.Spec.Shadow {
		rep.Verdict = v.Outcome
	}
	return CheckReport{
		ID: c.ID(), Kind: c.Spec.Kind, Verdict: v.Outcome, Reason: v.Reason, Severity: c.Spec.Severity, Shadow: c.Spec.Shadow,
		Observed: orObject(v.Observed), Expected: orObject(v.Expected), Message: v.Message,
		StartedAt: r.StartedAt.UTC(), TookMS: r.Took.Milliseconds(), SQL: orEmpty(r.SQL),
	}
}

// incidentReports lists the data incidents of a change whose root is shown, in
// the order of their ids' nodes.
func incidentReports(change Change, show func(dag.NodeID) bool) []IncidentReport {
	var out []IncidentReport
	for _, i := range change.Incidents {
		if i.Kind != Data || !show(i.Root) {
			continue
		}
		r := IncidentReport{Root: i.Root, Severity: i.Severity, Checks: []dag.CheckID{}, Blocks: orEmpty(i.Blocks)}
		for _, f := range i.Own() {
			r.Checks = append(r.Checks, f.Check)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b IncidentReport) int {
		switch {
		case a.Root < b.Root:
			return -1
		case a.Root > b.Root:
			return 1
		}
		return 0
	})
	return out
}

// orEmpty makes a nil list show as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// orObject makes an absent object show as {}.
func orObject(v any) any {
	if v == nil {
		return struct{}{}
	}
	return v
}
