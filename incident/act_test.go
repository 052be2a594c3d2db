package incident_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// act does something to the one open incident at a minute.
func (w *world) act(m int, a incident.Act) []string {
	w.t.Helper()
	a.Incident, a.At = w.only().ID, minute(m)
	return w.decide(incident.Run{Moment: minute(m), Acts: []incident.Act{a}})
}

// refused gives why an act is refused.
func refused(b incident.Book, a incident.Act) incident.Why {
	_, err := incident.Perform(b, a)
	if r, ok := errors.AsType[*incident.Refusal](err); ok {
		return r.Why
	}
	return ""
}

func TestWhatPeopleDoIsALineAndAMark(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale @1")
	w.expect(w.act(6, incident.Act{Kind: incident.Ack, By: "ana", Via: "slack", Note: "on it"}), "other: acked")
	i := w.only()
	want := incident.Mark{By: "ana", Via: "slack", At: minute(6), Note: "on it"}
	if diff := cmp.Diff(want, i.Acked); diff != "" {
		t.Errorf("acked (-want +got):\n%s", diff)
	}
	if last := i.Lines[len(i.Lines)-1]; last.By != "ana" || last.Detail != "on it" || last.Seq != i.Seq {
		t.Errorf("line %+v", last)
	}
	w.expect(w.act(7, incident.Act{Kind: incident.Unack, By: "bo"}), "other: unacked")
	w.expect(w.act(8, incident.Act{Kind: incident.Mute, By: "bo", Until: minute(30)}), "other: muted")
	w.expect(w.act(9, incident.Act{Kind: incident.Unmute, By: "bo"}), "other: unmuted")
	w.expect(w.act(10, incident.Act{Kind: incident.Escalate, By: "bo"}), "other: escalated")
	if i = w.only(); i.Acked.Set() || i.Muted.Set() || !i.Escalated.Set() {
		t.Errorf("marks: %+v %+v %+v", i.Acked, i.Muted, i.Escalated)
	}
}

func TestAMuteEndsByItself(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale @1")
	w.act(6, incident.Act{Kind: incident.Mute, By: "ana", Until: minute(20)})
	if !w.wake.Equal(minute(20)) {
		t.Errorf("wakes at %s, want the end of the mute", w.wake)
	}
	w.expect(w.tick(19))
	w.expect(w.tick(20), "other: unmuted")
	w.expect(w.tick(21))
}

func TestWhatIsWorseThanWhatPeopleSawBreaksThrough(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "lines/row_count: warn below_min")
	w.act(6, incident.Act{Kind: incident.Ack, By: "ana"})
	w.act(6, incident.Act{Kind: incident.Mute, By: "ana", Until: minute(600)})
	w.expect(w.run(10, "lines/row_count: warn below_min", "lines/freshness: fail stale @9"),
		"lines: joined lines/freshness", "lines: unacked lines/freshness", "lines: unmuted lines/freshness", "lines: raised")
	w.act(11, incident.Act{Kind: incident.Ack, By: "ana"})
	w.expect(w.run(15, "lines/row_count: warn below_min", "lines/freshness: fail stale @9", "lines/values: fail duplicates"),
		"lines: joined lines/values")
	if !w.only().Acked.Set() {
		t.Error("one more error broke through the acknowledgement of an error")
	}
}

func TestAReopenedIncidentIsNobodysAgain(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale @1")
	w.act(6, incident.Act{Kind: incident.Ack, By: "ana"})
	w.run(10)
	w.expect(w.run(15, "other/freshness: fail stale @12"), "other: reopened")
	if w.only().Acked.Set() {
		t.Error("still acknowledged from the time before")
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "lines/row_count: warn below_min", "other/freshness: fail stale @1")
	byRoot := map[string]incident.ID{}
	for id, i := range w.book.Incidents {
		byRoot[i.Root.Name()] = id
	}
	warned, over := byRoot["lines"], byRoot["other"]
	seen := w.book.Incidents[warned].Seq
	w.run(10, "lines/row_count: warn below_min", "lines/freshness: fail stale @9")
	act := func(id incident.ID, k incident.ActKind) incident.Act {
		return incident.Act{Incident: id, Kind: k, By: "ana", At: minute(11), Until: minute(60)}
	}
	acked := w.book
	for _, k := range []incident.ActKind{incident.Ack, incident.Mute, incident.Escalate} {
		c, err := incident.Perform(acked, act(warned, k))
		if err != nil {
			t.Fatal(err)
		}
		acked = acked.Apply(c)
	}
	stale := act(warned, incident.Ack)
	stale.Seq = seen
	endless := act(warned, incident.Mute)
	endless.Until = minute(11)
	for name, c := range map[string]struct {
		book incident.Book
		act  incident.Act
		want incident.Why
	}{
		"of an incident that never was":               {w.book, act("inc-none", incident.Ack), incident.UnknownIncident},
		"of one that is over":                         {w.book, act(over, incident.Ack), incident.Over},
		"to acknowledge twice":                        {acked, act(warned, incident.Ack), incident.Nothing},
		"to mute until the same moment":               {acked, act(warned, incident.Mute), incident.Nothing},
		"to escalate twice":                           {acked, act(warned, incident.Escalate), incident.Nothing},
		"to take back what nobody did":                {w.book, act(warned, incident.Unack), incident.Nothing},
		"to unmute what speaks":                       {w.book, act(warned, incident.Unmute), incident.Nothing},
		"to acknowledge a warning that is worse now":  {w.book, stale, incident.Stale},
		"to mute without an end to come":              {w.book, endless, incident.Senseless},
		"of an act that does not exist":               {w.book, act(warned, "shout"), incident.Senseless},
		"none: to acknowledge what is seen as it is":  {w.book, act(warned, incident.Ack), ""},
		"none: to unmute what has changed since then": {acked, func() incident.Act { a := act(warned, incident.Unmute); a.Seq = seen; return a }(), ""},
	} {
		if got := refused(c.book, c.act); got != c.want {
			t.Errorf("%s: refused as %q, want %q", name, got, c.want)
		}
	}
	_, err := incident.Perform(acked, act(warned, incident.Ack))
	if r, ok := errors.AsType[*incident.Refusal](err); !ok || r.Now.ID != warned || !strings.Contains(err.Error(), "acknowledged already, by ana") {
		t.Errorf("refusal %v does not tell how it is now", err)
	}
}

func TestAnActThatIsRefusedChangesNothingInAReplay(t *testing.T) {
	w := newWorld(t)
	w.run(0)
	w.run(5, "other/freshness: fail stale @1")
	c := incident.Decide(w.suite, w.book, incident.Run{Moment: minute(6), Acts: []incident.Act{{Incident: "inc-none", Kind: incident.Ack, At: minute(6)}}}, w.policy)
	if !c.Empty() {
		t.Errorf("changed %+v", c)
	}
}

func TestAnAnnouncementReachesTheChecksOfItsNodeAndBelow(t *testing.T) {
	w := newWorld(t)
	a := incident.Announcement{Node: "shop/orders", From: minute(1), Until: minute(60), Reason: "backfill", By: "ana", At: minute(1)}
	a.ID = a.NewID()
	w.decide(incident.Run{Moment: minute(1), Announce: []incident.Announcement{a}})
	var told []string
	for c := range w.suite.All() {
		if len(w.book.AnnouncedFor(w.suite.Graph, c)) > 0 {
			told = append(told, c.Node.ID.Name())
		}
	}
	told = slices.Compact(told)
	if diff := cmp.Diff([]string{"orders", "lines", "report"}, told); diff != "" {
		t.Errorf("told of it (-want +got):\n%s", diff)
	}
}
