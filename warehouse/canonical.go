package warehouse

import (
	"fmt"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Canonical is how one engine makes the digest that all engines make alike: each
// value becomes a text with its length before it, NULL a letter of its own, and a
// row the MD5 of them all, in the order of the columns.
type Canonical struct {
	// Text is a value of a column as all engines write it; false where they do not.
	Text   func(c probe.Column, expr string) (string, bool)
	Bytes  func(text string) string // the length of a text in bytes
	Concat func(parts ...string) string
	// Lane reads 15 hexadecimal digits of a hash, from a place counted from 1.
	Lane func(hash string, from int) string
	// Fence ends a subquery that must be computed once.
	Fence string
}

// canonicalFingerprint is the same on every engine and in every version of it.
const canonicalFingerprint = "canonical/md5/2x60/1"

// canonical asks for the digest that two engines can compare.
func (p *planner) canonical(place int, t table, q probe.Digest, columns []probe.Column) error {
	columns, err := inOrder(t, q, columns)
	if err != nil {
		return err
	}
	row, err := p.canonicalRow(t, columns)
	if err != nil {
		return err
	}
	b, key, err := p.partitioning(t, q)
	if err != nil {
		return err
	}
	conds, err := p.conditions(t, q.Where, probe.Window{})
	if err != nil {
		return err
	}
	lane := func(from int) string { return "coalesce(sum(" + p.d.Canonical.Lane("h", from) + "), 0)" }
	sql := "select part, count(*) as n_rows, " + lane(1) + " as lane1, " + lane(18) + " as lane2, count(h) as hashed\nfrom (\nselect " + key + " as part,\n  md5(" + row + ") as h\nfrom " +
		t.from + whereClause(conds) + p.d.Canonical.Fence + "\n) as r\ngroup by part"
	schema := canonicalSchema(columns)
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) {
		for _, r := range rows {
			if hashed := r[len(r)-1]; hashed != r[1] {
				return nil, refuse(probe.BadAnswer, "the engine hashed %v of %v rows of %s: a row is too long for one text; exclude its longest column", hashed, r[1], t.name)
			}
		}
		d := p.tokenOf(q).onto(probe.Digests{Columns: columns, Fingerprint: canonicalFingerprint})
		whole, err := readPartitions(&d, b, schema, 2, rows)
		d.Lanes = [2]string{whole[0].String(), whole[1].String()}
		return d, err
	}))
	return nil
}

// inOrder puts columns in the order in which they were listed; a table has one itself.
func inOrder(t table, q probe.Digest, columns []probe.Column) ([]probe.Column, error) {
	if q.Columns == "" {
		return columns, nil
	}
	listed, err := t.find(q.Columns.Items())
	if err != nil {
		return nil, err
	}
	var ordered []probe.Column
	for _, c := range listed {
		for _, kept := range columns {
			if kept == c {
				ordered = append(ordered, c)
			}
		}
	}
	return ordered, nil
}

// canonicalRow is the text of a row, or which column has none.
func (p *planner) canonicalRow(t table, columns []probe.Column) (string, error) {
	parts := make([]string, len(columns))
	for i, c := range columns {
		text, ok := p.d.Canonical.Text(c, p.d.Quote(c.Name))
		if !ok {
			return "", refuse(probe.Statement, "column %q of %s is %s, which engines write in different ways, so no canonical version covers it: "+
				"exclude it (exclude: [%s]), or cast it to text or a decimal of fixed scale in a view", c.Name, t.name, c.Type, c.Name)
		}
		parts[i] = "case when " + p.d.Quote(c.Name) + " is null then 'N' else " +
			p.d.Canonical.Concat("'V'", p.d.AsText(p.d.Canonical.Bytes(text)), "':'", text) + " end"
	}
	return p.d.Canonical.Concat(parts...), nil
}

