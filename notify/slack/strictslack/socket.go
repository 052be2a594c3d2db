package strictslack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// This file is Socket Mode: the app asks for an address (apps.connections.open),
// connects to it, and gets every interaction in an envelope, which it must
// acknowledge by its id. An envelope goes to one of the app's connections, and
// again to another when that one breaks first.

const (
	maxLinks    = 10       // connections of one app
	maxAck      = 20 << 10 // bytes of an acknowledgement; Slack drops longer ones
	pingEvery   = 10 * time.Second
	ticketFor   = 30 * time.Second // how long an address can be connected to
	linkMinutes = 60               // Slack closes a connection after about so long
)

// link is one open connection of the app.
type link struct {
	conn *websocket.Conn
	send chan []byte // written by one goroutine only; closed with done
	done chan struct{}
}

// envelope is one interaction on its way.
type envelope struct {
	id      string
	payload map[string]any
	tries   int
	at      *link // where it was sent last; nil while no connection is open
	acked   chan struct{}
}

func (s *Server) connectionsOpen(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ticket := rand.Text()
	s.tickets[ticket] = s.config.Now().Add(ticketFor)
	return accept(map[string]any{"url": "ws" + strings.TrimPrefix(c.baseURL, "http") + "/link?ticket=" + ticket + "&app_id=" + appID})
}

func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	until, known := s.tickets[ticket]
	delete(s.tickets, ticket) // an address is good for one connection
	full := len(s.links) >= maxLinks
	s.mu.Unlock()
	if !known || s.config.Now().After(until) || full {
		http.Error(w, "this address leads nowhere: ask apps.connections.open for another", http.StatusUnauthorized)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the ticket is the authority
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it was answered
	}
	l := &link{conn: conn, send: make(chan []byte, 64), done: make(chan struct{})}
	go l.write()
	l.say(map[string]any{
		"type": "hello", "num_connections": 1, "connection_info": map[string]any{"app_id": appID},
		"debug_info": map[string]any{"host": "strict", "approximate_connection_time": linkMinutes * 60},
	})
	s.mu.Lock()
	s.links = append(s.links, l)
	s.handOut()
	s.mu.Unlock()
	reason := s.readAcks(l)
	_ = conn.WriteControl(websocket.CloseMessage, reason, time.Now().Add(time.Second)) // a connection that is gone needs none
	s.unlink(l)
}

// unlink forgets a connection; what it did not acknowledge goes to another.
func (s *Server) unlink(l *link) {
	close(l.done)
	_ = l.conn.Close() // nobody is left to tell
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = slices.DeleteFunc(s.links, func(o *link) bool { return o == l })
	for _, e := range s.envelopes {
		if e.at == l {
			e.at = nil
		}
	}
	s.handOut()
}

// handOut sends what nobody has to the next connection in turn. The caller
// holds the lock.
func (s *Server) handOut() {
	for _, e := range s.envelopes {
		if len(s.links) == 0 {
			return
		}
		if e.at == nil && !e.done() {
			s.sendTo(s.links[s.turn%len(s.links)], e)
			s.turn++
		}
	}
}

func (s *Server) sendTo(l *link, e *envelope) {
	e.at = l
	m := map[string]any{"envelope_id": e.id, "type": "interactive", "accepts_response_payload": false, "payload": e.payload}
	if e.tries > 0 {
		m["retry_attempt"], m["retry_reason"] = e.tries, "timeout"
	}
	e.tries++
	l.say(m)
}

func (e *envelope) done() bool {
	select {
	case <-e.acked:
		return true
	default:
		return false
	}
}

// emit sends an interaction and waits for its acknowledgement.
func (s *Server) emit(ctx context.Context, d Delivery, payload map[string]any) (Delivery, error) {
	e := &envelope{id: rand.Text(), payload: payload, acked: make(chan struct{})}
	d.Envelope = e.id
	s.mu.Lock()
	if len(s.links) == 0 {
		s.mu.Unlock()
		return d, ErrNoApp
	}
	s.envelopes = append(s.envelopes, e)
	s.handOut()
	s.mu.Unlock()
	select {
	case <-e.acked:
		return d, nil
	case <-ctx.Done():
		return d, context.Cause(ctx)
	}
}

// readAcks takes acknowledgements until the connection ends; it returns the
// close message that the app gets.
func (s *Server) readAcks(l *link) []byte {
	l.conn.SetReadLimit(maxAck)
	for {
		_, text, err := l.conn.ReadMessage()
		if err != nil {
			return websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		}
		if problem := s.ack(text); problem != "" {
			return websocket.FormatCloseMessage(websocket.ClosePolicyViolation, problem)
		}
	}
}

// ack takes one acknowledgement; it returns what is wrong with it, where Slack
// would keep silent.
func (s *Server) ack(text []byte) string {
	var a map[string]json.RawMessage
	var id string
	if json.Unmarshal(text, &a) != nil || json.Unmarshal(a["envelope_id"], &id) != nil {
		return "an acknowledgement is {\"envelope_id\": …}"
	}
	delete(a, "envelope_id")
	if payload, has := a["payload"]; has && string(payload) != "null" {
		return "this envelope accepts no payload"
	}
	delete(a, "payload")
	if len(a) > 0 {
		return "unknown field in an acknowledgement"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.envelopes {
		if e.id == id {
			if !e.done() {
				close(e.acked)
			}
			return ""
		}
	}
	return "no such envelope: " + clip(id)
}

// Redeliver sends an envelope again, as Slack does when it lost the
// acknowledgement.
func (s *Server) Redeliver(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.envelopes {
		if e.id == id && len(s.links) > 0 {
			s.sendTo(s.links[0], e)
			return nil
		}
	}
	return fmt.Errorf("redeliver %q: no such envelope, or no connection is open", id)
}

// Refresh asks that every connection be made anew, as Slack does every hour or
// so.
func (s *Server) Refresh() {
	for _, l := range s.linked() {
		l.say(map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "strict"}})
	}
}

// Sever breaks every connection without a word.
func (s *Server) Sever() {
	for _, l := range s.linked() {
		_ = l.conn.NetConn().Close() // that it breaks is what is wanted
	}
}

// Connected is how many connections of the app are open.
func (s *Server) Connected() int { return len(s.linked()) }

func (s *Server) linked() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.links)
}

func (l *link) say(m map[string]any) {
	select {
	case l.send <- encode(m):
	case <-l.done:
	}
}

// write is the one goroutine that writes to a connection.
func (l *link) write() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-l.done:
			return
		case text := <-l.send:
			if l.conn.WriteMessage(websocket.TextMessage, text) != nil {
				_ = l.conn.NetConn().Close() // the reader notices
				return
			}
		case <-ping.C:
			_ = l.conn.WriteControl(websocket.PingMessage, []byte("Ping from strict"), time.Now().Add(time.Second)) // the reader notices
		}
	}
}
