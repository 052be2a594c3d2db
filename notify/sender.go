package notify

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Config is what a Sender works with. Outbox, Channel and Compose are required.
type Config struct {
	Outbox  Outbox
	Channel Channel // of every destination that OneWay does not name
	// OneWay are the destinations, by name, that take messages and nothing else:
	// no edits, no threads and no look-ups. Of their channels only Post is called.
	// An attempt that may have arrived is repeated once and marked.
	OneWay map[string]Channel
	// Route says where an incident goes beside its channel, and when; nil for
	// nothing beside, at once.
	Route func(incident.Incident) Route
	// Compose writes a message from an incident as it is now, see Desk.Compose.
	Compose func(i incident.Incident, line *incident.Line, others ...incident.Incident) Notice
	// Timeout bounds each attempt; default 10 s.
	Timeout time.Duration
	// Quiet is how long after an attempt's time-out the service may still store
	// it: a look-up before is no proof; default 30 s. Negative is none at all.
	Quiet time.Duration
	// ExpireAfter is how long after it happened a line, or the first message of
	// an incident that is over, is still worth sending; default 24 h.
	ExpireAfter time.Duration
	// EditEvery is how long an edit waits for others to join it, unless it tells
	// the end; default 2 s. Negative is not at all.
	EditEvery time.Duration
	// Moment is the moment against which expiry is judged, which is not wall
	// time where the past is replayed; default time.Now.
	Moment func() time.Time
	// Jitter is a random number in [0, 1); default math/rand's.
	Jitter func() float64
	Log    *slog.Logger // default discards
}

// Limits of the protocol.
const (
	maxWait        = 60 * time.Second // to the next try of anything
	absentAgain    = 5 * time.Second  // between two look-ups that find nothing
	unreadableFor  = 10 * time.Minute // look-ups fail this long: post again, marked
	drainFor       = 10 * time.Second // at the end of Run
	sustained      = 0.8              // messages a second to one destination …
	burst          = 5                // … after as many at once
	firstBackoff   = time.Second
	maxDoublings   = 6
	defaultTimeout = 10 * time.Second
	defaultQuiet   = 30 * time.Second
	defaultExpiry  = 24 * time.Hour
	reminderExpiry = time.Hour // "still open" is of no use long after
	defaultEdits   = 2 * time.Second
)

// Sender takes posts from the outbox to the channel, see the package comment.
// Each destination has one goroutine, so that no more than one attempt per
// incident is ever in flight and a dead destination holds up nobody else.
type Sender struct {
	config Config
	kick   chan struct{}

	looked atomic.Int64 // when the outbox was last read, in Unix nanoseconds

	mu     sync.Mutex // guards what follows and, in each destination, what Destinations shows
	dests  map[string]*destination
	ailing *Post // the bulletin about destinations in trouble, while there are any
}

// NewSender makes a sender; it does nothing before Run.
func NewSender(c Config) *Sender {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Quiet == 0 {
		c.Quiet = defaultQuiet
	}
	c.Quiet = max(c.Quiet, 0)
	if c.ExpireAfter == 0 {
		c.ExpireAfter = defaultExpiry
	}
	if c.EditEvery == 0 {
		c.EditEvery = defaultEdits
	}
	if c.Route == nil {
		c.Route = func(incident.Incident) Route { return Route{} }
	}
	if c.Moment == nil {
		c.Moment = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Sender{config: c, kick: make(chan struct{}, 1), dests: map[string]*destination{}}
}

// DestinationHealth is how one channel takes messages.
type DestinationHealth struct {
	Channel string
	Dead    bool      // it takes none until somebody mends it; tried every 60 s
	Since   time.Time // wall time since when it is dead; zero otherwise
	Trouble string    // what its last attempt met; empty when it went well
	Pending int       // posts that wait for it
	Oldest  time.Time // the moment of the oldest of them, which may wait for a window to end; zero for none
	// Counts since the start.
	Delivered int64 // posts and edits that were taken
	Failed    int64 // attempts that were not
	Limited   int64 // times that it asked to be left alone
	MayRepeat int64 // posts that were sent again although the first may have arrived
	Expired   int64 // posts that came too late to be of use
	// Collapsed counts lines that were left to their root messages because too
	// much was waiting.
	Collapsed int
}

// Destinations tells how each channel is that has had messages, by name.
func (s *Sender) Destinations() []DestinationHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]DestinationHealth, 0, len(s.dests))
	for _, d := range s.dests {
		out = append(out, d.health)
	}
	slices.SortFunc(out, func(a, b DestinationHealth) int { return strings.Compare(a.Channel, b.Channel) })
	return out
}

// Kick tells the sender that something new may be in the outbox. It never
// blocks and may be called at any time.
func (s *Sender) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Looked is when the sender last went through the outbox, in wall time.
func (s *Sender) Looked() time.Time { return time.Unix(0, s.looked.Load()) }

// Idle tells whether nothing is pending or in flight. An outbox that cannot be
// read is not idle; Run says why.
func (s *Sender) Idle() bool {
	posts, err := s.config.Outbox.Pending()
	return err == nil && len(posts) == 0
}

// Run sends until ctx ends, then sends what is due for at most 10 s more, and
// returns nil. An error of the outbox ends it at once and is returned: what is
// durable is not known any more, so the process must end.
func (s *Sender) Run(ctx context.Context) error {
	attempts, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	draining := context.AfterFunc(ctx, func() {
		time.AfterFunc(drainFor, func() { abort(fmt.Errorf("the sender's last %v are over", drainFor)) })
	})
	defer draining()
	var wg sync.WaitGroup
	defer wg.Wait()
	broken := make(chan error, 1)
	s.Kick()
	for {
		select {
		case err := <-broken:
			abort(err)
			return err
		case <-ctx.Done():
			// A last look, for what was committed just before the end.
			if err := s.spread(ctx, attempts, &wg, broken); err != nil {
				abort(err)
				return err
			}
			wg.Wait()
			select {
			case err := <-broken:
				return err
			default:
				return nil
			}
		case <-s.kick:
			if err := s.spread(ctx, attempts, &wg, broken); err != nil {
				abort(err)
				return err
			}
		}
	}
}

// spread wakes every destination and starts those that are new.
func (s *Sender) spread(ctx, attempts context.Context, wg *sync.WaitGroup, broken chan<- error) error {
	posts, err := s.config.Outbox.Pending()
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	defer func() { s.looked.Store(time.Now().UnixNano()) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(posts)
	for _, p := range posts {
		if s.dests[p.Channel] != nil {
			continue
		}
		d := newDestination(s, p.Channel)
		s.dests[p.Channel] = d
		wg.Go(func() {
			if err := d.run(ctx, attempts); err != nil {
				select {
				case broken <- err:
				default: // the first error is enough
				}
			}
		})
	}
	for _, d := range s.dests {
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// others are the incidents that one names. One that is not known any more is
// named by its id alone.
func (s *Sender) others(i incident.Incident) []incident.Incident {
	ids := slices.Clone(i.Beside)
	if i.MergedInto != "" {
		ids = append(ids, i.MergedInto)
	}
	var out []incident.Incident
	for _, id := range ids {
		if o, err := s.config.Outbox.Incident(id); err == nil {
			out = append(out, o)
		}
	}
	return out
}

// backoff is full jitter: a random wait up to 1 s, 2 s, 4 s, … 60 s.
func (s *Sender) backoff(failures int) time.Duration {
	most := min(firstBackoff<<min(failures-1, maxDoublings), maxWait)
	return time.Duration(s.config.Jitter() * float64(most))
}
