package strictslack

import (
	"fmt"
	"hash/fnv"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// This file is the state: channels and the messages in them. Its functions
// are called with the server's lock held.

// channel is a channel with its messages by ts.
type channel struct {
	Channel
	messages []*stored
	last     int64 // microseconds of the newest ts
	posts    *rate.Limiter
}

// stored is a message and what only the server knows of it.
type stored struct {
	Message
	visible time.Time // when conversations.* first shows it
	trouble string    // why the last press on it came to nothing; for the page
}

var (
	channelName = regexp.MustCompile(`^[a-z0-9_-]{1,80}$`)
	timestamp   = regexp.MustCompile(`^\d{10}\.\d{6}$`)
)

// put adds or changes a channel by its name.
func (s *Server) put(c Channel) *channel {
	c.Name = strings.TrimPrefix(c.Name, "#")
	if !channelName.MatchString(c.Name) {
		panic(fmt.Sprintf("strictslack: channel %q: a name is of a-z, 0-9, - and _, at most 80", c.Name))
	}
	if old := s.lookup(c.Name); old != nil {
		c.ID = old.ID
		old.Channel = c
		return old
	}
	if c.ID == "" {
		h := fnv.New64a()
		h.Write([]byte(c.Name))
		c.ID = "C0" + strings.ToUpper(strconv.FormatUint(h.Sum64()|1<<63, 36)[:9])
	}
	ch := &channel{Channel: c}
	if r := s.config.Rate; r.PerSecond > 0 {
		ch.posts = rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
	}
	s.channels[c.ID] = ch
	return ch
}

// lookup finds a channel by id, #name or name.
func (s *Server) lookup(word string) *channel {
	if ch := s.channels[word]; ch != nil {
		return ch
	}
	name := strings.TrimPrefix(word, "#")
	for _, ch := range s.channels {
		if ch.Name == name {
			return ch
		}
	}
	return nil
}

func (s *Server) ordered() []*channel {
	return slices.SortedFunc(maps.Values(s.channels), func(a, b *channel) int { return strings.Compare(a.Name, b.Name) })
}

// destination is the channel that a call may write to, or Slack's error.
// Only a post may name it by #name.
func (s *Server) destination(word string, byName bool) (*channel, string) {
	name, named := strings.CutPrefix(word, "#")
	ch := s.channels[word]
	if named && byName {
		ch = s.lookup(name)
		if ch == nil && s.config.CreateChannels && channelName.MatchString(name) {
			ch = s.put(Channel{Name: name})
		}
	}
	switch {
	case ch == nil:
		return nil, "channel_not_found"
	case ch.Archived:
		return nil, "is_archived"
	case ch.BotAbsent:
		return nil, "not_in_channel"
	}
	return ch, ""
}

// add stores a new message: m says who and what, the channel says when.
func (ch *channel) add(m Message, now time.Time, lag time.Duration) *stored {
	ch.last = max(now.UnixMicro(), ch.last+1)
	m.Channel, m.TS, m.Posted = ch.ID, stamp(ch.last), now
	st := &stored{Message: m, visible: now.Add(lag)}
	ch.messages = append(ch.messages, st)
	return st
}

// find is the message of a ts, nil when there is none.
func (ch *channel) find(ts string) *stored {
	for _, m := range ch.messages {
		if m.TS == ts && m.Ephemeral == "" {
			return m
		}
	}
	return nil
}

// replies are a thread's replies by time.
func (ch *channel) replies(root string) []*stored {
	var out []*stored
	for _, m := range ch.messages {
		if m.ThreadTS == root && m.Ephemeral == "" {
			out = append(out, m)
		}
	}
	return out
}

// throttle takes one post from the channel's bucket; it returns how long to
// wait when there is none.
func (ch *channel) throttle(now time.Time) time.Duration {
	if ch.posts == nil {
		return 0
	}
	r := ch.posts.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// stamp writes microseconds since 1970 as a ts.
func stamp(micros int64) string {
	return fmt.Sprintf("%010d.%06d", micros/1e6, micros%1e6)
}
