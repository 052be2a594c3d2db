package checks

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// versionMemory is the last accepted version of a node and what it was built from.
// A change that is not accepted leaves it as it is, so the finding stays until the
// change is explained or undone.
type versionMemory struct {
	Version     string            `json:"version"`
	Definition  map[string]string `json:"definition,omitempty"`  // what it is a version of; versions compare only under one
	Fingerprint string            `json:"fingerprint,omitempty"` // and only if the engine hashed in one way
	Since       int64             `json:"since"`                 // first seen, Unix seconds
	At          int64             `json:"at"`                    // last seen
	Rows        int64             `json:"rows,omitempty"`
	Schema      string            `json:"schema"`
	Columns     []columnMemory    `json:"columns,omitempty"`    // of a schema, and of content that has a token
	Partitions  []partitionMemory `json:"partitions,omitempty"` // by start; the newest
	Inputs      map[string]string `json:"inputs,omitempty"`     // versions by name, fingerprint included
	History     []pastVersion     `json:"history,omitempty"`    // those accepted before, oldest first
	known
	lineage

	rehashed bool // of format 1, in which versions of partitions were shortened once more
}

type columnMemory struct {
	Name     string `json:"n"`
	Type     string `json:"t"`
	Nullable bool   `json:"null,omitempty"`
}

type partitionMemory struct {
	Start   int64  `json:"s"` // Unix seconds
	Version string `json:"v"`
}

// pastVersion is a version that was once accepted.
type pastVersion struct {
	Version string `json:"v"`
	Since   int64  `json:"s"` // Unix seconds
}

// mostVersions is how many versions before the last are remembered.
const mostVersions = 16

// mostPartitions is how many partitions are remembered.
const mostPartitions = 500

// versionFormat is the format of the memory. Format 1 knew no definition.
const versionFormat = 2

// recall reads the memory, but for what has become of no use since. What it gives must
// not be changed.
func (p versionParams) recall(m Memory) (versionMemory, bool) {
	if last, same := p.past.of(m); same {
		return last.past, last.known
	}
	past, known := recall[versionMemory](m, versionFormat)
	if !known {
		past, known = recall[versionMemory](m, 1)
		past.rehashed = true
	}
	if len(p.Inputs) > 0 {
		past.lineage = past.fitting(p)
	}
	known = known && past.Version != ""
	p.past.keep(m, past, known)
	return past, known
}

// samePartition compares a remembered version of a partition with one just seen.
func (m versionMemory) samePartition(was, is string) bool {
	if m.rehashed && was != "" {
		is = shortHash(is)
	}
	return was == is
}

// again is the memory after the same version was seen once more. What it was built
// from stays: a new version of that explains the next change of this one.
func (m versionMemory) again(seen sighting, p versionParams) Memory {
	if p.Own.Partition == nil && p.OnChange == reportChange && len(p.Inputs) == 0 && m.Definition != nil && m.known == seen.known {
		return nil // nothing depends on when it was seen last
	}
	m.At, m.Partitions, m.Definition, m.Columns = seen.At, seen.Partitions, seen.Definition, seen.Columns
	m.known, m.lineage = seen.known, seen.lineage
	return remember(versionFormat, m)
}

// held is the memory while a change is not accepted: only what is known of the inputs
// moves on.
func (m versionMemory) held(seen sighting, p versionParams) Memory {
	if len(p.Inputs) == 0 {
		return nil
	}
	m.lineage = seen.lineage
	return remember(versionFormat, m)
}

// remember takes over which versions were before the one that was just accepted.
func (s *sighting) remember(past versionMemory) {
	s.History = slices.DeleteFunc(append(slices.Clone(past.History), pastVersion{past.Version, past.Since}),
		func(v pastVersion) bool { return v.Version == s.Version })
	s.History = s.History[max(0, len(s.History)-mostVersions):]
}

