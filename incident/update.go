package incident

import (
	"cmp"
	"slices"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// update brings an open incident up to date with its findings and says what
// changed, a line for each sort of change.
func (d *decision) update(i Incident, own []*entry) {
	was := i
	d.fill(&i, own)
	d.tell(&i, was, d.renamed[i.ID])
	same := slices.EqualFunc(i.Findings, was.Findings, Finding.same)
	if i.Seq == was.Seq && !same && d.now.Sub(i.Refreshed) >= d.policy.RefreshEvery {
		i.touch(d.now)
	}
	if d.renamed[i.ID] || i.Seq != was.Seq || !same || !slices.Equal(i.Blocks, was.Blocks) || !slices.Equal(i.Beside, was.Beside) {
		d.change.Incidents[i.ID] = i
	}
}

// tell says what is different from what the incident was.
func (d *decision) tell(i *Incident, was Incident, renamed bool) {
	joined, recovered, redefined := Line{Kind: Joined}, Line{Kind: Recovered}, Line{Kind: Redefined}
	before := byCheck(was.Findings)
	for _, f := range i.Findings {
		at, known := before[f.Check]
		switch {
		case !known || was.Findings[at].Recovered && !f.Recovered:
			joined.Checks = append(joined.Checks, f.Check)
			joined.Detail = f.Message
		case f.Recovered && !was.Findings[at].Recovered:
			recovered.Checks = append(recovered.Checks, f.Check)
		}
		if d.redefined[f.Check] {
			redefined.Checks = append(redefined.Checks, f.Check)
		}
	}
	if len(joined.Checks) > 1 {
		joined.Detail = ""
	}
	if renamed {
		joined.Checks = nil
	}
	for _, l := range []Line{joined, recovered, redefined} {
		if len(l.Checks) > 0 {
			l.Node = l.Checks[0].Node()
			i.say(d.now, l)
		}
	}
	if was.Severity == dag.Warn && i.Severity == dag.Error {
		d.breakThrough(i)
		i.say(d.now, Line{Kind: Raised, Node: i.Root})
	}
	if was.Severity == dag.Error && i.Severity == dag.Warn && len(recovered.Checks) == 0 {
		i.say(d.now, Line{Kind: Lowered, Node: i.Root})
	}
}

// breakThrough undoes what people did to an incident when it became worse than
// what they saw.
func (d *decision) breakThrough(i *Incident) {
	var worse []dag.CheckID
	for _, f := range i.Findings {
		if f.Severity == dag.Error && !f.Recovered {
			worse = append(worse, f.Check)
		}
	}
	if i.Acked.Set() {
		i.Acked = Mark{}
		i.say(d.now, Line{Kind: Unacked, Node: i.Root, Checks: worse})
	}
	if i.Muted.Set() {
		i.Muted = Mark{}
		i.say(d.now, Line{Kind: Unmuted, Node: i.Root, Checks: worse})
	}
}

// fill sets what an incident shows of its findings. Findings that are over stay
// listed as recovered until it closes.
func (d *decision) fill(i *Incident, own []*entry) {
	was := byCheck(i.Findings)
	held := d.follows(own, was)
	past := i.Findings
	i.Findings = make([]Finding, 0, len(own)+len(held))
	for _, e := range slices.Concat(own, held) {
		i.Findings = append(i.Findings, e.finding())
		delete(was, e.check.ID())
	}
	for _, f := range past {
		if _, over := was[f.Check]; over && d.well(f.Check) {
			f.Recovered = true
			i.Findings = append(i.Findings, f)
		}
	}
	i.Severity = dag.Warn
	for _, f := range i.Findings {
		if f.Severity == dag.Error && !f.Recovered {
			i.Severity = dag.Error
		}
	}
	first := slices.MinFunc(own, func(a, b *entry) int {
		if earlier(a, b) {
			return -1
		}
		return 1
	})
	if onset := first.state.Finding.Began(); i.Onset.IsZero() || onset.Before(i.Onset) {
		i.Onset = onset
	}
	i.GoodUntil = first.state.GoodUntil
	i.Blocks = downstream(i.Root, held, d.suite.Graph)
	i.Beside = d.beside(*i)
}

// beside lists the other open incidents above an incident's root.
func (d *decision) beside(i Incident) []ID {
	if len(d.byRoot) == 0 {
		return nil
	}
	var out []ID
	for _, up := range d.suite.Graph.Upstream(i.Root) {
		if other, ok := d.byRoot[up]; ok && other != i.ID {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return out
}

// follows lists what some findings explain, in topological order. Was are the
// findings that the incident knows.
func (d *decision) follows(own []*entry, was map[dag.CheckID]int) []*entry {
	var held []*entry
	for _, o := range own {
		for _, e := range d.held[o] {
			if !e.state.Active() && !e.blind {
				continue
			}
			// What is not known to belong here yet may have another cause,
			// that has still to be looked at.
			if _, known := was[e.check.ID()]; !known && !e.blind && !d.waited(e) {
				d.wakeFor(e)
				continue
			}
			held = append(held, e)
		}
	}
	slices.SortFunc(held, func(a, b *entry) int { return cmp.Compare(a.place, b.place) })
	return held
}

// byCheck tells where the finding of each check is.
func byCheck(fs []Finding) map[dag.CheckID]int {
	m := make(map[dag.CheckID]int, len(fs))
	for n, f := range fs {
		m[f.Check] = n
	}
	return m
}
