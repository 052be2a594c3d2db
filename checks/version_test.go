package checks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

var twoColumns = []probe.Column{{Name: "id", Type: "INTEGER"}, {Name: "v", Type: "VARCHAR", Nullable: true}}

// schemaOfTwo is the version of these columns.
const schemaOfTwo = "80e22f186ab4cdfb"

// content is the answer about a table: its version, and the versions of the New
// York days from 2013-06-11 on; a day "" has no rows.
func content(version string, days ...string) probe.Digests {
	d := probe.Digests{Columns: twoColumns, Rows: 10, Value: version, Fingerprint: "engine 1"}
	for i, v := range days {
		if v != "" {
			d.Partitions = append(d.Partitions, probe.PartitionDigest{Start: instant(fmt.Sprintf("2013-06-%02dT04:00:00Z", 11+i)), Rows: 1, Value: v})
		}
	}
	return d
}

func schema(columns ...string) []any {
	var d probe.Digests
	for _, c := range columns {
		name, kind, _ := strings.Cut(c, " ")
		kind, null := strings.CutSuffix(kind, " null")
		d.Columns = append(d.Columns, probe.Column{Name: name, Type: kind, Nullable: null})
	}
	return []any{d}
}

func TestVersionOfContent(t *testing.T) {
	one := func(d probe.Digests) []any { return []any{d} }
	more := content("v2")
	more.Rows = 12
	upgraded := content("w1")
	upgraded.Fingerprint = "engine 2"
	recolumned := content("v2")
	recolumned.Columns = twoColumns[:1]
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"a change is reported once and is then the version to compare with", "{}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1")), "pass: first sight of version v1"},
			{"2013-06-16T16:00:00Z", one(content("v1")), "pass: unchanged since 2013-06-15 12:00 EDT"},
			{"2013-06-17T16:00:00Z", one(more), "pass content_changed: the content changed, from 10 rows to 12"},
			{"2013-06-18T16:00:00Z", one(more), "pass: unchanged since 2013-06-17 12:00 EDT"}}},
		{"a change that must not be fails until it is undone", "{on_change: fail}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1")), "pass: first sight of version v1"},
			{"2013-06-16T16:00:00Z", one(content("v2")), "fail content_changed: the content changed, still 10 rows"},
			{"2013-06-17T16:00:00Z", one(content("v2")), "fail content_changed: the content changed, still 10 rows"},
			{"2013-06-18T16:00:00Z", one(content("v1")), "pass: unchanged since 2013-06-15 12:00 EDT"}}},
		{"an engine that hashes in another way is no change", "{on_change: fail}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1")), "pass: first sight of version v1"},
			{"2013-06-16T16:00:00Z", one(upgraded), "pass: first sight of version w1: the engine hashes in another way than before"},
			{"2013-06-17T16:00:00Z", one(upgraded), "pass: unchanged since 2013-06-16 12:00 EDT"}}},
		{"changed columns are named as the reason that the content is another", "{on_change: fail}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1")), "pass: first sight of version v1"},
			{"2013-06-16T16:00:00Z", one(recolumned), "fail content_changed: the columns changed"}}},
		{"a warning is a warning", "{on_change: fail, severity: warn}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1")), "pass: first sight of version v1"},
			{"2013-06-16T16:00:00Z", one(content("v2")), "warn content_changed: the content changed, still 10 rows"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, "version: "+c.keys, "version"), c.turns) })
	}
}

