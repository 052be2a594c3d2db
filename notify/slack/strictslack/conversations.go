package strictslack

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

var (
	infoArgs = map[string]argument{"channel": isText, "include_locale": isFlag, "include_num_members": isFlag}
	listArgs = map[string]argument{
		"cursor": isText, "limit": isCount, "types": isText, "exclude_archived": isFlag, "team_id": isText,
	}
	historyArgs = map[string]argument{
		"channel": isText, "ts": isText, "cursor": isText, "limit": isCount, "oldest": isText, "latest": isText,
		"inclusive": isFlag, "include_all_metadata": isFlag,
	}
)

func (s *Server) conversationInfo(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[c.text("channel")]
	if ch == nil {
		return refuse("channel_not_found")
	}
	return accept(map[string]any{"channel": ch.wire()})
}

func (ch *channel) wire() map[string]any {
	return map[string]any{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "is_channel": true, "is_private": false,
		"is_archived": ch.Archived, "is_member": !ch.BotAbsent && !ch.Archived,
		"topic": map[string]any{"value": ch.Topic}, "purpose": map[string]any{"value": ""},
	}
}

func (s *Server) conversationList(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	types := strings.Split(orDefault(c.text("types"), "public_channel"), ",")
	for _, ch := range s.ordered() {
		if slices.Contains(types, "public_channel") && !(ch.Archived && c.flag("exclude_archived")) {
			all = append(all, ch.wire())
		}
	}
	page, next, code := paged(c, all)
	if code != "" {
		return refuse(code)
	}
	return accept(map[string]any{"channels": page, "response_metadata": map[string]any{"next_cursor": next}})
}

// history answers the roots and broadcast replies of a channel, newest first.
func (s *Server) history(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, code := s.readable(c)
	if code != "" {
		return refuse(code)
	}
	if c.text("ts") != "" {
		return refuse("invalid_arguments")
	}
	var all []map[string]any
	for _, m := range slices.Backward(ch.messages) {
		if (m.ThreadTS == "" || m.Broadcast) && s.shows(c, m) {
			all = append(all, ch.wireMessage(m, c.flag("include_all_metadata")))
		}
	}
	return answerMessages(c, all)
}

// threadReplies answers a root and its replies, oldest first.
func (s *Server) threadReplies(c *call, _ Fault) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, code := s.readable(c)
	if code != "" {
		return refuse(code)
	}
	root := ch.find(c.text("ts"))
	if root == nil || s.config.Now().Before(root.visible) {
		return refuse("thread_not_found")
	}
	all := []map[string]any{ch.wireMessage(root, c.flag("include_all_metadata"))}
	for _, m := range ch.replies(root.TS) {
		if s.shows(c, m) {
			all = append(all, ch.wireMessage(m, c.flag("include_all_metadata")))
		}
	}
	return answerMessages(c, all)
}

func answerMessages(c *call, all []map[string]any) answer {
	page, next, code := paged(c, all)
	if code != "" {
		return refuse(code)
	}
	return accept(map[string]any{
		"messages": page, "has_more": next != "", "response_metadata": map[string]any{"next_cursor": next},
	})
}

// readable is the channel whose messages a call may read.
func (s *Server) readable(c *call) (*channel, string) {
	ch := s.channels[c.text("channel")]
	switch oldest, latest := c.text("oldest"), c.text("latest"); {
	case ch == nil:
		return nil, "channel_not_found"
	case ch.BotAbsent:
		return nil, "not_in_channel"
	case oldest != "" && micros(oldest) < 0:
		return nil, "invalid_ts_oldest"
	case latest != "" && micros(latest) < 0:
		return nil, "invalid_ts_latest"
	}
	return ch, ""
}

// shows says whether a call for messages is answered this one.
func (s *Server) shows(c *call, m *stored) bool {
	if m.Ephemeral != "" || s.config.Now().Before(m.visible) {
		return false
	}
	at, slack := micros(m.TS), int64(0)
	if c.flag("inclusive") {
		slack = 1
	}
	if oldest := c.text("oldest"); oldest != "" && at <= micros(oldest)-slack {
		return false
	}
	if latest := c.text("latest"); latest != "" && at >= micros(latest)+slack {
		return false
	}
	return true
}

// micros reads a ts, which in oldest and latest may be a bare number of
// seconds; -1 for what is neither.
func micros(ts string) int64 {
	seconds, fraction, _ := strings.Cut(ts, ".")
	n := int64(0)
	for _, digit := range seconds + (fraction + "000000")[:6] {
		if digit < '0' || digit > '9' || n > 1<<56 {
			return -1
		}
		n = n*10 + int64(digit-'0')
	}
	if ts == "" || len(fraction) > 6 {
		return -1
	}
	return n
}

func (ch *channel) wireMessage(m *stored, withMetadata bool) map[string]any {
	w := m.wire(withMetadata)
	if replies := ch.replies(m.TS); len(replies) > 0 {
		w["thread_ts"] = m.TS
		w["reply_count"] = len(replies)
		w["reply_users"] = []string{botUserID}
		w["latest_reply"] = replies[len(replies)-1].TS
	}
	return w
}

// cursorMark begins a cursor before it is encoded; the number of the first
// item follows.
const cursorMark = "from:"

// paged is one page of a list and the cursor of the next, empty at the end.
func paged[T any](c *call, all []T) (page []T, next, code string) {
	limit, given := c.args["limit"].(int)
	if !given || limit == 0 {
		limit = defaultPage
	}
	if limit < 0 || limit > maxPage {
		return nil, "", "invalid_limit"
	}
	start := 0
	if cursor := c.text("cursor"); cursor != "" {
		raw, err := base64.StdEncoding.DecodeString(cursor)
		if err != nil {
			return nil, "", "invalid_cursor"
		}
		start, err = strconv.Atoi(strings.TrimPrefix(string(raw), cursorMark))
		if err != nil || start < 0 || start > len(all) {
			return nil, "", "invalid_cursor"
		}
	}
	end := min(start+limit, len(all))
	if end < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte(cursorMark + strconv.Itoa(end)))
	}
	return append([]T{}, all[start:end]...), next, ""
}
