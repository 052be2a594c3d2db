package notify

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Post is one message in the outbox.
type Post struct {
	Incident incident.ID `json:"incident"`          // of a bulletin its own id
	Line     int         `json:"line"`              // 0 is the root message, n the line with that number
	Channel  string      `json:"channel"`           // as the operator wrote it: "#ml-alerts", "webhook"
	Want     int         `json:"want"`              // the incident's Seq that must show; 1 for a line
	Shown    int         `json:"shown"`             // the Seq that shows; 0 before it is posted
	At       time.Time   `json:"at"`                // the moment of the decision
	Covered  bool        `json:"covered,omitempty"` // a line that another message tells
	Ref      Ref         `json:"ref,omitzero"`
	Intent   Intent      `json:"intent,omitzero"`
	Attempts int         `json:"attempts,omitempty"`
	Next     time.Time   `json:"next,omitzero"`     // wall time before which nothing is tried
	Trouble  string      `json:"trouble,omitempty"` // what went wrong last
	// Expired marks a message that came too late to be of use and is not sent.
	Expired bool `json:"expired,omitempty"`
	// MayRepeat counts posts that were sent again although an earlier attempt
	// could not be looked up.
	MayRepeat int `json:"may_repeat,omitempty"`
	// Copy marks one more root message beside the incident's own.
	Copy bool `json:"copy,omitempty"`
	// In is the digest that tells the incident, which has no message of its own
	// then.
	In incident.ID `json:"in,omitempty"`
	// Bulletin is what the message says where it is about no single incident.
	Bulletin *Bulletin `json:"bulletin,omitempty"`
	// Recheck asks for one more edit, which shows whether the message is still
	// there. It is not kept.
	Recheck bool `json:"-"`
}

// ID names the message for ever: it is in the message's metadata.
func (p Post) ID() string { return fmt.Sprintf("%s/%d", p.Incident, p.Line) }

// Place is where the post is among those of its incident, in the order in which
// they are told: "000000" the root message, "000000/#ops" its copy in #ops.
func (p Post) Place() string {
	place := fmt.Sprintf("%06d", p.Line)
	if p.Copy {
		place += "/" + p.Channel
	}
	return place
}

// Done tells whether nothing is left to send.
func (p Post) Done() bool {
	return p.Covered || p.Expired || p.Shown >= p.Want && !p.Recheck
}

// New tells whether the root message was never sent, as far as is known.
func (p Post) New() bool { return p.Line == 0 && p.Shown == 0 && p.Intent.IsZero() }

// Over is what an outbox keeps when p is saved over what it has. A greater Want
// of a copy or a bulletin is a plan, and what came of the post so far stays;
// otherwise p says what came of it, and what must show stays, as it may have
// grown meanwhile.
func (p Post) Over(stored Post) Post {
	if p.Want > stored.Want && (p.Copy || p.Bulletin != nil) {
		stored.Want, stored.Bulletin = p.Want, p.Bulletin
		return stored
	}
	if p.Expired && p.Want < stored.Want {
		p.Expired, p.Trouble = stored.Expired, stored.Trouble // it was given up for what it was before
	}
	p.Want, p.Bulletin = stored.Want, stored.Bulletin
	return p
}

// Ref is where a message is, in the channel's own words.
type Ref struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

// IsZero tells whether the message is not known to be anywhere.
func (r Ref) IsZero() bool { return r == Ref{} }

// Intent is a post under way: it may or may not have arrived.
type Intent struct {
	Attempt int       `json:"attempt"`
	Started time.Time `json:"started"` // wall time
}

// IsZero tells whether no post is under way.
func (i Intent) IsZero() bool { return i.Attempt == 0 }
