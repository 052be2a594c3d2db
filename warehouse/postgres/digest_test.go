package postgres_test

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

// changes are what a digest must see, but for the last: the same rows in another order.
var changes = []func(r *rand.Rand, rows []row) []row{
	func(r *rand.Rand, rows []row) []row { // values swapped between two rows
		i, j, c := r.IntN(len(rows)), r.IntN(len(rows)), r.IntN(3)
		rows[i][c], rows[j][c] = rows[j][c], rows[i][c]
		return rows
	},
	func(_ *rand.Rand, rows []row) []row { // a pair of equal rows more, which an exclusive or would cancel
		pair := row{"'p'", "'p'", "7"}
		return append(rows, pair, pair)
	},
	func(r *rand.Rand, rows []row) []row { // one row lost and another doubled
		return append(rows[1:], rows[1+r.IntN(len(rows)-1)])
	},
	func(r *rand.Rand, rows []row) []row { // NULL became the empty text
		rows[0][r.IntN(2)] = "''"
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
	func(r *rand.Rand, rows []row) []row { // rows in another order
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows
	},
}

func someRows(r *rand.Rand) []row {
	words := []string{"null", "''", "'a'", "'b'", "'ab'", "'|'", "'b|c'", "'1'"}
	numbers := []string{"null", "0", "1", "-1", "4294967296"}
	rows := make([]row, 2+r.IntN(6))
	for i := range rows {
		rows[i] = row{words[r.IntN(len(words))], words[r.IntN(len(words))], numbers[r.IntN(len(numbers))]}
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

// Every trial is an hour of two tables, before and after a change; the partitions of
// one digest each tell all trials apart. The well-known sum of unmixed row hashes is
// asked beside it, to show that the trials mean something.
func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	const trials = 20000
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	insert := map[string][]string{}
	must := make([]bool, trials)
	seen := 0
	for trial := range trials {
		hour := start.Add(time.Duration(trial) * time.Hour).Format("'2006-01-02 15:04:05'")
		old := someRows(r)
		changed := changes[trial%len(changes)](r, slices.Clone(old))
		if must[trial] = sorted(old) != sorted(changed); must[trial] {
			seen++
		}
		for table, rows := range map[string][]row{"a": old, "b": changed} {
			for _, x := range rows {
				insert[table] = append(insert[table], "("+hour+", "+x.String()+")")
			}
		}
	}
	const columns = "(h timestamp, x text, y text, n bigint)"
	name := fresh(t, "create table a "+columns, "create table b "+columns,
		"insert into a values "+strings.Join(insert["a"], ", "), "insert into b values "+strings.Join(insert["b"], ", "))
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	var parts [2][]probe.PartitionDigest
	for side, table := range []string{"a", "b"} {
		d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(table), Exclude: probe.List("h"), By: probe.TimeColumn{Name: "h"}, Per: probe.Hour})[0])
		if err != nil || len(d.Partitions) != trials {
			t.Fatalf("%d partitions, %v", len(d.Partitions), err)
		}
		parts[side] = d.Partitions
	}
	for trial := range trials {
		if differs := parts[0][trial].Value != parts[1][trial].Value; differs != must[trial] {
			t.Errorf("trial %d (change %d): seen %t, want %t", trial, trial%len(changes), differs, must[trial])
		}
	}
	const sums = "(select h, count(*) as c, sum(hash_record_extended(row(x, y, n), 0)) as v from %s group by h)"
	equal := value(t, name, "select count(*) from "+fmt.Sprintf(sums, "a")+" p join "+fmt.Sprintf(sums, "b")+" q using (h) where p.v = q.v and p.c = q.c")
	var blind int
	if _, err := fmt.Sscan(equal, &blind); err != nil {
		t.Fatal(err)
	}
	if unseen := blind - (trials - seen); unseen < 100 {
		t.Errorf("a sum of unmixed hashes missed only %d of %d changes: the trials show nothing", unseen, seen)
	} else {
		t.Logf("%d changes seen; a sum of unmixed hashes misses %d of them", seen, unseen)
	}
}
