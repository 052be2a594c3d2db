package incident

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// AnnouncementID names an announcement: "ann-20130208T1415-5f3a1".
type AnnouncementID string

// Announcement is planned work on a node, such as a backfill or a migration: it
// explains what it causes, and ends by itself.
type Announcement struct {
	ID     AnnouncementID `json:"id"`
	Node   dag.NodeID     `json:"node"`
	From   time.Time      `json:"from"`
	Until  time.Time      `json:"until"`
	Reason string         `json:"reason"`
	By     string         `json:"by"`
	Via    string         `json:"via,omitempty"`
	At     time.Time      `json:"at"` // when it was announced
	// EndedBy took it back, and Until is when they did; empty while it runs to
	// its own end.
	EndedBy string `json:"ended_by,omitempty"`
}

// NewID derives an announcement's id from what it says and when it was made.
func (a Announcement) NewID() AnnouncementID {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s|%d|%d|%d|%s", a.Node, a.At.UnixNano(), a.From.UnixNano(), a.Until.UnixNano(), a.Reason)
	return AnnouncementID(fmt.Sprintf("ann-%s-%05x", a.At.UTC().Format("20060102T1504"), h.Sum32()&0xfffff))
}

// AnnouncedFor lists what the book knows to be planned, or to have been planned
// lately, for a check: for its node, or for one upstream of it.
func (b Book) AnnouncedFor(c *checks.Check) []checks.Announcement {
	if len(b.Announcements) == 0 {
		return nil
	}
	covered := map[dag.NodeID]bool{c.Node.ID: true}
	for id := range ancestors(c, c.Graph) {
		covered[id] = true
	}
	var out []checks.Announcement
	for _, a := range b.Announcements {
		if covered[a.Node] {
			out = append(out, checks.Announcement{From: a.From, Until: a.Until, Reason: a.Reason, By: a.By})
		}
	}
	return out
}

// announce takes up what the run says was announced or taken back.
func (d *decision) announce() {
	for _, a := range d.run.Announce {
		d.change.Announcements[a.ID] = a
	}
}
