// Package incident turns verdicts into incidents: patience with each check,
// one incident per root cause, what it holds back and why, and when it is over.
//
// It is pure: no clock, no I/O, no log. Everything it knows comes in as data (a
// suite of checks, a [Book] of what is open, one [Run], a [Policy]) and
// everything it decides goes out as one [Change], which the store writes in one
// transaction. It knows nothing of Slack; a message is made from an [Incident]
// elsewhere.
//
// # Data model
//
// A [State] is one check over time (unknown, ok, pending, failing,
// recovering). A [Finding] is one failing check inside an incident. An
// [Incident] is one root cause: the findings of its root node, and every
// finding below that the root explains ("held"). A [Line] is one thing that
// happened to an incident, in order; people read it in the thread. Seq counts
// what has changed in the way an incident shows. An [Act] is what a person does
// to an incident, an [Announcement] is planned work that explains what it causes;
// both come as parts of a Run, so that a replay of the runs repeats them.
package incident

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// ID names an incident: "inc-20130208T1415-5f3a".
type ID string

// Kind tells what is broken: data, or our sight of it.
type Kind string

// The kinds of incidents.
const (
	Data        Kind = "data"
	CannotCheck Kind = "cannot_check" // checks on one connection cannot be answered
	BrokenFile  Kind = "broken_file"  // a DAG file cannot be taken up as it is
	Self        Kind = "self"         // something is wrong with pipewatch itself
	ClockSkew   Kind = "clock_skew"   // the clock of one connection and ours differ
	NoData      Kind = "no_data"      // one check has long had nothing to judge
	Canary      Kind = "canary"       // a test of the alarm: nothing is wrong
)

// Status is the life of an incident.
type Status string

// The statuses. A merged incident turned out to have the cause of another; a
// withdrawn one lost its checks before they passed.
const (
	Open      Status = "open"
	Resolved  Status = "resolved"
	Merged    Status = "merged"
	Withdrawn Status = "withdrawn"
)

// Incident is one root cause from first failure to recovery.
type Incident struct {
	ID         ID         `json:"id"`
	Kind       Kind       `json:"kind"`
	Status     Status     `json:"status"`
	Root       dag.NodeID `json:"root,omitempty"`       // of a data or no-data incident
	Connection string     `json:"connection,omitempty"` // of a cannot-check or clock incident
	// Partly tells of a cannot-check incident that the connection answers other
	// checks: it is what these ask for that is broken.
	Partly     bool         `json:"partly,omitempty"`
	File       string       `json:"file,omitempty"`    // of a broken file
	Trouble    string       `json:"trouble,omitempty"` // name of pipewatch's own trouble
	Severity   dag.Severity `json:"severity"`
	Findings   []Finding    `json:"findings"` // the root's own first, then what it holds, in topological order
	Blocks     []dag.NodeID `json:"blocks"`   // every node below the root, healthy ones too
	Onset      time.Time    `json:"onset"`    // since when it is true in the data
	GoodUntil  time.Time    `json:"good_until,omitzero"`
	OpenedAt   time.Time    `json:"opened_at"`
	ResolvedAt time.Time    `json:"resolved_at,omitzero"`
	MergedInto ID           `json:"merged_into,omitempty"`
	Beside     []ID         `json:"beside,omitempty"`   // other incidents above the root, which do not explain it
	Acked      Mark         `json:"acked,omitzero"`     // who took it on
	Muted      Mark         `json:"muted,omitzero"`     // who silenced it, until when
	Escalated  Mark         `json:"escalated,omitzero"` // who called for more help; by nobody: pipewatch itself
	Flapping   time.Time    `json:"flapping,omitzero"`  // since when its checks are known to come and go
	Turned     time.Time    `json:"turned,omitzero"`    // of a flapping one: when it last went or came
	Called     time.Time    `json:"called,omitzero"`    // when people were last called: opened, raised, reopened, reminded
	Changes    []Upstream   `json:"changes,omitempty"`  // what changed above the root since it was last good, newest first
	Lines      []Line       `json:"lines"`
	Seq        int          `json:"seq"`
	Refreshed  time.Time    `json:"refreshed"` // moment of the last Seq
}

