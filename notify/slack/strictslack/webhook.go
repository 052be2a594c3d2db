package strictslack

import "net/http"

// hookArgs are what an incoming webhook takes. Slack ignores a channel or a
// name that is sent along; here it is refused, as it would be lost.
var hookArgs = map[string]argument{
	"text": isText, "blocks": isObject, "attachments": isObject, "unfurl_links": isFlag, "unfurl_media": isFlag, "mrkdwn": isFlag,
	"payload": isObject,
}

// hookStatus are the errors of a webhook that are not 400.
var hookStatus = map[string]int{
	"no_service": http.StatusNotFound, "channel_not_found": http.StatusNotFound,
	"channel_is_archived": http.StatusGone, "action_prohibited": http.StatusForbidden,
}

func (s *Server) serveWebhook(w http.ResponseWriter, r *http.Request) {
	c, fail := read(w, r, "webhook", hookArgs)
	if payload, ok := c.args["payload"].(map[string]any); ok { // the form that holds JSON
		c.args = payload
	}
	q := s.record(c)
	s.carryOut(w, r, q, func(f Fault) answer {
		if fail != nil {
			return hookError("invalid_payload")
		}
		return s.hook(c, r.PathValue("hook"), f)
	})
}

// hookError is a webhook's way to refuse: a status and a word.
func hookError(code string) answer {
	status := hookStatus[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	return answer{status: status, plain: code}
}

// hook posts to the channel of a webhook.
func (s *Server) hook(c *call, path string, f Fault) answer {
	name, known := s.config.Webhooks[path]
	if !known {
		return hookError("no_service")
	}
	for key := range c.args {
		if _, takes := hookArgs[key]; !takes {
			return hookError("invalid_payload")
		}
	}
	content, code, _ := c.content(maxPostText)
	if code != "" {
		return hookError(code)
	}
	s.mu.Lock()
	ch := s.lookup(name)
	switch {
	case ch == nil:
		code = "channel_not_found"
	case ch.Archived:
		code = "channel_is_archived"
	}
	if code != "" {
		s.mu.Unlock()
		return hookError(code)
	}
	if wait := ch.throttle(s.config.Now()); wait > 0 {
		s.mu.Unlock()
		return rateLimited(wait)
	}
	m := ch.add(Message{Bot: hookBotID, Name: s.config.BotName, Content: content}, s.config.Now(), f.Lag).snapshot()
	s.mu.Unlock()
	tell(s.config.OnPost, m)
	return answer{plain: "ok"}
}
