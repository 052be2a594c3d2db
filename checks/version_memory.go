package checks

import (
	"maps"
	"slices"
	"strings"
	"time"

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
	if p.Own.Partition == nil && p.OnChange == reportChange && m.Definition != nil {
		return nil // nothing depends on when it was seen last
	}
	m.At, m.Partitions, m.Definition = seen.At, seen.Partitions, seen.Definition
	return remember(versionFormat, m)
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
}

// sight reads the answers about the node and what it is built from.
func (p versionParams) sight(as []probe.Answer, at Moment) (sighting, error) {
	d, err := probe.Value[probe.Digests](as[0])
	if err != nil {
		return sighting{}, err
	}
	seen := sighting{digests: d, versionMemory: versionMemory{
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
	for i, input := range p.Inputs {
		in, err := probe.Value[probe.Digests](as[1+i])
		if err != nil {
			return sighting{}, err
		}
		if seen.Inputs == nil {
			seen.Inputs = map[string]string{}
		}
		seen.Inputs[input.Name] = shortHash(in.Fingerprint + "|" + in.Value)
	}
	return seen, nil
}

func (s sighting) observed(p versionParams) versionObserved {
	o := versionObserved{Version: s.Version, Tier: "content", Columns: []columnObserved{}}
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
