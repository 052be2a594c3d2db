package store_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

func TestRunThatCannotBeEncodedIsRefusedAndLeavesNothing(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	run := r.run("shop", at(0))
	run.Results[2].Verdict.Observed = math.NaN()
	_, err := r.db.Record(run, r.decide(run), nil, r.fingerprint)
	if err == nil || !strings.Contains(err.Error(), "shop/orders/freshness") {
		t.Errorf("got %v, want the check that cannot be encoded", err)
	}
	if r.db.Book().States.Len() != 0 || r.db.Err() != nil {
		t.Errorf("book %v, error %v", r.db.Book(), r.db.Err())
	}
	r.record(r.run("shop", at(1)))
}

func TestADAGGetsANewLayoutOnlyWhenItsRunsSayMuchElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, path), suite(t, shop), incident.AtOnce()}
	for n := range 40 {
		if n%10 == 0 {
			r.db = reopen(t, r.db, path) // finds the layout in use again
		}
		r.record(r.run("shop", at(n), map[bool][]dag.CheckID{true: {ordersFresh}}[n%4 == 3]...))
	}
	if n := len(keysOf(t, r, path, "layout")); n > 2 {
		t.Errorf("%d layouts of one DAG that always says the same", n)
	}
	r.db = open(t, path)
	for n := range 300 {
		run := r.run("shop", at(100+n))
		run.Results[0].Verdict.Message = strings.Repeat(string(rune('A'+n%26)), 1+n/26)
		r.record(run)
	}
	many := len(keysOf(t, r, path, "layout"))
	if many < 4 {
		t.Fatalf("%d layouts: this proves nothing", many)
	}
	r.db = open(t, path)
	if _, err := r.db.Prune(at(100 + 298)); err != nil {
		t.Fatal(err)
	}
	runs := 0
	if err := r.db.Replay(func(incident.Run) error { runs++; return nil }); err != nil || runs != 2 {
		t.Errorf("%d runs left, %v, want the last 2", runs, err)
	}
	if n := len(keysOf(t, r, path, "layout")); n > 2 {
		t.Errorf("%d of %d layouts left for two runs", n, many)
	}
}

// keysOf closes the store and lists the keys of a bucket.
func keysOf(t *testing.T, r recorder, path, bucket string) []string {
	t.Helper()
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	raw(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, _ []byte) error { keys = append(keys, string(k)); return nil })
	})
	return keys
}