// An edited check does not compare what it sees with what it saw: a version of other
// rows or columns is another one although nothing changed.
func TestVersionOfAnotherDefinition(t *testing.T) {
	for _, c := range []struct{ name, before, after, want string }{
		{"the same keys compare", "{on_change: fail}", "{on_change: fail}",
			"fail content_changed: the content changed, still 10 rows"},
		{"what a change means is no part of a version", "{on_change: report}", "{on_change: fail, severity: error}",
			"fail content_changed: the content changed, still 10 rows"},
		{"other columns", "{columns: [id], on_change: fail}", "{columns: [id, v], on_change: fail}",
			"pass: first sight of version v2: columns was edited"},
		{"other rows and columns", "{on_change: fail}", "{where: id > 1, exclude: [v], on_change: fail}",
			"pass: first sight of version v2: exclude, where were edited"},
		{"another hash", "{on_change: fail}", "{algo: canonical, on_change: fail}",
			"pass: first sight of version v2: algo was edited"},
		{"a longer past", "{partition: {by: at, last: 2d}, on_change: fail}", "{partition: {by: at, last: 9d}, on_change: fail}",
			"pass: first sight of version v2: partition.last was edited"},
		{"partitions of another length", "{partition: {by: at}, on_change: fail}", "{partition: {by: at, per: week}, on_change: fail}",
			"pass: first sight of version v2: partition was edited"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := moment(t, "2013-06-15T16:00:00Z")
			_, memory := checkOf(t, "version: "+c.before, "version").Judge([]probe.Answer{{Value: content("v1", "a")}}, nil, at)
			v, next := checkOf(t, "version: "+c.after, "version").Judge([]probe.Answer{{Value: content("v2", "a", "b")}}, memory, at)
			if got := said(v); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if first := v.Outcome == checks.Pass; first != (next != nil) {
				t.Errorf("a first sight is remembered and a finding is not; %s has memory %s", said(v), next)
			}
		})
	}
}

// What earlier releases remembered is read, and rewritten with its definition.
func TestVersionOfAnOlderMemory(t *testing.T) {
	check := checkOf(t, "version: {partition: {by: at}, on_change: fail}", "version")
	// As written by an earlier release: versions of partitions were hashed once more.
	memory := checks.Memory(`{"v":1,"past":{"version":"v1","fingerprint":"engine 1","since":1371211200,"at":1371211200,"rows":10,"schema":"` + schemaOfTwo +
		`","partitions":[{"s":1370923200,"v":"ca978112ca1bbdca"},{"s":1371009600,"v":"3e23e8160039594a"}]}}`)
	v, next := check.Judge([]probe.Answer{{Value: content("v1", "a", "b")}}, memory, moment(t, "2013-06-15T16:00:00Z"))
	if got := said(v); got != "pass: unchanged since 2013-06-14 08:00 EDT" {
		t.Error(got)
	}
	if !strings.HasPrefix(string(next), `{"v":2,`) || !strings.Contains(string(next), `"definition"`) {
		t.Errorf("memory %s", next)
	}
	for _, m := range []checks.Memory{memory, next} {
		v, _ = check.Judge([]probe.Answer{{Value: content("v2", "a", "B")}}, m, moment(t, "2013-06-15T17:00:00Z"))
		if got := said(v); got != "fail restated: 2013-06-12, which was closed, changed" {
			t.Error(got)
		}
	}
}

