// Package warehousetest is the meaning of every question as data: tables, a
// question, the answer. An engine joins with one test file that calls [Run].
//
// It is not a test of one engine's ways (files, locks, sandbox): those belong to
// the engine's own package. Setup statements are written in the SQL that engines
// share, so that the same case runs on all of them.
//
// # Data model
//
// A [Case] opens one source on the tables that Setup makes and asks Ask. Either the
// answer is Want, or it is an error of class Err whose text holds Says.
package warehousetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Case is one question with its answer.
type Case struct {
	Name  string
	Setup string // statements, each ended by a semicolon at the end of a line
	Ask   probe.Question
	Want  any
	Err   probe.Class
	Says  string
}

// Open makes a source for connection "wh" in which the statements have run, and
// closes it with the test. Questions may be asked at any moment.
type Open func(t *testing.T, setup []string) probe.Source

// Moment is the moment at which every case is asked.
var Moment = time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC)

// Run runs every case on an engine. Without names cases that cannot mean the same
// there; the engine's own test says what they mean instead.
func Run(t *testing.T, open Open, without ...string) {
	left := slices.Clone(without)
	for _, group := range [][]Case{times(), segments(), buckets(), joins(), keyed(), labels(), values(), free(), controlTables(), names()} {
		for _, c := range group {
			if i := slices.Index(left, c.Name); i >= 0 {
				left = slices.Delete(left, i, i+1)
				continue
			}
			t.Run(c.Name, func(t *testing.T) { c.run(t, open) })
		}
	}
	if len(left) > 0 {
		t.Errorf("no case is called %q", left)
	}
	t.Run("keys", func(t *testing.T) { keys(t, open) })
	t.Run("digests", func(t *testing.T) { digests(t, open) })
	t.Run("profiles", func(t *testing.T) { profiles(t, open) })
	t.Run("partitions", func(t *testing.T) { partitions(t, open) })
	t.Run("canonical digests", func(t *testing.T) { canonical(t, open) })
	t.Run("random questions", func(t *testing.T) { random(t, open) })
	t.Run("runs", func(t *testing.T) { runs(t, open) })
}

func (c Case) run(t *testing.T, open Open) {
	t.Helper()
	answer := open(t, statements(c.Setup)).Ask(t.Context(), Moment, []probe.Question{c.Ask})[0]
	check(t, c, answer)
}

func check(t *testing.T, c Case, answer probe.Answer) {
	t.Helper()
	if c.Err != "" {
		e, ok := answer.Err.(*probe.Error) //nolint:errorlint // the type itself is the promise
		if !ok || e.Class != c.Err || !strings.Contains(e.Msg, c.Says) {
			t.Fatalf("got %#v, %v; want an error of class %s that says %q\n%s", answer.Value, answer.Err, c.Err, c.Says, answer.Statement)
		}
		return
	}
	if answer.Err != nil {
		t.Fatalf("%v\n%s", answer.Err, answer.Statement)
	}
	if diff := cmp.Diff(c.Want, answer.Value, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("wrong answer (-want +got):\n%s\n%s", diff, answer.Statement)
	}
}

func statements(setup string) []string {
	var list []string
	for s := range strings.SplitSeq(setup, ";\n") {
		if s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), ";")); s != "" {
			list = append(list, s)
		}
	}
	return list
}

// table is a relation of the connection.
func table(parts ...string) probe.Relation {
	return probe.Relation{Conn: "wh", Table: probe.List(parts...)}
}

// query is a relation that a person wrote.
func query(sql string) probe.Relation { return probe.Relation{Conn: "wh", Query: sql} }

// utc reads "2013-06-15 12:00" or with seconds as an instant.
func utc(s string) probe.Instant {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return probe.At(t)
		}
	}
	panic("not a time: " + s)
}

func column(name, zone string) probe.TimeColumn { return probe.TimeColumn{Name: name, Zone: zone} }