// Finding is one failing check in an incident.
type Finding struct {
	Check    dag.CheckID    `json:"check"`
	Outcome  checks.Outcome `json:"outcome"`
	Reason   checks.Reason  `json:"reason,omitempty"`
	Message  string         `json:"message"`
	Severity dag.Severity   `json:"severity"`
	Onset    time.Time      `json:"onset,omitzero"` // in the data; zero where only first seen is known
	// Since is when the period began that the finding is about, where it is about one that
	// is over: it became true at some moment between Since and Onset.
	Since     time.Time `json:"since,omitzero"`
	FirstSeen time.Time `json:"first_seen"`
	Held      bool      `json:"held,omitempty"`      // explained by the root
	Because   string    `json:"because,omitempty"`   // the finding that explains a held one, in words
	Recovered bool      `json:"recovered,omitempty"` // passes again, while the incident goes on
}

// same tells whether two findings show alike. Times are compared as moments,
// because one that comes from the store has another location inside.
func (f Finding) same(g Finding) bool {
	moments := f.Onset.Equal(g.Onset) && f.Since.Equal(g.Since) && f.FirstSeen.Equal(g.FirstSeen)
	g.Onset, g.Since, g.FirstSeen = f.Onset, f.Since, f.FirstSeen
	return moments && f == g
}

// Began is when the finding became true: its onset where the data tells, else
// when it was first seen.
func (f Finding) Began() time.Time {
	if f.Onset.IsZero() {
		return f.FirstSeen
	}
	return f.Onset
}

// soonest is the first moment at which the finding can have become true, as far as the
// data tell.
func (f Finding) soonest() time.Time {
	return cmp.Or(f.Since, f.Began())
}

// LineKind says what happened to an incident.
type LineKind string

// The kinds of lines.
const (
	Opened     LineKind = "opened"
	Joined     LineKind = "joined"    // one more finding belongs to it
	Recovered  LineKind = "recovered" // one finding is over
	Raised     LineKind = "raised"    // severity rose to error
	Lowered    LineKind = "lowered"   // severity fell to warn, although no finding is over
	Moved      LineKind = "moved"     // the cause was found further up
	Reopened   LineKind = "reopened"
	Redefined  LineKind = "redefined" // somebody edited a check's meaning
	MergedLine LineKind = "merged"
	Closed     LineKind = "closed"

	// What people did. Unacked and Unmuted without a By happened by
	// themselves: something worse broke through (Checks name it), or the mute
	// ended. Escalated without a By was due because nobody had acknowledged.
	Acked     LineKind = "acked"
	Unacked   LineKind = "unacked"
	Muted     LineKind = "muted" // until Until
	Unmuted   LineKind = "unmuted"
	Escalated LineKind = "escalated"

	Reminded LineKind = "reminded" // still open, and nobody has acknowledged it
	Flapping LineKind = "flapping" // comes and goes: one line until it is quiet
	Steady   LineKind = "steady"   // no longer comes and goes: it stays broken
)

// Line is one thing that happened to an incident. N counts from 1.
type Line struct {
	N    int        `json:"n"`
	At   time.Time  `json:"at"`
	Kind LineKind   `json:"kind"`
	Seq  int        `json:"seq"`            // the incident's Seq that shows it
	Node dag.NodeID `json:"node,omitempty"` // whom it is about
	// Checks are those that joined, recovered or were redefined, in
	// topological order.
	Checks []dag.CheckID `json:"checks,omitempty"`
	// Detail is the former root of a moved incident, the id that a merged one
	// went into, the words of a single finding that joined, how an incident
	// closed when not by passing checks, or the note of who did something.
	Detail string    `json:"detail,omitempty"`
	By     string    `json:"by,omitempty"` // who did it; empty is pipewatch
	Via    string    `json:"via,omitempty"`
	Until  time.Time `json:"until,omitzero"` // the end of a mute
}

