package warehouse

import (
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// orphans is the statement of a coverage without segments or samples: the child's
// rows are counted in one scan, those without a parent by the engine's anti join,
// and only those are grouped by key. That is the cheapest form on every engine, and
// one statement sees one state of both tables. The parent is grouped to find
// duplicates, unless a constraint says that there are none.
func (p *planner) orphans(child table, keys []probe.Column, conds []string, parent table, parentKeys []probe.Column) string {
	quoted, named, whole := p.d.keyed(keys)
	parentQuoted, parentNamed, parentWhole := p.d.keyed(parentKeys)
	lone := append(append([]string{}, conds...), whole...)
	duplicates := "(\nselect count(case when parents > 1 then 1 end) as duplicates, coalesce(max(parents), 0) as fan_out from (\n" +
		"select count(*) as parents from " + parent.from + "\nwhere " + strings.Join(parentWhole, " and ") +
		"\ngroup by " + strings.Join(parentQuoted, ", ") + "\n) as keyed\n) as parent"
	if parent.unique(parentKeys) {
		duplicates = "(select 0 as duplicates, count(*) as fan_out from (select 1 from " + parent.from + " limit 1) as one) as parent"
	}
	return "select total, null_keys, total - null_keys - orphans as matched, orphan_keys, duplicates, fan_out\nfrom (\n" +
		"select count(*) as total, " + countWhen("not ("+strings.Join(whole, " and ")+")") + " as null_keys\nfrom " + child.from + whereClause(conds) +
		"\n) as child, (\nselect coalesce(sum(n), 0) as orphans, count(*) as orphan_keys from (\n" +
		"select count(*) as n from (select " + strings.Join(named, ", ") + " from " + child.from + whereClause(lone) + ") as child\n" +
		p.d.without("(select "+strings.Join(parentNamed, ", ")+" from "+parent.from+") as parent", equalKeys("child", "parent", len(quoted))) +
		"\ngroup by " + strings.Join(numbered("child.k", len(quoted)), ", ") + "\n) as orphan\n) as orphaned, " + duplicates
}

// without keeps the rows before it that find no row of another relation.
func (d Dialect) without(other, on string) string {
	if d.AntiJoin {
		return "anti join " + other + " on " + on
	}
	return "where not exists (select 1 from " + other + " where " + on + ")"
}
