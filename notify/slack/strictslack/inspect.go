package strictslack

import (
	"slices"
	"time"
)

// Request is one call as it was read and answered.
type Request struct {
	Seq    int            // 1, 2, … in the order of arrival
	Method string         // chat.postMessage, …; "webhook" for the incoming webhook
	Args   map[string]any // the decoded arguments without the token
	At     time.Time
	Status int    // HTTP status; 0 while it runs and when the connection was broken
	Answer string // the body that was sent
	Error  string // Slack's error code, empty when the call went well
}

// Requests are all calls so far, in the order of arrival, those that are still
// running included.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.log))
	for i, q := range s.log {
		out[i] = *q
	}
	return out
}

// Messages are a channel's messages by time, replies and ephemeral ones
// included, as they stand now; nil for a channel that does not exist. The
// channel is named by id, "#name" or name.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.lookup(channel)
	if ch == nil {
		return nil
	}
	out := make([]Message, len(ch.messages))
	for i, m := range ch.messages {
		out[i] = m.snapshot()
	}
	return out
}

// Channels are all channels by name.
func (s *Server) Channels() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Channel
	for _, ch := range s.ordered() {
		out = append(out, ch.Channel)
	}
	return out
}

func (m *stored) snapshot() Message {
	c := m.Message
	c.History = slices.Clone(c.History)
	return c
}
