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
