package duckdb_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
)

// The token of a table is that of its file: a hint, which says so, and never a reason
// not to read.
func TestTheChangeTokenIsThatOfTheFile(t *testing.T) {
	dir := t.TempDir()
	commit(t, filepath.Join(dir, "wh.duckdb"), "create table t as select 1 as id", "create table u as select 1 as id", "create view w as select * from t")
	source := open(t, duckdb.Options{Dir: dir, Path: "wh.duckdb", Init: []string{"create table mem as select 1 as id"}})
	native := func(table string) (probe.Digests, error) {
		return probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(table), Tier: probe.NativeTier}))
	}
	before, err := native("t")
	if err != nil || before.Sound || before.Value == "" || !strings.Contains(before.Hint, "whole file") {
		t.Fatalf("%+v, %v", before, err)
	}
	if same, err := native("t"); err != nil || same.Value != before.Value {
		t.Errorf("%+v, %v", same, err)
	}
	commit(t, filepath.Join(dir, "wh.duckdb"), "insert into u values (2)")
	after, err := native("t")
	if err != nil || after.Value == before.Value {
		t.Errorf("%+v, %v", after, err)
	}
	for table, why := range map[string]string{"w": "it is a view", "mem": "in memory"} {
		if d, err := native(table); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "use of: content") {
			t.Errorf("%s: %+v, %v", table, d, err)
		}
	}
	d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel("t"), Unless: after.Token}))
	if err != nil || d.Unchanged || d.Rows != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}
