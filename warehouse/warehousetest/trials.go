package warehousetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Unsound is a well-known digest that is blind for some changes: an aggregate over
// columns x and y (text) and z (a whole number) in the SQL of one engine. It is
// asked beside the sound ones, so that trials which show nothing are seen.
type Unsound struct{ Name, SQL string }

// Trials changes random small tables in every way that a digest must see, and in one
// that it must not, and holds the engine's own and the canonical digest to it. Each
// form of unsound must miss some. PIPEWATCH_TEST_TRIALS says how many trials; with
// -v the test prints what each form missed, by kind of change.
func Trials(t *testing.T, open Open, unsound ...Unsound) {
	n := 60 * len(changes)
	if s := os.Getenv("PIPEWATCH_TEST_TRIALS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < len(changes) {
			t.Fatalf("PIPEWATCH_TEST_TRIALS is %q: set it to a number of trials, %d or more", s, len(changes))
		}
	}
	trials, setup := makeTrials(n)
	source := open(t, setup)
	made := make([]int, len(changes))
	for i, tr := range trials {
		if tr.changed {
			made[i%len(changes)]++
		}
	}
	for k, c := range changes {
		if c.seen != (made[k] > 0) {
			t.Fatalf("%s: %d trials changed something", c.name, made[k])
		}
	}
	head := []string{"", "changes", "own, wrong", "canonical, wrong"}
	counts := [][]int{made, sound(t, source, trials, false), sound(t, source, trials, true)}
	for _, form := range unsound {
		missed := make([]int, len(changes))
		for k := range changes {
			missed[k] = misses(t, source, form, k)
		}
		if slices.Max(missed) == 0 {
			t.Errorf("%s missed nothing: the trials show nothing", form.Name)
		}
		head, counts = append(head, form.Name), append(counts, missed)
	}
	t.Log(missTable(head, counts))
}

