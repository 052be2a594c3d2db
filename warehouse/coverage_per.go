package warehouse

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// coveragePer is coverage with the stretches of time as segments.
func (p *planner) coveragePer(place int, q probe.Coverage, child table, keys []probe.Column, parent table, parentKeys []probe.Column) error {
	if q.Segment != "" || q.Parents || q.KeySample > 0 {
		return refuse(probe.Statement, "a join per %s has no segments, no count of parents and no sample of keys", q.Per)
	}
	conds, err := p.conditions(child, q.Where, probe.Window{})
	if err != nil {
		return err
	}
	c, err := newDayClock(p.d, child, q.Window.By, q.Zone)
	if err != nil {
		return err
	}
	b, err := newBucketing(c, q.Per, q.Zone, q.Window.From, q.Window.To)
	if err != nil {
		return err
	}
	sql := p.joinedKeys(child, keys, append(conds, b.inside()...), b.key(), parent, parentKeys) +
		"\nselect segment as cohort,\n  " + coverageSums + "\nfrom joined\ngroup by segment"
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) { return readCohortsJoined(q, b, rows) }))
	return nil
}

// readCohortsJoined reads one row a cohort; dates of another zone than the cohort's
// may come in parts.
func readCohortsJoined(q probe.Coverage, b bucketing, rows [][]any) (any, error) {
	var answer probe.Covered
	cohorts := make(map[probe.Instant]probe.CohortJoined)
	for _, row := range rows {
		r := &cells{row: row}
		key := r.next()
		total, nullKeys, matched := r.count(), r.count(), r.count()
		if r.err != nil {
			return nil, r.err
		}
		start, ok, err := b.start(key)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		j := probe.Joined{Total: total, NullKeys: nullKeys, Eligible: total - nullKeys, Matched: matched}
		if q.NullsOrphan {
			j.Eligible = total
		}
		j.Orphans = j.Eligible - j.Matched
		answer.Total += j.Total
		answer.NullKeys += j.NullKeys
		answer.Eligible += j.Eligible
		answer.Matched += j.Matched
		answer.Orphans += j.Orphans
		at := instantOf(start)
		cohort := cohorts[at]
		cohorts[at] = probe.CohortJoined{
			Start: at, End: instantOf(endOf(q.Per, start, b.loc)),
			Eligible: cohort.Eligible + j.Eligible, Matched: cohort.Matched + j.Matched,
		}
	}
	answer.Cohorts = slices.SortedFunc(maps.Values(cohorts), func(x, y probe.CohortJoined) int { return cmp.Compare(x.Start, y.Start) })
	return answer, nil
}
