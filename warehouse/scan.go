package warehouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// group is what questions must share to be answered by one scan.
type group struct {
	of     probe.Relation
	where  string
	window probe.Window
	from   string // rendered
	conds  string // rendered
}

// piece is one question's part of a scan: expressions over all rows of the group
// and how their values make the answer. It may ask for the least that tells whether
// all is well; where read then gives nil, the question is asked once more, alone, in
// full: what is rarely needed costs nothing where it is not.
type piece struct {
	place int
	join  string // a relation that has at most one row for each row of the group, or nothing
	rows  int64  // of that relation, estimated
	exprs []expr
	read  func(c *cells) any
	full  *piece // nil where exprs are all there is
}

// expr is an expression, the beginning of a name for it, and what its values are.
type expr struct {
	name, sql string
	kind      kind
}

// kind is as much of a value's type as scans must have in common to be united.
type kind byte

const (
	number kind = 'n'
	moment kind = 't' // with a zone or without, which is UTC
	words  kind = 's'
)

// selecting is how a scan begins.
const selecting = "select\n  "

// add puts a piece into its group.
func (p *planner) add(t table, of probe.Relation, where string, w probe.Window, pc piece) error {
	conds, err := p.conditions(t, where, w)
	if err != nil {
		return err
	}
	g := group{of: of, where: where, window: w, from: t.from, conds: whereClause(conds)}
	if _, known := p.fused[g]; !known {
		p.order = append(p.order, g)
	}
	p.fused[g] = append(p.fused[g], pc)
	return nil
}

// fuse makes one SELECT of the pieces of a group; equal expressions stand once.
func fuse(d Dialect, g group, pieces []piece) statement {
	var list []string
	index := make(map[expr]int)
	names := make(map[string]bool)
	columns := make([][]int, len(pieces))
	st := statement{}
	from := g.from
	for i, pc := range pieces {
		st.answers = append(st.answers, pc.place)
		if pc.join != "" && !strings.Contains(from, pc.join) {
			from += "\n" + pc.join
			st.rows += pc.rows
		}
		for _, e := range pc.exprs {
			at, known := index[e]
			if !known {
				at = len(list)
				index[e] = at
				list = append(list, e.sql+" as "+unique(names, e.name))
				st.shape += string(rune(e.kind))
			}
			columns[i] = append(columns[i], at)
		}
	}
	st.sql = []string{selecting + strings.Join(list, ",\n  ") + "\nfrom " + from + g.conds}
	st.read = func(results [][][]any) []outcome {
		outcomes := make([]outcome, len(pieces))
		for i, pc := range pieces {
			outcomes[i] = readPiece(pc, columns[i], len(list), results[0])
		}
		return outcomes
	}
	st.alone = func(i int) statement { return fuse(d, g, pieces[i:i+1]) }
	st.full = func(i int) statement { return fuse(d, g, []piece{*pieces[i].full}) }
	return st
}

func readPiece(pc piece, columns []int, width int, rows [][]any) outcome {
	if len(rows) != 1 || len(rows[0]) != width {
		return outcome{err: refuse(probe.BadAnswer, "an aggregate came back with %d rows where one belongs", len(rows))}
	}
	c := &cells{}
	for _, at := range columns {
		c.row = append(c.row, rows[0][at])
	}
	value := pc.read(c)
	return outcome{value: value, err: c.err, again: value == nil && c.err == nil && pc.full != nil}
}

// unique makes a plain name that no other column of the statement has.
func unique(taken map[string]bool, name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(name))
	name = name[:min(len(name), 50)] // engines bound the length of a name
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	taken[free] = true
	return free
}

var countRows = expr{"n_rows", "count(*)", number}

