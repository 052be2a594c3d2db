package warehouse

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// digest asks for a version. The schema alone is known already; a whole relation is
// part of the scan that others over it share; partitions are a grouping.
func (p *planner) digest(place int, q probe.Digest) (any, error) {
	t, err := p.table(q.Of)
	if err != nil {
		return nil, err
	}
	columns, err := hashed(t, q)
	if err != nil {
		return nil, err
	}
	token := p.tokenOf(q)
	switch {
	case q.Tier == probe.SchemaTier:
		return probe.Digests{Columns: columns, Fingerprint: p.d.Fingerprint}, nil
	case q.Tier == probe.NativeTier:
		return token.version(t, columns, p.d)
	case q.Tier == probe.ProfileTier:
		return nil, p.profile(place, t, q, columns)
	case q.Per != "" || q.Canonical:
		return nil, p.separate(place, t, q, columns)
	}
	schema := schemaHash(columns)
	return nil, p.add(t, q.Of, q.Where, probe.Window{}, piece{
		place: place,
		exprs: []expr{countRows, {"digest", p.digestSum(columns), number}},
		read: func(c *cells) any {
			n := c.count()
			return token.onto(probe.Digests{Columns: columns, Rows: n, Value: version(schema, n, c.sum()), Fingerprint: p.d.Fingerprint})
		},
	})
}

func (p *planner) digestSum(columns []probe.Column) string {
	return "coalesce(sum(" + p.d.RowHash(byName(columns), p.d.Quote) + "), 0)"
}

// separate asks for a digest with a statement of its own. One that is asked for twice,
// but for the token for which it was asked, costs once.
func (p *planner) separate(place int, t table, q probe.Digest, columns []probe.Column) error {
	q.Unless = ""
	if at, known := p.digests[q]; known {
		p.out[at] = p.out[at].sharedBy(place)
		return nil
	}
	ask, at := p.partitioned, len(p.out)
	if q.Canonical {
		ask = p.canonical
	}
	err := ask(place, t, q, columns)
	if err == nil {
		p.digests[q] = at
	}
	return err
}

// partitioned asks for the digest of each partition.
func (p *planner) partitioned(place int, t table, q probe.Digest, columns []probe.Column) error {
	b, key, err := p.partitioning(t, q)
	if err != nil {
		return err
	}
	conds, err := p.conditions(t, q.Where, probe.Window{})
	if err != nil {
		return err
	}
	schema := schemaHash(columns)
	sql := "select\n  " + key + " as part,\n  count(*) as n_rows,\n  " + p.digestSum(columns) + " as digest\nfrom " +
		t.from + whereClause(conds) + "\ngroup by 1"
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) {
		d := p.tokenOf(q).onto(probe.Digests{Columns: columns, Fingerprint: p.d.Fingerprint})
		_, err := readPartitions(&d, b, schema, 1, rows)
		return d, err
	}))
	return nil
}

// sharedBy is a statement whose first answer is that of one more question.
func (st statement) sharedBy(place int) statement {
	shared := st
	shared.answers = append(slices.Clone(st.answers), place)
	shared.read = func(results [][][]any) []outcome {
		outcomes := st.read(results)
		return append(outcomes, outcomes[0])
	}
	shared.alone = func(i int) statement {
		alone := single(shared.answers[i], st.sql[0], nil)
		alone.read = func(results [][][]any) []outcome { return st.read(results)[:1] }
		return alone
	}
	return shared
}

// partitioning tells in which partition a row is; NULL is none.
func (p *planner) partitioning(t table, q probe.Digest) (bucketing, string, error) {
	if q.Per == "" {
		return bucketing{}, "null", nil
	}
	c, err := newDayClock(p.d, t, q.By, q.Zone)
	if err != nil {
		return bucketing{}, "", err
	}
	b, err := newBucketing(c, q.Per, q.Zone, q.From, 0)
	if err != nil {
		return bucketing{}, "", err
	}
	return b, when(all(b.inside()), b.key()), nil
}

// hashed is the columns that a digest covers, in the order of the relation.
func hashed(t table, q probe.Digest) ([]probe.Column, error) {
	wanted, err := t.find(q.Columns.Items())
	if err != nil {
		return nil, err
	}
	excluded, err := t.find(q.Exclude.Items())
	if err != nil {
		return nil, err
	}
	columns := slices.DeleteFunc(slices.Clone(t.columns), func(c probe.Column) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, c) || slices.Contains(excluded, c)
	})
	if len(columns) == 0 {
		return nil, refuse(probe.Statement, "a version of %s over no column: columns and exclude leave nothing", t.name)
	}
	return columns, nil
}

// byName sorts columns by name: a view that lists them in another order has the
// same version.
func byName(columns []probe.Column) []probe.Column {
	return slices.SortedStableFunc(slices.Values(columns), func(a, b probe.Column) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
}

// sums are what the hashes of some rows add up to, by lane.
type sums []*big.Int

func (s sums) add(other sums) sums {
	total := make(sums, len(other))
	for i := range other {
		total[i] = new(big.Int).Set(other[i])
		if s != nil {
			total[i].Add(total[i], s[i])
		}
	}
	return total
}

// readPartitions fills in the partitions, and the whole as their sum, which it
// returns: digests of disjoint rows add.
func readPartitions(d *probe.Digests, b bucketing, schema string, lanes int, rows [][]any) (sums, error) {
	type part struct {
		rows int64
		sums sums
	}
	parts := make(map[probe.Instant]part)
	whole := make(sums, lanes)
	for i := range whole {
		whole[i] = new(big.Int)
	}
	for _, row := range rows {
		c := &cells{row: row}
		key, n := c.next(), c.count()
		own := make(sums, lanes)
		for i := range own {
			own[i] = c.sum()
		}
		if c.err != nil {
			return whole, c.err
		}
		d.Rows += n
		whole = whole.add(own)
		if key == nil {
			continue
		}
		start, ok, err := b.start(key)
		if err != nil {
			return whole, err
		}
		if ok {
			at := instantOf(start)
			parts[at] = part{parts[at].rows + n, parts[at].sums.add(own)}
		}
	}
	d.Value = version(schema, d.Rows, whole...)
	for at, p := range parts {
		d.Partitions = append(d.Partitions, probe.PartitionDigest{Start: at, Rows: p.rows, Value: version(schema, p.rows, p.sums...)})
	}
	slices.SortFunc(d.Partitions, func(a, b probe.PartitionDigest) int { return cmp.Compare(a.Start, b.Start) })
	return whole, nil
}

// schemaHash is the version of a list of columns.
func schemaHash(columns []probe.Column) string {
	h := sha256.New()
	for _, c := range byName(columns) {
		fmt.Fprintf(h, "%s\x00%s\x00%t\n", strings.ToLower(c.Name), c.Type, c.Nullable)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// version is the version of rows: schema, number of rows, sums of their hashes.
func version(schema string, n int64, lanes ...*big.Int) string {
	text := fmt.Appendf(nil, "pw1|%s|%d", schema, n)
	for _, lane := range lanes {
		text = fmt.Appendf(text, "|%s", lane)
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:8])
}