func TestVersionOfPartitions(t *testing.T) {
	one := func(d probe.Digests) []any { return []any{d} }
	for _, c := range []struct {
		name, keys string
		turns      []turn
	}{
		{"a day that was still open may change, and new days come", "{partition: {by: at}}", []turn{
			{"2013-06-13T16:00:00Z", one(content("v1", "a", "b", "c")), "pass: first sight of version v1"},
			{"2013-06-14T16:00:00Z", one(content("v2", "a", "b", "C", "d")), "pass content_changed: the content changed, still 10 rows"}}},
		{"a day that was closed when it was last seen is restated", "{partition: {by: at}}", []turn{
			{"2013-06-13T16:00:00Z", one(content("v1", "a", "b", "c")), "pass: first sight of version v1"},
			{"2013-06-14T16:00:00Z", one(content("v2", "a", "B", "c")), "pass restated: 2013-06-12, which was closed, changed"},
			{"2013-06-14T17:00:00Z", one(content("v2", "a", "B", "c")), "pass: unchanged since 2013-06-14 12:00 EDT"}}},
		{"a day that is closed now but was open then is not", "{partition: {by: at}}", []turn{
			{"2013-06-14T03:59:59Z", one(content("v1", "a", "b", "c")), "pass: first sight of version v1"},
			{"2013-06-14T16:00:00Z", one(content("v2", "a", "b", "C")), "pass content_changed: the content changed, still 10 rows"}}},
		{"seeing it unchanged once more moves the moment at which it was last seen", "{partition: {by: at}}", []turn{
			{"2013-06-14T03:59:59Z", one(content("v1", "a", "b", "c")), "pass: first sight of version v1"},
			{"2013-06-14T04:00:00Z", one(content("v1", "a", "b", "c")), "pass: unchanged since 2013-06-13 23:59 EDT"},
			{"2013-06-14T16:00:00Z", one(content("v2", "a", "b", "C")), "pass restated: 2013-06-13, which was closed, changed"}}},
		{"closed_after gives late rows time", "{partition: {by: at}, closed_after: 1d}", []turn{
			{"2013-06-13T16:00:00Z", one(content("v1", "a", "b", "c")), "pass: first sight of version v1"},
			{"2013-06-14T16:00:00Z", one(content("v2", "a", "B", "c")), "pass content_changed: the content changed, still 10 rows"},
			{"2013-06-14T17:00:00Z", one(content("v3", "A", "b", "c")), "pass restated: 2013-06-12 and 1 day before it, all closed, changed"}}},
		{"rows that vanish from a closed day, or come to one that had none, restate it", "{partition: {by: at}, on_change: fail}", []turn{
			{"2013-06-15T16:00:00Z", one(content("v1", "a", "", "c")), "pass: first sight of version v1"},
			{"2013-06-15T17:00:00Z", one(content("v2", "a", "b", "c")), "fail restated: 2013-06-12, which was closed, changed"},
			{"2013-06-15T18:00:00Z", one(content("v3", "", "", "c")), "fail restated: 2013-06-11, which was closed, changed"},
			{"2013-06-15T19:00:00Z", one(content("v1", "a", "", "c")), "pass: unchanged since 2013-06-15 12:00 EDT"}}},
		{"a day that leaves the window is not gone", "{partition: {by: at, last: 2d}}", []turn{
			{"2013-06-13T04:00:00Z", one(content("v1", "a", "b")), "pass: first sight of version v1"},
			{"2013-06-14T04:00:00Z", one(content("v2", "", "b", "c")), "pass content_changed: the content changed, still 10 rows"}}},
	} {
		t.Run(c.name, func(t *testing.T) { play(t, checkOf(t, "version: "+c.keys, "version"), c.turns) })
	}
}

func TestVersionThatUpstreamExplains(t *testing.T) {
	play(t, checkOf(t, "version: {built_from: [other, more], on_change: {require: upstream_changed}}", "version"), []turn{
		{"2013-06-15T16:00:00Z", []any{content("v1"), content("o1"), content("m1")}, "pass: first sight of version v1"},
		{"2013-06-15T17:00:00Z", []any{content("v1"), content("o2"), content("m1")}, "pass: unchanged since 2013-06-15 12:00 EDT"},
		{"2013-06-15T18:00:00Z", []any{content("v2"), content("o2"), content("m1")},
			"pass content_changed: the content changed, still 10 rows, explained by a new version of other"},
		{"2013-06-15T19:00:00Z", []any{content("v3"), content("o2"), content("m1")},
			"fail unexplained_change: the content changed, still 10 rows, but other, more did not change"},
		{"2013-06-15T20:00:00Z", []any{content("v3"), content("o2"), content("m1")},
			"fail unexplained_change: the content changed, still 10 rows, but other, more did not change"},
		{"2013-06-15T21:00:00Z", []any{content("v3"), content("o2"), content("m2")},
			"pass content_changed: the content changed, still 10 rows, explained by a new version of more"},
		{"2013-06-15T22:00:00Z", []any{content("v3"), content("o2"), content("m2")}, "pass: unchanged since 2013-06-15 17:00 EDT"},
	})
}

