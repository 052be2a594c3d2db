package demo_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/demo"
	"github.com/pipewatch-dev/pipewatch/incident"
)

var noon = time.Date(2013, 2, 5, 17, 0, 0, 0, time.UTC)

// story has one fault: a job fails at noon, and the table below it goes stale.
var story = demo.Story{
	Stretches: []demo.Stretch{{Title: "a day", From: noon.Add(-time.Hour), Until: noon.Add(9 * time.Hour)}},
	Faults: []demo.Fault{{
		Name: "the loader fails", Broke: noon, Mended: noon.Add(5 * time.Hour), Inject: demo.Injection{Kind: "loader_fails", Since: noon},
		Want: demo.Want{
			Root: "d/load", Channel: "#data", Reasons: []checks.Reason{checks.JobFailed}, Severity: dag.Error,
			Within: 3 * time.Hour, Held: []dag.CheckID{"d/table/freshness"},
		},
	}},
}

// asItShouldBe is what pipewatch has to decide and say in that story.
func asItShouldBe() *demo.Ledger {
	return &demo.Ledger{
		Runs: []time.Time{noon.Add(time.Hour), noon.Add(2 * time.Hour), noon.Add(3 * time.Hour)},
		Incidents: []demo.Record{{
			ID: "inc-1", Root: "d/load", OpenedAt: noon.Add(2 * time.Hour), Status: incident.Resolved, Severity: dag.Error,
			Reasons: []checks.Reason{checks.JobFailed}, Held: []dag.CheckID{"d/table/freshness"}, Blocks: []dag.NodeID{"d/table"},
		}},
		Messages: []demo.Message{
			{At: noon.Add(2 * time.Hour), Channel: "#data", Incident: "inc-1", Root: "d/load", Text: "load failed"},
			{At: noon.Add(6 * time.Hour), Channel: "#data", Incident: "inc-1", Root: "d/load", Thread: true, Text: "Resolved: load"},
		},
	}
}

func TestJudgeMeasuresWhatWasFound(t *testing.T) {
	ledger := asItShouldBe()
	got := demo.Judge(story, ledger)
	want := demo.Score{Messages: 2, Rows: []demo.Row{{
		Fault: story.Faults[0], Found: &ledger.Incidents[0], Delay: 2 * time.Hour, Evaluations: 2, Messages: 2,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("score (-want +got):\n%s", diff)
	}
}

func TestJudgeIsRedWhen(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*demo.Ledger)
		want  string
	}{
		{"the fault was never there, so nobody was told", func(l *demo.Ledger) { l.Incidents, l.Messages = nil, nil },
			"nobody was told of d/load within 3h"},
		{"it was noticed too late", func(l *demo.Ledger) { l.Incidents[0].OpenedAt = noon.Add(4 * time.Hour) },
			"nobody was told of d/load"},
		{"the message came too late", func(l *demo.Ledger) { l.Messages[0].At = noon.Add(4 * time.Hour) },
			"told 4h after it broke, not within 3h"},
		{"the symptom is named and not the cause", func(l *demo.Ledger) { l.Incidents[0].Root = "d/table" },
			"for nothing: inc-1 on d/table"},
		{"the symptom has an incident besides, as without the matrix", func(l *demo.Ledger) {
			l.Incidents[0].Held = nil
			l.Incidents = append(l.Incidents, demo.Record{ID: "inc-2", Root: "d/table", OpenedAt: noon.Add(3 * time.Hour), Reasons: []checks.Reason{checks.Stale}})
		}, "what was held back is nothing, not d/table/freshness\nfor nothing: inc-2 on d/table"},
		{"a connection could not be asked", func(l *demo.Ledger) {
			l.Incidents = append(l.Incidents, demo.Record{ID: "inc-2", OpenedAt: noon})
		}, "for nothing: inc-2 on a connection"},
		{"another reason is given", func(l *demo.Ledger) { l.Incidents[0].Reasons = []checks.Reason{checks.Late} },
			"what was found is late, not failed"},
		{"it only warns", func(l *demo.Ledger) { l.Incidents[0].Severity = dag.Warn }, "its severity is warn, not error"},
		{"it does not end", func(l *demo.Ledger) { l.Incidents[0].Status = incident.Open }, "its end is true, not false"},
		{"it was told twice", func(l *demo.Ledger) { l.Messages = append(l.Messages, l.Messages[0]) }, "told 2 times, not once"},
		{"it was decided and not told", func(l *demo.Ledger) { l.Messages = l.Messages[1:] }, "told 0 times, not once"},
		{"it was told elsewhere", func(l *demo.Ledger) { l.Messages[0].Channel = "#random" }, "a message in #random, not #data"},
		{"a message names another root", func(l *demo.Ledger) { l.Messages[1].Root = "d/table" }, "a message names d/table, not d/load"},
		{"there is a message that no incident explains", func(l *demo.Ledger) {
			l.Messages = append(l.Messages, demo.Message{Channel: "#data", Incident: "inc-9", Text: "boo"})
		}, "for nothing: a message in #data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ledger := asItShouldBe()
			c.spoil(ledger)
			wrong := strings.Join(demo.Judge(story, ledger).Wrong, "\n")
			for line := range strings.Lines(c.want) {
				if !strings.Contains(wrong, strings.TrimSpace(line)) {
					t.Errorf("wrong is\n%s\nand does not say %q", wrong, line)
				}
			}
		})
	}
}

// An incident that was told in two runs is one record of all that it showed.
func TestLedgerKeepsAllThatAnIncidentEverShowed(t *testing.T) {
	var l demo.Ledger
	note := func(at time.Time, i incident.Incident) {
		l.Note(incident.Run{Moment: at, Results: []checks.Result{{Check: "d/load/job"}}},
			incident.Change{Incidents: map[incident.ID]incident.Incident{i.ID: i}})
	}
	i := incident.Incident{ID: "inc-1", Root: "d/load", Status: incident.Open, Severity: dag.Warn, OpenedAt: noon, Findings: []incident.Finding{
		{Check: "d/load/job", Reason: checks.Late}, {Check: "d/table/freshness", Reason: checks.Stale, Held: true},
	}}
	note(noon, i)
	i.Severity, i.Status, i.Findings = dag.Error, incident.Resolved, []incident.Finding{{Check: "d/load/job", Reason: checks.JobFailed}}
	note(noon.Add(time.Hour), i)
	want := demo.Ledger{
		Runs: []time.Time{noon, noon.Add(time.Hour)},
		Incidents: []demo.Record{{
			ID: "inc-1", Root: "d/load", OpenedAt: noon, Status: incident.Resolved, Severity: dag.Error,
			Reasons: []checks.Reason{checks.Late, checks.JobFailed}, Held: []dag.CheckID{"d/table/freshness"},
		}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestTheStoryIsInTheOrderOfTimeAndEveryFaultIsInIt(t *testing.T) {
	s := demo.Flights()
	for n, st := range s.Stretches {
		if !st.From.Before(st.Until) || n > 0 && !s.Stretches[n-1].Until.Before(st.From) {
			t.Errorf("stretch %q is out of order", st.Title)
		}
	}
	for _, f := range s.Faults {
		within := func(at time.Time) bool {
			return slices.ContainsFunc(s.Stretches, func(st demo.Stretch) bool { return at.After(st.From) && at.Before(st.Until) })
		}
		if !within(f.Broke) || !f.Mended.IsZero() && !within(f.Mended) {
			t.Errorf("%s: breaks or is mended while nobody watches", f.Name)
		}
		if f.Real() != f.Mended.IsZero() {
			t.Errorf("%s: what is injected is mended, what happened is not", f.Name)
		}
	}
}
