package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// destination is one channel's queue at work. Everything but health belongs to
// its goroutine.
type destination struct {
	*Sender
	channel string
	wake    chan struct{}
	health  DestinationHealth // under Sender.mu

	posts, looks *rate.Limiter
	// paused is when anything may be tried again: the service asked for rest.
	paused time.Time
	// calm is when a post or an edit may be tried again after one failed, so
	// that an outage costs one try at a time and not one per message. Look-ups
	// do not wait for it: they have a bound to keep.
	calm     time.Time
	failures int // of posts and edits in a row
	tries    map[string]*try

	way    Channel
	oneWay bool // see Config.OneWay

	// See storm.go and fallback.go.
	told    []time.Time // when incidents were told in the last minute
	digest  incident.ID // the last digest of a storm
	grew    time.Time   // when it last took an incident
	dead    bool
	failing time.Time // since when attempts fail; zero while they do not
}

// try is what this process knows of one post. It is not kept: after a restart
// everything is tried at once.
type try struct {
	seen       time.Time // first sight of the open intent by this process
	next       time.Time // nothing before
	failures   int
	absent     bool      // a look-up has not found it
	unreadable time.Time // since when look-ups fail
	edited     time.Time // when it was posted or edited last
	again      time.Time // when it is edited once more, as an edit had no answer
}

func newDestination(s *Sender, channel string) *destination {
	way, oneWay := s.config.OneWay[channel]
	if !oneWay {
		way = s.config.Channel
	}
	return &destination{
		way: way, oneWay: oneWay, Sender: s, channel: channel, wake: make(chan struct{}, 1), health: DestinationHealth{Channel: channel},
		posts: rate.NewLimiter(sustained, burst), looks: rate.NewLimiter(sustained, burst), tries: map[string]*try{},
	}
}

// run works until ctx is over and nothing is due, or attempts are.
func (d *destination) run(ctx, attempts context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		wait, err := d.step(attempts)
		switch {
		case err != nil:
			return err
		case attempts.Err() != nil:
			return nil
		case wait == 0:
			continue
		case ctx.Err() != nil:
			return nil
		}
		timer.Reset(wait)
		select {
		case <-d.wake:
		case <-timer.C:
		case <-ctx.Done():
		case <-attempts.Done():
			return nil
		}
	}
}

// task is the next thing to do for one incident.
type task struct {
	post Post
	kind kind
	due  time.Time
}

type kind int

// The kinds of tasks in their order of precedence: what may have arrived is
// settled first, then new incidents are told before old ones are edited.
const (
	look kind = iota
	postRoot
	edit
	postLine
)

// step does what is due, or says how long to wait for it.
func (d *destination) step(ctx context.Context) (time.Duration, error) {
	posts, err := d.config.Outbox.Pending()
	if err != nil {
		return 0, fmt.Errorf("read the outbox: %w", err)
	}
	posts = slices.DeleteFunc(posts, func(p Post) bool { return p.Channel != d.channel })
	if folded, err := d.fold(posts); folded || err != nil {
		return 0, err
	}
	now := time.Now()
	var best, soonest *task
	tasks, err := d.tasks(posts, now)
	if err != nil {
		return 0, err
	}
	for _, t := range tasks {
		if !t.due.After(now) && (best == nil || t.kind < best.kind && t.kind < edit) {
			best = &t
		}
		if soonest == nil || t.due.Before(soonest.due) {
			soonest = &t
		}
	}
	switch {
	case best != nil:
		return 0, d.do(ctx, *best)
	case soonest != nil:
		return min(soonest.due.Sub(now), maxWait), nil
	}
	return maxWait, nil
}

