package checks_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// meaning is the fingerprint of the one check of a DAG file.
func meaning(t *testing.T, file string) string {
	t.Helper()
	g, problems := dag.Load([]dag.File{{Name: "shop.yaml", Src: []byte(file)}}, dag.Known{})
	s, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s.Check("shop/orders/freshness").Fingerprint
}

func TestOnlyAnEditOfItsMeaningMakesACheckAnother(t *testing.T) {
	const head = "version: 1\ndag: shop\nconnection: wh\n"
	const before = head + "nodes: {orders: {table: orders, freshness: {column: at, error_after: 1h}}}\n"
	cases := []struct {
		name, after string
		same        bool
	}{
		{"a severity", head + "nodes: {orders: {table: orders, freshness: {column: at, error_after: 1h, severity: warn}}}\n", true},
		{"an owner and a description", head + "owner: ana\ndescription: new\nnodes: {orders: {table: orders, freshness: {column: at, error_after: 1h}}}\n", true},
		{"a schedule, a time-out, a patience", head + "schedule: \"@every 5m\"\nnodes: {orders: {table: orders, freshness: {column: at, error_after: 1h, timeout: 5s, for: 10m}}}\n", true},
		{"a limit written in other words", head + "nodes: {orders: {table: orders, freshness: {error_after: 60m, column: at}}}\n", true},
		{"a limit", head + "nodes: {orders: {table: orders, freshness: {column: at, error_after: 2h}}}\n", false},
		{"a column", head + "nodes: {orders: {table: orders, freshness: {column: made_at, error_after: 1h}}}\n", false},
		{"a table", head + "nodes: {orders: {table: orders_v2, freshness: {column: at, error_after: 1h}}}\n", false},
		{"a condition", head + "nodes: {orders: {table: orders, freshness: {column: at, error_after: 1h, where: \"paid\"}}}\n", false},
		{"a connection", "version: 1\ndag: shop\nconnection: other\nnodes: {orders: {table: orders, freshness: {column: at, error_after: 1h}}}\n", false},
	}
	was := meaning(t, before)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if same := meaning(t, c.after) == was; same != c.same {
				t.Errorf("the check is the same after the edit: %v, want %v", same, c.same)
			}
		})
	}
}
