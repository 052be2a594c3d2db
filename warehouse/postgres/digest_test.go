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

// TestAMomentHashesAsItsClockInUTC holds versions that are stored already: they were made by
// way of a cast, which costs several times as much.
func TestAMomentHashesAsItsClockInUTC(t *testing.T) {
	name := fresh(t, "create domain told as timestamptz", `create table t as select unnest(array['infinity', '-infinity', '4713-01-01 BC', '294276-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999',
  '2013-03-10 02:30:00-05', '2013-11-03 01:30:00-04', null]::told[]) as x`, "insert into t select timestamptz 'epoch' + n * interval '1 day 1.000001 seconds' from generate_series(-30000, 30000) as s(n)")
	for _, kind := range []string{"timestamptz", "told"} {
		hash := warehouse.Postgres("15").RowHash([]probe.Column{{Name: "x", Type: kind, Class: probe.Zoned}}, func(column string) string { return "cast(" + column + " as " + kind + ")" })
		stored := "hashint8extended(0, coalesce(timestamp_hash_extended(cast(x as timestamp), 1), 7046029254386353131))"
		if got := value(t, name, "set timezone = 'UTC'; select count(*) || ' rows, differing ' || count(*) filter (where "+hash+" is distinct from "+stored+") from t"); got != "60009 rows, differing 0" {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
