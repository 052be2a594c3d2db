package incident

import (
	"slices"
	"time"
)

// looked is when a node, or all of several, was last evaluated.
type looked struct {
	known  bool
	some   bool      // it has checks
	oldest time.Time // of its checks' last evaluations; zero while one has none
	flying bool      // its DAG is being evaluated now
}

// and is looked of both.
func (l looked) and(o looked) looked {
	if o.some && (!l.some || o.oldest.Before(l.oldest)) {
		l.some, l.oldest = true, o.oldest
	}
	l.flying = l.flying || o.flying
	return l
}

// look tells when a node was last evaluated.
func (d *decision) look(rank int) looked {
	if d.looks == nil {
		d.looks = make([]looked, len(d.suite.Graph.Order()))
	}
	l := d.looks[rank]
	if l.known {
		return l
	}
	l.known = true
	id := d.suite.Graph.Order()[rank].ID
	l.flying = slices.Contains(d.run.InFlight, id.DAG())
	for _, c := range d.suite.Of(id) {
		if !c.Spec.Shadow {
			l = l.and(looked{some: true, oldest: d.state(c.ID()).At})
		}
	}
	d.looks[rank] = l
	return l
}

// sight tells when everything above a node was last evaluated.
func (d *decision) sight(rank int) looked {
	if d.sights == nil {
		d.sights = make([]looked, len(d.suite.Graph.Order()))
	}
	l := d.sights[rank]
	if l.known {
		return l
	}
	l.known = true
	for _, up := range d.suite.Graph.Parents(rank) {
		l = l.and(d.look(int(up))).and(d.sight(int(up)))
	}
	d.sights[rank] = l
	return l
}

// settled tells whether everything that could explain a finding has been
// evaluated since it was first seen and is not being evaluated now.
func (d *decision) settled(e *entry) bool {
	l := d.sight(e.rank)
	for _, id := range e.check.Upstream {
		if up := d.suite.Graph.Index(id); up >= 0 && up != e.rank {
			l = l.and(d.look(up)).and(d.sight(up))
		}
	}
	return !l.flying && (!l.some || !l.oldest.Before(e.state.FirstSeen))
}