// tasks lists what each incident needs next, oldest incident first, and forgets
// what is known of posts that are done.
func (d *destination) tasks(posts []Post, now time.Time) ([]task, error) {
	var out []task
	known := d.tries
	d.tries = map[string]*try{}
	begun := map[incident.ID]bool{}
	var oldest time.Time
	for _, p := range posts {
		if p.Shown < p.Want && (oldest.IsZero() || p.At.Before(oldest)) {
			oldest = p.At
		}
	}
	d.note(func(h *DestinationHealth) { h.Pending, h.Oldest = len(posts), oldest })
	for _, p := range posts {
		if begun[p.Incident] {
			continue // in order: the root first, then line by line
		}
		begun[p.Incident] = !p.Recheck || p.Shown < p.Want // a look whether it stands holds up nothing
		t := known[p.ID()]
		if t == nil {
			t = &try{}
		}
		d.tries[p.ID()] = t
		next := d.task(p, t, now)
		if p.Recheck && p.Shown >= p.Want {
			next.due = latest(next.due, t.again)
		}
		if next.kind == look || p.Bulletin != nil || p.Line > 0 {
			out = append(out, next)
			continue
		}
		i, err := d.incident(p.Incident)
		if err != nil {
			return nil, err
		}
		switch {
		case next.kind == edit && i.Status == incident.Open:
			next.due = latest(next.due, t.edited.Add(d.config.EditEvery))
		case p.New():
			at := d.config.Moment()
			if until, _ := d.config.Route(i).Held(i, at); !until.IsZero() {
				next.due = latest(next.due, now.Add(until.Sub(at)))
			}
		}
		out = append(out, next)
	}
	return out, nil
}

// task says what a post needs and when.
func (d *destination) task(p Post, t *try, now time.Time) task {
	if p.Intent.IsZero() || d.oneWay {
		out := task{post: p, kind: postRoot, due: latest(t.next, d.calm, d.paused)}
		switch {
		case p.Line > 0:
			out.kind = postLine
		case !p.Ref.IsZero() && !d.oneWay:
			out.kind = edit
		}
		return out
	}
	if t.seen.IsZero() {
		t.seen = now
	}
	started := p.Intent.Started
	if started.After(t.seen) {
		started = t.seen // the wall clock has gone back since
	}
	return task{post: p, kind: look, due: latest(started.Add(d.config.Timeout+d.config.Quiet), t.next, d.paused)}
}

func latest(ts ...time.Time) time.Time {
	var last time.Time
	for _, t := range ts {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// note changes what Destinations shows.
func (d *destination) note(change func(*DestinationHealth)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.health)
}

// well notes that the destination took a message.
func (d *destination) well() {
	d.failures, d.calm = 0, time.Time{}
	d.dead, d.failing = false, time.Time{}
	revived := false
	d.note(func(h *DestinationHealth) {
		revived = h.Dead
		h.Delivered++
		h.Dead, h.Since, h.Trouble = false, time.Time{}, ""
	})
	if revived {
		d.config.Log.Info("destination takes messages again", "channel", d.channel)
	}
}

// ill notes that the destination did not take a message, and keeps it calm for
// a while.
func (d *destination) ill(cause error) {
	d.fails()
	d.failures++
	d.calm = time.Now().Add(d.backoff(d.failures))
	d.note(func(h *DestinationHealth) { h.Trouble = cause.Error() })
}

// fails notes since when.
func (d *destination) fails() {
	if d.failing.IsZero() {
		d.failing = time.Now()
	}
}

// rest pauses everything, as the service has asked for it. More than a minute
// is not granted: no alert waits longer for its next try.
func (d *destination) rest(after time.Duration, cause error) {
	d.paused = time.Now().Add(min(max(after, firstBackoff), maxWait))
	d.note(func(h *DestinationHealth) { h.Limited++; h.Trouble = cause.Error() })
}

// die notes that the destination takes nothing until somebody mends it.
func (d *destination) die(cause error) {
	now := time.Now()
	d.calm = now.Add(maxWait)
	d.fails()
	d.dead = true
	fresh := false
	d.note(func(h *DestinationHealth) {
		if fresh = !h.Dead; fresh {
			h.Dead, h.Since = true, now
		}
		h.Trouble = cause.Error()
	})
	if fresh {
		d.config.Log.Error("destination is dead, its messages are kept", "channel", d.channel, "error", cause)
	}
}