func (p *planner) watermark(place int, q probe.Watermark) error {
	t, err := p.table(q.Of)
	if err != nil {
		return err
	}
	c, err := newClock(p.d, t, q.Column)
	if err != nil {
		return err
	}
	if q.Segment != "" {
		return p.segmentMarks(place, q, t, c)
	}
	name := c.column.Name
	timed := expr{"timed_" + name, "count(" + p.d.Quote(name) + ")", number}
	full := piece{
		place: place,
		exprs: []expr{
			countRows,
			timed,
			{"newest_" + name, c.micros("max(" + when(c.upTo(q.Horizon), c.native()) + ")"), number},
			{"future_" + name, c.future(q.Horizon), number},
		},
		read: func(r *cells) any {
			return probe.Mark{Rows: r.count(), Timed: r.count(), Max: r.instant(), Future: r.count(), Class: c.column.Class}
		},
	}
	if !t.small() || q.Horizon.IsZero() || c.column.Class == probe.Date {
		return p.add(t, q.Of, q.Where, probe.Window{}, full)
	}
	// Nothing lies beyond the horizon where the newest of all does not, infinite ones
	// included.
	return p.add(t, q.Of, q.Where, probe.Window{}, piece{
		place: place,
		exprs: []expr{countRows, timed, c.stamp("newest_"+name, "max("+c.native()+")")},
		read: func(r *cells) any {
			m := probe.Mark{Rows: r.count(), Timed: r.count(), Max: r.stamp(), Class: c.column.Class}
			if m.Timed > 0 && (m.Max.IsZero() || m.Max > q.Horizon) {
				return nil
			}
			return m
		},
		full: &full,
	})
}

func (p *planner) rows(place int, q probe.Rows) error {
	t, err := p.table(q.Of)
	if err != nil {
		return err
	}
	return p.add(t, q.Of, q.Where, q.Window, piece{place: place, exprs: []expr{countRows}, read: func(r *cells) any { return r.count() }})
}

func (p *planner) badRows(place int, q probe.BadRows) error {
	t, err := p.table(q.Of)
	if err != nil {
		return err
	}
	columns, err := t.find(q.Columns.Items())
	if err != nil {
		return err
	}
	if q.Rule == probe.Duplicates {
		return p.duplicates(place, t, q, columns)
	}
	if len(columns) != 1 {
		return refuse(probe.Statement, "rule %s takes one column, not %d", q.Rule, len(columns))
	}
	bad, err := p.bad(t, q, columns[0])
	if err != nil {
		return err
	}
	return p.add(t, q.Of, q.Where, q.Window, piece{
		place: place,
		exprs: []expr{bad, countRows},
		read:  func(r *cells) any { return probe.Bad{Bad: r.count(), Rows: r.count()} },
	})
}

// bad counts the rows that break a rule about one column.
func (p *planner) bad(t table, q probe.BadRows, c probe.Column) (expr, error) {
	name := string(q.Rule) + "_" + c.Name
	switch {
	case q.Rule == probe.Nulls && t.notNull && !c.Nullable:
		return expr{name + "_by_constraint", "0", number}, nil
	case q.Rule == probe.Nulls && c.Class != probe.Other: // a row of NULLs is NULL, and counted
		return expr{name, "count(*) - count(" + p.d.Quote(c.Name) + ")", number}, nil
	}
	cond, err := p.broken(q, c)
	return expr{name, countWhen(cond), number}, err
}

// broken is the condition that a row breaks a rule about one column.
func (p *planner) broken(q probe.BadRows, c probe.Column) (string, error) {
	value := p.d.Plain(c, p.d.Quote(c.Name))
	switch q.Rule {
	case probe.Nulls:
		return p.d.Quote(c.Name) + " is null", nil
	case probe.Unexpected:
		var list []string
		for _, item := range q.Accepted.Items() {
			lit, err := p.literal(c, "accepted", item)
			if err != nil {
				return "", err
			}
			if lit != "null" {
				list = append(list, lit)
			}
		}
		if len(list) == 0 {
			return value + " is not null", nil
		}
		return p.comparable(c, value) + " not in (" + strings.Join(list, ", ") + ")", nil
	case probe.OutOfRange:
		var conds []string
		for _, end := range []struct{ op, json string }{{" < ", q.Min}, {" > ", q.Max}} {
			if end.json == "" {
				continue
			}
			lit, err := p.literal(c, "between", end.json)
			if err != nil {
				return "", err
			}
			conds = append(conds, p.comparable(c, value)+end.op+lit)
		}
		if len(conds) == 0 {
			return "", refuse(probe.Statement, "between of column %q has neither min nor max", c.Name)
		}
		return strings.Join(conds, " or "), nil
	}
	return "", refuse(probe.Statement, "there is no rule %q for values", q.Rule)
}

