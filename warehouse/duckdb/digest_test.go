package duckdb_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// row is three columns; nil is NULL.
type row [3]*string

func (r row) values() string {
	parts := make([]string, len(r))
	for i, v := range r {
		parts[i] = "null"
		if v != nil {
			parts[i] = "'" + *v + "'"
		}
	}
	return strings.Join(parts, ", ")
}

// changes are what a digest must see. Each returns other rows than it was given, or
// the same in another order for the one that must not be seen.
var changes = []struct {
	name string
	seen bool
	make func(r *rand.Rand, rows []row) []row
}{
	{"values swapped between two rows", true, func(r *rand.Rand, rows []row) []row {
		i, j, c := r.IntN(len(rows)), r.IntN(len(rows)), r.IntN(3)
		rows[i][c], rows[j][c] = rows[j][c], rows[i][c]
		return rows
	}},
	{"a pair of equal rows replaced by another pair", true, func(r *rand.Rand, rows []row) []row {
		rows = append(rows, rows[0], rows[0])
		rows[len(rows)-1][0], rows[len(rows)-2][0] = new("other"), new("other")
		return rows
	}},
	{"one row lost and another doubled", true, func(r *rand.Rand, rows []row) []row {
		return append(rows[1:], rows[1+r.IntN(len(rows)-1)])
	}},
	{"NULL became the empty text", true, func(r *rand.Rand, rows []row) []row {
		rows[0][r.IntN(3)] = new("")
		return rows
	}},
	{"a value moved to the next column", true, func(r *rand.Rand, rows []row) []row {
		i := r.IntN(len(rows))
		rows[i][0], rows[i][1] = rows[i][1], rows[i][0]
		return rows
	}},
	{"a letter moved over a separator", true, func(r *rand.Rand, rows []row) []row {
		rows[0][0], rows[0][1] = new("a|b"), new("c")
		return rows
	}},
	{"rows in another order", false, func(r *rand.Rand, rows []row) []row {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows
	}},
}

// fresh makes a trial's rows from few words, so that equal values and rows are many.
func fresh(r *rand.Rand) []row {
	words := []*string{nil, new(""), new("a"), new("b"), new("ab"), new("|"), new("b|c"), new("1"), new("-1")}
	rows := make([]row, 2+r.IntN(6))
	for i := range rows {
		for c := range rows[i] {
			rows[i][c] = words[r.IntN(len(words))]
		}
	}
	// For the change that moves a letter over a separator.
	rows[0][0], rows[0][1] = new("a"), new("b|c")
	if r.IntN(2) == 0 {
		rows[0][2] = nil
	}
	return rows
}

func sorted(rows []row) string {
	var all []string
	for _, r := range rows {
		all = append(all, r.values())
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// Every trial is an hour of two tables, before and after a change; the partitions
// of one digest each tell all trials apart.
func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	const trials = 2100
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	var before, after []string
	must := make([]bool, trials)
	for trial := range trials {
		hour := start.Add(time.Duration(trial) * time.Hour).Format("timestamp '2006-01-02 15:04:05'")
		change := changes[trial%len(changes)]
		old := fresh(r)
		changed := change.make(r, slices.Clone(old))
		must[trial] = sorted(old) != sorted(changed)
		if must[trial] && !change.seen {
			t.Fatalf("%s is a change", change.name)
		}
		for _, x := range old {
			before = append(before, "("+hour+", "+x.values()+")")
		}
		for _, x := range changed {
			after = append(after, "("+hour+", "+x.values()+")")
		}
	}
	init := []string{
		"create table before (h timestamp, a varchar, b varchar, c varchar)", "insert into before values " + strings.Join(before, ", "),
		"create table after (h timestamp, a varchar, b varchar, c varchar)", "insert into after values " + strings.Join(after, ", "),
	}
	source := open(t, duckdb.Options{Init: init})
	digest := func(table string) []probe.PartitionDigest {
		d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(table), Exclude: probe.List("h"), By: probe.TimeColumn{Name: "h"}, Per: probe.Hour}))
		if err != nil {
			t.Fatal(err)
		}
		return d.Partitions
	}
	a, b := digest("before"), digest("after")
	if len(a) != trials || len(b) != trials {
		t.Fatalf("%d and %d partitions for %d trials", len(a), len(b), trials)
	}
	seen := 0
	for trial := range trials {
		if differs := a[trial].Value != b[trial].Value; differs != must[trial] {
			t.Errorf("trial %d (%s): seen %t, want %t", trial, changes[trial%len(changes)].name, differs, must[trial])
		}
		if must[trial] {
			seen++
		}
	}
	if seen < trials/2 {
		t.Errorf("only %d of %d trials changed anything", seen, trials)
	}
	t.Logf("%d changes seen", seen)
	control(t, init, func(hour time.Time) bool {
		trial := int(hour.Sub(start) / time.Hour)
		return trial%len(changes) == 0 && must[trial]
	})
}

