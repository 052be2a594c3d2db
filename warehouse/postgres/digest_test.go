package postgres_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	warehousetest.Trials(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, dsn("postgres", fresh(t, setup...)), warehouse.Limits{})
	},
		warehousetest.Unsound{Name: "bit_xor of hashes", SQL: "bit_xor(hash_record_extended(row(x, y, z), 0))"},
		warehousetest.Unsound{Name: "sum of column hashes", SQL: "sum(coalesce(hashtextextended(x, 0), 7)::numeric + coalesce(hashtextextended(y, 0), 7) + coalesce(hashint8extended(z, 0), 7))"},
		warehousetest.Unsound{Name: "sum of unmixed hashes", SQL: "sum(hash_record_extended(row(x, y, z), 0))"},
		warehousetest.Unsound{Name: "sum of hashes of concat_ws", SQL: "sum(hashint8extended(hashtextextended(concat_ws('|', x, y, z), 0), 0))"})
}

func TestAProfileOfOddTypes(t *testing.T) {
	source := open(t, dsn("postgres", fresh(t, `create table t (a json, b jsonb, c bytea, d int[], e uuid, f interval, g inet, h xml, i point, j money, k bit(3), l varbit, m char(5),
  n name, o time, p timetz, q real, r double precision, s numeric, u int2, v timestamp, w timestamptz, x date, y tsvector, z oid)`,
		`insert into t values ('{"a": 1}', '{"a": 1}', '\x00', '{1,2}', '00000000-0000-0000-0000-000000000001', '1 day', '::1', '<a/>', '(1,2)', 1, '101', '1', 'a',
  'n', '10:00', '10:00+01', 'nan', 'infinity', 'nan', 1, 'infinity', '-infinity', 'infinity', 'a b', 1)`)), warehouse.Limits{})
	if a := ask(t, source, probe.Digest{Of: rel("t"), Tier: probe.ProfileTier})[0]; a.Err != nil {
		t.Errorf("%v\n%s", a.Err, a.Statement)
	}
}
