package checkstest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// bothSides has children with NULL keys, orphans, a duplicate parent, keys of two
// types and of several columns, in rows of two days and two segments.
var bothSides = []string{
	"create table parent (id decimal(10,0), code varchar(9), day date)",
	"insert into parent values (1, 'a', '2013-06-14'), (1, 'a', '2013-06-14'), (2, 'é', '2013-06-14'), (3, null, '2013-06-13'), (null, 'x', null)",
	"create table child (id int, code varchar(9), ts timestamp, origin varchar(3))",
	`insert into child values (1, 'a', '2013-06-14 00:00:00', 'EWR'), (1, 'a', '2013-06-14 10:00:00', 'EWR'), (2, 'é', '2013-06-14 00:00:00', 'JFK'),
  (2, 'z', '2013-06-14 00:00:00', 'JFK'), (9, 'a', '2013-06-13 00:00:00', 'JFK'), (9, 'a', '2013-06-13 00:00:00', 'EWR'), (null, 'a', '2013-06-13 00:00:00', null)`,
}

const acrossDAG = `version: 1
dag: d
connection: %s
nodes:
  parent: {table: parent, connection: %s}
  child:
    table: child
    joins:
      - {name: number, to: parent, on: id, min_match: 90%%}
      - {name: both, to: parent, on: [id, code], max_orphans: 1}
      - {name: days, to: parent, on: {left: ts, right: day}, by: ts, last: 40h, allow_late: 12h}
      - {name: segments, to: parent, on: id, segment: origin, min_match: 90%%, nulls: orphan}
      - {name: parents, to: parent, on: id, min_parents: 80%%, segment: origin, where: "origin is not null"}
      - {name: ratchet, to: parent, on: code, known_orphans: ratchet, where: "origin = 'JFK'"}
      - {name: curve, to: parent, on: id, by: ts, curve: {}}
      - {name: unlike, to: parent, on: {left: id, right: code}}
`

// Across holds what joins find between two engines, either way, against what the
// first finds by itself. split makes one source of several.
func Across(t *testing.T, one, other Open, split func(map[string]probe.Source) probe.Source) {
	source := split(map[string]probe.Source{"one": one(t, bothSides), "other": other(t, bothSides)})
	alone := joinsOf(t, source, "one", "one")
	for _, pair := range [][2]string{{"other", "other"}, {"one", "other"}, {"other", "one"}} {
		t.Run("rows of "+pair[0]+" find their parents in "+pair[1], func(t *testing.T) {
			if diff := cmp.Diff(alone, joinsOf(t, source, pair[0], pair[1])); diff != "" {
				t.Errorf("(-by itself +got):\n%s", diff)
			}
		})
	}
}

// joinsOf is what each join of acrossDAG says.
func joinsOf(t *testing.T, source probe.Source, child, parent string) map[string]string {
	t.Helper()
	graph, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: fmt.Appendf(nil, acrossDAG, child, parent)}}, dag.Known{})
	suite, more := checks.Compile(graph, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	at := checks.Moment{Now: time.Date(2013, 6, 15, 4, 0, 0, 0, time.UTC)}
	said := map[string]string{}
	for c := range suite.All() {
		v, _ := c.Judge(source.Ask(t.Context(), at.Now, c.Ask(nil, at)), nil, at)
		observed, err := json.Marshal(v.Observed)
		if err != nil {
			t.Fatal(err)
		}
		name := c.ID().Name()
		if said[name] = fmt.Sprintf("%s %s: %s\n%s", v.Outcome, v.Reason, v.Message, observed); v.Outcome == checks.Error {
			said[name] = "error" // in the words of two engines
		}
	}
	return said
}
