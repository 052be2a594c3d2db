package warehouse

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// profile asks, in the scan that others share, for what a column's values come to: how
// many there are, the least, the greatest, and a sum. Two rows that exchange values
// have the same profile.
func (p *planner) profile(place int, t table, q probe.Digest, columns []probe.Column) error {
	if q.Per != "" || q.Canonical {
		return refuse(probe.Statement, "a profile of %s is one for the whole table and of one engine; use of: content", t.name)
	}
	schema := schemaHash(columns)
	pc := piece{place: place, exprs: []expr{countRows}}
	sorted := byName(columns)
	for _, c := range sorted {
		pc.exprs = append(pc.exprs, expr{"profile_" + c.Name, p.d.summary(c), words})
	}
	pc.read = func(r *cells) any {
		n := r.count()
		text := fmt.Appendf(nil, "profile1|%s|%d", schema, n)
		for range sorted {
			text = fmt.Appendf(text, "|%s", r.text())
		}
		sum := sha256.Sum256(text)
		return probe.Digests{Columns: columns, Rows: n, Value: hex.EncodeToString(sum[:8]), Fingerprint: p.d.Fingerprint + "/profile1"}
	}
	return p.add(t, q.Of, q.Where, probe.Window{}, pc)
}

// summary is one text of what a column's values come to. Floats have no sum, as that
// depends on the order of the rows; of types without an order only length counts.
func (d Dialect) summary(c probe.Column) string {
	x := d.Quote(c.Name)
	count := "count(" + x + ")"
	var parts []string
	switch c.Class {
	case probe.Integer, probe.Decimal:
		parts = []string{count, "min(" + x + ")", "max(" + x + ")", "sum(" + x + ")"}
	case probe.Float:
		parts = []string{count, "min(" + x + ")", "max(" + x + ")"}
	case probe.Boolean:
		parts = []string{count, countWhen(x)}
	case probe.Date, probe.Naive, probe.Zoned:
		plain := x
		if c.Class == probe.Naive {
			plain = d.Plain(c, x)
		}
		parts = []string{count, "min(" + plain + ")", "max(" + plain + ")", "sum(" + d.Micros(plain) + ")"}
	case probe.Text:
		text := d.Plain(c, x)
		ordered := text
		if d.ByBytes != nil {
			ordered = d.ByBytes(text)
		}
		// Least and greatest may be long texts.
		parts = []string{count, "md5(min(" + ordered + "))", "md5(max(" + ordered + "))", "sum(" + d.Canonical.Bytes(text) + ")"}
	default:
		size := d.Canonical.Bytes(d.AsText(x))
		if d.Size != nil {
			size = d.Size(x)
		}
		parts = []string{count, "sum(" + size + ")"}
	}
	var texts []string
	for _, part := range parts {
		texts = append(texts, "coalesce("+d.AsText(part)+", 'N')", "' '")
	}
	return d.Canonical.Concat(texts...)
}
