package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// change is the difference between two versions and what may explain it.
type change struct {
	site        Site
	params      versionParams
	past        versionMemory
	seen        sighting
	restated    []time.Time // starts of closed partitions that differ, in the DAG's zone
	explainedBy []string
	before      *pastVersion  // the earlier version that is back, if one is
	announced   *Announcement // what was announced for the time since it was last seen
}

func compareVersions(s Site, p versionParams, past versionMemory, seen sighting, at Moment) change {
	c := change{site: s, params: p, past: past, seen: seen, announced: announcedSince(at, time.Unix(past.At, 0))}
	if p.Own.Partition != nil && past.Schema == seen.Schema {
		c.restated = c.restatements()
	}
	if p.tier() != probe.SchemaTier && seen.Rows > 0 { // tables that are emptied and filled again are empty like before
		if i := slices.IndexFunc(past.History, func(v pastVersion) bool { return v.Version == seen.Version }); i >= 0 {
			c.before = &past.History[i]
		}
	}
	if p.OnChange == upstreamChanged {
		for _, input := range p.Inputs {
			if past.Inputs[input.Name] != seen.Inputs[input.Name] {
				c.explainedBy = append(c.explainedBy, input.Name)
			}
		}
	}
	return c
}

// restatements finds the partitions that were closed when they were last seen and
// are not what they were then: changed, gone, or with rows where there were none.
func (c change) restatements() []time.Time {
	was, is := map[int64]string{}, map[int64]string{}
	oldest := int64(0) // what is older than all that was remembered cannot be compared
	if len(c.past.Partitions) == mostPartitions {
		oldest = c.past.Partitions[0].Start
	}
	from := c.params.Own.question(Moment{Now: time.Unix(c.seen.At, 0)}, "").From.Time().Unix()
	if len(c.seen.Partitions) == mostPartitions {
		from = c.seen.Partitions[0].Start
	}
	for _, part := range c.past.Partitions {
		was[part.Start] = part.Version
	}
	for _, part := range c.seen.Partitions {
		is[part.Start] = part.Version
	}
	var starts []int64
	for start, v := range is {
		if start >= oldest && !c.past.samePartition(was[start], v) {
			starts = append(starts, start)
		}
	}
	for start := range was {
		if _, still := is[start]; !still && start >= from {
			starts = append(starts, start)
		}
	}
	slices.Sort(starts)
	var closed []time.Time
	for _, start := range starts {
		t := time.Unix(start, 0).In(c.site.Node.Zone)
		end := bucketAfter(t, c.params.Own.Partition.Per, 1, c.site.Node.Zone)
		if !end.Add(c.params.ClosedAfter.Std()).After(time.Unix(c.past.At, 0)) {
			closed = append(closed, t)
		}
	}
	return closed
}

func (c change) restatedStarts() []time.Time {
	var starts []time.Time
	for _, t := range c.restated {
		starts = append(starts, t.UTC())
	}
	return starts
}

// judge holds the change against the policy; accepted tells whether it is the
// version to compare with from now on.
func (c *change) judge(jobs jobRuns) (j judgement, accepted bool) {
	j = judgement{outcome: Pass, reason: c.reason(), message: c.describe()}
	if a := c.announced; a != nil {
		c.explainedBy = append(c.explainedBy, "announcement")
		j.message += a.words()
		return j, true
	}
	switch c.params.OnChange {
	case failChange:
		if c.params.tier() == probe.SchemaTier && c.allowed() {
			j.message += ", which is allowed"
			return j, true
		}
		j.outcome = Fail
		return j, false
	case upstreamChanged:
		switch {
		case c.before != nil, len(c.restated) > 0:
			// Something upstream is new at nearly every run: that cannot explain the past.
			return c.unexplained(j, "nothing was announced"), false
		case len(c.explainedBy) == 0:
			return c.unexplained(j, c.params.inputNames()+" did not change"), false
		}
		j.message += ", explained by a new version of " + strings.Join(c.explainedBy, ", ")
	case runSucceeded:
		underWay := c.explain(jobs)
		switch {
		case c.before == nil && len(c.restated) > 0:
			// A loader has run at nearly every evaluation: nor can that.
			return c.unexplained(j, "nothing was announced"), false
		case len(c.explainedBy) > 0 && c.before != nil:
			return c.unexplained(j, strings.Join(c.explainedBy, ", ")+" should bring something newer"), false
		case len(c.explainedBy) > 0:
			j.message += ", explained by a run of " + strings.Join(c.explainedBy, ", ")
		case underWay != "":
			j.outcome, j.message = Deferred, j.message+"; "+underWay+" is running"
			return j, false
		default:
			return c.unexplained(j, "no run of "+jobNames(c.params.Jobs)+" succeeded since"), false
		}
	}
	return j, true
}

func (c change) unexplained(j judgement, why string) judgement {
	j.outcome = Fail
	if j.reason != Restated && j.reason != Regressed {
		j.reason = UnexplainedChange
	}
	j.message += ", but " + why
	return j
}

func (c change) reason() Reason {
	switch {
	case c.params.tier() == probe.SchemaTier:
		return SchemaChanged
	case c.before != nil && c.announced == nil:
		return Regressed
	case len(c.restated) > 0 && c.announced == nil:
		return Restated
	}
	return ContentChanged
}

// describe says what is different.
func (c change) describe() string {
	switch {
	case c.params.tier() == probe.SchemaTier:
		return c.schemaDiff().String()
	case c.params.tier() == probe.NativeTier && c.seen.digests.Sound:
		return "the table was written"
	case c.params.tier() == probe.NativeTier:
		return "the table may have been written: its change token, which is a hint, is another"
	case c.past.Schema != c.seen.Schema:
		return "the columns changed"
	case c.before != nil:
		return "the content is again what it was from " + clock(time.Unix(c.before.Since, 0), c.site.Node.Zone) + " on"
	case len(c.restated) > 0:
		newest := bucketName(c.restated[len(c.restated)-1], c.params.Own.Partition.Per)
		if more := len(c.restated) - 1; more > 0 {
			return fmt.Sprintf("%s and %s before it, all closed, changed", newest, counted(int64(more), string(c.params.Own.Partition.Per)))
		}
		return newest + ", which was closed, changed"
	case c.past.Rows != c.seen.Rows:
		return fmt.Sprintf("the content changed, from %s to %s", counted(c.past.Rows, "row"), thousands(c.seen.Rows))
	}
	return fmt.Sprintf("the content changed, still %s", counted(c.seen.Rows, "row"))
}

// schemaVersion is a hash of the columns in their order.
func schemaVersion(columns []probe.Column) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "%s\x00%s\x00%t\n", strings.ToLower(c.Name), c.Type, c.Nullable)
	}
	return shortHash(b.String())
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}
