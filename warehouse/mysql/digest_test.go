package mysql_test

import (
	"fmt"
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/warehousetest"
)

func TestADigestSeesEveryChangeAndNoOrder(t *testing.T) {
	s := need(t)
	const row = "concat_ws('#', x, y, z, isnull(x), isnull(y), isnull(z))"
	warehousetest.Trials(t, func(t *testing.T, setup []string) probe.Source {
		return open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	},
		warehousetest.Unsound{Name: "bit_xor of hashes", SQL: "bit_xor(crc32(" + row + "))"},
		warehousetest.Unsound{Name: "sum of column hashes", SQL: "sum(crc32(ifnull(x, 'N')) + crc32(ifnull(y, 'N')) + crc32(ifnull(z, 'N')))"},
		warehousetest.Unsound{Name: "sum of hashes of concat_ws", SQL: "sum(cast(conv(left(md5(concat_ws('|', x, y, z)), 15), 16, 10) as unsigned))"})
}

// Pairs that are equal by the collation, by their first digits or by a length that
// the server cuts.
func TestValuesOfEveryTypeHaveSoundDigests(t *testing.T) {
	s := need(t)
	pairs := [][3]string{
		{"varchar(9)", "'a'", "'A'"}, {"varchar(9)", "'a'", "'a '"}, {"varchar(9)", "'e'", "'é'"}, {"varchar(9)", "null", "'N'"}, {"varchar(9)", "''", "null"},
		{"char(9) character set latin1", "'é'", "'e'"}, {"text", "'a'", "'A'"}, {"json", `'{"a": 1}'`, `'{"a": 2}'`}, {"float", "16777216", "16777218"}, {"double", "0.1", "0.10000000000000002"},
		{"decimal(38,10)", "1.0000000001", "1.0000000002"}, {"bigint unsigned", "18446744073709551615", "18446744073709551614"}, {"bit(9)", "b'1'", "b'100000001'"}, {"datetime(6)", "'2013-01-01 00:00:00.000001'", "'2013-01-01 00:00:00.000002'"},
		{"timestamp(6) null", "'2013-01-01 00:00:00.1'", "'2013-01-01 00:00:00.2'"}, {"time(3)", "'10:00:00.001'", "'10:00:00.002'"}, {"date", "'2013-01-01'", "'2013-01-02'"}, {"year", "2013", "2014"},
		{"enum('a','b')", "'a'", "'b'"}, {"set('a','b')", "'a'", "'a,b'"}, {"blob", "x'00ff'", "x'00fe'"}, {"binary(3)", "'a'", "x'612000'"}, {"varbinary(9)", "x'c3'", "x'c328'"},
		{"uuid", "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"}, {"inet6", "'::1'", "'::2'"}, {"point", "point(1, 2)", "point(2, 1)"}, {"boolean", "true", "null"},
		// More than a packet together with the other column.
		{"longtext", "concat(repeat('x', 12000000), 'a')", "concat(repeat('x', 12000000), 'b')"},
	}
	var setup []string
	for i, p := range pairs {
		for side := range 2 {
			setup = append(setup, fmt.Sprintf("create table t%d_%d (v %s, w longtext)", i, side, p[0]), fmt.Sprintf("insert into t%d_%d values (%s, repeat('y', 12000000))", i, side, p[1+side]))
			if i < len(pairs)-1 {
				setup[len(setup)-1] = fmt.Sprintf("insert into t%d_%d values (%s, null)", i, side, p[1+side])
			}
		}
	}
	source := open(t, s.dsn("root", s.fresh(t, setup...)), warehouse.Limits{})
	for i, p := range pairs {
		var values [2]string
		for side := range values {
			d, err := probe.Value[probe.Digests](ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("t%d_%d", i, side))})[0])
			if err != nil {
				t.Fatalf("%v: %v", p, err)
			}
			values[side] = d.Value
			if a := ask(t, source, probe.Digest{Of: rel(fmt.Sprintf("t%d_%d", i, side)), Tier: probe.ProfileTier})[0]; a.Err != nil {
				t.Errorf("profile of %v: %v\n%s", p, a.Err, a.Statement)
			}
		}
		if values[0] == values[1] {
			t.Errorf("%s and %s as %s have the same version", p[1], p[2], p[0])
		}
	}
}