// State is one check over time.
type State struct {
	Phase Phase `json:"phase"`
	// Since is the moment of the first bad evaluation of the present bad
	// stretch, or of the first good one of a recovery.
	Since time.Time `json:"since,omitzero"`
	// FirstSeen is the moment of the first bad evaluation since it was ok.
	FirstSeen time.Time `json:"first_seen,omitzero"`
	// FailedAt is the moment it became failing.
	FailedAt time.Time `json:"failed_at,omitzero"`
	// Bad and Good count evaluations in a row; they stop at the limits that
	// matter, so that a healthy check's state does not change.
	Bad  int `json:"bad,omitempty"`
	Good int `json:"good,omitempty"`
	// Finding is the last bad verdict of the stretch.
	Finding Finding `json:"finding,omitzero"`
	// GoodUntil is the newest moment at which the data was good.
	GoodUntil time.Time `json:"good_until,omitzero"`
	// Outcome is the last evaluation's; Message its words unless it passed.
	Outcome checks.Outcome `json:"outcome,omitempty"`
	Message string         `json:"message,omitempty"`
	// Troubled is since when, and Troubles how often in a row, the check could
	// not be answered; Broken is what the world lacks (see checks.Verdict).
	Troubled time.Time `json:"troubled,omitzero"`
	Troubles int       `json:"troubles,omitempty"`
	Broken   string    `json:"broken,omitempty"`
	// Silent is since when, and Silences how often in a row, there was nothing
	// to judge.
	Silent   time.Time `json:"silent,omitzero"`
	Silences int       `json:"silences,omitempty"`
	// HeldBy is the incident that holds the finding back, or holds it as its
	// own; Released is when such an incident closed while the check still
	// failed: it stands alone only after one more evaluation.
	HeldBy   ID        `json:"held_by,omitempty"`
	Released time.Time `json:"released,omitzero"`
	// Announced is the planned work that explains the finding, or its cause: it
	// opens no incident until that ends.
	Announced AnnouncementID `json:"announced,omitempty"`
	// Fingerprint is the meaning of the check at the last evaluation, and Edited
	// the moment of the first evaluation under it, where there was another before.
	Fingerprint string    `json:"fingerprint,omitempty"`
	Edited      time.Time `json:"edited,omitzero"`
	// Event is what last happened to what the check looks at.
	Event checks.Event `json:"event,omitzero"`
	// Looked is the moment of the last evaluation while it is pending.
	Looked time.Time `json:"looked,omitzero"`
	// At is the moment of the last evaluation. It is kept in memory only:
	// a check not evaluated since the start counts as not yet evaluated.
	At time.Time `json:"-"`
}

// Phase is where a check stands.
type Phase string

// The phases; the zero value is unknown.
const (
	Unknown    Phase = ""
	OK         Phase = "ok"
	Pending    Phase = "pending"
	Failing    Phase = "failing"
	Recovering Phase = "recovering"
)

// String names the phase as the contract does.
func (p Phase) String() string {
	if p == Unknown {
		return "unknown"
	}
	return string(p)
}

// Active tells whether the check has a finding that counts.
func (s State) Active() bool { return s.Phase == Failing || s.Phase == Recovering }

// Book is what is known before a run: the state of every check, the incidents
// that are open or were resolved recently, and the announcements that run or
// ended recently. Decide does not change it.
type Book struct {
	States        States
	Incidents     map[ID]Incident
	Announcements map[AnnouncementID]Announcement
}

// Run is the verdicts of one moment, or what people did at it. A tick is a Run
// without either. A re-check that somebody asked for has no slot.
type Run struct {
	DAG     string
	Slot    time.Time // the instant that the schedule named
	Moment  time.Time // what the verdicts were judged against
	Results []checks.Result
	// InFlight names DAGs of which a run has started and not been recorded.
	InFlight []string
	// Broken lists the DAG files that cannot be taken up as they are.
	Broken []Broken
	// Since is when the process that recorded the run began to watch; zero is
	// long ago. What was last evaluated before counts as not yet evaluated.
	Since time.Time
	// By and Via are who asked for a re-check, and where.
	By, Via string
	// Acts are what people did to incidents.
	Acts []Act
	// Announce lists announcements that were made, or taken back (see
	// Announcement.EndedBy).
	Announce []Announcement
	// Troubles lists what is wrong with pipewatch itself now.
	Troubles []Trouble
}

// Trouble is something that is wrong with pipewatch itself: a disk that is
// full, a state file that was damaged. While one of a name lasts there is one
// incident about it.
type Trouble struct {
	Name    string `json:"name"`    // "disk"
	Problem string `json:"problem"` // what is wrong and what to do, in sentences
	// Test marks a trouble that is none: it shows whether people would be told.
	Test bool `json:"test,omitempty"`
}

// Broken is a DAG file with what is wrong with it, in one line.
type Broken struct {
	File    string `json:"file"`
	Problem string `json:"problem"`
}

// Policy is the operator's patience.
type Policy struct {
	FailAfter    int           // bad evaluations in a row before a check is failing
	ResolveAfter int           // good ones in a row before it is ok again
	GroupWait    time.Duration // how long an incident waits for causes not yet evaluated
	StartHold    time.Duration // … and at least how long after the start
	ReopenWithin time.Duration // a resolved incident that breaks again within is the same one; 0 never
	ErrorFor     time.Duration // how long checks may go unanswered before that is an incident
	ErrorAfter   int           // … and how often in a row
	NoDataFor    time.Duration // how long, and ErrorAfter times, a check may have nothing to judge; 0 is for ever
	MaxSkew      time.Duration // how far the clock of a connection may be from ours; 0 is any
	RefreshEvery time.Duration // how often figures in an open incident's message are renewed
	// RepeatEvery is how often people are called again for an error that is open
	// and that nobody has acknowledged or muted; EscalateAfter is after how long
	// others are called for it, once. 0 is never.
	RepeatEvery   time.Duration
	EscalateAfter time.Duration
	Flap          Flap
}

