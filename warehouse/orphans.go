package warehouse

import (
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// orphans is the statement of a coverage without segments, parents or samples: the child's
// rows are counted in one scan, those without a parent by the engine's anti join,
// and only those are grouped by key. That is the cheapest form on every engine, and
// one statement sees one state of both tables. The parent is grouped to find
// duplicates, unless a constraint says that there are none.
func (p *planner) orphans(child table, keys []probe.Column, conds []string, parent table, parentKeys []probe.Column) string {
	quoted, named, whole := p.d.keyed(keys)
	parentQuoted, parentNamed, parentWhole := p.d.keyed(parentKeys)
	lone := append(append([]string{}, conds...), whole...)
	parents := "(select 0 as duplicates, 1 as fan_out) as parent"
	if !parent.unique(parentKeys) {
		parents = "(\nselect count(case when parents > 1 then 1 end) as duplicates, coalesce(max(parents), 0) as fan_out from (\n" +
			"select count(*) as parents from " + parent.from + "\nwhere " + strings.Join(parentWhole, " and ") +
			"\ngroup by " + strings.Join(parentQuoted, ", ") + "\n) as keyed\n) as parent"
	}
	return "select total, null_keys, total - null_keys - orphans as matched, orphan_keys, duplicates, fan_out\nfrom (\n" +
		"select count(*) as total, " + countWhen("not ("+strings.Join(whole, " and ")+")") + " as null_keys\nfrom " + child.from + whereClause(conds) +
		"\n) as child, (\nselect coalesce(sum(n), 0) as orphans, count(*) as orphan_keys from (\n" +
		"select count(*) as n from (select " + strings.Join(named, ", ") + " from " + child.from + whereClause(lone) + ") as child\n" +
		p.d.without("(select "+strings.Join(parentNamed, ", ")+" from "+parent.from+") as parent", equalKeys("child", "parent", len(quoted))) +
		"\ngroup by " + strings.Join(numbered("child.k", len(quoted)), ", ") + "\n) as orphan\n) as orphaned, " + parents
}

// without keeps the rows before it that find no row of another relation.
func (d Dialect) without(other, on string) string {
	if d.AntiJoin {
		return "anti join " + other + " on " + on
	}
	return "where not exists (select 1 from " + other + " where " + on + ")"
}

// fewRows is up to how many rows, as the catalog estimates them, a table is small.
const fewRows = 100_000

// small tells of a table whose scan costs about as much as a statement does. It shares
// statements with what a large one would keep waiting: joins, and other tables.
func (t table) small() bool { return t.rows > 0 && t.rows <= fewRows }

// looksUp puts the coverage of a small table into the scan of its other questions: a
// parent whose key a constraint keeps unique is joined to the rows and multiplies
// none. It tells whether it could.
func (p *planner) looksUp(place int, q probe.Coverage, child table, keys []probe.Column, parent table, parentKeys []probe.Column) (bool, error) {
	if q.Segment != "" || q.Parents || q.KeySample > 0 || !child.small() || !parent.small() || !parent.unique(parentKeys) {
		return false, nil
	}
	quoted, _, whole := p.d.keyed(keys)
	parentQuoted, _, _ := p.d.keyed(parentKeys)
	name := unique(map[string]bool{}, parent.name+"_by_"+strings.Join(q.Keys.Items(), "_"))
	var columns, on []string
	for i, key := range numbered(name+"_", len(keys)) {
		if _, err := child.column(key); err == nil || keys[i].Class != parentKeys[i].Class {
			return false, nil // the name is taken; or several keys may equal one, as integers beyond 2^53 do one float
		}
		columns = append(columns, parentQuoted[i]+" as "+key)
		on = append(on, key+" = "+quoted[i])
	}
	nulls := expr{"null_keys_" + name, countWhen("not (" + strings.Join(whole, " and ") + ")"), number}
	if len(keys) == 1 && keys[0].Class != probe.Other {
		nulls.sql = "count(*) - count(" + quoted[0] + ")"
	}
	brief := piece{
		place: place,
		join:  "left join (select " + strings.Join(columns, ", ") + " from " + parent.from + ") as " + name + " on " + strings.Join(on, " and "),
		rows:  parent.rows,
		exprs: []expr{countRows, nulls, {"matched_" + name, "count(" + name + "_1)", number}},
		read: func(c *cells) any {
			j := probe.Joined{Total: c.count(), NullKeys: c.count(), Matched: c.count()}
			if j.Matched < j.Total-j.NullKeys {
				return nil // how many keys the orphans have is a question of its own
			}
			return probe.Covered{Joined: eligible(j, q), MaxFanOut: 1}
		},
	}
	full := brief
	full.exprs = append(slices.Clone(brief.exprs), expr{"orphan_keys_" + name, p.d.Distinct(name+"_1 is null", quoted), number})
	full.read = func(c *cells) any {
		j := probe.Joined{Total: c.count(), NullKeys: c.count(), Matched: c.count(), OrphanKeys: c.count()}
		return probe.Covered{Joined: eligible(j, q), MaxFanOut: 1}
	}
	brief.full = &full
	return true, p.add(child, q.Child, q.Where, q.Window, brief)
}

// eligible completes what follows from the counted rows.
func eligible(j probe.Joined, q probe.Coverage) probe.Joined {
	j.Eligible = j.Total - j.NullKeys
	if q.NullsOrphan {
		j.Eligible = j.Total
	}
	j.Orphans = j.Eligible - j.Matched
	return j
}
