package duckdb_test

import (
	"fmt"
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	warehousetest.Trials(t, func(t *testing.T, setup []string) probe.Source { return open(t, duckdb.Options{Init: setup}) },
		warehousetest.Unsound{Name: "bit_xor of hashes", SQL: "bit_xor(hash(x, y, z))"},
		warehousetest.Unsound{Name: "sum of column hashes", SQL: "sum(hash(x)) + sum(hash(y)) + sum(hash(z))"},
		warehousetest.Unsound{Name: "sum of hashes of concat_ws", SQL: "sum(hash(hash(concat_ws('|', x, y, z))))"})
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
			if a := ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("%s%d", table, i)), Tier: probe.ProfileTier}); a.Err != nil {
				t.Errorf("profile of %s: %v\n%s", pair[side], a.Err, a.Statement)
			}
		}
		if values[0] == values[1] {
			t.Errorf("%s and %s have the same version", pair[0], pair[1])
		}
	}
}
