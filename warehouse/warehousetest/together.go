package warehousetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// versioned is the columns of the table whose digests are compared.
const versioned = "(id int, a varchar(20), b decimal(12,3), ts timestamp, ok boolean, day date)"

// versionedRows are its rows, with the values of one more column where given.
func versionedRows(z ...string) []string {
	rows := []string{
		"1, 'x|y', 1.5, '2024-03-10 02:30:00', true, '2024-02-29'",
		"2, null, null, null, null, null",
		"3, '', -0.001, '1999-12-31 23:59:59', false, '1970-01-01'",
		"4, 'héllo', 100, '2024-01-01 00:00:00', true, '1999-01-01'",
	}
	for i := range rows {
		if len(z) > 0 {
			rows[i] += ", " + z[i]
		}
		rows[i] = "(" + rows[i] + ")"
	}
	return rows
}

// digestOf is the version of a table t that is made for the question.
func digestOf(t *testing.T, open Open, q probe.Digest, ddl string, rows ...string) probe.Digests {
	t.Helper()
	setup := []string{"create table t " + ddl}
	for _, row := range rows {
		setup = append(setup, "insert into t values "+row)
	}
	d, err := probe.Value[probe.Digests](open(t, setup).Ask(t.Context(), Moment, []probe.Question{q})[0])
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// digests holds what must and what must not change a version.
func digests(t *testing.T, open Open) {
	rows, whole := versionedRows(), probe.Digest{Of: table("t")}
	base := digestOf(t, open, whole, versioned, rows...)
	if base.Rows != 4 || base.Value == "" || base.Fingerprint == "" || len(base.Columns) != 6 || base.Columns[0].Name != "id" {
		t.Fatalf("odd version: %+v", base)
	}
	const wider = "(id int, a varchar(20), b decimal(12,3), ts timestamp, ok boolean, day date, z int)"
	cases := []struct {
		name string
		same bool
		q    probe.Digest
		ddl  string
		rows []string
	}{
		{"the order of rows does not matter", true, whole, versioned, []string{rows[3], rows[1], rows[0], rows[2]}},
		{"a row less is another version", false, whole, versioned, rows[:3]},
		{"a row twice is another version", false, whole, versioned, append([]string{rows[0]}, rows...)},
		{"NULL is not the empty text", false, whole, versioned, []string{rows[0], "(2, '', null, null, null, null)", rows[2], rows[3]}},
		{"one column more is another version", false, whole, wider, versionedRows("null", "null", "null", "null")},
		{"without the column that was added it is the same", true, probe.Digest{Of: table("t"), Exclude: probe.List("z")}, wider, versionedRows("7", "8", "9", "null")},
		{"the order of columns does not matter", true, whole, "(day date, id int, a varchar(20), b decimal(12,3), ts timestamp, ok boolean)",
			[]string{"('2024-02-29', 1, 'x|y', 1.5, '2024-03-10 02:30:00', true)", "(null, 2, null, null, null, null)",
				"('1970-01-01', 3, '', -0.001, '1999-12-31 23:59:59', false)", "('1999-01-01', 4, 'héllo', 100, '2024-01-01 00:00:00', true)"}},
		{"another type is another version", false, whole, "(id bigint, a varchar(20), b decimal(12,3), ts timestamp, ok boolean, day date)", rows},
		{"only some rows by a condition", false, probe.Digest{Of: table("t"), Where: "id > 1"}, versioned, rows},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := digestOf(t, open, c.q, c.ddl, c.rows...); (got.Value == base.Value) != c.same {
				t.Errorf("versions %s and %s, same should be %t", base.Value, got.Value, c.same)
			}
		})
	}
	t.Run("an empty table has a version of no rows", func(t *testing.T) {
		if d := digestOf(t, open, whole, versioned); d.Rows != 0 || d.Value == "" || d.Value == base.Value {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("the schema alone has no value", func(t *testing.T) {
		d := digestOf(t, open, probe.Digest{Of: table("t"), Tier: probe.SchemaTier, Columns: probe.List("day", "id")}, versioned, rows...)
		if d.Value != "" || len(d.Columns) != 2 || d.Columns[0].Name != "id" {
			t.Errorf("got %+v", d)
		}
	})
}

// profiles holds what a profile sees, and that it does not see rows which exchange
// values.
func profiles(t *testing.T, open Open) {
	const ddl = "(id int, a varchar(20), b decimal(12,3), ts timestamp, ok boolean, day date, f double precision)"
	rows := versionedRows("0.1", "null", "1e300", "-2.5")
	whole := probe.Digest{Of: table("t"), Tier: probe.ProfileTier}
	base := digestOf(t, open, whole, ddl, rows...)
	if content := digestOf(t, open, probe.Digest{Of: table("t")}, ddl, rows...); base.Rows != 4 || base.Value == content.Value || base.Fingerprint == content.Fingerprint {
		t.Errorf("profile %+v\ncontent %+v", base, content)
	}
	with := func(i int, old, changed string) []string {
		all := slices.Clone(rows)
		if all[i] = strings.Replace(all[i], old, changed, 1); all[i] == rows[i] {
			t.Fatalf("%s is not in %s", old, rows[i])
		}
		return all
	}
	for name, c := range map[string]struct {
		rows []string
		same bool
	}{
		"the same rows in another order": {[]string{rows[3], rows[1], rows[0], rows[2]}, true},
		"a row less":                     {rows[:3], false},
		"a number":                       {with(0, "(1,", "(9,"), false},
		"a decimal":                      {with(0, "1.5", "1.6"), false},
		"the least text":                 {with(2, "''", "'!'"), false},
		"a longer text in the middle":    {with(3, "'héllo'", "'hélloo'"), false},
		"the empty text instead of NULL": {with(1, "null", "''"), false},
		"a truth":                        {with(2, "false", "true"), false},
		"a time in the middle":           {with(3, "00:00:00", "00:00:01"), false},
		"a day in the middle":            {with(3, "1999-01-01", "1999-01-02"), false},
		"the greatest float":             {with(2, "1e300", "1e301"), false},
		"values that two rows exchange":  {[]string{strings.Replace(rows[0], "'x|y'", "'héllo'", 1), rows[1], rows[2], strings.Replace(rows[3], "'héllo'", "'x|y'", 1)}, true},
	} {
		if got := digestOf(t, open, whole, ddl, c.rows...); (got.Value == base.Value) != c.same {
			t.Errorf("%s: profiles %s and %s, same should be %t", name, base.Value, got.Value, c.same)
		}
	}
	if d := digestOf(t, open, whole, ddl); d.Rows != 0 || d.Value == "" {
		t.Errorf("no rows: %+v", d)
	}
}

// partitions holds that the versions of parts add up to that of the whole.
func partitions(t *testing.T, open Open) {
	rows, whole := versionedRows(), probe.Digest{Of: table("t")}
	base := digestOf(t, open, whole, versioned, rows...)
	q := probe.Digest{Of: table("t"), By: column("ts", newYork), Per: probe.Day, Zone: newYork, From: utc("2024-01-01")}
	d := digestOf(t, open, q, versioned, rows...)
	if d.Value != base.Value || d.Rows != 4 {
		t.Errorf("whole by partitions is %s of %d rows, and %s at once", d.Value, d.Rows, base.Value)
	}
	want := []probe.PartitionDigest{
		{Start: utc("2024-01-01 05:00"), Rows: 1, Value: digestOf(t, open, whole, versioned, rows[3]).Value},
		{Start: utc("2024-03-10 05:00"), Rows: 1, Value: digestOf(t, open, whole, versioned, rows[0]).Value},
	}
	if diff := cmp.Diff(want, d.Partitions); diff != "" {
		t.Error(diff)
	}
}

// runs holds what concerns several questions of one run.
func runs(t *testing.T, open Open) {
	setup := []string{"create table a (id int, ts timestamp)", "insert into a values (1, '2013-06-15 10:00:00')", "create table b (id int)"}
	qs := []probe.Question{
		probe.Rows{Of: table("a")},
		probe.Rows{Of: table("gone")},
		probe.Watermark{Of: table("a"), Column: column("ts", "")},
		probe.Rows{Of: table("a")},
		probe.BadRows{Of: table("a"), Rule: probe.Nulls, Columns: probe.List("nope")},
		probe.BadRows{Of: table("a"), Rule: probe.Nulls, Columns: probe.List("id")},
		probe.Columns{Of: table("b")},
		probe.Rows{Of: table("b"), Where: "id = 1"},
		probe.Rows{Of: table("b"), Where: "missing = 1"},
	}
	answers := open(t, setup).Ask(t.Context(), Moment, qs)
	if len(answers) != len(qs) {
		t.Fatalf("%d answers to %d questions", len(answers), len(qs))
	}
	for i, c := range []Case{
		{Want: int64(1)},
		{Err: probe.NoTable, Says: "gone"},
		{Want: probe.Mark{Rows: 1, Timed: 1, Max: utc("2013-06-15 10:00"), Class: probe.Naive}},
		{Want: int64(1)},
		{Err: probe.NoColumn, Says: `"nope"`},
		{Want: probe.Bad{Rows: 1}},
		{},
		{Want: int64(0)},
		{Err: probe.NoColumn, Says: "missing"},
	} {
		if i == 6 {
			if columns, err := probe.Value[[]probe.Column](answers[i]); err != nil || len(columns) != 1 || columns[0].Class != probe.Integer {
				t.Errorf("columns of b: %v, %v", columns, err)
			}
			continue
		}
		check(t, c, answers[i])
	}
	if answers[0].Statement != answers[2].Statement || answers[2].Statement != answers[5].Statement {
		t.Errorf("questions over one table were not answered by one statement:\n%s\n%s\n%s", answers[0].Statement, answers[2].Statement, answers[5].Statement)
	}
}
