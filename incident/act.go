package incident

import (
	"fmt"
	"maps"
	"time"
)

// ActKind is what a person does to an incident.
type ActKind string

// The acts. An acknowledged incident is somebody's: it is not mentioned again.
// A muted one is nobody's until the mute ends by itself. To escalate is to call
// whoever comes after those who were called.
const (
	Ack      ActKind = "ack"
	Unack    ActKind = "unack"
	Mute     ActKind = "mute"
	Unmute   ActKind = "unmute"
	Escalate ActKind = "escalate"
)

// Act is one thing that somebody does to an incident.
type Act struct {
	Incident ID        `json:"incident"`
	Kind     ActKind   `json:"kind"`
	By       string    `json:"by"`            // a name to be shown; empty is pipewatch itself
	Via      string    `json:"via,omitempty"` // where it was done: "cli", "page", "api", or "slack" and the id of who did it, as names are not unique there
	At       time.Time `json:"at"`
	Until    time.Time `json:"until,omitzero"` // the end of a mute; required there, unused elsewhere
	Note     string    `json:"note,omitempty"` // why, in the words of who did it
	// Seq is the incident's Seq that they saw when they decided; 0 is not known.
	Seq int `json:"seq,omitempty"`
}

// Mark is who did something to an incident, as the incident keeps it.
type Mark struct {
	By    string    `json:"by"`
	Via   string    `json:"via,omitempty"`
	At    time.Time `json:"at"`
	Until time.Time `json:"until,omitzero"`
	Note  string    `json:"note,omitempty"`
}

// Set tells whether it was done at all.
func (m Mark) Set() bool { return !m.At.IsZero() }

// Why is the reason for a refusal.
type Why string

// The reasons. Over comes with the incident as it ended, Stale and Nothing with
// the incident as it is now, so that whoever pressed an old button can be told
// kindly what has become of it.
const (
	UnknownIncident Why = "unknown"   // never was, or ended too long ago
	Over            Why = "over"      // resolved, merged or withdrawn
	Nothing         Why = "nothing"   // it is so already
	Stale           Why = "stale"     // it became worse, or another one, since they looked
	Senseless       Why = "senseless" // a mute without an end, an act that does not exist
)

// Refusal is the error of an act that was not done. Nothing has changed.
type Refusal struct {
	Why Why
	Act Act
	Now Incident // zero when the incident is unknown
}

func (r *Refusal) Error() string {
	about := fmt.Sprintf("%s %s: ", r.Act.Kind, r.Act.Incident)
	switch r.Why {
	case UnknownIncident:
		return about + "there is no such incident, or it ended long ago; list those that are open"
	case Over:
		return about + "it is " + string(r.Now.Status) + " since " + r.Now.ResolvedAt.UTC().Format(time.RFC3339) + "; there is nothing left to do"
	case Stale:
		return about + "it has changed for the worse since you looked; look at it as it is now and do it again"
	case Senseless:
		if r.Act.Kind == Mute {
			return about + "a mute needs an end that is still to come"
		}
		return about + "the acts are ack, unack, mute, unmute and escalate"
	}
	return about + nothingToDo(r.Act.Kind, r.Now)
}

func nothingToDo(kind ActKind, i Incident) string {
	switch kind {
	case Ack:
		return "it is acknowledged already, by " + i.Acked.By
	case Unack:
		return "nobody has acknowledged it"
	case Unmute:
		return "it is not muted"
	case Escalate:
		return "it is escalated already, by " + i.Escalated.By
	}
	return "it is muted until then already, by " + i.Muted.By
}

// Perform does one act: the incident changes, with a line that says who did
// what. What cannot be done is a [*Refusal].
func Perform(b Book, a Act) (Change, error) {
	i, known := b.Incidents[a.Incident]
	refuse := func(w Why) (Change, error) { return Change{}, &Refusal{Why: w, Act: a, Now: i} }
	switch {
	case !known:
		return refuse(UnknownIncident)
	case i.Status != Open:
		return refuse(Over)
	case (a.Kind == Ack || a.Kind == Mute) && worseSince(i, a.Seq):
		return refuse(Stale)
	case a.Kind == Mute && !a.Until.After(a.At):
		return refuse(Senseless)
	}
	mark := Mark{By: a.By, Via: a.Via, At: a.At, Note: a.Note}
	line := Line{By: a.By, Via: a.Via, Detail: a.Note}
	switch a.Kind {
	case Ack:
		if i.Acked.Set() {
			return refuse(Nothing)
		}
		i.Acked, line.Kind = mark, Acked
	case Unack:
		if !i.Acked.Set() {
			return refuse(Nothing)
		}
		i.Acked, line.Kind = Mark{}, Unacked
	case Mute:
		if i.Muted.Until.Equal(a.Until) {
			return refuse(Nothing)
		}
		mark.Until, line.Until = a.Until, a.Until
		i.Muted, line.Kind = mark, Muted
	case Unmute:
		if !i.Muted.Set() {
			return refuse(Nothing)
		}
		i.Muted, line.Kind = Mark{}, Unmuted
	case Escalate:
		if i.Escalated.Set() && i.Escalated.By != "" {
			return refuse(Nothing)
		}
		i.Escalated, line.Kind = mark, Escalated
	default:
		return refuse(Senseless)
	}
	i.say(a.At, line)
	return Change{Incidents: map[ID]Incident{i.ID: i}}, nil
}

// worseSince tells whether an incident has become worse, or is about something
// else, since it showed seq: nobody shall silence what they have not seen.
func worseSince(i Incident, seq int) bool {
	for _, l := range i.Lines {
		if seq > 0 && l.Seq > seq && (l.Kind == Raised || l.Kind == Reopened || l.Kind == Moved) {
			return true
		}
	}
	return false
}

// act does what the run says that people did. What was refused has changed
// nothing, then and in every replay.
func (d *decision) act() {
	for _, a := range d.run.Acts {
		if c, err := Perform(d.book.Apply(d.change), a); err == nil {
			maps.Copy(d.change.Incidents, c.Incidents)
		}
	}
}
