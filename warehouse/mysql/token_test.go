package mysql_test

import (
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// The token of a table is the second of its last write: a hint, which says so, and
// never a reason not to read.
func TestTheChangeTokenIsTheTimeOfTheLastWrite(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table t (id int)", "insert into t values (1)", "create table u (id int)", "create view w as select * from t")
	source := open(t, s.dsn("root", name), warehouse.Limits{})
	native := func(of probe.Relation) (probe.Digests, error) {
		return probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: of, Tier: probe.NativeTier})[0])
	}
	before, err := native(rel("t"))
	if err != nil || before.Sound || before.Value == "" || !strings.Contains(before.Hint, "to the second") {
		t.Fatalf("%+v, %v", before, err)
	}
	if same, err := native(rel(name, "t")); err != nil || same.Value != before.Value {
		t.Errorf("%+v, %v", same, err)
	}
	// Another second: the server's own clock is waited for.
	s.exec(t, name, "do sleep(1.1)", "insert into t values (2)")
	after, err := native(rel("t"))
	if err != nil || after.Value == before.Value {
		t.Errorf("%+v, %v", after, err)
	}
	for table, why := range map[string]string{"w": "it is a view", "u": "has seen no write to it since it started"} {
		if d, err := native(rel(table)); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "use of: content") {
			t.Errorf("%s: %+v, %v", table, d, err)
		}
	}
	d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel("t"), Unless: after.Token})[0])
	if err != nil || d.Unchanged || d.Rows != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}
