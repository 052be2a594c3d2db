package strictslack

import (
	"net/http"
)

// servePress is a click on the page: the person who looks at it presses a
// button or chooses from a menu, as they would in Slack.
func (s *Server) servePress(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	channel, ts, action := r.PathValue("channel"), r.PathValue("ts"), r.PostFormValue("action")
	_, err := s.Press(r.Context(), Press{Channel: channel, TS: ts, Action: action, Value: r.PostFormValue("choice." + action)})
	s.mu.Lock()
	if ch := s.lookup(channel); ch != nil {
		if m := ch.find(ts); m != nil {
			m.trouble = ""
			if err != nil {
				m.trouble = err.Error()
			}
		}
	}
	s.mu.Unlock()
	http.Redirect(w, r, "/c/"+channel+"#"+anchor(ts), http.StatusSeeOther)
}
