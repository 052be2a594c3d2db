package strictslack

import (
	"maps"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// Metadata is what a message carries for programs, unseen by people.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Content is what an edit can change of a message. Blocks and attachments are
// decoded JSON with json.Number for numbers; nobody may change them in place.
type Content struct {
	Text        string
	Blocks      []map[string]any
	Attachments []map[string]any
	Metadata    *Metadata
}

// Version is a content that an edit replaced.
type Version struct {
	Content
	Replaced time.Time // when it stopped being the current one
}

// Message is one message of a channel, as it stands now.
type Message struct {
	Channel   string // id, C…
	TS        string // seconds.microseconds, the id within the channel
	ThreadTS  string // ts of the root; empty for a root message
	Broadcast bool   // a reply that is shown in the channel too
	Ephemeral string // the only user who sees it; empty for everybody
	Posted    time.Time
	User      string // the poster's user id; empty for a webhook
	Bot       string // the poster's bot id
	Name      string // the poster's name
	Icon      string // :emoji: in place of the app's picture, or empty
	Edited    bool   // shown as (edited): Slack marks edits without blocks only
	Content
	History []Version // the earlier contents, oldest first
}

var eventType = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// content reads and judges what a call wants to say. The string is Slack's
// error code, empty when all is well.
func (c *call) content(most int) (Content, string, []Violation) {
	text, _ := c.args["text"].(string)
	blocks, attachments := c.args["blocks"], c.args["attachments"]
	if text == "" && empty(blocks) && empty(attachments) {
		return Content{}, "no_text", nil
	}
	if utf8.RuneCountInString(text) > most {
		return Content{}, "msg_too_long", nil
	}
	if items, _ := attachments.([]any); len(items) > maxAttachments {
		return Content{}, "too_many_attachments", nil
	}
	if code, found := judge(text, blocks, attachments); len(found) > 0 {
		return Content{}, code, found
	}
	metadata, code := c.metadata()
	return Content{Text: text, Blocks: objects(blocks), Attachments: objects(attachments), Metadata: metadata}, code, nil
}

// judge finds what Slack refuses in a message and names the error after the
// part that is at fault.
func judge(text string, blocks, attachments any) (code string, found []Violation) {
	c := newCheck()
	if blocks != nil {
		blockList(c, "/blocks", blocks)
		c.whole("/blocks")
	}
	if len(c.found) > 0 {
		return "invalid_blocks", c.found
	}
	if attachments != nil {
		list(0, maxAttachments, attachment)(c, "/attachments", attachments)
		c.whole("/attachments")
	}
	if len(c.found) > 0 {
		return "invalid_attachments", c.found
	}
	if text != "" {
		mrkdwn(maxPostText)(c, "/text", text)
	}
	return "invalid_arguments", c.found
}

// metadata reads the metadata of a call; nil when none was sent.
func (c *call) metadata() (*Metadata, string) {
	v, sent := c.args["metadata"]
	if !sent {
		return nil, ""
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, "invalid_metadata_format"
	}
	if len(o) == 0 && c.method == "chat.update" { // takes the metadata away
		return &Metadata{}, ""
	}
	kind, _ := o["event_type"].(string)
	payload, ok := o["event_payload"].(map[string]any)
	if !ok || len(o) != 2 || len(kind) > maxEventType || !eventType.MatchString(kind) {
		return nil, "invalid_metadata_schema"
	}
	if len(encode(payload)) > maxMetadata {
		return nil, "metadata_too_large"
	}
	return &Metadata{EventType: kind, EventPayload: payload}, ""
}

func empty(v any) bool {
	items, _ := v.([]any)
	return len(items) == 0
}

// objects are the items of an array that was judged to hold objects only.
func objects(v any) []map[string]any {
	items, _ := v.([]any)
	var os []map[string]any
	for _, item := range items {
		if o, ok := item.(map[string]any); ok {
			os = append(os, o)
		}
	}
	return os
}

// wire is the message as methods answer it.
func (m Message) wire(withMetadata bool) map[string]any {
	w := map[string]any{
		"type": "message", "ts": m.TS, "text": m.Text, "bot_id": m.Bot, "username": m.Name, "team": teamID, "app_id": appID,
	}
	if m.User != "" {
		w["user"] = m.User
	}
	if m.ThreadTS != "" {
		w["thread_ts"] = m.ThreadTS
	}
	if m.Broadcast {
		w["subtype"] = "thread_broadcast"
	}
	if len(m.Blocks) > 0 {
		w["blocks"] = m.Blocks
	}
	if len(m.Attachments) > 0 {
		w["attachments"] = numbered(m.Attachments)
	}
	if m.Edited {
		w["edited"] = map[string]any{"user": m.User, "ts": stamp(m.History[len(m.History)-1].Replaced.UnixMicro())}
	}
	if withMetadata && m.Metadata != nil {
		w["metadata"] = m.Metadata
	}
	return w
}

// numbered adds to attachments what Slack adds: an id and a fallback.
func numbered(attachments []map[string]any) []map[string]any {
	out := slices.Clone(attachments)
	for i, a := range out {
		out[i] = maps.Clone(a)
		out[i]["id"] = i + 1
		if a["fallback"] == nil {
			out[i]["fallback"] = "[no preview available]"
		}
	}
	return out
}
