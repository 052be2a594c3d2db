package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// twelve makes t0, …, t11 with as many rows as their number says, all in the catalogue.
func twelve(t *testing.T) (database string, qs []probe.Question) {
	var setup []string
	for i := range 12 {
		setup = append(setup, fmt.Sprintf("create table t%d as select g as id, 'x' as note from generate_series(1, %d) g", i, i+1))
		qs = append(qs, probe.Rows{Of: rel(fmt.Sprintf("t%d", i))})
	}
	return fresh(t, append(setup, "analyze")...), qs
}

// eachItsOwn holds that all of twelve but one have their answers, each from its own scan.
func eachItsOwn(t *testing.T, answers []probe.Answer, but int) {
	t.Helper()
	for i, a := range answers {
		if own := fmt.Sprintf("from \"t%d\"", i); !strings.Contains(a.Statement, own) || strings.Contains(a.Statement, "union all") {
			t.Errorf("the answer about t%d shows\n%s", i, a.Statement)
		}
		if i != but && (a.Value != int64(i+1) || a.Err != nil) {
			t.Errorf("t%d has %v rows, %v", i, a.Value, a.Err)
		}
	}
}

func TestSmallTablesShareAStatementAndATableOfAnotherKindDoesNot(t *testing.T) {
	name, qs := twelve(t)
	admin(t, name, "create table big as select g as id from generate_series(1, 60000) g", "create table large as select * from big", "create view v as select * from t1",
		"analyze", "create table fresh as select * from t1")
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1})
	for _, of := range []string{"big", "large", "v", "fresh"} {
		qs = append(qs, probe.Rows{Of: rel(of)})
	}
	planned, _, err := source.Plan(t.Context(), time.Now(), qs)
	var shares []int
	for _, p := range planned {
		shares = append(shares, len(p.Questions))
	}
	// Ten, then two and a big one; a large one would make it more rows than are few.
	if diff := cmp.Diff([]int{10, 3, 1, 1, 1}, shares); diff != "" || err != nil {
		t.Errorf("questions of each statement (-want +got):\n%s%v", diff, err)
	}
	eachItsOwn(t, source.Ask(t.Context(), time.Now(), qs[:12]), -1)
}

// Together, small tables cost as much as a table that several processes read, and they
// would take longer to start than to read; one large table is still theirs.
func TestSmallTablesTogetherAreReadByOneProcess(t *testing.T) {
	setup := []string{"create table large as select g as id from generate_series(1, 300000) g"}
	var qs []probe.Question
	for i := range 10 {
		setup = append(setup, fmt.Sprintf("create table t%d as select g as id from generate_series(1, 9000) g", i))
		qs = append(qs, probe.BadRows{Of: rel(fmt.Sprintf("t%d", i)), Rule: probe.Duplicates, Columns: probe.List("id")})
	}
	name := fresh(t, append(setup, "analyze")...)
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: time.Minute, FreeSQL: true})
	planned, _, err := source.Plan(t.Context(), time.Now(), qs)
	if err != nil || len(planned) != 1 {
		t.Fatalf("%d statements, %v", len(planned), err)
	}
	const settings = "select count(*) from pg_settings where name = 'enable_parallel_append' and setting = 'off'"
	if a := ask(t, source, probe.Scalar{Conn: "wh", SQL: settings})[0]; a.Value != (probe.ScalarValue{Number: 1}) {
		t.Errorf("the session's setting: %v, %v", a.Value, a.Err)
	}
	for _, c := range []struct {
		setting, sql string
		parallel     bool
	}{
		{"on", planned[0].Statement, true},
		{"off", planned[0].Statement, false},
		{"off", "select count(id) from large", true},
	} {
		plan := value(t, name, "set jit = off; set enable_parallel_append = "+c.setting+"; set parallel_setup_cost = 0; explain (format json) "+c.sql)
		if strings.Contains(plan, `"Gather"`) != c.parallel {
			t.Errorf("with enable_parallel_append %s, want workers: %t\n%s", c.setting, c.parallel, plan)
		}
	}
}

