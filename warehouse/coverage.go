package warehouse

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// keyPairs finds the columns of both sides of a join and refuses types that do not
// compare, as engines convert them in ways of their own or find nothing in silence.
func keyPairs(left table, leftKeys probe.Names, right table, rightKeys probe.Names) (l, r []probe.Column, err error) {
	if l, err = left.find(leftKeys.Items()); err != nil {
		return nil, nil, err
	}
	if r, err = right.find(rightKeys.Items()); err != nil {
		return nil, nil, err
	}
	if len(l) == 0 || len(l) != len(r) {
		return nil, nil, refuse(probe.Statement, "join %s with %s: %d columns on the left, %d on the right", left.name, right.name, len(l), len(r))
	}
	for i := range l {
		if !probe.Comparable(l[i], r[i]) {
			return nil, nil, refuse(probe.KeyTypes, "%s.%s is %s and %s.%s is %s: they do not compare; cast one of them in a query node or a view",
				left.name, l[i].Name, l[i].Type, right.name, r[i].Name, r[i].Type)
		}
	}
	return l, r, nil
}

// keyed lists the parts of a key for a SELECT: the columns' own names, the same as
// k1, k2, …, and the conditions that no part is NULL.
func (d Dialect) keyed(columns []probe.Column) (quoted, named, whole []string) {
	for i, k := range numbered("k", len(columns)) {
		name := d.Quote(columns[i].Name)
		if d.Key != nil {
			name = d.Key(columns[i], name)
		}
		quoted = append(quoted, name)
		named = append(named, name+" as "+k)
		whole = append(whole, name+" is not null")
	}
	return quoted, named, whole
}

// equalKeys is the join condition of two lists of k1, k2, ….
func equalKeys(left, right string, n int) string {
	var conds []string
	for _, k := range numbered("k", n) {
		conds = append(conds, right+"."+k+" = "+left+"."+k)
	}
	return strings.Join(conds, " and ")
}

// coverage groups both sides by key before it joins them where segments, parents or
// samples are asked for: duplicate parents cannot multiply rows, and rows and distinct keys
// come from one pass. Without those it is orphans.
func (p *planner) coverage(place int, q probe.Coverage) error {
	child, err := p.table(q.Child)
	if err != nil {
		return err
	}
	parent, err := p.table(q.Parent)
	if err != nil {
		return err
	}
	keys, parentKeys, err := keyPairs(child, q.Keys, parent, q.ParentKeys)
	if err != nil {
		return err
	}
	if q.Per != "" {
		return p.coveragePer(place, q, child, keys, parent, parentKeys)
	}
	if done, err := p.looksUp(place, q, child, keys, parent, parentKeys); done || err != nil {
		return err
	}
	segment := ""
	if q.Segment != "" {
		if segment, err = p.segmentText(child, q.Segment); err != nil {
			return err
		}
	}
	conds, err := p.conditions(child, q.Where, q.Window)
	if err != nil {
		return err
	}
	if segment == "" && !q.Parents && q.KeySample == 0 {
		sql := p.orphans(child, keys, conds, parent, parentKeys)
		p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) { return readCoverage(q, [][][]any{rows}) }))
		return nil
	}
	with := p.joinedKeys(child, keys, conds, segment, parent, parentKeys)
	st := statement{sql: []string{with + coverageTotals(q, len(keys))}, answers: []int{place}}
	if q.KeySample > 0 {
		// The hash of a group of equal keys is that of any of them.
		st.sql = append(st.sql, with+"\nselect distinct "+p.d.KeyHash(numbered("k", len(keys)))+
			" as hashed\nfrom joined\nwhere whole = 1 and parents is null\norder by hashed\nlimit "+strconv.Itoa(q.KeySample))
	}
	st.read = func(results [][][]any) []outcome {
		value, err := readCoverage(q, results)
		if c, ok := value.(probe.Covered); ok && q.KeySample > 0 {
			c.Fingerprint = p.d.Fingerprint
			value = c
		}
		return []outcome{{value: value, err: err}}
	}
	p.out = append(p.out, st)
	return nil
}

