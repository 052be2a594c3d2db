package mysql_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// row is three columns as SQL.
type row [3]string

func (r row) String() string { return strings.Join(r[:], ", ") }

// changes are what a digest must see, but for the last: other rows, or the same in
// another order.
var changes = []func(r *rand.Rand, rows []row) []row{
	func(r *rand.Rand, rows []row) []row { // values swapped between two rows
		i, j, c := r.IntN(len(rows)), r.IntN(len(rows)), r.IntN(3)
		rows[i][c], rows[j][c] = rows[j][c], rows[i][c]
		return rows
	},
	func(_ *rand.Rand, rows []row) []row { // one pair of equal rows in the place of another
		rows = append(rows, rows[0], rows[0])
		rows[len(rows)-1][0], rows[len(rows)-2][0] = "'other'", "'other'"
		return rows
	},
	func(r *rand.Rand, rows []row) []row { // one row lost and another doubled
		return append(rows[1:], rows[1+r.IntN(len(rows)-1)])
	},
	func(r *rand.Rand, rows []row) []row { // NULL became the empty text
		rows[0][r.IntN(3)] = "''"
		return rows
	},
	func(r *rand.Rand, rows []row) []row { // values moved to the next column
		i := r.IntN(len(rows))
		rows[i][0], rows[i][1] = rows[i][1], rows[i][0]
		return rows
	},
	func(_ *rand.Rand, rows []row) []row { // a letter moved over a separator
		rows[0][0], rows[0][1] = "'a|b'", "'c'"
		return rows
	},
	func(_ *rand.Rand, rows []row) []row { // only the case, or a blank at the end: equal by the collation
		rows[0][0], rows[0][1] = "'A'", "'b|c '"
		return rows
	},
	func(r *rand.Rand, rows []row) []row { // rows in another order
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows
	},
}

func fresh(r *rand.Rand) []row {
	words := []string{"null", "''", "'a'", "'b'", "'ab'", "'|'", "'b|c'", "'1'", "'V1:a'", "'N'"}
	rows := make([]row, 2+r.IntN(6))
	for i := range rows {
		for c := range rows[i] {
			rows[i][c] = words[r.IntN(len(words))]
		}
	}
	rows[0][0], rows[0][1] = "'a'", "'b|c'"
	return rows
}

func sorted(rows []row) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.String())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// Every trial is an hour of two tables, before and after a change; the partitions
// of one digest each tell all trials apart. The well-known exclusive or of CRC32 is
// asked beside it, to show that the trials mean something.
func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	s := need(t)
	const trials = 20000
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	setup := []string{"create table a (h datetime, x varchar(20), y varchar(20), z text)", "create table b like a"}
	var before, after []string
	flush := func() {
		setup = append(setup, "insert into a values "+strings.Join(before, ", "), "insert into b values "+strings.Join(after, ", "))
		before, after = nil, nil
	}
	must := make([]bool, trials)
	for trial := range trials {
		hour := start.Add(time.Duration(trial) * time.Hour).Format("'2006-01-02 15:04:05'")
		old := fresh(r)
		changed := changes[trial%len(changes)](r, slices.Clone(old))
		must[trial] = sorted(old) != sorted(changed)
		for _, x := range old {
			before = append(before, "("+hour+", "+x.String()+")")
		}
		for _, x := range changed {
			after = append(after, "("+hour+", "+x.String()+")")
		}
		if len(before) > 10000 {
			flush()
		}
	}
	flush()
	name := s.fresh(t, setup...)
	source := open(t, s.dsn("root", name), warehouse.Limits{})
	digest := func(table string) []probe.PartitionDigest {
		d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(table), Exclude: probe.List("h"), By: probe.TimeColumn{Name: "h"}, Per: probe.Hour})[0])
		if err != nil {
			t.Fatal(err)
		}
		return d.Partitions
	}
	a, b := digest("a"), digest("b")
	if len(a) != trials || len(b) != trials {
		t.Fatalf("%d and %d partitions for %d trials", len(a), len(b), trials)
	}
	for trial := range trials {
		if differs := a[trial].Value != b[trial].Value; differs != must[trial] {
			t.Errorf("trial %d (change %d): seen %t, want %t", trial, trial%len(changes), differs, must[trial])
		}
	}
	const sums = "(select h, count(*) as n, bit_xor(crc32(concat_ws('#', x, y, z, concat(isnull(x), isnull(y), isnull(z))))) as v from %s group by h)"
	var blind int
	err := s.root.QueryRow("select count(*) from " + fmt.Sprintf(sums, name+".a") + " p join " + fmt.Sprintf(sums, name+".b") + " q using (h) where p.v = q.v and p.n = q.n").Scan(&blind)
	seen := 0
	for _, m := range must {
		if m {
			seen++
		}
	}
	if unseen := blind - (trials - seen); err != nil || unseen < 100 {
		t.Errorf("the exclusive or missed only %d of %d changes, %v: the trials show nothing", unseen, seen, err)
	} else {
		t.Logf("%d changes seen; an exclusive or of crc32 misses %d of them", seen, unseen)
	}
}

