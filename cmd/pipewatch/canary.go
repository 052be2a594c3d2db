package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// canary is the daily test of the alarm: an incident about nothing takes the
// whole way of a real one, through the decision, the state, the outbox and the
// sender, to a channel, is looked for there, and ends. What did not come back in
// time is a trouble of its own, and the dead man's switch hears of it.
type canary struct {
	*service
	at      conf.ClockTime
	channel string
	way     notify.Channel // by which it is looked for; nil where nothing can be read back
	limit   time.Duration
}

// How the canary flies.
const (
	canaryLooks = time.Second
	canaryLimit = 5 * time.Minute
	canaryAgain = time.Hour // after it did not come back
	canaryName  = "canary"
)

// bird is what flies. Where it does not come back it stays, and the next flight
// looks for the same one.
var bird = incident.Trouble{
	Name: canaryName, Test: true,
	Problem: "Every day pipewatch sends itself an alert and looks whether it arrives. It turns green within a minute; one that does not, and a day without one, mean that alerts may not arrive.",
}

// canary makes the canary of a service, and nil where none is to fly.
func (s *service) canary() *canary {
	c := s.projectNow().config.Alerts.Canary
	if c.At == nil {
		return nil
	}
	one := &canary{service: s, at: *c.At, channel: s.projectNow().desk().Route(incident.Incident{Kind: incident.Canary}).Channel, limit: canaryLimit}
	if _, oneWay := s.oneWay[one.channel]; !oneWay {
		one.way = s.channel
	}
	return one
}

// run lets it fly once a day until ctx is done.
func (c *canary) run(ctx context.Context) {
	tick := time.NewTicker(canaryLooks)
	defer tick.Stop()
	var next time.Time
	for {
		if now := c.now(); !now.Before(next) {
			next = c.turn(ctx, now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// turn flies if today's flight is due, and says when to look again.
func (c *canary) turn(ctx context.Context, now time.Time) time.Time {
	due := c.due(now)
	if now.Before(due) {
		return due
	}
	back, err := c.flew(due)
	if err == nil && back.IsZero() {
		back, err = c.fly(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return now
	case err != nil:
		c.log.Error("the canary did not come back", "channel", c.channel, "err", err)
		c.tell(canaryName, bird, incident.Trouble{Name: "alarm", Problem: fmt.Sprintf(
			"the test message of today was not found in %s: %v. Alerts may not reach people; pipewatch doctor says more", c.channel, err)})
		return now.Add(canaryAgain)
	}
	c.tell(canaryName)
	c.sung.Store(&back)
	return c.due(now.In(c.zone()).AddDate(0, 0, 1))
}

// due is when the flight of a moment's day is.
func (c *canary) due(now time.Time) time.Time {
	now = now.In(c.zone())
	return time.Date(now.Year(), now.Month(), now.Day(), c.at.Hour, c.at.Minute, 0, 0, now.Location())
}

// flew tells when a canary came through since a moment; zero is not.
func (c *canary) flew(since time.Time) (time.Time, error) {
	all, err := c.store.Incidents("", recent, false)
	for _, i := range all {
		if i.Kind == incident.Canary && i.Status == incident.Resolved && !i.OpenedAt.Before(since) {
			if p, known, err := c.store.Root(i.ID, ""); err != nil || known && p.Shown > 0 {
				return i.ResolvedAt, err
			}
		}
	}
	return time.Time{}, err
}

// fly sends one and waits until it is back: posted, found again, and over. It
// tells when that was.
func (c *canary) fly(ctx context.Context) (back time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	c.tell(canaryName, bird)
	var post notify.Post
	var opened time.Time
	if err = c.until(ctx, "it was not posted", func() (bool, error) {
		for id, i := range c.store.Book().Incidents {
			if i.Kind != incident.Canary || i.Status != incident.Open {
				continue
			}
			opened = i.OpenedAt
			var known bool
			var err error
			post, known, err = c.store.Root(id, "")
			return known && post.Shown > 0, err
		}
		return false, nil
	}); err != nil {
		return back, err
	}
	if c.way != nil && post.In == "" { // in a storm the digest has told it, which is looked for as any post is
		if err = c.until(ctx, "it was posted and is not there", func() (bool, error) {
			_, there, err := c.way.Find(ctx, c.channel, notify.Ref{}, post.ID(), opened.Add(-time.Minute))
			return there, err
		}); err != nil {
			return back, err
		}
	}
	c.tell(canaryName)
	err = c.until(ctx, "its end was not told", func() (bool, error) {
		now, known, err := c.store.Root(post.Incident, "")
		if err != nil || !known {
			return false, err
		}
		i, err := c.store.Incident(post.Incident)
		back = i.ResolvedAt
		return i.Status == incident.Resolved && now.Done(), err
	})
	return back, err
}

// until asks again and again until the answer is yes; at the end of its time it
// says what was waited for, and the last error.
func (c *canary) until(ctx context.Context, not string, is func() (bool, error)) error {
	tick := time.NewTicker(canaryLooks)
	defer tick.Stop()
	for {
		yes, err := is()
		if yes {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s within %s", not, c.limit), err)
		}
	}
}
