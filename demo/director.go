package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// Outbox tells what has not been said yet.
type Outbox interface {
	Pending() ([]notify.Post, error)
}

// Slack is where messages are read.
type Slack interface {
	Channels() []strictslack.Channel
	Messages(channel string) []strictslack.Message
}

// Config is what a Director works with; Pace and Hand may be left out.
type Config struct {
	Story     Story
	Clock     *Clock
	Warehouse *Warehouse
	Outbox    Outbox
	Slack     Slack
	Out       io.Writer // the narration
	// Pace is how long an hour of the story takes at least, so that it can be
	// watched.
	Pace time.Duration
	// Hand lets people go on where the story ends.
	Hand *Hand
}

// Director plays a story: it is the time of a watch.Service, and it breaks and
// mends the warehouse on the way. Its methods are called by the loop alone.
type Director struct {
	Config
	steps  []step
	idle   bool // between two stretches: the clock may jump
	ledger Ledger
	read   map[string]int // messages read so far, by channel
	told   *narrator
	over   chan struct{}
	score  Score
	paced  time.Time // wall time of the last step of the clock
}

// step is something that happens in the story.
type step struct {
	at time.Time
	do func(context.Context) error
	// opens begins a stretch, to which the clock jumps; closes ends one.
	opens, closes bool
}

// NewDirector makes a director who has yet to begin.
func NewDirector(c Config) *Director {
	d := &Director{Config: c, idle: true, read: map[string]int{}, told: newNarrator(c.Out), over: make(chan struct{})}
	for n, s := range c.Story.Stretches {
		open := func(context.Context) error {
			d.told.stretch(n+1, len(c.Story.Stretches), s)
			return nil
		}
		d.steps = append(d.steps, step{at: s.From, do: open, opens: true},
			step{at: s.Until, do: func(ctx context.Context) error { return d.close(ctx, s) }, closes: true})
	}
	for _, f := range c.Story.Faults {
		d.steps = append(d.steps, step{at: f.Broke, do: func(context.Context) error { return d.breaks(f) }})
		if !f.Mended.IsZero() {
			d.steps = append(d.steps, step{at: f.Mended, do: func(context.Context) error { return d.mends(f) }})
		}
	}
	slices.SortStableFunc(d.steps, func(a, b step) int { return a.at.Compare(b.at) })
	return d
}

// Over is closed when the story has been told; the service may go on.
func (d *Director) Over() <-chan struct{} { return d.over }

// Score is how pipewatch did, once the story is over.
func (d *Director) Score() Score { return d.score }

// Recorded takes down what a run has led to.
func (d *Director) Recorded(run incident.Run, change incident.Change) { d.ledger.Note(run, change) }

// still is how long Wait stands still once the story is over, so that the loop
// is seen to be alive.
const still = 30 * time.Second

// Wait moves the clock to until, or to what happens in the story before, once
// nothing is in flight.
func (d *Director) Wait(ctx context.Context, until time.Time, busy bool, wake <-chan struct{}) error {
	switch {
	case busy:
		return pause(ctx, still, wake)
	case len(d.steps) == 0:
		return d.stand(ctx, wake)
	}
	if err := d.deliver(ctx, func(p notify.Post) bool { return p.Ref.IsZero() }); err != nil {
		return err
	}
	for len(d.steps) > 0 {
		s := d.steps[0]
		if !d.idle && !until.IsZero() && until.Before(s.at) {
			return d.advance(ctx, until)
		}
		d.steps = d.steps[1:]
		d.Clock.Set(s.at)
		if err := s.do(ctx); err != nil {
			return err
		}
		d.idle = s.closes
		if s.opens {
			return nil
		}
	}
	d.end()
	return nil
}

// end says that all steps are done: the story is over, or a deed has been seen to
// its end.
func (d *Director) end() {
	select {
	case <-d.over:
	default:
		d.score = Judge(d.Story, &d.ledger)
		close(d.over)
		if d.Hand == nil {
			d.told.end(d.score)
		}
	}
	if d.Hand != nil {
		d.told.turn(d.Clock.Now())
	}
}

// stand lets the clock stand still until people do something by hand.
func (d *Director) stand(ctx context.Context, wake <-chan struct{}) error {
	if d.Hand == nil {
		return pause(ctx, still, wake)
	}
	select {
	case deed := <-d.Hand.deeds:
		return d.do(deed)
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// do does what people want done, and lets time pass.
func (d *Director) do(deed Deed) error {
	now := d.Clock.Now()
	d.idle = false
	d.told.line(now, "YOU", deed.Told)
	d.steps = []step{{at: now.Add(Lapse), do: func(ctx context.Context) error {
		return d.deliver(ctx, func(notify.Post) bool { return true })
	}}}
	switch {
	case deed.mends:
		return d.Warehouse.MendAll(now)
	case deed.breaks != nil:
		return d.Warehouse.Break(deed.breaks(now))
	}
	return nil
}

// advance moves the clock, not faster than it can be watched.
func (d *Director) advance(ctx context.Context, to time.Time) error {
	least := time.Duration(float64(d.Pace) * to.Sub(d.Clock.Now()).Hours())
	if wait := least - time.Since(d.paced); wait > 0 {
		if err := pause(ctx, wait, nil); err != nil {
			return err
		}
	}
	d.paced = time.Now()
	d.Clock.Set(to)
	return nil
}

// breaks lets something go wrong.
func (d *Director) breaks(f Fault) error {
	d.told.broke(f)
	if f.Real() {
		return nil
	}
	return d.Warehouse.Break(f.Inject)
}

// mends puts it right.
func (d *Director) mends(f Fault) error {
	d.told.mended(f)
	return d.Warehouse.Mend(f.Inject, f.Mended)
}

// close ends a stretch when everything has been said.
func (d *Director) close(ctx context.Context, s Stretch) error {
	if err := d.deliver(ctx, func(notify.Post) bool { return true }); err != nil {
		return err
	}
	for _, row := range Judge(d.Story, &d.ledger).Rows {
		if !row.Fault.Broke.Before(s.From) && row.Fault.Broke.Before(s.Until) {
			d.told.outcome(row)
		}
	}
	return nil
}

const (
	// patience is how long a message may take to reach Slack.
	patience = time.Minute
	// glance is how often it is looked whether it has.
	glance = 2 * time.Millisecond
)

// deliver waits until no post of a sort is waiting any more, and reads what is
// new in Slack. The clock stands still meanwhile, so that a message is stamped
// with the moment of the decision.
func (d *Director) deliver(ctx context.Context, sort func(notify.Post) bool) error {
	for began := time.Now(); ; {
		posts, err := d.Outbox.Pending()
		if err != nil {
			return fmt.Errorf("read the outbox: %w", err)
		}
		n := slices.IndexFunc(posts, sort)
		if n < 0 {
			d.listen()
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("message %s did not reach Slack within %s: %s", posts[n].ID(), patience, cmp.Or(posts[n].Trouble, "it was not sent"))
		}
		if err := pause(ctx, glance, nil); err != nil {
			return err
		}
	}
}

// listen reads what is new in Slack.
func (d *Director) listen() {
	for _, ch := range d.Slack.Channels() {
		all := d.Slack.Messages(ch.ID)
		for _, m := range all[d.read[ch.ID]:] {
			if m.Ephemeral != "" {
				continue // an answer to who pressed a button
			}
			heard := hear("#"+ch.Name, m)
			d.ledger.Messages = append(d.ledger.Messages, heard)
			d.told.said(heard)
		}
		d.read[ch.ID] = len(all)
	}
}

// pause waits for a while, for a wake, or for the end of ctx.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}
