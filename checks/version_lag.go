package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// lineage is what a version check has watched of the nodes that its own is made of. A
// check sees versions only when it is evaluated, so of two things that changed between
// two evaluations it does not know which came first: it then keeps both possibilities,
// and finds fault only where none of them is right.
type lineage struct {
	Tracked map[dag.NodeID]trackedMemory `json:"tracked,omitempty"` // the node itself as "", its inputs, what they share
	// Behind says since when an input has a version that the node was not built from.
	Behind map[dag.NodeID]int64 `json:"behind,omitempty"`
	// Carried says for each input which versions of what it carries the node may have
	// been built from, and Built when that build was seen.
	Carried map[dag.NodeID]carried `json:"carried,omitempty"`
	Built   int64                  `json:"built,omitempty"`
}

type trackedMemory struct {
	Version string  `json:"v"`
	Since   int64   `json:"s"` // first seen, Unix seconds
	From    carried `json:"from,omitempty"`
	Of      string  `json:"of"` // hash of the definition of Version
	known
}

// fitting leaves out what was tracked by definitions that have been edited since.
func (l lineage) fitting(p versionParams) lineage {
	definitions := p.definitions()
	l.Tracked = maps.Clone(l.Tracked)
	maps.DeleteFunc(l.Tracked, func(id dag.NodeID, t trackedMemory) bool { return t.Of != definitions[id] })
	return l
}

// definitions is a hash of what the version of each node is of.
func (p versionParams) definitions() map[dag.NodeID]string {
	hash := func(c contentOf) string { return shortHash(fmt.Sprint(c.definition())) }
	all := map[dag.NodeID]string{"": hash(p.Own)}
	for _, in := range slices.Concat(p.Inputs, p.Above) {
		all[in.ID] = hash(in.contentOf)
	}
	return all
}

// carried is the versions that may be in something, by the node they are versions of.
type carried map[dag.NodeID][]string

// follow moves what was watched on by one evaluation.
func (p versionParams) follow(past lineage, seen sighting, jobs jobRuns, now int64) lineage {
	if len(p.Inputs) == 0 {
		return lineage{}
	}
	definitions := p.definitions()
	next := lineage{Tracked: map[dag.NodeID]trackedMemory{}, Behind: map[dag.NodeID]int64{}, Carried: past.Carried, Built: past.Built}
	for id, version := range seen.current {
		t := trackedMemory{Version: version, Since: past.Tracked[id].Since, Of: definitions[id], known: seen.tokens[id]}
		if past.Tracked[id].Version != version {
			t.Since = now
		}
		next.Tracked[id] = t
	}
	for _, in := range p.Inputs {
		t := next.Tracked[in.ID]
		t.From = in.from(past, next, jobs)
		next.Tracked[in.ID] = t
	}
	if _, known := past.Tracked[""]; !known || past.changed(next, "") {
		next.Carried, next.Built = p.carry(past, next), now
		return next
	}
	maps.Copy(next.Behind, past.Behind)
	readAll := true // by a run that made the same of it once more
	for _, in := range p.Inputs {
		if _, already := next.Behind[in.ID]; !already && past.changed(next, in.ID) {
			next.Behind[in.ID] = now
		}
		newest := next.Tracked[in.ID].Since
		switch since, behind := next.Behind[in.ID]; {
		case jobs.rebuilt(p.Writers, time.Unix(newest, 0)):
			delete(next.Behind, in.ID)
			continue
		case behind && jobs.rebuilt(p.Writers, time.Unix(since, 0)):
			next.Behind[in.ID] = newest
		}
		readAll = false
	}
	if readAll && len(next.Carried) > 0 {
		next.Carried = p.carry(next, next)
	}
	return next
}

// changed tells whether a node was seen before with another version.
func (past lineage) changed(next lineage, id dag.NodeID) bool {
	was, known := past.Tracked[id]
	return known && was.Version != next.Tracked[id].Version
}

