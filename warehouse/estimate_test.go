package warehouse

import (
	"encoding/json"
	"testing"
)

// What servers write that the tests do not run against: MySQL 8 tells a cost as text,
// MariaDB from version 11 on as a number.
func TestEstimatesOfOtherServers(t *testing.T) {
	for name, c := range map[string]struct {
		plan string
		want Estimate
	}{
		"MySQL 8": {`{"query_block": {"select_id": 1, "cost_info": {"query_cost": "1.25"},
			"table": {"table_name": "t", "rows_examined_per_scan": 10, "rows_produced_per_join": 10, "cost_info": {"read_cost": "0.25", "eval_cost": "1.00"}}}}`, Estimate{10, 1.25}},
		"MariaDB 11": {`{"query_block": {"select_id": 1, "cost": 0.5, "nested_loop": [{"table": {"table_name": "t", "rows": 10, "cost": 0.25}},
			{"table": {"table_name": "<derived2>", "rows": 7, "cost": 0.25, "materialized": {"query_block": {"select_id": 2, "cost": 0.25, "nested_loop": [{"table": {"table_name": "u", "rows": 3}}]}}}}]}}`, Estimate{13, 0.75}},
	} {
		var plan any
		if err := json.Unmarshal([]byte(c.plan), &plan); err != nil {
			t.Fatal(err)
		}
		if got := mysqlExplained.read(plan); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
