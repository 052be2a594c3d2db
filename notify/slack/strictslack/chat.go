package strictslack

import (
	"net/http"
	"strings"
)

// methods are all that this Slack answers.
var methods = map[string]method{
	"apps.connections.open": {app: true, run: (*Server).connectionsOpen},
	"auth.test":             {run: (*Server).authTest},
	"chat.postMessage":      {scope: "chat:write", takes: postArgs, run: (*Server).postMessage},
	"chat.postEphemeral":    {scope: "chat:write", takes: ephemeralArgs, run: (*Server).postEphemeral},
	"chat.update":           {scope: "chat:write", takes: updateArgs, run: (*Server).update},
	"chat.getPermalink":     {takes: map[string]argument{"channel": isText, "message_ts": isText}, run: (*Server).permalink},
	"conversations.info":    {scope: "channels:read", takes: infoArgs, run: (*Server).conversationInfo},
	"conversations.list":    {scope: "channels:read", takes: listArgs, run: (*Server).conversationList},
	"conversations.history": {scope: "channels:history", takes: historyArgs, run: (*Server).history},
	"conversations.replies": {scope: "channels:history", takes: historyArgs, run: (*Server).threadReplies},
	"usergroups.list":       {scope: "usergroups:read", takes: usergroupArgs, run: (*Server).usergroupList},
	"users.lookupByEmail":   {scope: "users:read.email", takes: map[string]argument{"email": isText}, run: (*Server).userByEmail},
	"blocks.validate":       {open: true, takes: validateArgs, run: (*Server).validate},
}

var (
	postArgs = map[string]argument{
		"channel": isText, "text": isText, "blocks": isObject, "attachments": isObject, "metadata": isObject,
		"thread_ts": isText, "reply_broadcast": isFlag, "unfurl_links": isFlag, "unfurl_media": isFlag,
		"mrkdwn": isFlag, "parse": isText, "link_names": isFlag, "username": isText, "icon_emoji": isText, "icon_url": isText,
	}
	ephemeralArgs = map[string]argument{
		"channel": isText, "user": isText, "text": isText, "blocks": isObject, "attachments": isObject,
		"thread_ts": isText, "parse": isText, "link_names": isFlag,
	}
	updateArgs = map[string]argument{
		"channel": isText, "ts": isText, "text": isText, "blocks": isObject, "attachments": isObject,
		"metadata": isObject, "reply_broadcast": isFlag, "parse": isText, "link_names": isFlag,
	}
)

func (s *Server) postMessage(c *call, f Fault) answer {
	content, code, found := c.content(maxPostText)
	if c.text("channel") == "" {
		return refuse("channel_not_found")
	}
	s.mu.Lock()
	ch, dest := s.destination(c.text("channel"), true)
	switch thread := c.text("thread_ts"); {
	case dest != "":
		code, found = dest, nil
	case code != "":
	case thread == "" && c.flag("reply_broadcast"):
		code = "invalid_arguments"
	case thread != "":
		code = ch.threadError(thread)
	}
	if code != "" {
		s.mu.Unlock()
		return refuse(code, found...)
	}
	if wait := ch.throttle(s.config.Now()); wait > 0 {
		s.mu.Unlock()
		return rateLimited(wait)
	}
	m := ch.add(Message{
		ThreadTS: c.text("thread_ts"), Broadcast: c.flag("reply_broadcast"),
		User: botUserID, Bot: botID, Name: orDefault(c.text("username"), s.config.BotName),
		Icon: c.text("icon_emoji"), Content: content,
	}, s.config.Now(), f.Lag).snapshot()
	s.mu.Unlock()
	tell(s.config.OnPost, m)
	return accept(map[string]any{"channel": m.Channel, "ts": m.TS, "message": m.wire(true)})
}

// threadError says why no reply can be made to a ts.
func (ch *channel) threadError(ts string) string {
	if !timestamp.MatchString(ts) {
		return "invalid_thread_ts"
	}
	switch root := ch.find(ts); {
	case root == nil:
		return "thread_not_found"
	case root.ThreadTS != "":
		return "cannot_reply_to_message" // a reply is no root
	}
	return ""
}

func (s *Server) postEphemeral(c *call, _ Fault) answer {
	content, code, found := c.content(maxPostText)
	if code != "" {
		return refuse(code, found...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, code := s.destination(c.text("channel"), false)
	if code != "" {
		return refuse(code)
	}
	if s.user(c.text("user")) == nil {
		return refuse("user_not_in_channel")
	}
	m := ch.add(Message{
		ThreadTS: c.text("thread_ts"), Ephemeral: c.text("user"),
		User: botUserID, Bot: botID, Name: s.config.BotName, Content: content,
	}, s.config.Now(), 0)
	return accept(map[string]any{"message_ts": m.TS})
}

func (s *Server) update(c *call, _ Fault) answer {
	s.mu.Lock()
	ch, code := s.destination(c.text("channel"), false)
	if code != "" {
		s.mu.Unlock()
		return refuse(code)
	}
	m := ch.find(c.text("ts"))
	switch {
	case m == nil:
		code = "message_not_found"
	case m.Bot != botID:
		code = "cant_update_message"
	}
	var found []Violation
	var content Content
	if code == "" {
		content, code, found = c.content(maxUpdateText)
	}
	if code != "" {
		s.mu.Unlock()
		return refuse(code, found...)
	}
	m.edit(content, c.args, Version{Content: m.Content, Replaced: s.config.Now()})
	now := m.snapshot()
	s.mu.Unlock()
	tell(s.config.OnChange, now)
	return accept(map[string]any{"channel": now.Channel, "ts": now.TS, "text": now.Text, "message": now.wire(true)})
}

// edit replaces a message's content. What was not sent stays, except blocks:
// a text alone takes their place. Only an edit without blocks is marked.
func (m *stored) edit(content Content, sent map[string]any, old Version) {
	_, hasText := sent["text"]
	_, hasBlocks := sent["blocks"]
	if !hasText {
		content.Text = old.Text
	}
	if !hasBlocks && !hasText {
		content.Blocks = old.Blocks
	}
	if _, has := sent["attachments"]; !has {
		content.Attachments = old.Attachments
	}
	switch {
	case content.Metadata == nil:
		content.Metadata = old.Metadata
	case content.Metadata.EventType == "":
		content.Metadata = nil
	}
	m.Content, m.History = content, append(m.History, old)
	m.Edited = m.Edited || !hasBlocks
	if broadcast, has := sent["reply_broadcast"].(bool); has {
		m.Broadcast = broadcast && m.ThreadTS != ""
	}
}

func (s *Server) permalink(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[c.text("channel")]
	if ch == nil {
		return refuse("channel_not_found")
	}
	m := ch.find(c.text("message_ts"))
	if m == nil {
		return refuse("message_not_found")
	}
	link := c.baseURL + "/archives/" + ch.ID + "/" + anchor(m.TS)
	if m.ThreadTS != "" {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.ID
	}
	return accept(map[string]any{"channel": ch.ID, "permalink": link})
}

// anchor is a ts as permalinks spell it.
func anchor(ts string) string { return "p" + strings.Replace(ts, ".", "", 1) }

func tell(listener func(Message), m Message) {
	if listener != nil {
		listener(m)
	}
}

// serveArchive leads a permalink to its message on the page.
func (s *Server) serveArchive(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/c/"+r.PathValue("channel")+"#"+r.PathValue("message"), http.StatusFound)
}