// from finds which versions of what it carries an input may be made of.
func (in input) from(past, next lineage, jobs jobRuns) carried {
	from := carried{}
	for _, id := range in.Carries {
		is := next.Tracked[id]
		switch {
		case id == in.ID, jobs.rebuilt(in.Writers, time.Unix(is.Since, 0)):
			from[id] = []string{is.Version}
		case past.Tracked[in.ID].From[id] == nil: // first sight: taken to be made of what there is
			from[id] = []string{is.Version}
		case past.changed(next, in.ID):
			from[id] = either([]string{past.Tracked[id].Version}, []string{is.Version})
		default:
			from[id] = past.Tracked[in.ID].From[id]
		}
	}
	return from
}

// carry is what the node may have been built from, if that was between two sights of
// its inputs.
func (p versionParams) carry(past, next lineage) map[dag.NodeID]carried {
	all := map[dag.NodeID]carried{}
	for _, in := range p.Inputs {
		was, is := past.Tracked[in.ID].From, next.Tracked[in.ID].From
		c := carried{}
		for _, id := range in.Carries {
			c[id] = is[id]
			if past.changed(next, in.ID) && was[id] != nil {
				c[id] = either(was[id], is[id])
			}
		}
		all[in.ID] = c
	}
	return all
}

// either is both possibilities.
func either(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// judgeLag judges how long an input has had a version that is not in this node.
func (p versionParams) judgeLag(line lineage, at Moment) judgement {
	var oldest *input
	for i, in := range p.Inputs {
		if since, behind := line.Behind[in.ID]; behind && (oldest == nil || since < line.Behind[oldest.ID]) {
			oldest = &p.Inputs[i]
		}
	}
	if p.Lag == nil || oldest == nil {
		return judgement{outcome: Pass}
	}
	since, limit := time.Unix(line.Behind[oldest.ID], 0), p.Lag.Std()
	age := at.Now.Sub(since)
	if age <= limit {
		return judgement{outcome: Pass}
	}
	return judgement{outcome: Fail, reason: Lag, onset: since.Add(limit), goodUntil: since,
		message: fmt.Sprintf("%s changed %s ago and this was not built from it since, limit %s", oldest.Name, spoken(age), spoken(limit))}
}

// judgeTorn judges whether the inputs of the last build held different versions of one
// node for longer than the node may lag.
func (p versionParams) judgeTorn(line lineage, at Moment) judgement {
	built := time.Unix(line.Built, 0)
	shared, a, b := p.torn(line)
	if p.Lag == nil || shared == "" || at.Now.Sub(built) <= p.Lag.Std() {
		return judgement{outcome: Pass}
	}
	return judgement{outcome: Fail, reason: Torn, onset: built.Add(p.Lag.Std()), goodUntil: built,
		message: fmt.Sprintf("built %s ago from %s and %s, which hold different versions of %s, limit %s",
			spoken(at.Now.Sub(built)), a, b, shared.Name(), spoken(p.Lag.Std()))}
}

// torn names a node of which two inputs held different versions when this one was
// built, and the two; nothing where there is none.
func (p versionParams) torn(line lineage) (shared dag.NodeID, a, b string) {
	for i, first := range p.Inputs {
		for _, second := range p.Inputs[i+1:] {
			for _, id := range first.Carries {
				one, other := line.Carried[first.ID][id], line.Carried[second.ID][id]
				if len(one) > 0 && len(other) > 0 && !slices.ContainsFunc(one, func(v string) bool { return slices.Contains(other, v) }) {
					return id, first.Name, second.Name
				}
			}
		}
	}
	return "", "", ""
}

// behind is what people see of it: since when, by the names of the inputs.
func (p versionParams) behind(line lineage) map[string]time.Time {
	since := map[string]time.Time{}
	for _, in := range p.Inputs {
		if at, is := line.Behind[in.ID]; is {
			since[in.Name] = time.Unix(at, 0).UTC()
		}
	}
	return since
}

// inputNames lists the inputs for people.
func (p versionParams) inputNames() string { return strings.Join(p.BuiltFrom, ", ") }
