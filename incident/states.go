package incident

import (
	"encoding/json"
	"hash/maphash"
	"iter"
	"maps"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// States is the state of every check. It is never changed: With gives another, which
// shares with it what stayed as it was, so that a run costs what it changed and not
// what is watched. The zero value knows no check.
type States struct {
	parts *[statesParts]statesPart // nil: all are empty
	len   int
	suite *checks.Suite // by which they were last decided, which has all these checks; nil: not known
}

// statesParts is in how many parts states are kept: of ten thousand a change of
// one copies forty.
const statesParts = 256

// statesPart is the states whose ids have one hash.
type statesPart struct {
	all map[dag.CheckID]State
	ill []dag.CheckID // of those that are not well
}

var statesSeed = maphash.MakeSeed()

func partOf(id dag.CheckID) int { return int(maphash.String(statesSeed, string(id)) % statesParts) }

// Of is the state of a check; zero when it never ran.
func (s States) Of(id dag.CheckID) State {
	if s.parts == nil {
		return State{}
	}
	return s.parts[partOf(id)].all[id]
}

// Len is how many checks have a state.
func (s States) Len() int { return s.len }

// All yields every check that has a state, in no order.
func (s States) All() iter.Seq2[dag.CheckID, State] {
	return func(yield func(dag.CheckID, State) bool) {
		if s.parts == nil {
			return
		}
		for _, p := range s.parts {
			for id, state := range p.all {
				if !yield(id, state) {
					return
				}
			}
		}
	}
}

// MarshalJSON writes them as a map.
func (s States) MarshalJSON() ([]byte, error) { return json.Marshal(maps.Collect(s.All())) }

// With is the states after some were set and some removed.
func (s States) With(set map[dag.CheckID]State, removed ...dag.CheckID) States {
	if len(set)+len(removed) == 0 {
		return s
	}
	next := States{parts: &[statesParts]statesPart{}, len: s.len, suite: s.suite}
	if s.parts != nil {
		*next.parts = *s.parts
	}
	fresh := map[int]bool{}
	own := func(id dag.CheckID) map[dag.CheckID]State {
		n := partOf(id)
		if p := &next.parts[n]; !fresh[n] {
			fresh[n], p.all = true, maps.Clone(p.all)
			if p.all == nil {
				p.all = map[dag.CheckID]State{}
			}
		}
		next.len -= len(next.parts[n].all)
		return next.parts[n].all
	}
	for id, state := range set {
		p := own(id)
		p[id] = state
		next.len += len(p)
	}
	for _, id := range removed {
		p := own(id)
		delete(p, id)
		next.len += len(p)
	}
	for n := range fresh {
		next.parts[n].ill = ill(next.parts[n].all)
	}
	return next
}

// ill lists the checks that are not well.
func ill(all map[dag.CheckID]State) []dag.CheckID {
	var out []dag.CheckID
	for id, s := range all {
		if !s.well() {
			out = append(out, id)
		}
	}
	return out
}

// notWell yields the checks that have a finding, no answer or nothing to judge, in
// no order.
func (s States) notWell() iter.Seq[dag.CheckID] {
	return func(yield func(dag.CheckID) bool) {
		if s.parts == nil {
			return
		}
		for _, p := range s.parts {
			for _, id := range p.ill {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// well tells whether there is nothing about the check that a decision has to look at.
func (s State) well() bool {
	return (s.Phase == OK || s.Phase == Unknown) && s.Troubles == 0 && s.Silences == 0
}
