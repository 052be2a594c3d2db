package incident

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// An incident that comes and goes would be a stream of closing and opening
// lines. Once there were too many it is flapping: it says so once, stays open
// whether its checks pass or not, and goes on in silence until it has been quiet
// for as long as the policy looks back: then it closes, or is steadily broken.

// end closes an incident, unless its node came and went too often of late.
func (d *decision) end(i Incident) {
	f := d.policy.Flap
	if f.Transitions == 0 || d.why(i) != "" || d.transitions(i.Root)+1 < f.Transitions {
		d.close(i)
		return
	}
	i.Flapping, i.Turned = d.now, d.now
	i.Findings = recovered(i.Findings)
	i.say(d.now, Line{Kind: Flapping, Node: i.Root})
	d.change.Incidents[i.ID] = i
	d.release(i)
	d.due(d.now.Add(f.Within))
}

// transitions counts how often incidents on a node opened and closed within the
// time that the policy looks back.
func (d *decision) transitions(root dag.NodeID) int {
	n := 0
	for _, id := range d.incidentsOf(root) {
		i := d.book.Incidents[id]
		if now, changed := d.change.Incidents[id]; changed {
			i = now
		}
		for _, l := range slices.Backward(i.Lines) {
			if d.now.Sub(l.At) >= d.policy.Flap.Within {
				break
			}
			if l.Kind == Opened || l.Kind == Reopened || l.Kind == Closed {
				n++
			}
		}
	}
	return n
}

// flap brings a flapping incident up to date. Own are the findings of its root,
// none when it is well at the moment.
func (d *decision) flap(i Incident, own []*entry) {
	if d.why(i) != "" {
		d.close(i)
		return
	}
	was := i
	gone := len(own) == 0
	if gone != !slices.ContainsFunc(i.Own(), func(f Finding) bool { return !f.Recovered }) {
		i.Turned = d.now
	}
	if gone {
		i.Findings = recovered(i.Findings)
		d.release(i)
	} else {
		d.fill(&i, own)
	}
	switch quiet := d.due(i.Turned.Add(d.policy.Flap.Within)); {
	case quiet && gone:
		i.Flapping, i.Turned = time.Time{}, time.Time{}
		d.close(i)
		return
	case quiet:
		i.Flapping, i.Turned = time.Time{}, time.Time{}
		i.say(d.now, Line{Kind: Steady, Node: i.Root})
	case was.Severity == dag.Warn && i.Severity == dag.Error:
		d.breakThrough(&i)
		i.say(d.now, Line{Kind: Raised, Node: i.Root})
	case slices.EqualFunc(i.Findings, was.Findings, Finding.same):
		return
	case d.now.Sub(i.Refreshed) >= d.policy.RefreshEvery:
		i.touch(d.now)
	}
	d.change.Incidents[i.ID] = i
}

// recovered is a copy of findings, all of them over.
func recovered(fs []Finding) []Finding {
	fs = slices.Clone(fs)
	for n := range fs {
		fs[n].Recovered = true
	}
	return fs
}