func TestVersionRestatedWithoutExplanation(t *testing.T) {
	v := play(t, checkOf(t, "version: {partition: {by: at}, built_from: [other], on_change: {require: upstream_changed}}", "version"), []turn{
		{"2013-06-14T16:00:00Z", []any{content("v1", "a", "b"), content("o1")}, "pass: first sight of version v1"},
		{"2013-06-15T16:00:00Z", []any{content("v2", "a", "B"), content("o2")}, "fail restated: 2013-06-12, which was closed, changed, but nothing was announced"},
	})
	observes(t, v, `{"version": "v2", "previous": "v1", "changed": true, "restated": ["2013-06-12T04:00:00Z"], "tier": "content", "rows": 10,
		"partitions": {"2013-06-11T04:00:00Z": "a", "2013-06-12T04:00:00Z": "B"},
		"columns": [{"name": "id", "type": "INTEGER", "nullable": false}, {"name": "v", "type": "VARCHAR", "nullable": true}]}`)
	if got := stamp(v.GoodUntil); got != "2013-06-14T16:00:00Z" {
		t.Errorf("good until %s", got)
	}
}

func TestVersionThatIsAnnounced(t *testing.T) {
	hour := func(h int) time.Time { return time.Date(2013, 6, 15, h, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name, keys  string
		from, until time.Time
		want        string
	}{
		{"planned work explains what changed under it", "{on_change: fail}", hour(17), hour(19),
			"pass content_changed: the content changed, still 10 rows, as announced by ann: backfill"},
		{"and what it changed just before it ended", "{partition: {by: at}}", hour(15), hour(17),
			"pass content_changed: 2013-06-12, which was closed, changed, as announced by ann: backfill"},
		{"a restatement too, where upstream must explain", "{partition: {by: at}, built_from: [other], on_change: {require: upstream_changed}}", hour(17), time.Time{},
			"pass content_changed: 2013-06-12, which was closed, changed, as announced by ann: backfill"},
		{"what ended before the version was last seen explains nothing", "{on_change: fail}", hour(10), hour(16),
			"fail content_changed: the content changed, still 10 rows"},
		{"nor does what is yet to come", "{on_change: fail}", hour(19), hour(20),
			"fail content_changed: the content changed, still 10 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, "version: "+c.keys, "version")
			answers := func(version, day string) []probe.Answer {
				return []probe.Answer{{Value: content(version, "a", day)}, {Value: content("o1")}}[:len(check.Ask(nil, checks.Moment{Now: hour(12)}))]
			}
			_, memory := check.Judge(answers("v1", "b"), nil, checks.Moment{Now: hour(12)})
			if _, next := check.Judge(answers("v1", "b"), memory, checks.Moment{Now: hour(16)}); next != nil {
				memory = next
			}
			at := checks.Moment{Now: hour(18), Announced: []checks.Announcement{{From: c.from, Until: c.until, Reason: "backfill", By: "ann"}}}
			v, _ := check.Judge(answers("v2", "B"), memory, at)
			if got := said(v); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestVersionThatARunExplains(t *testing.T) {
	ran := func(state, started, ended string) []probe.JobRun {
		r := probe.JobRun{ID: started, State: state, Started: instant(started)}
		if ended != "" {
			r.Ended = instant(ended)
		}
		return []probe.JobRun{r}
	}
	early := ran("success", "2013-06-15T15:00:00Z", "2013-06-15T15:30:00Z")
	under := ran("running", "2013-06-15T16:30:00Z", "")
	done := ran("success", "2013-06-15T16:30:00Z", "2013-06-15T17:30:00Z")
	broke := ran("failed", "2013-06-15T16:30:00Z", "2013-06-15T17:30:00Z")
	play(t, checkOf(t, "version: {on_change: {require: run}}", "version"), []turn{
		{"2013-06-15T16:00:00Z", []any{content("v1"), early}, "pass: first sight of version v1"},
		{"2013-06-15T17:00:00Z", []any{content("v2"), under}, "deferred content_changed: the content changed, still 10 rows; load is running"},
		{"2013-06-15T18:00:00Z", []any{content("v2"), done}, "pass content_changed: the content changed, still 10 rows, explained by a run of load"},
		{"2013-06-15T19:00:00Z", []any{content("v3"), done}, "fail unexplained_change: the content changed, still 10 rows, but no run of load succeeded since"},
		{"2013-06-15T20:00:00Z", []any{content("v3"), broke}, "fail unexplained_change: the content changed, still 10 rows, but no run of load succeeded since"},
	})
}

func TestVersionOfSchema(t *testing.T) {
	first := turn{"2013-06-15T16:00:00Z", schema("id INTEGER", "v VARCHAR null", "n DECIMAL(10,2)"), ""}
	for _, c := range []struct {
		name, keys string
		then       []any
		want       string
	}{
		{"the same columns are unchanged", "{of: schema, on_change: fail}", first.answers,
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"the case of a name is no change", "{of: schema, on_change: fail}", schema("ID INTEGER", "v VARCHAR null", "n DECIMAL(10,2)"),
			"pass: unchanged since 2013-06-15 12:00 EDT"},
		{"a change is reported", "{of: schema}", schema("id INTEGER", "v VARCHAR null"),
			"pass schema_changed: the columns changed: removed n"},
		{"a removed column fails", "{of: schema, on_change: fail, allow: [added_columns, widened_types]}", schema("id INTEGER", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: removed v"},
		{"a renamed column is one removed and one added", "{of: schema, on_change: fail}", schema("id INTEGER", "w VARCHAR null", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: removed v; added w"},
		{"an added column fails where it is not allowed", "{of: schema, on_change: fail, allow: [widened_types]}", schema("id INTEGER", "x DATE", "v VARCHAR null", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: added x"},
		{"and passes where it is", "{of: schema, on_change: fail, allow: [added_columns]}", schema("id INTEGER", "x DATE", "v VARCHAR null", "n DECIMAL(10,2)"),
			"pass schema_changed: the columns changed: added x, which is allowed"},
		{"wider types pass where they are allowed", "{of: schema, on_change: fail, allow: [widened_types]}", schema("id BIGINT", "v VARCHAR null", "n DECIMAL(12,3)"),
			"pass schema_changed: the columns changed: widened id (INTEGER to BIGINT), n (DECIMAL(10,2) to DECIMAL(12,3)), which is allowed"},
		{"a decimal with fewer digits before the point is not wider", "{of: schema, on_change: fail, allow: [widened_types]}", schema("id INTEGER", "v VARCHAR null", "n DECIMAL(10,3)"),
			"fail schema_changed: the columns changed: changed n (DECIMAL(10,2) to DECIMAL(10,3))"},
		{"a narrower type is a change", "{of: schema, on_change: fail, allow: [widened_types]}", schema("id SMALLINT", "v VARCHAR null", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: changed id (INTEGER to SMALLINT)"},
		{"a column that may be NULL from now on is a change", "{of: schema, on_change: fail, allow: [widened_types]}", schema("id INTEGER null", "v VARCHAR null", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: changed id (not null to nullable)"},
		{"another order is a change", "{of: schema, on_change: fail, allow: [added_columns]}", schema("v VARCHAR null", "id INTEGER", "n DECIMAL(10,2)"),
			"fail schema_changed: the columns changed: another order"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, "version: "+c.keys, "version")
			v, memory := check.Judge([]probe.Answer{{Value: first.answers[0]}}, nil, moment(t, first.at))
			if !strings.HasPrefix(said(v), "pass: first sight of version ") {
				t.Fatal(said(v))
			}
			v, _ = check.Judge([]probe.Answer{{Value: c.then[0]}}, memory, moment(t, "2013-06-16T16:00:00Z"))
			if diff := cmp.Diff(c.want, said(v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVersionOfSchemaObserves(t *testing.T) {
	v := play(t, checkOf(t, "version: {of: schema}", "version"), []turn{
		{"2013-06-15T16:00:00Z", schema("id INTEGER"), "pass: first sight of version 9448843af2f6d0b9"}})
	observes(t, v, `{"tier": "schema", "rows": null, "previous": null, "changed": false, "columns": [{"name": "id", "type": "INTEGER", "nullable": false}]}`)
}

func TestVersionAsk(t *testing.T) {
	table := func(parts ...string) probe.Relation { return probe.Relation{Conn: "wh", Table: probe.List(parts...)} }
	own := probe.Digest{Of: table("t")}
	for _, c := range []struct {
		name, keys string
		want       []probe.Question
	}{
		{"all columns by default", "{}", []probe.Question{own}},
		{"a star is all columns too", `{columns: "*"}`, []probe.Question{own}},
		{"some columns", "{columns: [a, b], exclude: [built_at]}",
			[]probe.Question{probe.Digest{Of: table("t"), Columns: probe.List("a", "b"), Exclude: probe.List("built_at")}}},
		{"a schema asks for no scan", "{of: schema}", []probe.Question{probe.Digest{Of: table("t"), Tier: probe.SchemaTier}}},
		{"partitions are days of the DAG's zone", `{partition: {by: at, column_tz: Europe/Berlin, last: 30d}, where: "a > 0"}`,
			[]probe.Question{probe.Digest{Of: table("t"), Where: "a > 0", By: probe.TimeColumn{Name: "at", Zone: "Europe/Berlin"},
				Per: probe.Day, Zone: "America/New_York", From: instant("2013-05-16T12:00:00Z")}}},
		{"what it is built from is not asked for when nothing depends on it", "{built_from: [other]}", []probe.Question{own}},
		{"what it is built from is asked for as by its own check", "{built_from: [other, more], on_change: {require: upstream_changed}}",
			[]probe.Question{own, probe.Digest{Of: table("other")}, probe.Digest{Of: table("s", "more"), Exclude: probe.List("loaded_at")}}},
		{"runs of the jobs upstream", "{on_change: {require: run}}",
			[]probe.Question{own, probe.LastRuns{Conn: probe.HeartbeatConn, Job: "load"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := checkOf(t, "version: "+c.keys, "version")
			if diff := cmp.Diff(c.want, check.Ask(nil, moment(t, "2013-06-15T12:00:00Z"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	suite, _ := compiled(t, "version: {built_from: [other, more], on_change: {require: upstream_changed}}")
	mine, theirs := suite.Check("d/t/version"), suite.Check("d/more/version")
	at := moment(t, "2013-06-15T12:00:00Z")
	if mine.Ask(nil, at)[2] != theirs.Ask(nil, at)[0] {
		t.Error("the upstream's own check asks another question, so it costs twice")
	}
	if diff := cmp.Diff([]dag.NodeID{"d/other", "d/more"}, mine.Upstream); diff != "" {
		t.Errorf("upstream (-want +got):\n%s", diff)
	}
}

func TestVersionRemembersOnlyTheNewestPartitions(t *testing.T) {
	check := checkOf(t, "version: {partition: {by: at, per: hour}}", "version")
	d := content("v1")
	for i := range int64(3000) {
		d.Partitions = append(d.Partitions, probe.PartitionDigest{Start: instant("2013-01-01T05:00:00Z") + probe.Instant(i*3600e9), Value: fmt.Sprint(i)})
	}
	_, memory := check.Judge([]probe.Answer{{Value: d}}, nil, moment(t, "2013-06-15T12:00:00Z"))
	if len(memory) == 0 || len(memory) > checks.MaxMemory {
		t.Fatalf("the memory has %d bytes", len(memory))
	}
	d.Value, d.Partitions[10].Value = "v2", "old and not remembered"
	v, _ := check.Judge([]probe.Answer{{Value: d}}, memory, moment(t, "2013-06-15T13:00:00Z"))
	if got := said(v); got != "pass content_changed: the content changed, still 10 rows" {
		t.Error(got)
	}
	d.Value, d.Partitions[2990].Value = "v3", "remembered"
	v, _ = check.Judge([]probe.Answer{{Value: d}}, memory, moment(t, "2013-06-15T13:00:00Z"))
	if got := said(v); got != "pass restated: 2013-05-05 15:00 EDT, which was closed, changed" {
		t.Error(got)
	}
}

func TestVersionProblems(t *testing.T) {
	for _, c := range []struct{ name, keys, want string }{
		{"a node that nobody knows, and itself", "version: {built_from: [othr, t]}",
			`13:28: PW140 nodes.t.version.built_from[0]: unknown node "othr" (did you mean "other"?)` + "\n" +
				`13:34: PW140 nodes.t.version.built_from[1]: a node is not built from itself`},
		{"partitions of a schema", "version: {of: schema, partition: {by: at}, closed_after: 1d}",
			"13:27: PW141 nodes.t.version.partition: a schema has no partitions (remove partition, or use of: content)\n" +
				"13:48: PW141 nodes.t.version.closed_after: a schema has no partitions (remove closed_after, or use of: content)"},
		{"closed without partitions", "version: {closed_after: 1d}",
			"13:15: PW141 nodes.t.version.closed_after: closed_after is about partitions, and there are none (add partition: {by: <time column>})"},
		{"allowed changes of content", "version: {allow: [added_columns]}",
			"13:15: PW141 nodes.t.version.allow: allow is about changes of a schema (use of: schema)"},
		{"an upstream that is required and not named", "version: {on_change: {require: upstream_changed}}",
			"13:26: PW142 nodes.t.version.on_change: no change could ever be explained: built_from is missing (name the nodes this one is made of with built_from: [a, b])"},
		{"a policy without its map", "version: {on_change: run}",
			`13:26:  nodes.t.version.on_change: "run" is not one of report, fail (write {require: run})`},
		{"a lag behind nothing", "version: {lag: 1h}",
			"13:15: PW142 nodes.t.version.lag: behind what? built_from is missing (name the nodes this one is made of with built_from: [a, b])"},
		{"a change token of some columns and rows", "version: {of: native, columns: [a], where: a > 1, partition: {by: at}}",
			"13:27: PW141 nodes.t.version.columns: a change token is one for the whole table (remove columns, or use of: content)\n" +
				"13:55: PW141 nodes.t.version.partition: a change token is one for the whole table (remove partition, or use of: content)\n" +
				"13:5: PW141 nodes.t.version: a change token is one for the whole table, whatever where says (remove where, or use of: content)"},
		{"a profile that is compared", "version: {of: profile, equals: other}",
			"13:28: PW141 nodes.t.version.equals: a profile is no hash of rows (remove equals, or use of: content)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, problemsOf(t, c.keys)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestVersionThatNoRunCouldExplain(t *testing.T) {
	src := "version: 1\ndag: d\nconnection: wh\nnodes:\n  t: {table: t, version: {on_change: {require: run}}}\n"
	g, problems := dag.Load([]dag.File{{Name: "d.yaml", Src: []byte(src)}}, dag.Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = checks.Compile(g, checks.Builtin())
	want := "d.yaml:5:38: PW143 nodes.t.version.on_change: no change could ever be explained: no job is upstream of this node"
	if len(problems) != 1 || problems[0].Error() != want {
		t.Errorf("want %s\ngot  %v", want, problems)
	}
}

// TestMemoriesOfAnotherKindAreFirstSights hands every kind what it never wrote.
func TestMemoriesOfAnotherKindAreFirstSights(t *testing.T) {
	at := moment(t, "2013-06-15T16:00:00Z")
	for keys, answer := range map[string]any{
		"joins: {to: other, on: k, known_orphans: ratchet}": covered(10, 0, 10, 0),
		"version: {partition: {by: at}}":                    content("v1", "a"),
		labelled(", freeze_after: 30d"):                     cohorts(day("2013-05-01", 1, 1), day("2013-06-12", 1, 1))[0],
	} {
		id, _, _ := strings.Cut(keys, ":")
		for _, memory := range []string{"", "{", "null", `{"v": 2, "past": {}}`, `{"v": 1}`, `{"v": 1, "past": {"hashes": "AQID", "cohorts": "AQID", "partitions": [{"s": 1}]}}`} {
			v, _ := checkOf(t, keys, id).Judge([]probe.Answer{{Value: answer}}, checks.Memory(memory), at)
			if v.Outcome != checks.Pass {
				t.Errorf("%s after %q: %s", id, memory, said(v))
			}
		}
	}
}