// missTable has a line for each kind of change; counts are its columns after the
// first.
func missTable(head []string, counts [][]int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s |\n%s|\n", strings.Join(head, " | "), strings.Repeat("|---", len(head)))
	for k, c := range changes {
		b.WriteString("| " + c.name)
		for _, column := range counts {
			fmt.Fprintf(&b, " | %d", column[k])
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// trialRow is columns x, y and z as SQL.
type trialRow [3]string

// changes are the kinds of trials. Each returns other rows than it was given, or by
// chance the same; the one that is not to be seen always the same.
var changes = []struct {
	name string
	seen bool
	make func(r *rand.Rand, rows []trialRow) []trialRow
}{
	{"two rows exchange a text", true, swap(0)},
	{"two rows exchange another text", true, swap(1)},
	{"two rows exchange a number", true, swap(2)},
	{"one pair of equal rows in the place of another", true, func(_ *rand.Rand, rows []trialRow) []trialRow {
		other := rows[0]
		other[0] = "'other'"
		rows[0], rows[1] = other, other
		return rows
	}},
	{"one row lost and another doubled", true, func(r *rand.Rand, rows []trialRow) []trialRow {
		return append(rows[1:], rows[1+r.IntN(len(rows)-1)])
	}},
	{"NULL became the empty text or zero", true, func(r *rand.Rand, rows []trialRow) []trialRow {
		i, c := r.IntN(len(rows)), r.IntN(3)
		rows[i][c] = []string{"''", "''", "0"}[c]
		return rows
	}},
	{"two columns exchange their values", true, func(r *rand.Rand, rows []trialRow) []trialRow {
		i := r.IntN(len(rows))
		rows[i][0], rows[i][1] = rows[i][1], rows[i][0]
		return rows
	}},
	{"a separator shifted between two columns", true, func(r *rand.Rand, rows []trialRow) []trialRow {
		i := 2 + r.IntN(len(rows)-2)
		rows[i][0], rows[i][1] = "'a|b'", "'c'"
		return rows
	}},
	{"only the case, or a blank at the end", true, func(r *rand.Rand, rows []trialRow) []trialRow {
		i := 2 + r.IntN(len(rows)-2)
		rows[i][r.IntN(2)] = []string{"'A'", "'a '"}[r.IntN(2)]
		return rows
	}},
	{"the same rows in another order", false, func(r *rand.Rand, rows []trialRow) []trialRow {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		return rows
	}},
}

func swap(c int) func(r *rand.Rand, rows []trialRow) []trialRow {
	return func(r *rand.Rand, rows []trialRow) []trialRow {
		i, j := r.IntN(len(rows)), r.IntN(len(rows))
		rows[i][c], rows[j][c] = rows[j][c], rows[i][c]
		return rows
	}
}

// beforeTrial makes a table of few different words, so that equal values and rows
// are many. Rows 0 and 1 are equal; the others can shift the separator.
func beforeTrial(r *rand.Rand) []trialRow {
	words := []string{"null", "''", "'a'", "'b'", "'ab'", "'|'", "'b|c'", "'1'", "'N'", "'V1:a'"}
	numbers := []string{"null", "0", "1", "-1", "4294967296"}
	rows := make([]trialRow, 3+r.IntN(5))
	for i := range rows {
		rows[i] = trialRow{words[r.IntN(len(words))], words[r.IntN(len(words))], numbers[r.IntN(len(numbers))]}
		if i > 1 && r.IntN(2) == 0 {
			rows[i][0], rows[i][1] = "'a'", "'b|c'"
		}
	}
	rows[1] = rows[0]
	return rows
}

type trial struct {
	hour    string
	changed bool // whether other rows came of it
}

// makeTrials makes n trials, each an hour of the tables before and after: one
// question about partitions then answers all. The table changed lists the hours
// whose rows are not the same.
func makeTrials(n int) (trials []trial, setup []string) {
	const columns = " (h timestamp, x varchar(20), y varchar(20), z bigint)"
	setup = []string{"create table t_before" + columns, "create table t_after" + columns, "create table changed (h timestamp, kind int)"}
	values := map[string][]string{}
	flush := func(least int) {
		for _, name := range []string{"t_before", "t_after", "changed"} {
			if len(values[name]) > least {
				setup = append(setup, "insert into "+name+" values "+strings.Join(values[name], ", "))
				values[name] = nil
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		hour := time.Date(2013, 1, 1, i, 0, 0, 0, time.UTC).Format("'2006-01-02 15:04:05'")
		before := beforeTrial(r)
		after := changes[i%len(changes)].make(r, slices.Clone(before))
		tr := trial{hour, !slices.Equal(sortedRows(before), sortedRows(after))}
		trials = append(trials, tr)
		for name, rows := range map[string][]trialRow{"t_before": before, "t_after": after} {
			for _, row := range rows {
				values[name] = append(values[name], "("+hour+", "+strings.Join(row[:], ", ")+")")
			}
		}
		if tr.changed {
			values["changed"] = append(values["changed"], fmt.Sprintf("(%s, %d)", hour, i%len(changes)))
		}
		flush(2000)
	}
	flush(0)
	return trials, setup
}

func sortedRows(rows []trialRow) []trialRow {
	return slices.SortedFunc(slices.Values(rows), func(a, b trialRow) int { return slices.Compare(a[:], b[:]) })
}

// sound asks for the digests of all trials, and expects those to differ whose rows
// do. It counts the wrong ones by kind of change.
func sound(t *testing.T, source probe.Source, trials []trial, canonical bool) []int {
	t.Helper()
	var sides [2][]probe.PartitionDigest
	for side, name := range []string{"t_before", "t_after"} {
		q := probe.Digest{Of: table(name), Exclude: probe.List("h"), By: column("h", ""), Per: probe.Hour, Canonical: canonical}
		d, err := probe.Value[probe.Digests](source.Ask(t.Context(), Moment, []probe.Question{q})[0])
		if err != nil || len(d.Partitions) != len(trials) {
			t.Fatalf("canonical %t: %d partitions for %d trials, %v", canonical, len(d.Partitions), len(trials), err)
		}
		sides[side] = d.Partitions
	}
	wrong := make([]int, len(changes))
	for i, tr := range trials {
		if seen := sides[0][i].Value != sides[1][i].Value; seen != tr.changed {
			t.Errorf("canonical %t, hour %s (%s): seen %t, changed %t", canonical, tr.hour, changes[i%len(changes)].name, seen, tr.changed)
			wrong[i%len(changes)]++
		}
	}
	return wrong
}

// misses counts the changes of a kind that an unsound form does not see.
func misses(t *testing.T, source probe.Source, form Unsound, kind int) int {
	t.Helper()
	side := func(name string) string {
		return "(select h, count(*) as n, " + form.SQL + " as v from " + name + " group by h)"
	}
	sql := "select count(*) from changed join " + side("t_before") + " p on p.h = changed.h join " + side("t_after") +
		" q on q.h = changed.h where changed.kind = " + strconv.Itoa(kind) + " and p.n = q.n and p.v = q.v"
	v, err := probe.Value[probe.ScalarValue](source.Ask(t.Context(), Moment, []probe.Question{probe.Scalar{Conn: "wh", SQL: sql}})[0])
	if err != nil {
		t.Fatalf("%s: %v", form.Name, err)
	}
	return int(v.Number)
}
