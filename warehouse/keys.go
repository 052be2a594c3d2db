package warehouse

import (
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// keys lists the distinct keys of a table by a hash that all engines make alike, so
// that a join can be judged whose other side is elsewhere.
func (p *planner) keys(place int, q probe.Keys) error {
	t, err := p.table(q.Of)
	if err != nil {
		return err
	}
	columns, err := t.find(q.Columns.Items())
	if err != nil {
		return err
	}
	hash, err := p.keyHash(t, columns)
	if err != nil {
		return err
	}
	list := []string{hash + " as hashed", "null as segment", "null as cohort", "count(*) as n"}
	if q.Segment != "" {
		segment, err := p.segmentText(t, q.Segment)
		if err != nil {
			return err
		}
		list[1] = segment + " as segment"
	}
	window := q.Window
	var b bucketing
	var inside []string
	if q.Per != "" {
		c, err := newDayClock(p.d, t, q.Window.By, q.Zone)
		if err != nil {
			return err
		}
		if b, err = newBucketing(c, q.Per, q.Zone, q.Window.From, q.Window.To); err != nil {
			return err
		}
		list[2], inside, window = b.key()+" as cohort", b.inside(), probe.Window{}
	}
	conds, err := p.conditions(t, q.Where, window)
	if err != nil {
		return err
	}
	sql := "select\n  " + strings.Join(list, ",\n  ") + "\nfrom " + t.from + whereClause(append(conds, inside...)) +
		"\ngroup by 1, 2, 3\nlimit " + strconv.Itoa(q.Limit+1)
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) {
		if len(rows) > q.Limit {
			return nil, refuse(probe.Refused, "%s has more than %d keys, too many to bring here and compare with another connection: "+
				"narrow it (last, where, or a query node with fewer rows), or copy one of the two tables beside the other", t.name, q.Limit)
		}
		return readKeys(q, b, columns, rows)
	}))
	return nil
}

func readKeys(q probe.Keys, b bucketing, columns []probe.Column, rows [][]any) (any, error) {
	answer := probe.KeySet{Columns: columns}
	for _, row := range rows {
		r := &cells{row: row}
		var k probe.KeyRows
		if k.Null = row[0] == nil; k.Null {
			r.next()
		} else {
			k.Key = unsigned(r.sum())
		}
		k.Segment = r.text()
		cohort := r.next()
		k.Rows = r.count()
		if r.err != nil {
			return nil, r.err
		}
		if q.Per != "" {
			start, ok, err := b.start(cohort)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			k.Start, k.End = instantOf(start), instantOf(endOf(q.Per, start, b.loc))
		}
		answer.Groups = append(answer.Groups, k)
	}
	return answer, nil
}

// keyHash is 60 bits of the MD5 of a key's parts, each with its length before it;
// NULL where a part is.
func (p *planner) keyHash(t table, columns []probe.Column) (string, error) {
	var parts, whole []string
	for _, c := range columns {
		text, err := p.keyText(t, c)
		if err != nil {
			return "", err
		}
		parts = append(parts, p.d.AsText(p.d.Canonical.Bytes(text)), "':'", text)
		whole = append(whole, p.d.Quote(c.Name)+" is not null")
	}
	if len(parts) == 0 {
		return "", refuse(probe.Statement, "a join with %s names no key", t.name)
	}
	return when(strings.Join(whole, " and "), p.d.Canonical.Lane("md5("+p.d.Canonical.Concat(parts...)+")", 1)), nil
}

// keyText writes a value so that those that compare as equal in one database are one
// text on every engine: 1 and 1.00, a day and its first moment in UTC.
func (p *planner) keyText(t table, c probe.Column) (string, error) {
	name := p.d.Quote(c.Name)
	text := p.d.AsText(name)
	switch c.Class {
	case probe.Integer, probe.Text, probe.Boolean:
		text, _ = p.d.Canonical.Text(c, name)
		return text, nil
	case probe.Decimal:
		trimmed := "trim(trailing '.' from trim(trailing '0' from " + text + "))"
		return "case when " + text + " like '%.%' then " + trimmed + " else " + text + " end", nil
	case probe.Date, probe.Naive, probe.Zoned:
		at, err := newClock(p.d, t, probe.TimeColumn{Name: c.Name})
		if err != nil {
			return "", err
		}
		return "coalesce(" + p.d.AsText(at.micros(at.native())) + ", " + text + ")", nil // infinite ones have no microseconds
	}
	if strings.EqualFold(c.Type, "uuid") {
		return "lower(" + text + ")", nil
	}
	return "", refuse(probe.KeyTypes, "%s.%s is %s, which engines write in different ways, so it does not compare with another connection; cast it in a query node or a view",
		t.name, c.Name, c.Type)
}
