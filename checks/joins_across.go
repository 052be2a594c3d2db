package checks

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// A join whose sides are on two connections is two questions, the keys of each side,
// and they meet here. What comes out is the same answer that one engine gives.

// maxKeysAcross is how many distinct keys either side may have.
const maxKeysAcross = 200_000

// keysFingerprint is of hashes that are the same on every engine and in every version.
const keysFingerprint = "keys/md5/60/1"

// across tells whether the two sides are on two connections.
func (p joinsParams) across(s Site) bool { return s.Node.Connection != p.Parent.Conn }

// askAcross makes of each question about both sides one about each. The parent's is
// the same for all, and asked once.
func (p joinsParams) askAcross(qs []probe.Coverage) []probe.Question {
	var split []probe.Question
	for _, q := range qs {
		split = append(split,
			probe.Keys{Of: q.Child, Where: q.Where, Columns: q.Keys, Window: q.Window, Segment: q.Segment, Per: q.Per, Zone: q.Zone, Limit: maxKeysAcross},
			probe.Keys{Of: q.Parent, Columns: q.ParentKeys, Limit: maxKeysAcross})
	}
	return split
}

// answered reads the n-th answer, whichever way it was asked for.
func (p joinsParams) answered(s Site, as []probe.Answer, n int) (probe.Covered, error) {
	if !p.across(s) {
		return probe.Value[probe.Covered](as[n])
	}
	child, err := probe.Value[probe.KeySet](as[2*n])
	if err != nil {
		return probe.Covered{}, err
	}
	parent, err := probe.Value[probe.KeySet](as[2*n+1])
	if err != nil {
		return probe.Covered{}, err
	}
	for i, c := range child.Columns {
		if o := parent.Columns[i]; !probe.Comparable(c, o) {
			return probe.Covered{}, &probe.Error{Class: probe.KeyTypes, Msg: fmt.Sprintf(
				"%s is %s and %s of %s is %s: they do not compare; cast one of them in a query node or a view", c.Name, c.Type, o.Name, p.To, o.Type)}
		}
	}
	return p.match(child, parent), nil
}

// match finds the child's keys among the parent's.
func (p joinsParams) match(child, parent probe.KeySet) probe.Covered {
	var c probe.Covered
	parents := map[uint64]bool{}
	for _, k := range parent.Groups {
		if k.Null {
			continue
		}
		parents[k.Key] = true
		c.MaxFanOut = max(c.MaxFanOut, k.Rows)
		if k.Rows > 1 {
			c.DuplicateParentKeys++
		}
	}
	orphans, met := map[uint64]bool{}, map[uint64]bool{}
	segments := map[string]*probe.Joined{}
	cohorts := map[probe.Instant]probe.CohortJoined{}
	for _, k := range child.Groups {
		var j probe.Joined
		switch j.Total = k.Rows; {
		case k.Null:
			j.NullKeys = k.Rows
			if p.Nulls == "orphan" {
				j.Eligible, j.Orphans = k.Rows, k.Rows
			}
		case parents[k.Key]:
			met[k.Key] = true
			j.Eligible, j.Matched = k.Rows, k.Rows
		default:
			j.Eligible, j.Orphans, j.OrphanKeys = k.Rows, k.Rows, 1
			orphans[k.Key] = true
		}
		plus(&c.Joined, j)
		if segments[k.Segment] == nil {
			segments[k.Segment] = &probe.Joined{}
		}
		plus(segments[k.Segment], j)
		was := cohorts[k.Start]
		cohorts[k.Start] = probe.CohortJoined{Start: k.Start, End: k.End, Eligible: was.Eligible + j.Eligible, Matched: was.Matched + j.Matched}
	}
	c.ParentKeys, c.ParentsMatched = int64(len(parents)), int64(len(met))
	c.OrphanKeys = int64(len(orphans)) // one that two segments have is one
	c.Fingerprint = keysFingerprint
	c.OrphanHashes = slices.Sorted(maps.Keys(orphans))
	c.OrphanHashes = c.OrphanHashes[:min(len(c.OrphanHashes), maxKnownOrphans)]
	c.Cohorts = slices.SortedFunc(maps.Values(cohorts), func(a, b probe.CohortJoined) int { return cmp.Compare(a.Start, b.Start) })
	if p.Segment != "" {
		for name, j := range segments {
			c.Segments = append(c.Segments, probe.SegmentJoined{Segment: name, Joined: *j})
		}
		slices.SortFunc(c.Segments, probe.WorseFirst)
	}
	return c
}

// plus adds the rows of a key.
func plus(sum *probe.Joined, j probe.Joined) {
	sum.Total += j.Total
	sum.NullKeys += j.NullKeys
	sum.Eligible += j.Eligible
	sum.Matched += j.Matched
	sum.Orphans += j.Orphans
	sum.OrphanKeys += j.OrphanKeys
}
