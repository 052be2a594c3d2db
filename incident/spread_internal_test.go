package incident

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// tangled is a graph of n tables and jobs with edges at random, each table with
// checks of several kinds.
func tangled(t *testing.T, r *rand.Rand, n int) *checks.Suite {
	t.Helper()
	var yaml strings.Builder
	yaml.WriteString("version: 1\ndag: d\nconnection: wh\nnodes:\n")
	for i := range n {
		var ups []string
		for up := range i {
			if r.IntN(4) == 0 {
				ups = append(ups, fmt.Sprintf("t%d", up))
			}
		}
		needs := fmt.Sprintf("depends_on: [%s]", strings.Join(ups, ", "))
		if r.IntN(5) == 0 {
			fmt.Fprintf(&yaml, "  t%d: {job: {heartbeat: j%d, succeeded_within: 1h}, %s}\n", i, i, needs)
			continue
		}
		fmt.Fprintf(&yaml, "  t%d: {table: t%d, %s, freshness: {column: at, error_after: 1h}, row_count: {min: 1}, values: {unique: [k]}, checks: [{name: s, sql: \"select 1\", expect: {min: 1}}]}\n", i, i, needs)
	}
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(yaml.String())}}, dag.Known{Zone: time.UTC})
	s, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Each finding has the earliest of all above it that can be its cause, as who looks
// at every one of them finds.
func TestACauseIsTheEarliestOfAllThatExplain(t *testing.T) {
	reasons := []checks.Reason{checks.Stale, checks.Orphans, checks.Duplicates, checks.BelowMin, checks.SchemaChanged, checks.JobFailed, checks.Late}
	explained := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := tangled(t, r, 12)
		states := map[dag.CheckID]State{}
		at := func() time.Time { return time.Unix(int64(r.IntN(6)), 0) }
		for c := range s.All() {
			f := Finding{Check: c.ID(), Outcome: checks.Fail, Reason: reasons[r.IntN(len(reasons))], FirstSeen: at()}
			if r.IntN(2) == 0 {
				f.Onset = at()
			}
			if r.IntN(3) == 0 {
				f.Since = at()
			}
			switch r.IntN(3) {
			case 0:
				states[c.ID()] = State{Phase: Failing, Finding: f}
			case 1:
				states[c.ID()] = State{Troubles: 1, Broken: "column"}
			}
		}
		all := causes(s, slices.Collect(s.All()), func(id dag.CheckID) State { return states[id] })
		for _, e := range all {
			above := map[int]bool{}
			for rank := range (&kin{graph: s.Graph}).of(e.check) {
				above[rank] = true
			}
			var want *entry
			for _, a := range all {
				if above[a.rank] && a.mayCause(e) {
					want = first(want, a)
				}
			}
			if e.cause != want {
				t.Fatalf("seed %d: the cause of %s is %v, want %v", seed, e.check.ID(), e.cause, want)
			}
			if want != nil {
				explained++
			}
		}
	}
	if explained < 1000 {
		t.Fatalf("only %d findings have a cause: too few to show anything", explained)
	}
}