// Pairs that are equal by the collation, by their first digits or by a length that
// the server cuts.
func TestValuesOfEveryTypeHaveSoundDigests(t *testing.T) {
	s := need(t)
	pairs := [][3]string{
		{"varchar(9)", "'a'", "'A'"}, {"varchar(9)", "'a'", "'a '"}, {"varchar(9)", "'e'", "'é'"}, {"varchar(9)", "null", "'N'"}, {"varchar(9)", "''", "null"},
		{"char(9) character set latin1", "'é'", "'e'"}, {"text", "'a'", "'A'"}, {"json", `'{"a": 1}'`, `'{"a": 2}'`}, {"float", "16777216", "16777218"}, {"double", "0.1", "0.10000000000000002"},
		{"decimal(38,10)", "1.0000000001", "1.0000000002"}, {"bigint unsigned", "18446744073709551615", "18446744073709551614"}, {"bit(9)", "b'1'", "b'100000001'"}, {"datetime(6)", "'2013-01-01 00:00:00.000001'", "'2013-01-01 00:00:00.000002'"},
		{"timestamp(6) null", "'2013-01-01 00:00:00.1'", "'2013-01-01 00:00:00.2'"}, {"time(3)", "'10:00:00.001'", "'10:00:00.002'"}, {"date", "'2013-01-01'", "'2013-01-02'"}, {"year", "2013", "2014"},
		{"enum('a','b')", "'a'", "'b'"}, {"set('a','b')", "'a'", "'a,b'"}, {"blob", "x'00ff'", "x'00fe'"}, {"binary(3)", "'a'", "x'612000'"}, {"varbinary(9)", "x'c3'", "x'c328'"},
		{"uuid", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"}, {"inet6", "'::1'", "'::2'"}, {"point", "point(1, 2)", "point(2, 1)"}, {"boolean", "true", "null"},
		// More than a packet together with the other column.
		{"longtext", "concat(repeat('x', 12000000), 'a')", "concat(repeat('x', 12000000), 'b')"},
	}
	var setup []string
	for i, p := range pairs {
		for side := range 2 {
			setup = append(setup, fmt.Sprintf("create table t%d_%d (v %s, w longtext)", i, side, p[0]), fmt.Sprintf("insert into t%d_%d values (%s, repeat('y', 12000000))", i, side, p[1+side]))
			if i < len(pairs)-1 {
				setup[len(setup)-1] = fmt.Sprintf("insert into t%d_%d values (%s, null)", i, side, p[1+side])
			}
		}
	}
	source := open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	for i, p := range pairs {
		var values [2]string
		for side := range values {
			d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("t%d_%d", i, side))})[0])
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			values[side] = d.Value
		}
		if values[0] == values[1] {
			t.Errorf("%s and %s as %s have the same version", p[1], p[2], p[0])
		}
	}
}