// joinedKeys renders the WITH clause: child, parent, and joined, which has one row
// for each key of the child (and segment) with its rows in n, whole = 1 where no
// part of the key is NULL, and parents NULL where no parent has it.
func (p *planner) joinedKeys(child table, keys []probe.Column, conds []string, segment string, parent table, parentKeys []probe.Column) string {
	quoted, named, whole := p.d.keyed(keys)
	parentQuoted, parentNamed, parentWhole := p.d.keyed(parentKeys)
	groupBy := strings.Join(quoted, ", ")
	if segment != "" {
		named = append(named, segment+" as segment")
		groupBy += ", " + segment
	}
	return "with child as (\n" +
		"select " + strings.Join(named, ", ") + ", " + when(strings.Join(whole, " and "), "1") + " as whole, count(*) as n\n" +
		"from " + child.from + whereClause(conds) + "\ngroup by " + groupBy + "\n" +
		"), parent as (\n" +
		"select " + strings.Join(parentNamed, ", ") + ", count(*) as parents\n" +
		"from " + parent.from + "\nwhere " + strings.Join(parentWhole, " and ") + "\ngroup by " + strings.Join(parentQuoted, ", ") + "\n" +
		"), joined as (\n" +
		"select child.*, parent.parents\nfrom child left join parent on " + equalKeys("child", "parent", len(keys)) + "\n)"
}

// coverageSums counts the rows of joined.
const coverageSums = "coalesce(sum(n), 0) as total,\n  coalesce(sum(case when whole is null then n end), 0) as null_keys,\n" +
	"  coalesce(sum(case when parents is not null then n end), 0) as matched"

// coverageTotals renders the totals, and below them the worst segments: place is 0
// for the totals and 1 for a segment.
func coverageTotals(q probe.Coverage, keys int) string {
	const (
		sums    = coverageSums
		orphans = "whole = 1 and parents is null"
		parents = "  (select count(case when parents > 1 then 1 end) from parent) as duplicate_parent_keys,\n" +
			"  (select coalesce(max(parents), 0) from parent) as fan_out"
	)
	covered, none := "", ""
	if q.Parents {
		covered = ",\n  (select count(*) from parent) as parent_keys,\n" +
			"  (select count(*) from parent where exists (select 1 from child where " + equalKeys("child", "parent", keys) + ")) as parents_matched"
		none = ", 0 as parent_keys, 0 as parents_matched"
	}
	if q.Segment == "" {
		return "\nselect\n  " + sums + ",\n  " + countWhen(orphans) + " as orphan_keys,\n" + parents + covered + "\nfrom joined"
	}
	eligible := "total - null_keys"
	if q.NullsOrphan {
		eligible = "total"
	}
	// A key counts once in the totals although several segments may have it.
	return ", segments as (\nselect segment,\n  " + sums + ",\n  " + countWhen(orphans) + " as orphan_keys\nfrom joined\ngroup by segment\n)\n" +
		"select sum(total) as total, sum(null_keys) as null_keys, sum(matched) as matched,\n" +
		"  (select count(*) from (select distinct " + strings.Join(numbered("k", keys), ", ") + " from joined where " + orphans + ") as orphan) as orphan_keys,\n" +
		parents + covered + ",\n  0 as place, '' as segment\nfrom segments\nunion all\n" +
		"select * from (\nselect total, null_keys, matched, orphan_keys, 0 as duplicate_parent_keys, 0 as fan_out" + none + ", 1 as place, segment\nfrom segments\n" +
		"order by case when " + eligible + " = 0 then 2 else matched * 1.0 / (" + eligible + ") end, total desc, segment\nlimit " +
		strconv.Itoa(maxSegments) + "\n) as worst"
}

func readCoverage(q probe.Coverage, results [][][]any) (any, error) {
	var answer probe.Covered
	if len(results[0]) == 0 {
		return nil, refuse(probe.BadAnswer, "the join came back without its totals")
	}
	for _, row := range results[0] {
		c := &cells{row: row}
		j := probe.Joined{Total: c.count(), NullKeys: c.count(), Matched: c.count()}
		j.OrphanKeys = c.count()
		j = eligible(j, q)
		duplicates, fanOut := c.count(), c.count()
		var parentKeys, matched int64
		if q.Parents {
			parentKeys, matched = c.count(), c.count()
		}
		if q.Segment == "" || c.count() == 0 {
			answer.Joined, answer.DuplicateParentKeys, answer.MaxFanOut = j, duplicates, fanOut
			answer.ParentKeys, answer.ParentsMatched = parentKeys, matched
		} else {
			answer.Segments = append(answer.Segments, probe.SegmentJoined{Segment: c.text(), Joined: j})
		}
		if c.err != nil {
			return nil, c.err
		}
	}
	slices.SortStableFunc(answer.Segments, probe.WorseFirst)
	for _, result := range results[1:] {
		for _, row := range result {
			c := &cells{row: row}
			answer.OrphanHashes = append(answer.OrphanHashes, unsigned(c.sum()))
			if c.err != nil {
				return nil, c.err
			}
		}
	}
	return answer, nil
}

// unsigned keeps the low 64 bits.
func unsigned(n *big.Int) uint64 { return n.Uint64() }