// canonicalSchema is what must be the same in two tables for their digests to
// compare: names, in order, and what kind of text stands for them.
func canonicalSchema(columns []probe.Column) string {
	var b strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&b, "%s %s\n", strings.ToLower(c.Name), canonicalClass(c))
	}
	return b.String()
}

func canonicalClass(c probe.Column) string {
	switch c.Class {
	case probe.Naive, probe.Zoned:
		return "time"
	case probe.Decimal:
		scale, _ := scaleOf(c.Type)
		return fmt.Sprintf("decimal %d", scale)
	case probe.Other:
		return string(probe.Text) // uuid
	}
	return string(c.Class)
}

// scaleOf reads how many digits after the point a decimal type has.
func scaleOf(typ string) (int, bool) {
	var precision, scale int
	_, args, ok := strings.Cut(typ, "(")
	if !ok {
		return 0, false
	}
	n, _ := fmt.Sscanf(args, "%d,%d", &precision, &scale)
	return scale, n == 2 && scale >= 0 && precision <= 38
}

// canonicalText is what engines share: times is how one writes a finite time in
// UTC, bool a truth as 0 or 1.
func canonicalText(c probe.Column, asText, truth, moment, day string) (string, bool) {
	switch c.Class {
	case probe.Integer, probe.Text:
		return asText, true
	case probe.Decimal:
		_, ok := scaleOf(c.Type)
		return asText, ok
	case probe.Boolean:
		return truth, true
	case probe.Date:
		return day, true
	case probe.Naive, probe.Zoned:
		return moment, true
	}
	return asText, strings.EqualFold(c.Type, "uuid")
}

func barred(parts ...string) string { return strings.Join(parts, " || ") }

var duckCanonical = Canonical{
	Text: func(c probe.Column, x string) (string, bool) {
		text, naive := "cast("+x+" as varchar)", "cast("+x+" as timestamp)"
		if c.Class == probe.Zoned {
			naive = "timezone('UTC', " + x + ")"
		}
		return canonicalText(c, text, "cast(cast("+x+" as integer) as varchar)",
			"case when isfinite("+x+") then strftime("+naive+", '%Y-%m-%d %H:%M:%S.%f') else "+text+" end", text)
	},
	Bytes:  func(text string) string { return "strlen(" + text + ")" },
	Concat: barred,
	Lane: func(h string, from int) string {
		return fmt.Sprintf("cast('0x' || substr(%s, %d, 15) as bigint)", h, from)
	},
}

var postgresCanonical = Canonical{
	Text: func(c probe.Column, x string) (string, bool) {
		text := "cast(" + x + " as text)"
		return canonicalText(c, text, "cast(cast("+x+" as integer) as text)",
			"case when isfinite("+x+") and "+x+" >= '0001-01-01' then to_char("+x+", 'YYYY-MM-DD HH24:MI:SS.US') else "+text+" end", text)
	},
	Bytes:  func(text string) string { return "octet_length(" + text + ")" },
	Concat: barred,
	Lane: func(h string, from int) string {
		return fmt.Sprintf("cast(cast(('x' || substr(%s, %d, 15)) as bit(60)) as bigint)", h, from)
	},
	Fence: "\noffset 0",
}

var mysqlCanonical = Canonical{
	Text: func(c probe.Column, x string) (string, bool) {
		text := "cast(" + x + " as char)"
		switch {
		case c.Class == probe.Text:
			text = "convert(" + x + " using utf8mb4)"
		case strings.Contains(c.Type, "zerofill"):
			text = "cast(" + x + " + 0 as char)"
		}
		return canonicalText(c, text, "cast("+x+" <> 0 as char)", "date_format("+x+", '%Y-%m-%d %H:%i:%s.%f')", text)
	},
	Bytes:  func(text string) string { return "length(" + text + ")" },
	Concat: func(parts ...string) string { return "concat(" + strings.Join(parts, ", ") + ")" },
	Lane: func(h string, from int) string {
		return fmt.Sprintf("cast(conv(substr(%s, %d, 15), 16, 10) as decimal(38,0))", h, from)
	},
}