// definition is what decides which version a table has, by key of the check. Texts
// are shortened, as a condition may be long.
func (c contentOf) definition() map[string]string {
	d := map[string]string{
		"table": string(c.Of.Table) + c.Of.Query + c.Of.Conn, "where": c.Where,
		"columns": string(c.Columns), "exclude": string(c.Exclude),
	}
	if c.Tier != probe.ContentTier {
		d["of"] = string(c.Tier)
	}
	if c.Canonical {
		d["algo"] = "canonical"
	}
	if p := c.Partition; p != nil {
		d["partition"] = strings.Join([]string{p.By, p.ColumnTZ, string(p.Per), c.Zone}, "|")
		if p.Last != nil {
			d["partition.last"] = p.Last.String()
		}
	}
	maps.DeleteFunc(d, func(_, text string) bool { return text == "" })
	for key, text := range d {
		d[key] = shortHash(text)
	}
	return d
}

// unlike says why two versions do not compare; empty where they do.
func (m versionMemory) unlike(seen sighting) string {
	if why := m.edited(seen.Definition); why != "" {
		return why
	}
	if m.Fingerprint != seen.Fingerprint {
		return "the engine hashes in another way than before"
	}
	return ""
}

// edited names the keys of the definition that are not what they were. A memory without
// a definition is older than definitions are.
func (m versionMemory) edited(definition map[string]string) string {
	if m.Definition == nil {
		return ""
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(union(m.Definition, definition))) {
		if m.Definition[key] != definition[key] {
			keys = append(keys, key)
		}
	}
	switch len(keys) {
	case 0:
		return ""
	case 1:
		return keys[0] + " was edited"
	}
	return strings.Join(keys, ", ") + " were edited"
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// sighting is a version as it was just seen.
type sighting struct {
	versionMemory
	digests probe.Digests
	current map[dag.NodeID]string // of all nodes that were asked about; of its own as ""
	tokens  map[dag.NodeID]known  // of the other nodes
}

// sight reads the answers about the node, what it is built from, and jobs.
func (p versionParams) sight(past versionMemory, as []probe.Answer, at Moment) (sighting, jobRuns, error) {
	d, err := probe.Value[probe.Digests](as[0])
	if err != nil {
		return sighting{}, nil, err
	}
	seen := p.own(past, d, at)
	seen.current[""] = shortHash(seen.Fingerprint + "|" + seen.Version)
	for i, in := range slices.Concat(p.Inputs, p.Above) {
		d, err := probe.Value[probe.Digests](as[1+i])
		if err != nil {
			return sighting{}, nil, err
		}
		version := shortHash(d.Fingerprint + "|" + d.Value)
		if d.Unchanged {
			version = past.Tracked[in.ID].Version
		}
		seen.current[in.ID], seen.tokens[in.ID] = version, knownBy(d, past.Tracked[in.ID].known, at)
		if i < len(p.Inputs) {
			if seen.Inputs == nil {
				seen.Inputs = map[string]string{}
			}
			seen.Inputs[in.Name] = version
		}
	}
	jobs, err := p.readJobs(as[1+len(p.Inputs)+len(p.Above):])
	return seen, jobs, err
}

func (s sighting) observed(p versionParams) versionObserved {
	o := versionObserved{Version: s.Version, Tier: p.tierName(), Sound: true, ByToken: s.digests.Unchanged,
		Columns: []columnObserved{}, Behind: p.behind(s.lineage)}
	switch p.tier() {
	case probe.NativeTier:
		o.Sound, o.Hint = s.digests.Sound, s.digests.Hint
	case probe.ProfileTier:
		o.Sound, o.Hint = false, "values that rows exchange, and others that leave the sums as they are, are not seen"
	}
	if shared, _, _ := p.torn(s.lineage); shared != "" {
		o.Torn = shared.Name()
	}
	if tier := p.tier(); tier == probe.ContentTier || tier == probe.ProfileTier {
		o.Rows = &s.digests.Rows
	}
	for _, c := range s.digests.Columns {
		o.Columns = append(o.Columns, columnObserved{c.Name, c.Type, c.Nullable})
	}
	if p.Own.Partition != nil {
		o.Partitions = map[string]string{}
		for _, part := range s.digests.Partitions {
			o.Partitions[part.Start.Time().Format(time.RFC3339)] = part.Value
		}
	}
	return o
}
