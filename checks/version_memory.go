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
	Columns     []columnMemory    `json:"columns,omitempty"`    // for a version of the schema
	Partitions  []partitionMemory `json:"partitions,omitempty"` // by start; the newest
	Inputs      map[string]string `json:"inputs,omitempty"`     // versions by name, fingerprint included
	History     []pastVersion     `json:"history,omitempty"`    // those accepted before, oldest first
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

func recallVersion(m Memory) (versionMemory, bool) {
	past, known := recall[versionMemory](m, versionFormat)
	if !known {
		past, known = recall[versionMemory](m, 1)
		past.rehashed = true
	}
	return past, known && past.Version != ""
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
	if p.Own.Partition == nil && p.OnChange == reportChange && len(p.Inputs) == 0 && m.Definition != nil {
		return nil // nothing depends on when it was seen last
	}
	m.At, m.Partitions, m.Definition, m.lineage = seen.At, seen.Partitions, seen.Definition, seen.lineage
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
	if c.Schema {
		d["of"] = "schema"
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

// unlike says why two versions do not compare; empty where they do. A memory without
// a definition is older than definitions are.
func (m versionMemory) unlike(seen sighting) string {
	var edited []string
	if m.Definition != nil {
		for _, key := range slices.Sorted(maps.Keys(union(m.Definition, seen.Definition))) {
			if m.Definition[key] != seen.Definition[key] {
				edited = append(edited, key)
			}
		}
	}
	switch {
	case len(edited) == 1:
		return edited[0] + " was edited"
	case len(edited) > 1:
		return strings.Join(edited, ", ") + " were edited"
	case m.Fingerprint != seen.Fingerprint:
		return "the engine hashes in another way than before"
	}
	return ""
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
}

// sight reads the answers about the node, what it is built from, and jobs.
func (p versionParams) sight(as []probe.Answer, at Moment) (sighting, jobRuns, error) {
	d, err := probe.Value[probe.Digests](as[0])
	if err != nil {
		return sighting{}, nil, err
	}
	seen := sighting{digests: d, current: map[dag.NodeID]string{}, versionMemory: versionMemory{
		Version: d.Value, Definition: p.Own.definition(), Fingerprint: d.Fingerprint,
		Since: at.Now.Unix(), At: at.Now.Unix(), Rows: d.Rows, Schema: schemaVersion(d.Columns),
	}}
	if p.Own.Schema {
		seen.Version, seen.Fingerprint, seen.Rows = seen.Schema, "", 0
		for _, c := range d.Columns {
			seen.Columns = append(seen.Columns, columnMemory{c.Name, c.Type, c.Nullable})
		}
	}
	for _, part := range d.Partitions[max(0, len(d.Partitions)-mostPartitions):] {
		seen.Partitions = append(seen.Partitions, partitionMemory{part.Start.Time().Unix(), part.Value})
	}
	seen.current[""] = shortHash(seen.Fingerprint + "|" + seen.Version)
	for i, in := range slices.Concat(p.Inputs, p.Above) {
		d, err := probe.Value[probe.Digests](as[1+i])
		if err != nil {
			return sighting{}, nil, err
		}
		version := shortHash(d.Fingerprint + "|" + d.Value)
		seen.current[in.ID] = version
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
	o := versionObserved{Version: s.Version, Tier: "content", Columns: []columnObserved{}, Behind: p.behind(s.lineage)}
	if shared, _, _ := p.torn(s.lineage); shared != "" {
		o.Torn = shared.Name()
	}
	if p.Own.Schema {
		o.Tier = "schema"
	} else {
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
