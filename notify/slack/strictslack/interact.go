package strictslack

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// This file is what happens when a person presses a button or chooses from a
// menu: Slack tells the app, over a socket (socket.go) or by a signed request,
// and waits for its acknowledgement.

// Press is one person's use of one interactive element of a message.
type Press struct {
	Channel string // id, "#name" or name
	TS      string // of the message
	Action  string // action_id of the element
	Value   string // of the chosen option; a button's own value is taken from the message
	User    string // who presses; default the first of Config.Users
}

// Delivery is how the app was told of a press.
type Delivery struct {
	Envelope    string      // id, over a socket
	Header      http.Header // of the signed request, by HTTP
	Body        []byte      // likewise
	Status      int         // likewise: what the app answered
	ResponseURL string      // where the app may answer the person
}

// Why a press comes to nothing. A person in Slack sees a warning sign.
var (
	ErrNoElement = errors.New("the message shows no such element")
	ErrNoApp     = errors.New("no connection of the app is open")
	ErrUnacked   = errors.New("the app did not acknowledge in time")
)

// Press tells the app of a press and returns when it has acknowledged, or why
// it has not within Config.AckWithin.
func (s *Server) Press(ctx context.Context, p Press) (Delivery, error) {
	s.mu.Lock()
	payload, reply, err := s.interaction(p)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	d := Delivery{ResponseURL: reply}
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.AckWithin, ErrUnacked)
	defer cancel()
	if s.config.InteractionsURL != "" {
		return s.postInteraction(ctx, d, payload)
	}
	return s.emit(ctx, d, payload)
}

// interaction is the payload of a press and its response_url. The caller holds
// the lock.
func (s *Server) interaction(p Press) (map[string]any, string, error) {
	ch := s.lookup(p.Channel)
	if ch == nil {
		return nil, "", fmt.Errorf("press %s: no channel %q", p.Action, p.Channel)
	}
	m := ch.find(p.TS)
	if m == nil {
		return nil, "", fmt.Errorf("press %s: no message %s in #%s", p.Action, p.TS, ch.Name)
	}
	u := s.user(orDefault(p.User, s.config.Users[0].ID))
	if u == nil {
		return nil, "", fmt.Errorf("press %s: no user %q", p.Action, p.User)
	}
	now := s.config.Now()
	action, container, err := m.action(p)
	if err != nil {
		return nil, "", err
	}
	action["action_ts"] = stamp(now.UnixMicro())
	container["message_ts"], container["channel_id"], container["is_ephemeral"] = m.TS, ch.ID, false
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	reply := s.openReply(ch, m, u.ID, now)
	return map[string]any{
		"type": "block_actions", "api_app_id": appID, "token": "strict", "trigger_id": stamp(now.UnixMicro()) + "." + rand.Text(),
		"team": map[string]any{"id": teamID, "domain": "strict"}, "enterprise": nil, "is_enterprise_install": false,
		"user":    map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": teamID},
		"channel": map[string]any{"id": ch.ID, "name": ch.Name}, "container": container,
		"message": m.wire(false), "state": map[string]any{"values": map[string]any{}},
		"response_url": reply, "actions": []any{action},
	}, reply, nil
}

// action is the pressed element as the payload shows it, and what holds it.
func (m *stored) action(p Press) (action, container map[string]any, err error) {
	element, block, attachment := m.element(p.Action)
	if element == nil {
		return nil, nil, fmt.Errorf("press %q on %s: %w", p.Action, m.TS, ErrNoElement)
	}
	container = map[string]any{"type": "message"}
	if attachment > 0 {
		container = map[string]any{"type": "message_attachment", "attachment_id": attachment, "is_app_unfurl": false}
	}
	action = map[string]any{"type": element["type"], "action_id": p.Action, "block_id": block}
	switch element["type"] {
	case "button":
		action["text"] = element["text"]
		for _, key := range []string{"value", "url", "style"} {
			if v, has := element[key]; has {
				action[key] = v
			}
		}
		return action, container, nil
	case "static_select", "overflow", "radio_buttons":
		for _, o := range choicesOf(element) {
			if o["value"] == p.Value {
				action["selected_option"] = o
				return action, container, nil
			}
		}
		return nil, nil, fmt.Errorf("choose %q of %q on %s: %w", p.Value, p.Action, m.TS, ErrNoElement)
	}
	return nil, nil, fmt.Errorf("press a %v: only buttons and menus of fixed options can be pressed here", element["type"])
}

// element finds an interactive element by its action_id, with the id of its
// block and the number of its attachment, 0 for none.
func (m *stored) element(actionID string) (element map[string]any, block string, attachment int) {
	for n, at := range append([]map[string]any{{"blocks": anys(m.Blocks)}}, m.Attachments...) {
		for k, b := range objects(at["blocks"]) {
			parts := objects(b["elements"])
			if one, ok := b["accessory"].(map[string]any); ok {
				parts = append(parts, one)
			}
			for _, e := range parts {
				if e["action_id"] == actionID {
					id, _ := b["block_id"].(string)
					return e, orDefault(id, fmt.Sprintf("b%d.%d", n, k)), n
				}
			}
		}
	}
	return nil, "", 0
}

func anys(os []map[string]any) []any {
	all := make([]any, len(os))
	for i, o := range os {
		all[i] = o
	}
	return all
}

// choicesOf are all options of a menu.
func choicesOf(element map[string]any) []map[string]any {
	all := objects(element["options"])
	for _, g := range objects(element["option_groups"]) {
		all = append(all, objects(g["options"])...)
	}
	return all
}

// postInteraction tells the app by a signed request.
func (s *Server) postInteraction(ctx context.Context, d Delivery, payload map[string]any) (Delivery, error) {
	d.Body = []byte(url.Values{"payload": {string(encode(payload))}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.InteractionsURL, bytes.NewReader(d.Body))
	if err != nil {
		return d, fmt.Errorf("tell the app of a press: %w", err)
	}
	at := s.config.Now()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	r.Header.Set("X-Slack-Request-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("X-Slack-Signature", Signature(s.config.SigningSecret, at, d.Body))
	d.Header = r.Header
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return d, fmt.Errorf("tell the app of a press: %w", err)
	}
	defer resp.Body.Close()
	if d.Status = resp.StatusCode; d.Status != http.StatusOK {
		return d, fmt.Errorf("tell the app of a press: it answered HTTP status %d", d.Status)
	}
	return d, nil
}

// Signature is how Slack signs a request's body at a time.
func Signature(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", at.Unix(), body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}
