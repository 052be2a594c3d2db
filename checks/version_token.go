package checks

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// known is by which change token a version was found, if that is sound: while the table
// has it, no row need be read.
type known struct {
	Token  string `json:"token,omitempty"`
	Hashed int64  `json:"hashed,omitempty"` // when its rows were last read, Unix seconds
}

// rehashAfter is how long a token is believed. It is sound, but for a superuser who
// turns counting off in a session: that is found within a day.
const rehashAfter = 24 * time.Hour

// mostColumns is how many columns are remembered beside a token, for people to see.
const mostColumns = 200

// unless is the token with which the rows need not be read.
func (k known) unless(at Moment) string {
	if at.Now.Sub(time.Unix(k.Hashed, 0)) >= rehashAfter {
		return ""
	}
	return k.Token
}

// unless is the token with which the rows of the node itself need not be read. Two
// tables are compared by what is read of both.
func (p versionParams) unless(past versionMemory, at Moment) string {
	if past.Token == "" || p.Other != nil || past.edited(p.meaning) != "" {
		return ""
	}
	return past.unless(at)
}

// knownBy is by which token an answer can be found again.
func knownBy(d probe.Digests, past known, at Moment) known {
	switch {
	case d.Unchanged:
		return past
	case d.Sound && d.Token != "":
		return known{d.Token, at.Now.Unix()}
	}
	return known{}
}

// own is the version of the node itself as an answer tells it.
func (p versionParams) own(past versionMemory, d probe.Digests, at Moment) sighting {
	seen := sighting{digests: d, current: map[dag.NodeID]string{}, tokens: map[dag.NodeID]known{}}
	if d.Unchanged {
		seen.versionMemory = past.still(p.Own.question(at, "").From, at)
		seen.digests = seen.answer(d)
		return seen
	}
	seen.versionMemory = versionMemory{
		Version: d.Value, Definition: p.meaning, Fingerprint: d.Fingerprint,
		Since: at.Now.Unix(), At: at.Now.Unix(), Rows: d.Rows, Schema: schemaVersion(d.Columns),
	}
	switch tier := p.tier(); {
	case tier == probe.SchemaTier:
		seen.Version, seen.Fingerprint, seen.Rows = seen.Schema, "", 0
		seen.Columns = columnsSeen(d)
	case tier == probe.ContentTier && len(d.Columns) <= mostColumns:
		if seen.known = knownBy(d, known{}, at); seen.Token != "" {
			seen.Columns = columnsSeen(d)
		}
	}
	for _, part := range d.Partitions[max(0, len(d.Partitions)-mostPartitions):] {
		seen.Partitions = append(seen.Partitions, partitionMemory{part.Start.Time().Unix(), part.Value})
	}
	return seen
}

func columnsSeen(d probe.Digests) []columnMemory {
	columns := make([]columnMemory, len(d.Columns))
	for i, c := range d.Columns {
		columns[i] = columnMemory{c.Name, c.Type, c.Nullable}
	}
	return columns
}

// still is what was remembered, seen once more without reading a row. Partitions that
// have left the window are gone from it.
func (m versionMemory) still(from probe.Instant, at Moment) versionMemory {
	m.At, m.Inputs, m.lineage = at.Now.Unix(), nil, lineage{}
	m.Partitions = slices.DeleteFunc(slices.Clone(m.Partitions), func(p partitionMemory) bool {
		return !from.IsZero() && time.Unix(p.Start, 0).Before(from.Time())
	})
	return m
}

// answer completes an answer without rows by what was remembered.
func (m versionMemory) answer(d probe.Digests) probe.Digests {
	d.Rows, d.Value, d.Fingerprint = m.Rows, m.Version, m.Fingerprint
	for _, c := range m.Columns {
		d.Columns = append(d.Columns, probe.Column{Name: c.Name, Type: c.Type, Nullable: c.Nullable})
	}
	for _, p := range m.Partitions {
		d.Partitions = append(d.Partitions, probe.PartitionDigest{Start: probe.At(time.Unix(p.Start, 0)), Value: p.Version})
	}
	return d
}
