package store_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// keep records a run without deciding anything.
func keep(t testing.TB, db *store.DB, run incident.Run) {
	t.Helper()
	if _, err := db.Record(run, func(incident.Book) incident.Change { return incident.Change{} }, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// stored is a run as it should come back: figures as JSON, times in UTC, without
// what runs do not keep.
func stored(t rapid.TB, run incident.Run) incident.Run {
	run.Results = slices.Clone(run.Results)
	for n := range run.Results {
		r := &run.Results[n]
		r.SQL, r.Memory = nil, nil
		r.StartedAt, r.Took, r.Skew = r.StartedAt.Truncate(time.Millisecond), r.Took.Truncate(time.Microsecond), r.Skew.Truncate(time.Microsecond)
		r.Verdict.Message = strings.ToValidUTF8(r.Verdict.Message, "\ufffd")
		for _, v := range []*any{&r.Verdict.Observed, &r.Verdict.Expected} {
			if *v == nil {
				continue
			}
			b, err := json.Marshal(*v)
			if err != nil {
				t.Fatal(err)
			}
			*v = json.RawMessage(b)
		}
	}
	return run
}

var zones = []*time.Location{time.UTC, time.FixedZone("", -5*3600)}

func drawTime(rt *rapid.T, label string) time.Time {
	switch rapid.IntRange(0, 3).Draw(rt, label) {
	case 0:
		return time.Time{}
	case 1: // what data says may be far away
		return time.Date(rapid.SampledFrom([]int{1, 1969, 2262, 9999}).Draw(rt, "year"), 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	}
	return noon.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(rt, "ns"))).In(rapid.SampledFrom(zones).Draw(rt, "zone"))
}

func drawResult(rt *rapid.T, n int) checks.Result {
	v := checks.Verdict{
		Outcome: rapid.SampledFrom([]checks.Outcome{checks.Pass, checks.Fail, checks.Error}).Draw(rt, "outcome"),
		Reason:  rapid.SampledFrom([]checks.Reason{"", checks.Stale}).Draw(rt, "reason"),
		Broken:  rapid.SampledFrom([]string{"", "column"}).Draw(rt, "broken"),
		Message: rapid.OneOf(rapid.Just(""), rapid.String(), rapid.Just("not \xff text")).Draw(rt, "message"),
		Onset:   drawTime(rt, "onset"), GoodUntil: drawTime(rt, "good until"),
	}
	v.Observed = rapid.SampledFrom([]any{nil, map[string]any{"rows": rapid.Int64().Draw(rt, "rows"), "at": drawTime(rt, "at"), "word": rapid.String().Draw(rt, "word")}}).Draw(rt, "observed")
	v.Expected = rapid.SampledFrom([]any{nil, []int{1, 2}, (*int)(nil)}).Draw(rt, "expected")
	return checks.Result{
		Check: dag.CheckID(fmt.Sprintf("big/t%d/c%d", n/3, n%3)), Verdict: v, StartedAt: drawTime(rt, "started"),
		Took: time.Duration(rapid.Int64().Draw(rt, "took")), Skew: time.Duration(rapid.Int64().Draw(rt, "skew")),
	}
}

func TestRunsComeBackAsTheyWere(t *testing.T) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		db := open(t, filepath.Join(t.TempDir(), fmt.Sprint(n)))
		defer func() { _ = db.Close() }()
		var want []incident.Run
		for minute := range rapid.IntRange(1, 6).Draw(rt, "runs") {
			run := incident.Run{
				DAG: "big", Slot: at(minute), Moment: at(minute).Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(rt, "moment"))),
				InFlight: []string{"a", "b"}[:rapid.IntRange(0, 2).Draw(rt, "in flight")], Since: drawTime(rt, "since"),
			}
			if rapid.Bool().Draw(rt, "asked for") {
				run.Slot, run.By, run.Troubles = time.Time{}, "ana", []incident.Trouble{{Name: "disk", Problem: "full"}}
			}
			for _, k := range rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 0, 60, rapid.ID).Draw(rt, "checks") {
				run.Results = append(run.Results, drawResult(rt, k))
			}
			keep(t, db, run)
			want = append(want, stored(rt, run))
		}
		var got []incident.Run
		if err := db.Replay(func(r incident.Run) error { got = append(got, r); return nil }); err != nil {
			rt.Fatal(err)
		}
		if diff := gocmp.Diff(want, got, same); diff != "" {
			rt.Fatalf("runs (-recorded +replayed):\n%s", diff)
		}
		slices.Reverse(want)
		for _, node := range []dag.NodeID{"big/t0", "big/t7"} {
			var of []incident.Run
			for _, run := range want {
				run.Results = slices.DeleteFunc(slices.Clone(run.Results), func(r checks.Result) bool { return r.Check.Node() != node })
				if len(run.Results) > 0 {
					of = append(of, run)
				}
			}
			slices.SortStableFunc(of, func(a, b incident.Run) int { return -filed(a).Compare(filed(b)) })
			got, err := db.History(node, 100)
			if diff := gocmp.Diff(of, got, same); diff != "" || err != nil {
				rt.Fatalf("history of %s (-recorded +read): %v\n%s", node, err, diff)
			}
		}
	})
}

// filed is the time under which a run is kept.
func filed(r incident.Run) time.Time {
	if r.Slot.IsZero() {
		return r.Moment
	}
	return r.Slot
}

func TestRunThatCannotBeEncodedIsRefusedAndLeavesNothing(t *testing.T) {
	r := recorder{t, open(t, filepath.Join(t.TempDir(), "pw.db")), suite(t, shop), incident.AtOnce()}
	run := r.run("shop", at(0))
	run.Results[2].Verdict.Observed = math.NaN()
	_, err := r.db.Record(run, r.decide(run), nil, r.fingerprint)
	if err == nil || !strings.Contains(err.Error(), "shop/orders/freshness") {
		t.Errorf("got %v, want the check that cannot be encoded", err)
	}
	if len(r.db.Book().States) != 0 || r.db.Err() != nil {
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