// control shows that the trials mean something: an exclusive or of the row hashes
// is blind for many swapped values. It is done with the driver alone.
func control(t *testing.T, init []string, swap func(hour time.Time) bool) {
	t.Helper()
	db, err := sql.Open("duckdb", filepath.Join(t.TempDir(), "control.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a scratch file
	for _, s := range init {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	const xor = "(select h, count(*) as n, bit_xor(hash(a, b, c)) as x from %s group by h)"
	rows, err := db.QueryContext(t.Context(), "select h, p.x = q.x and p.n = q.n from "+fmt.Sprintf(xor, "before")+" p join "+fmt.Sprintf(xor, "after")+" q using (h)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	missed, swapped := 0, 0
	for rows.Next() {
		var hour time.Time
		var same bool
		if err := rows.Scan(&hour, &same); err != nil {
			t.Fatal(err)
		}
		if swap(hour) {
			swapped++
			if same {
				missed++
			}
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if swapped == 0 || missed*4 < swapped {
		t.Errorf("bit_xor missed %d of %d swaps: the control shows nothing", missed, swapped)
	}
	t.Logf("bit_xor missed %d of %d swaps", missed, swapped)
}

func TestNestedAndOddTypesHaveSoundDigests(t *testing.T) {
	pairs := [][2]string{
		{"null::int[]", "[]::int[]"}, {"[null]::int[]", "[]::int[]"}, {"[null]::varchar[]", "['NULL']"}, {"['a, b']", "['a', 'b']"},
		{"{'a': null::int}", "null::struct(a int)"}, {"map {'a': 1}", "map {'a': 2}"}, {"[[1], [2]]", "[[1, 2]]"}, {"[1, 2, 3]::int[3]", "[1, 3, 2]::int[3]"},
		{"interval 1 month", "interval 30 day"}, {"'a'::blob", "'b'::blob"}, {"uuid '00000000-0000-0000-0000-000000000001'", "uuid '00000000-0000-0000-0000-000000000002'"},
		{"'a'::enum('a', 'b')", "'b'::enum('a', 'b')"}, {`'{"a": 1}'::json`, `'{"a": 2}'::json`}, {"time '10:00:00'", "time '10:00:01'"}, {"1::hugeint", "2::hugeint"},
		{"union_value(n := 1)", "union_value(n := 2)"}, {"bit '101'", "bit '0101'"}, {"'nan'::double", "null::double"},
	}
	var init []string
	for i, pair := range pairs {
		init = append(init, fmt.Sprintf("create table a%d as select %s as v", i, pair[0]), fmt.Sprintf("create table b%d as select %s as v", i, pair[1]))
	}
	source := open(t, duckdb.Options{Init: init})
	for i, pair := range pairs {
		var values [2]string
		for side, table := range []string{"a", "b"} {
			d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("%s%d", table, i))}))
			if err != nil {
				t.Fatalf("%s: %v", pair[side], err)
			}
			values[side] = d.Value
		}
		if values[0] == values[1] {
			t.Errorf("%s and %s have the same version", pair[0], pair[1])
		}
	}
}
