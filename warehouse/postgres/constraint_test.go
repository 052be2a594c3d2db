package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// A question is answered without a look only where the server enforces the answer on
// every row. Each table but the first two has rows that its index does not reach.
func TestOnlyWhatTheServerEnforcesIsTakenForGranted(t *testing.T) {
	name := fresh(t,
		"create table keyed (id int primary key, n int)", "insert into keyed values (1, null), (2, null)",
		"create table two (a int not null, b int not null, c int not null, unique (b, a))", "insert into two values (1, 1, 5), (1, 2, 5)",
		"create table nullable (id int unique)", "insert into nullable values (1), (null), (null)",
		"create table partly (id int not null, live boolean)", "create unique index on partly (id) where live", "insert into partly values (1, false), (1, true)",
		"create table folded (id text not null)", "create unique index on folded (lower(id))", "insert into folded values ('a'), ('b')",
		"create table wide (id int not null, n int not null)", "create unique index on wide (id, n)", "insert into wide values (1, 1), (1, 2)",
		"create table parent (id int primary key)", "insert into parent values (1)", "create table child () inherits (parent)", "insert into child values (1)",
		"create view seen as select id from keyed union all select id from keyed")
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	for _, c := range []struct {
		table, columns string
		bad            int64
		granted        bool
	}{
		{"keyed", "id", 0, true},
		{"two", "a b", 0, true},
		{"two", "a", 1, false},
		{"two", "a b c", 0, false},
		{"nullable", "id", 0, false},
		{"partly", "id", 1, false},
		{"folded", "id", 0, false},
		{"wide", "id", 1, false},
		{"parent", "id", 1, false},
		{"seen", "id", 2, false},
	} {
		a := ask(t, source, probe.BadRows{Of: rel(c.table), Rule: probe.Duplicates, Columns: probe.List(strings.Fields(c.columns)...)})[0]
		bad, err := probe.Value[probe.Bad](a)
		if err != nil || bad.Bad != c.bad || strings.Contains(a.Statement, "by_constraint") != c.granted {
			t.Errorf("%s (%s): %d duplicates, %v, by\n%s", c.table, c.columns, bad.Bad, err, a.Statement)
		}
	}
}

// A join of small tables is part of the scan that the other questions share, and
// gives the same figures as alone; where it fails, it spoils no other.
func TestAJoinOfSmallTablesSharesTheScan(t *testing.T) {
	name := fresh(t, "create table dim (id int primary key, ts text)", "insert into dim select g from generate_series(1, 100) g",
		"create table fact (dim_id int, ts timestamptz)", "insert into fact select g, now() from generate_series(51, 150) g", "insert into fact values (150, now()), (null, now())")
	source := open(t, dsn("postgres", name), warehouse.Limits{})
	join := probe.Coverage{Child: rel("fact"), Keys: probe.List("dim_id"), Parent: rel("dim"), ParentKeys: probe.List("id")}
	apart := ask(t, source, join, probe.Rows{Of: rel("fact")})
	admin(t, name, "analyze")
	whole := join
	whole.Where = "dim_id between 51 and 100"
	shared := ask(t, source, join, probe.Rows{Of: rel("fact")}, whole, probe.Rows{Of: rel("fact"), Where: whole.Where})
	if apart[0].Statement == apart[1].Statement || shared[2].Statement != shared[3].Statement {
		t.Errorf("before the catalog knows sizes:\n%s\nafter:\n%s", apart[0].Statement, shared[2].Statement)
	}
	// What the orphans' keys are is asked only where there are orphans.
	if shared[0].Statement == shared[1].Statement || !strings.Contains(shared[0].Statement, "orphan_keys") || strings.Contains(shared[2].Statement, "orphan_keys") {
		t.Errorf("with orphans:\n%s\nwithout:\n%s", shared[0].Statement, shared[2].Statement)
	}
	want := probe.Covered{Joined: probe.Joined{Total: 102, NullKeys: 1, Eligible: 101, Matched: 50, Orphans: 51, OrphanKeys: 50}, MaxFanOut: 1}
	for _, a := range []probe.Answer{apart[0], shared[0]} {
		if diff := cmp.Diff(want, a.Value); diff != "" || a.Err != nil {
			t.Error(diff, a.Err)
		}
	}
	admin(t, name, "create role guest login", "grant select on fact to guest")
	defer admin(t, name, "drop owned by guest", "drop role guest")
	guest := open(t, dsn("guest", name), warehouse.Limits{})
	answers := ask(t, guest, join, probe.Rows{Of: rel("fact")})
	if classOf(answers[0].Err) != probe.Refused || answers[1].Value != int64(102) {
		t.Error(fmt.Sprint(answers[0].Err), answers[1].Value, answers[1].Err)
	}
}
