package strictslack

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with one call. The zero Fault is a call that goes
// well. Of Reset, Hang, Status, Error and Body the first that is set strikes.
type Fault struct {
	Delay      time.Duration // wait before anything else; a client that leaves meanwhile was never heard
	Store      bool          // the call takes effect before the fault strikes; otherwise it never does
	Reset      bool          // drop the connection without an answer
	Hang       bool          // never answer; ends when the client leaves
	Status     int           // answer this HTTP status, such as 429 or 500
	RetryAfter time.Duration // the Retry-After of a 429, in whole seconds
	Error      string        // answer {"ok": false, "error": this}, such as "internal_error" or "token_revoked"
	Body       string        // answer 200 with this text that is no JSON
	Lag        time.Duration // the posted message shows in conversations.* this much later
}

func (f Fault) strikes() bool {
	return f.Reset || f.Hang || f.Status != 0 || f.Error != "" || f.Body != ""
}

// wait sleeps the fault's delay and reports whether the client is still there.
func (f Fault) wait(r *http.Request) bool {
	if f.Delay <= 0 {
		return true
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// answer is the fault's own answer; a broken connection has none.
func (f Fault) answer() answer {
	switch {
	case f.Reset, f.Hang:
		return answer{}
	case f.Status == http.StatusTooManyRequests:
		return rateLimited(max(f.RetryAfter, time.Second))
	case f.Status != 0:
		return answer{status: f.Status, plain: strconv.Itoa(f.Status) + " " + http.StatusText(f.Status)}
	case f.Error != "":
		return refuse(f.Error)
	}
	return answer{plain: f.Body}
}

// sever ends the connection as a crashed proxy does.
func sever(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // so that the client sees a reset, not an orderly end
		}
		_ = conn.Close()
		return
	}
	panic(http.ErrAbortHandler) // a transport without connections: the server drops the call
}

// Script queues faults for the next calls of a method, one each, before
// Config.Faults is asked; a zero Fault lets one call pass.
func (s *Server) Script(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[method] = append(s.scripts[method], faults...)
}

// RefuseToken makes every call with the token fail with this error, such as
// token_revoked or account_inactive, until it is called with "".
func (s *Server) RefuseToken(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenError = code
}

// SetChannel changes a channel by its name, or adds it: archived, say, or the
// app removed. Its messages and its id stay.
func (s *Server) SetChannel(ch Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(ch)
}

func (s *Server) nextFault(q Request) Fault {
	s.mu.Lock()
	if queue := s.scripts[q.Method]; len(queue) > 0 {
		s.scripts[q.Method] = queue[1:]
		s.mu.Unlock()
		return queue[0]
	}
	s.mu.Unlock()
	if s.config.Faults == nil {
		return Fault{}
	}
	return s.config.Faults(q)
}
