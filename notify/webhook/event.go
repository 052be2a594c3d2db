package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// Event is the body of a request. Times are RFC 3339 in UTC.
type Event struct {
	Version  int    `json:"version"` // 1
	ID       string `json:"id"`      // as in the header
	Type     string `json:"type"`    // incident or bulletin
	What     string `json:"what"`    // of an incident what happened last: opened, raised, closed, …; of a bulletin its kind
	Title    string `json:"title"`   // one line of plain text
	Link     string `json:"link,omitempty"`
	Mention  string `json:"mention,omitempty"` // whom to call, as configured
	MayRep   bool   `json:"may_repeat,omitempty"`
	Incident *Told  `json:"incident,omitempty"`
	// Sections are the words of a bulletin.
	Sections  []notify.Section `json:"sections,omitempty"`
	Truncated bool             `json:"truncated,omitempty"` // lists were cut to fit
}

// Told is an incident in an event.
type Told struct {
	ID         incident.ID     `json:"id"`
	Seq        int             `json:"seq"`
	Kind       incident.Kind   `json:"kind"`
	Status     incident.Status `json:"status"`
	Severity   string          `json:"severity"`
	Root       string          `json:"root,omitempty"`
	Connection string          `json:"connection,omitempty"`
	File       string          `json:"file,omitempty"`
	Owner      string          `json:"owner,omitempty"`
	Runbook    string          `json:"runbook,omitempty"`
	Onset      time.Time       `json:"onset"`
	GoodUntil  time.Time       `json:"good_until,omitzero"`
	OpenedAt   time.Time       `json:"opened_at"`
	ResolvedAt time.Time       `json:"resolved_at,omitzero"`
	AckedBy    string          `json:"acknowledged_by,omitempty"`
	MutedUntil time.Time       `json:"muted_until,omitzero"`
	Checks     []Found         `json:"checks"`
	Blocks     []string        `json:"blocks"`
	// Changes are what became another above the root since it was last good.
	Changes []incident.Upstream `json:"changes,omitempty"`
}

// Found is one failing check.
type Found struct {
	Check     string `json:"check"`
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message"`
	Held      bool   `json:"held,omitempty"`
	Recovered bool   `json:"recovered,omitempty"`
}

// eventID is the same whenever the same message is sent.
func eventID(n notify.Notice) string { return fmt.Sprintf("%s#%d", n.ID, n.Seq) }

func eventOf(n notify.Notice) Event {
	e := Event{Version: 1, ID: eventID(n), Type: "incident", Link: n.Link, Mention: n.Mention, MayRep: n.Repeat}
	if b := n.Bulletin; b != nil {
		e.Type, e.What, e.Title, e.Sections = "bulletin", string(b.Kind), b.Title, b.Sections
		return e
	}
	i := n.Incident
	e.Title, e.What = notify.Headline(n, notify.Plainly), string(incident.Opened)
	if i.Status != incident.Open {
		e.What = string(incident.Closed)
	}
	if k := len(n.News); k > 0 {
		e.What = string(n.News[k-1].Kind)
	}
	t := Told{
		ID: i.ID, Seq: n.Seq, Kind: i.Kind, Status: i.Status, Severity: string(i.Severity), Root: string(i.Root), Connection: i.Connection,
		File: i.File, Owner: n.Owner, Runbook: n.Nodes[i.Root].Runbook, Onset: i.Onset.UTC(), GoodUntil: i.GoodUntil.UTC(),
		OpenedAt: i.OpenedAt.UTC(), ResolvedAt: i.ResolvedAt.UTC(), AckedBy: i.Acked.By, MutedUntil: i.Muted.Until.UTC(),
		Checks: []Found{}, Blocks: []string{}, Changes: i.Changes,
	}
	for _, f := range i.Findings {
		t.Checks = append(t.Checks, Found{string(f.Check), string(f.Reason), f.Message, f.Held, f.Recovered})
	}
	for _, id := range i.Blocks {
		t.Blocks = append(t.Blocks, string(id))
	}
	e.Incident = &t
	return e
}

// encode writes an event within MaxBody: lists that are too long are halved
// until it fits.
func encode(e Event) ([]byte, error) {
	for {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
		if b.Len() <= MaxBody {
			return b.Bytes(), nil
		}
		if !e.halve() {
			return nil, fmt.Errorf("it has %d bytes, and at most %d are sent", b.Len(), MaxBody)
		}
	}
}

// halve drops half of what the longest lists hold; false when nothing is left
// to drop.
func (e *Event) halve() bool {
	e.Truncated = true
	shorter := false
	cut := func(n int) int {
		if n > 0 {
			shorter = true
		}
		return n / 2
	}
	if t := e.Incident; t != nil {
		t.Blocks, t.Checks = t.Blocks[:cut(len(t.Blocks))], t.Checks[:cut(len(t.Checks))]
	}
	for k, s := range e.Sections {
		e.Sections[k].Items = s.Items[:cut(len(s.Items))]
	}
	return shorter
}
