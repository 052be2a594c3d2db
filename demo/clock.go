package demo

import (
	"context"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify"
)

// Clock is the time of the story. It stands still until it is set.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that shows a moment.
func NewClock(at time.Time) *Clock { return &Clock{now: at.UTC()} }

// Now is the moment that the clock shows, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock; it never goes back.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.now) {
		c.now = at.UTC()
	}
}

// Since makes a channel whose messages are stamped with the story's time: a
// message that may have arrived is looked for from the beginning of the story,
// as the moment of an attempt, which is today, says nothing there.
func Since(begin time.Time, c notify.Channel) notify.Channel { return past{c, begin} }

type past struct {
	notify.Channel
	begin time.Time
}

// Find looks for a message, see notify.Channel.
func (p past) Find(ctx context.Context, channel string, thread notify.Ref, id string, _ time.Time) (notify.Ref, bool, error) {
	return p.Channel.Find(ctx, channel, thread, id, p.begin)
}
