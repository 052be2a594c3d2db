package strictslack

import (
	"crypto/rand"
	"net/http"
	"time"
)

// This file is the response_url: for half an hour after a press the app may
// answer the person up to five times, without a token.

const (
	replyUses = 5
	replyFor  = 30 * time.Minute
)

// reply is one response_url.
type reply struct {
	channel, ts, thread string
	user                string
	until               time.Time
	left                int
}

// openReply makes a response_url. The caller holds the lock.
func (s *Server) openReply(ch *channel, m *stored, user string, now time.Time) string {
	id := rand.Text()
	s.replies[id] = &reply{channel: ch.ID, ts: m.TS, thread: m.ThreadTS, user: user, until: now.Add(replyFor), left: replyUses}
	return s.base + "/actions/" + teamID + "/" + id
}

var replyArgs = map[string]argument{
	"text": isText, "blocks": isObject, "attachments": isObject, "response_type": isText,
	"replace_original": isFlag, "delete_original": isFlag, "thread_ts": isText,
}

// replyStatus are the errors of a response_url that are not 400.
var replyStatus = map[string]int{"expired_url": http.StatusNotFound, "used_url": http.StatusNotFound, "no_such_url": http.StatusNotFound}

func (s *Server) serveReply(w http.ResponseWriter, r *http.Request) {
	c, fail := read(w, r, "response_url", replyArgs)
	q := s.record(c)
	s.carryOut(w, r, q, func(f Fault) answer {
		code, found := "", []Violation(nil)
		if fail != nil {
			code = fail.code
		} else {
			code, found = s.respond(c, r.PathValue("id"), f)
		}
		if code == "" {
			return accept(map[string]any{})
		}
		a := refuse(code, found...)
		if a.status = replyStatus[code]; a.status == 0 {
			a.status = http.StatusBadRequest
		}
		return a
	})
}

// respond carries out what the app sends to a response_url; it returns Slack's
// error code, empty when all is well.
func (s *Server) respond(c *call, id string, f Fault) (string, []Violation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rep := s.replies[id]
	switch {
	case rep == nil:
		return "no_such_url", nil
	case s.config.Now().After(rep.until):
		return "expired_url", nil
	case rep.left == 0:
		return "used_url", nil
	}
	ch := s.channels[rep.channel]
	original := ch.find(rep.ts)
	kind := orDefault(c.text("response_type"), "ephemeral")
	if kind != "ephemeral" && kind != "in_channel" || c.flag("delete_original") || c.flag("replace_original") {
		return "invalid_arguments", nil // Slack would; whoever needs it writes it here
	}
	content, code, found := c.content(maxPostText)
	if code != "" {
		return code, found
	}
	if original == nil {
		return "message_not_found", nil
	}
	rep.left--
	m := Message{ThreadTS: orDefault(c.text("thread_ts"), rep.thread), User: botUserID, Bot: botID, Name: s.config.BotName, Content: content}
	if kind == "ephemeral" {
		m.Ephemeral = rep.user
	}
	ch.add(m, s.config.Now(), f.Lag)
	return "", nil
}
