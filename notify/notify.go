// Package notify brings incidents to people: it plans which messages an
// incident needs, keeps them in a durable outbox until they are known to have
// arrived, and hands them to a channel one at a time.
//
// It decides nothing about incidents, and it knows no service: Slack lives in
// notify/slack and the signed webhook in notify/webhook, behind [Channel].
//
// # Data model
//
// A [Post] is one message in the outbox: the root message of an incident
// (line 0), which is edited whenever the incident shows differently, or one
// line of its thread. It remembers what must show (Want), what does (Shown),
// where (Ref), and the attempt under way (Intent). A copy is one more root
// message of an incident elsewhere: where its own destination takes none
// (fallback.go), or where it was escalated to. A [Bulletin] is a message about
// no single incident: the digest of a storm (storm.go), the morning's, or a
// destination that cannot be reached. A [Notice] is all that a channel needs to
// write the message, made by [Desk.Compose] from an incident as it is now, so
// that a post that waited shows the newest state. The words that all channels
// share are in words.go, who is told where and when in route.go, and [Sender]
// is the only one here that reads a clock.
//
// # Delivery
//
// Posting is not idempotent, editing is. Before a post is sent its Intent is
// committed; after an ambiguous attempt (a time-out, a reset, a crash in
// between) the channel is asked whether the message is there before anything
// is sent again. Nothing is lost, and what is doubled is bounded.
package notify

import (
	"context"
	"errors"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Notice is one message to be written.
type Notice struct {
	ID       string // Post.ID
	Seq      int    // of the incident or the bulletin, as shown
	Incident incident.Incident
	Line     *incident.Line // nil for the root message
	Nodes    map[dag.NodeID]NodeView
	Link     string // page of the incident; empty where there is none
	Owner    string // of the root, as named in the DAG file; empty for none
	Mention  string // the owner's mention as configured ("@ml-oncall"); empty for none
	// Bulletin is what to say where the notice is about no single incident; the
	// Incident has nothing but an id then.
	Bulletin *Bulletin
	// News are the lines since what was told last, where a destination cannot
	// edit and every message is a new one; empty for the first.
	News []incident.Line
	// Actions tells whether buttons reach us: without, there are none that act.
	Actions bool
	// Trend is what the leading check saw last, oldest first; empty for none.
	Trend []float64
	// Others are the incidents that this one names, those beside it and the one
	// it was merged into, as far as they are still known.
	Others []Other
	// Repeat marks a post that may stand in the channel already.
	Repeat bool
	// Plain asks for the plainest form: the destination refused the other one.
	Plain bool
}

// Other is another incident as a notice names it.
type Other struct {
	ID       incident.ID
	Headline string // plain text
	Link     string // page of the incident; empty where there is none
}

// NodeView is what people should read for a node.
type NodeView struct {
	Label    string // table name, or the node's own name
	Type     dag.Type
	Owner    string
	Runbook  string
	Schedule string
	Checks   map[dag.CheckID]string // what each check looks at: "freshness on time_hour"
}

// Channel sends messages somewhere people read them. Errors carry their class:
// [RetryAfter], [Dead], [Unsent], [Unrenderable], [Gone]; any other error of
// Post is ambiguous. A context that ends is an error like any other.
type Channel interface {
	// Post sends a new message to a channel, or to the thread of a message.
	// It is called at most once for each committed Intent.
	Post(ctx context.Context, channel string, thread Ref, n Notice) (Ref, error)
	// Update makes a posted message show the notice; calling it twice is
	// harmless.
	Update(ctx context.Context, at Ref, n Notice) error
	// Find looks for a message with the notice's id, posted at since or
	// later, in the channel or the thread.
	Find(ctx context.Context, channel string, thread Ref, id string, since time.Time) (Ref, bool, error)
}

// Outbox is where posts wait. Every call is durable when it returns.
type Outbox interface {
	// Pending lists the posts that are not done, oldest incident first, each
	// incident's root before its lines.
	Pending() ([]Post, error)
	// Incident is the incident as it is now.
	Incident(id incident.ID) (incident.Incident, error)
	// Root is the root message of an incident, or its copy in a channel; false
	// when there is none.
	Root(id incident.ID, copyIn string) (Post, bool, error)
	// Save writes posts in one transaction. A copy or a bulletin may be new; of
	// a post that is known, either what must show or what came of it is taken,
	// see [Post.Over].
	Save(posts ...Post) error
}

// Class is what follows from an error of a Channel.
type Class string

// The classes.
const (
	Ambiguous      Class = "ambiguous"    // it may have arrived: look before sending again
	IsRetry        Class = "retry"        // leave the destination alone for a while
	IsDead         Class = "dead"         // nothing arrives until somebody mends it
	IsUnsent       Class = "unsent"       // it certainly did not arrive
	IsUnrenderable Class = "unrenderable" // a plainer message may be taken
	IsGone         Class = "gone"         // a new message is needed
)

// classified is an error with its class.
type classified struct {
	class Class
	after time.Duration // of IsRetry
	cause error
}

func (c *classified) Error() string { return c.cause.Error() }
func (c *classified) Unwrap() error { return c.cause }

// RetryAfter says that the destination wants to be left alone for a while;
// nothing was stored.
func RetryAfter(d time.Duration, cause error) error {
	return &classified{class: IsRetry, after: d, cause: cause}
}

// Dead says that the destination cannot take messages until somebody mends it;
// nothing was stored.
func Dead(cause error) error { return &classified{class: IsDead, cause: cause} }

// Unsent says that the request certainly did not arrive.
func Unsent(cause error) error { return &classified{class: IsUnsent, cause: cause} }

// Unrenderable says that the destination refused the message's form; a plainer
// one may pass.
func Unrenderable(cause error) error { return &classified{class: IsUnrenderable, cause: cause} }

// Gone says that the message to be edited, or the thread to be answered, is not
// there any more or cannot be changed.
func Gone(cause error) error { return &classified{class: IsGone, cause: cause} }

// ClassOf gives the class of an error, and for IsRetry how long to wait.
func ClassOf(err error) (Class, time.Duration) {
	if c, ok := errors.AsType[*classified](err); ok {
		return c.class, c.after
	}
	return Ambiguous, 0
}