// comparable is a column as literal compares it: text by its bytes, whatever its
// collation says, and types without a class of their own by their text.
func (p *planner) comparable(c probe.Column, value string) string {
	switch {
	case c.Class == probe.Other:
		return p.d.AsText(value)
	case c.Class == probe.Text && p.d.ByBytes != nil:
		return p.d.ByBytes(value)
	}
	return value
}

// literal renders a JSON scalar to be compared with a column, and refuses what
// does not compare, as engines would convert it in ways of their own.
func (p *planner) literal(c probe.Column, rule, src string) (string, error) {
	var value any
	dec := json.NewDecoder(bytes.NewReader([]byte(src)))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return "", refuse(probe.Statement, "%s of column %q: %s is not a JSON scalar: %v", rule, c.Name, src, err)
	}
	switch v := value.(type) {
	case nil:
		return "null", nil
	case bool:
		if c.Class == probe.Boolean {
			return fmt.Sprint(v), nil
		}
	case json.Number:
		if c.Class == probe.Integer || c.Class == probe.Decimal || c.Class == probe.Float {
			return numberLiteral(c, v), nil
		}
	case string:
		if lit, ok := p.textLiteral(c, v); ok {
			return lit, nil
		}
	}
	hint := map[probe.TypeClass]string{
		probe.Text: "quote it", probe.Other: "quote it", probe.Boolean: "write true or false", probe.Date: `write "2013-07-04"`,
		probe.Naive: `write "2013-07-04 12:00:00"`, probe.Zoned: `write "2013-07-04T12:00:00Z"`,
	}[c.Class]
	if hint == "" {
		hint = "write a number without quotes"
	}
	return "", refuse(probe.KeyTypes, "%s of column %q: %s does not compare with type %s; %s", rule, c.Name, src, c.Type, hint)
}

// numberLiteral renders a number. For a float of 32 bits it is the nearest that the
// column can hold: engines compare it as one of 64 otherwise, and 0.1 is never found.
func numberLiteral(c probe.Column, n json.Number) string {
	base, _, _ := strings.Cut(strings.ToLower(c.Type), "(")
	base, _, _ = strings.Cut(base, " ")
	if c.Class == probe.Float && (base == "float" || base == "real") {
		if near, err := strconv.ParseFloat(n.String(), 32); err == nil && near != 0 {
			return strconv.FormatFloat(near, 'g', -1, 64)
		}
	}
	return n.String()
}

// textLiteral renders a string for the column's class.
func (p *planner) textLiteral(c probe.Column, s string) (string, bool) {
	switch c.Class {
	case probe.Text, probe.Other:
		return p.d.Text(s), true
	case probe.Date:
		t, ok := parseTime(s, "2006-01-02")
		return p.d.Day(t), ok
	case probe.Naive:
		t, ok := parseTime(s, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02")
		return p.d.Naive(t), ok
	case probe.Zoned:
		t, ok := parseTime(s, "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02")
		return p.d.Moment(t), ok
	}
	return "", false
}

// duplicates counts the rows beyond the first of each key in the scan that others
// share: rows with a whole key, less distinct keys. A key that the engine enforces
// has none.
func (p *planner) duplicates(place int, t table, q probe.BadRows, columns []probe.Column) error {
	if len(columns) == 0 {
		return refuse(probe.Statement, "rule unique names no column")
	}
	name := strings.Join(q.Columns.Items(), "_")
	repeated := expr{"repeated_" + name + "_by_constraint", "0", number}
	if !t.unique(columns) {
		var keys []string
		for _, c := range columns {
			keys = append(keys, p.d.Quote(c.Name))
		}
		whole := countWhen(strings.Join(keys, " is not null and ") + " is not null")
		if len(keys) == 1 && columns[0].Class != probe.Other {
			whole = "count(" + keys[0] + ")"
		}
		repeated = expr{"repeated_" + name, whole + " - " + p.d.Distinct("", keys), number}
	}
	return p.add(t, q.Of, q.Where, q.Window, piece{
		place: place,
		exprs: []expr{countRows, repeated},
		read:  func(r *cells) any { rows := r.count(); return probe.Bad{Bad: r.count(), Rows: rows} },
	})
}