func TestWhatFailsAmongSmallTablesSpoilsNoOther(t *testing.T) {
	for _, c := range []struct {
		name    string
		trouble func(t *testing.T, database string, qs []probe.Question) (release func())
		class   probe.Class
	}{
		{"a condition that fails on a row", func(_ *testing.T, _ string, qs []probe.Question) func() {
			qs[4] = probe.Rows{Of: rel("t4"), Where: "cast(note as integer) > 0"}
			return func() {}
		}, probe.Statement},
		{"a table that is locked", func(t *testing.T, database string, _ []probe.Question) func() {
			return lock(t, database, "lock table t4")
		}, probe.Timeout},
		{"a table that may not be read", func(t *testing.T, database string, _ []probe.Question) func() {
			admin(t, database, "revoke all on t4 from visitor")
			return func() {}
		}, probe.Refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, qs := twelve(t)
			admin(t, name, "drop role if exists visitor", "create role visitor login", "grant select on all tables in schema public to visitor")
			defer admin(t, name, "drop owned by visitor", "drop role visitor")
			source := open(t, dsn("visitor", name), warehouse.Limits{MaxQueries: 1, StatementTimeout: time.Minute})
			release := c.trouble(t, name, qs)
			defer release()
			answers := source.Ask(t.Context(), time.Now(), qs)
			if classOf(answers[4].Err) != c.class || answers[4].Value != nil {
				t.Errorf("got %v, %v", answers[4].Value, answers[4].Err)
			}
			eachItsOwn(t, answers, 4)
		})
	}
}

// A statement has one type for each column; what comes back for tables of other types is
// what each would say alone.
func TestTablesOfAllTypesSayTogetherWhatTheySayAlone(t *testing.T) {
	times := []struct{ typ, value string }{
		{"timestamptz", "'2013-06-15 10:00:00.000001+02'"}, {"timestamp", "'2013-06-15 10:00:00.5'"}, {"timestamptz", "'infinity'"}, {"timestamp", "'-infinity'"},
		{"timestamp", "'290000-12-31 23:59:59'"}, {"timestamptz", "'4713-01-01 00:00:00 BC'"}, {"timestamptz", "null"}, {"date", "'2013-06-15'"}, {"date", "'infinity'"}, {"timestamp(0)", "'1970-01-01 00:00:00'"},
	}
	others := []string{"id int not null", "id bigint primary key", "id numeric(30, 4)", "id text collate \"C\"", "id varchar(9)", "id smallint"}
	var setup []string
	var qs []probe.Question
	for i, c := range times {
		for j, id := range others {
			table := fmt.Sprintf("t%d_%d", i, j)
			setup = append(setup, fmt.Sprintf("create table %s (%s, ts %s)", table, id, c.typ), fmt.Sprintf("insert into %s values ('%d', %s), ('77', null)", table, j, c.value))
			of := rel(table)
			qs = append(qs, probe.Watermark{Of: of, Column: probe.TimeColumn{Name: "ts"}, Horizon: probe.At(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))},
				probe.BadRows{Of: of, Rule: probe.Nulls, Columns: probe.List("id")}, probe.BadRows{Of: of, Rule: probe.Duplicates, Columns: probe.List("id")})
			if j%2 == 0 {
				qs = append(qs, probe.Digest{Of: of})
			} else {
				qs = append(qs, probe.Digest{Of: of, Tier: probe.ProfileTier})
			}
		}
	}
	name := fresh(t, setup...)
	source := open(t, dsn("postgres", name), warehouse.Limits{MaxQueries: 1})
	alone := ask(t, source, qs...) // without statistics no table is known to be small
	admin(t, name, "analyze")
	planned, _, err := source.Plan(t.Context(), time.Now(), qs)
	if err != nil || len(planned) > len(times)*len(others)/5 {
		t.Errorf("%d statements, %v", len(planned), err)
	}
	for i, a := range ask(t, source, qs...) {
		if a.Err != nil || alone[i].Err != nil {
			t.Errorf("%+v: %v, alone %v", qs[i], a.Err, alone[i].Err)
		}
		if diff := cmp.Diff(alone[i].Value, a.Value); diff != "" {
			t.Errorf("%+v (-alone +together):\n%s", qs[i], diff)
		}
	}
}