// Flap is what counts as coming and going: so many openings and closings of
// incidents on a node within so long. No transitions is never.
type Flap struct {
	Transitions int
	Within      time.Duration
}

// DefaultPolicy is the contract's.
func DefaultPolicy() Policy {
	return Policy{
		FailAfter: 2, ResolveAfter: 2, GroupWait: time.Minute, ReopenWithin: 30 * time.Minute,
		ErrorFor: 15 * time.Minute, ErrorAfter: 3, RefreshEvery: time.Hour,
		StartHold: 2 * time.Minute, NoDataFor: 24 * time.Hour, MaxSkew: 30 * time.Second, RepeatEvery: 12 * time.Hour, Flap: Flap{Transitions: 6, Within: time.Hour},
	}
}

// AtOnce is the policy of a check without a past: everything that fails is an
// incident now.
func AtOnce() Policy { return Policy{FailAfter: 1, ResolveAfter: 1, ErrorAfter: 1} }

// Change is what a Run changed. States and Incidents hold new values of what
// changed only; Removed lists states whose checks are gone.
type Change struct {
	States        map[dag.CheckID]State
	Incidents     map[ID]Incident
	Announcements map[AnnouncementID]Announcement
	Removed       []dag.CheckID
	// Wake is the next moment at which something would change by time alone;
	// zero is never.
	Wake time.Time
	// Recheck names nodes that should be evaluated now: planned work that
	// explained what they show has ended. It is asked for until they were.
	Recheck []dag.NodeID

	suite *checks.Suite // by which it was decided
}

// Empty tells whether nothing changed.
func (c Change) Empty() bool {
	return len(c.States) == 0 && len(c.Incidents) == 0 && len(c.Announcements) == 0 && len(c.Removed) == 0
}

// Apply makes the book as it is after a change; nothing in either book may be
// changed then, as they share what is the same in both.
func (b Book) Apply(c Change) Book {
	states := b.States.With(c.States, c.Removed...)
	states.suite = c.suite
	return Book{States: states, Incidents: with(b.Incidents, c.Incidents), Announcements: with(b.Announcements, c.Announcements)}
}

// with is a map with what another sets.
func with[K comparable, V any](m, set map[K]V) map[K]V {
	if len(set) == 0 && m != nil {
		return m
	}
	next := make(map[K]V, len(m)+len(set))
	maps.Copy(next, m)
	maps.Copy(next, set)
	return next
}

// newID derives an id from what the incident is about and when it opens, so that a
// replay of the same runs gives the same ids. Of thousands that open in one minute
// some would share theirs: those take the next that is free.
func (d *decision) newID(about string) ID {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s|%d", about, d.now.UnixNano())
	for n := h.Sum32(); ; n++ {
		id := ID(fmt.Sprintf("inc-%s-%05x", d.now.UTC().Format("20060102T1504"), n&0xfffff))
		_, before := d.book.Incidents[id]
		if _, now := d.change.Incidents[id]; !before && !now {
			return id
		}
	}
}

// say appends a line and makes the incident show it.
func (i *Incident) say(at time.Time, l Line) {
	i.touch(at)
	l.N, l.At, l.Seq = len(i.Lines)+1, at, i.Seq
	i.Lines = append(slices.Clip(i.Lines), l)
	if l.Calls() {
		i.Called = at
	}
}

// Calls tells whether a line is meant to call people, where its incident is an
// error.
func (l Line) Calls() bool {
	switch l.Kind {
	case Opened, Raised, Reopened, Reminded, Escalated, Steady:
		return true
	case Unmuted:
		return l.By == "" // the mute ended, and it is still broken
	}
	return false
}

// touch marks that the incident shows differently from now on.
func (i *Incident) touch(at time.Time) {
	i.Seq++
	i.Refreshed = at
}

// Own yields the findings of the root itself.
func (i Incident) Own() []Finding { return i.findings(false) }

// Held yields the findings that the root explains.
func (i Incident) Held() []Finding { return i.findings(true) }

func (i Incident) findings(held bool) []Finding {
	var out []Finding
	for _, f := range i.Findings {
		if f.Held == held {
			out = append(out, f)
		}
	}
	return out
}
