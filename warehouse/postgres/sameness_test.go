package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// everyKind asks a question of each kind about table t, whose columns are of types that
// settings write in different ways.
func everyKind() []probe.Question {
	moment := probe.TimeColumn{Name: "ts"}
	return []probe.Question{
		probe.Watermark{Of: rel("t"), Column: moment, Horizon: probe.At(time.Date(2013, 6, 15, 0, 0, 0, 0, time.UTC))},
		probe.Buckets{Of: rel("t"), By: moment, Per: probe.Day, Zone: "America/New_York"},
		probe.Buckets{Of: rel("t"), By: probe.TimeColumn{Name: "wall", Zone: "Europe/Berlin"}, Per: probe.Day, Zone: "Europe/Berlin"},
		probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List("w"), Accepted: probe.List(`"it's"`, `"a\\b"`)},
		probe.BadRows{Of: rel("t"), Rule: probe.OutOfRange, Columns: probe.List("wall"), Min: `"2013-02-01 00:00:00"`},
		probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List("span"), Accepted: probe.List(`"1 day 02:00:00"`)},
		probe.Coverage{Child: rel("t"), Keys: probe.List("w"), Parent: rel("t"), ParentKeys: probe.List("w"), Where: `w <> 'a\b'`},
		probe.Digest{Of: rel("t")},
		probe.Digest{Of: rel("t"), By: moment, Per: probe.Day},
		probe.Digest{Of: rel("t"), Exclude: probe.List("f", "span", "raw", "pay"), Canonical: true},
		probe.Digest{Of: rel("t"), Tier: probe.ProfileTier},
		probe.Scalar{Conn: "wh", SQL: "select count(*) from t where ts < '2013-02-01 00:00:00+00' and w is not null"},
	}
}

func TestNoSettingOfARoleOrADatabaseChangesAnAnswer(t *testing.T) {
	name := fresh(t, "create table t (ts timestamptz, wall timestamp, day date, f double precision, n numeric(9,3), w text, span interval, raw bytea, pay money)",
		`insert into t values ('2013-01-31 20:00:00+00', '2013-01-31 23:30:00', '2013-02-03', 0.1, 1.5, 'it''s', '1 day 2 hours', '\x00ff', 3), ('2013-02-01 05:30:00+00', '2013-02-01 00:30:00', '2013-03-02', 1e30, -0.001, 'a\b', '1 mon', '\x5c', null)`,
		`insert into t (ts, w) values ('2013-03-10 06:59:59+00', null)`)
	before := ask(t, open(t, dsn("postgres", name), warehouse.Limits{}), everyKind()...)
	for setting, is := range map[string]string{
		"timezone": "Asia/Kolkata", "datestyle": "SQL, DMY", "intervalstyle": "iso_8601", "extra_float_digits": "-9", "bytea_output": "escape", "standard_conforming_strings": "off",
		"transform_null_equals": "on", "array_nulls": "off", "enable_seqscan": "off", "statement_timeout": "1h", "client_encoding": "LATIN1",
	} {
		admin(t, name, "alter role postgres in database "+name+" set "+setting+" = '"+is+"'")
	}
	if is := value(t, name, "show datestyle"); is != "SQL, DMY" {
		t.Fatalf("the settings show nothing: datestyle is %s", is)
	}
	same(t, before, ask(t, open(t, dsn("postgres", name), warehouse.Limits{}), everyKind()...))
}

// same holds answers against those before.
func same(t *testing.T, before, after []probe.Answer) {
	t.Helper()
	for i, a := range after {
		if before[i].Err != nil || a.Err != nil {
			t.Errorf("before: %v, after: %v\n%s", before[i].Err, a.Err, a.Statement)
		} else if diff := cmp.Diff(before[i].Value, a.Value, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\n%s", diff, a.Statement)
		}
	}
}

// Collations take many words for the same, and order them in ways of their own; a list
// and a range are meant as they are written, as on every engine.
func TestListsAndRangesOfTextGoByItsBytes(t *testing.T) {
	name := fresh(t, `create collation "nocase" (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
		`create table t (w text collate "nocase", o text collate "en-x-icu", e text collate "nocase")`, "insert into t values ('paid', 'a', 'x'), ('Paid', 'B', 'x'), ('PAID', 'é', null)")
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	for _, c := range []struct {
		q   probe.BadRows
		bad int64
	}{
		{probe.BadRows{Rule: probe.Unexpected, Columns: probe.List("w"), Accepted: probe.List(`"paid"`)}, 2},
		{probe.BadRows{Rule: probe.OutOfRange, Columns: probe.List("o"), Min: `"a"`}, 1},
		{probe.BadRows{Rule: probe.OutOfRange, Columns: probe.List("o"), Max: `"z"`}, 1},
		{probe.BadRows{Rule: probe.OutOfRange, Columns: probe.List("w"), Min: `"a"`, Max: `"z"`}, 2},
	} {
		c.q.Of = rel("t")
		if a := ask(t, source, c.q)[0]; a.Value != (probe.Bad{Bad: c.bad, Rows: 3}) {
			t.Errorf("%s of %s: %v, %v; want %d\n%s", c.q.Rule, c.q.Columns, a.Value, a.Err, c.bad, a.Statement)
		}
	}
}

// From version 18 on a column may be NOT NULL although its rows were never looked at. Older
// servers have no such constraint, so the test writes into the catalog what that version
// would.
func TestANotNullThatWasNeverValidatedIsNotTakenForGranted(t *testing.T) {
	name := fresh(t, "create table t (i int, j int not null)", "insert into t values (1, 1), (null, 2)")
	if strings.Compare(value(t, name, "show server_version_num"), "180000") >= 0 {
		admin(t, name, "alter table t add constraint i_known not null i not valid")
	} else {
		admin(t, name, "alter table t add constraint i_known check (i > 0) not valid",
			"set allow_system_table_mods = on; update pg_constraint set contype = 'n' where conname = 'i_known'; update pg_attribute set attnotnull = true where attrelid = 't'::regclass and attname = 'i'")
	}
	for column, bad := range map[string]int64{"i": 1, "j": 0} {
		a := ask(t, open(t, dsn("postgres", name), warehouse.Limits{}), probe.BadRows{Of: rel("t"), Rule: probe.Nulls, Columns: probe.List(column)})[0]
		if a.Value != (probe.Bad{Bad: bad, Rows: 2}) || strings.Contains(a.Statement, "by_constraint") != (bad == 0) {
			t.Errorf("%s: %v, %v, by\n%s", column, a.Value, a.Err, a.Statement)
		}
	}
}
