package incident

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
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
// lately, for a check of a graph: for its node, or for one upstream of it.
func (b Book) AnnouncedFor(g *dag.Graph, c *checks.Check) []checks.Announcement {
	if len(b.Announcements) == 0 {
		return nil
	}
	covered := map[dag.NodeID]bool{c.Node.ID: true}
	for rank := range (&kin{graph: g}).of(c) {
		covered[g.Order()[rank].ID] = true
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

// announcements are all that are known by now, by node, in the order of
// their ids.
func (d *decision) announcements() map[dag.NodeID][]Announcement {
	out := map[dag.NodeID][]Announcement{}
	all := with(d.book.Announcements, d.change.Announcements)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		a := all[id]
		out[a.Node] = append(out[a.Node], a)
	}
	return out
}

// excuse finds for each finding that nothing explains the announcement that
// does: one on its node, or on a node above where such work can cause such a
// finding (announcedBelow). Work explains what was first seen while it lasts,
// and, after its end, until the check has been evaluated once more.
func (d *decision) excuse() {
	by := d.announcements()
	if len(by) == 0 {
		return
	}
	for _, e := range d.entries {
		if e.cause != nil {
			continue
		}
		e.planned = d.planned(e, by[e.node()])
		if e.planned == "" && (e.blind || announcedBelow.has(e.state.Finding.Reason)) {
			for rank := range d.above.of(e.check) {
				if e.planned = d.planned(e, by[d.suite.Graph.Order()[rank].ID]); e.planned != "" {
					break
				}
			}
		}
	}
}

// planned is the first of some announcements that explains an entry.
func (d *decision) planned(e *entry, as []Announcement) AnnouncementID {
	for _, a := range as {
		if d.explainedBy(a, e.began(), e.state.At, e.node()) {
			return a.ID
		}
	}
	return ""
}

// explainedBy tells whether an announcement explains what began at a moment and
// was last looked at at another. Where its end has come since, it asks for one
// more look.
func (d *decision) explainedBy(a Announcement, began, looked time.Time, node dag.NodeID) bool {
	if began.Before(a.From) || !began.Before(a.Until) {
		return false
	}
	if a.Until.After(d.now) {
		d.change.Wake = soonest(d.change.Wake, a.Until)
		return true
	}
	if !looked.Before(a.Until) {
		return false
	}
	if !slices.Contains(d.change.Recheck, node) {
		d.change.Recheck = append(d.change.Recheck, node)
	}
	return true
}

// began is the moment that decides whether work caused a finding. Work on a
// table can spoil its past, so that what is wrong with old days or cohorts
// counts from when it was first seen.
func (e *entry) began() time.Time {
	if kind := e.check.Spec.Kind; e.blind || kind == "row_count" || kind == "labels" {
		return e.finding().FirstSeen
	}
	return e.state.Finding.Began()
}

// excused tells whether announced work explains that a check cannot be answered:
// its own node or one above is worked on. A connection that is lost is not.
func (d *decision) excused(c *checks.Check, s State, by map[dag.NodeID][]Announcement) bool {
	if len(by) == 0 || s.Broken == "connection" {
		return false
	}
	explains := func(a Announcement) bool { return d.explainedBy(a, s.Troubled, s.At, c.Node.ID) }
	if slices.ContainsFunc(by[c.Node.ID], explains) {
		return true
	}
	for rank := range d.above.of(c) {
		if slices.ContainsFunc(by[d.suite.Graph.Order()[rank].ID], explains) {
			return true
		}
	}
	return false
}
