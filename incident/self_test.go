package incident_test

import (
	"testing"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

func TestATroubleOfPipewatchItselfIsSaidOnceFollowedAndClosed(t *testing.T) {
	w := newWorld(t)
	full := []incident.Trouble{{Name: "disk", Problem: "only 3 MiB are free"}}
	w.expect(w.decide(incident.Run{Moment: minute(1), Troubles: full}), ": opened")
	w.expect(w.decide(incident.Run{Moment: minute(2), Troubles: full}))
	if i := w.only(); i.Trouble != "disk" || i.Kind != incident.Self || i.Findings[0].Message != "only 3 MiB are free" {
		t.Errorf("the incident is about something else: %+v", i)
	}
	seq := w.only().Seq
	w.expect(w.decide(incident.Run{Moment: minute(3), Troubles: []incident.Trouble{{Name: "disk", Problem: "only 2 MiB are free"}}}))
	if i := w.only(); i.Seq <= seq || i.Findings[0].Message != "only 2 MiB are free" {
		t.Errorf("the incident does not show what is so now: %+v", i)
	}
	w.expect(w.decide(incident.Run{Moment: minute(4)}), ": closed")
}

func TestATestOfTheAlarmIsNoTroubleAndCallsNobody(t *testing.T) {
	w := newWorld(t)
	bird := []incident.Trouble{{Name: "canary", Problem: "a test", Test: true}}
	w.expect(w.decide(incident.Run{Moment: minute(1), Troubles: bird}), ": opened")
	if i := w.only(); i.Kind != incident.Canary || i.Severity != dag.Warn || i.Findings[0].Severity != dag.Warn {
		t.Errorf("the test is more than a test: %+v", i)
	}
	w.expect(w.decide(incident.Run{Moment: minute(2), Troubles: bird}))
	w.expect(w.decide(incident.Run{Moment: minute(3)}), ": closed")
}
