package strictslack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// app is an app as Slack sees it: it opens a socket and reads envelopes.
type app struct {
	t    *testing.T
	conn *websocket.Conn
}

// connect opens a socket as the app does.
func connect(t *testing.T, base string) *app {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/apps.connections.open", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+strictslack.DefaultAppToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var opened struct {
		OK  bool
		URL string
	}
	if err := json.NewDecoder(resp.Body).Decode(&opened); err != nil || !opened.OK {
		t.Fatalf("apps.connections.open: %+v %v", opened, err)
	}
	a := &app{t: t, conn: dial(t, opened.URL)}
	if hello := a.read(); hello["type"] != "hello" {
		t.Fatalf("the first message is %v", hello)
	}
	if _, resp, err := websocket.DefaultDialer.DialContext(t.Context(), opened.URL, nil); err == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatalf("an address could be used twice: %v", err)
	}
	return a
}

func dial(t *testing.T, address string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (a *app) read() object {
	a.t.Helper()
	var m object
	if err := a.conn.ReadJSON(&m); err != nil {
		a.t.Fatal(err)
	}
	return m
}

func (a *app) write(m object) {
	a.t.Helper()
	if err := a.conn.WriteJSON(m); err != nil {
		a.t.Fatal(err)
	}
}

// pressed is what came of a press in the background.
type pressed struct {
	d   strictslack.Delivery
	err error
}

func press(t *testing.T, s *strictslack.Server, p strictslack.Press) <-chan pressed {
	done := make(chan pressed, 1)
	go func() {
		d, err := s.Press(t.Context(), p)
		done <- pressed{d, err}
	}()
	return done
}

// incidentPosted is a workspace on a port of its own with a message that has
// buttons.
func incidentPosted(t *testing.T, change func(*strictslack.Config)) (*strictslack.Server, *clock, string, strictslack.Press) {
	t.Helper()
	s, c := workspace(change)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ts, _ := must(t, call(t, s, "chat.postMessage", firing(t)))["ts"].(string)
	return s, c, server.URL, strictslack.Press{Channel: "data-alerts", TS: ts, Action: "pw_ack", User: "U0ANA"}
}

func TestPressGoesThroughTheSocket(t *testing.T) {
	s, _, base, ack := incidentPosted(t, nil)
	a := connect(t, base)
	done := press(t, s, ack)
	e := a.read()
	payload, _ := e["payload"].(object)
	if e["type"] != "interactive" || e["accepts_response_payload"] != false || payload["type"] != "block_actions" {
		t.Fatalf("envelope: %v", e)
	}
	action := payload["actions"].([]any)[0].(object)
	if action["action_id"] != "pw_ack" || action["value"] != "inc_1" || action["type"] != "button" {
		t.Errorf("action: %v", action)
	}
	if user := payload["user"].(object); user["id"] != "U0ANA" || user["username"] != "ana" {
		t.Errorf("user: %v", user)
	}
	if c := payload["container"].(object); c["message_ts"] != ack.TS || c["type"] != "message_attachment" {
		t.Errorf("container: %v", c)
	}
	a.write(object{"envelope_id": e["envelope_id"]})
	if p := <-done; p.err != nil || p.d.Envelope != e["envelope_id"] {
		t.Errorf("the press gave %+v", p)
	}
	if err := s.Redeliver(e["envelope_id"].(string)); err != nil {
		t.Fatal(err)
	}
	if again := a.read(); again["envelope_id"] != e["envelope_id"] || again["retry_attempt"] != 1.0 {
		t.Errorf("redelivered: %v", again)
	}
	mute := ack
	mute.Action, mute.Value = "pw_mute", "inc_1|3d"
	done = press(t, s, mute)
	e = a.read()
	option := e["payload"].(object)["actions"].([]any)[0].(object)["selected_option"].(object)
	if option["value"] != "inc_1|3d" {
		t.Errorf("chosen: %v", option)
	}
	a.write(object{"envelope_id": e["envelope_id"], "payload": nil})
	if p := <-done; p.err != nil {
		t.Error(p.err)
	}
}

func TestUnacknowledgedEnvelopeGoesToTheNextConnection(t *testing.T) {
	s, _, base, ack := incidentPosted(t, nil)
	first := connect(t, base)
	done := press(t, s, ack)
	e := first.read()
	second := connect(t, base)
	first.conn.Close()
	again := second.read()
	if again["envelope_id"] != e["envelope_id"] {
		t.Fatalf("the second connection got %v", again)
	}
	second.write(object{"envelope_id": e["envelope_id"]})
	if p := <-done; p.err != nil {
		t.Error(p.err)
	}
	s.Refresh()
	if m := second.read(); m["type"] != "disconnect" || m["reason"] != "refresh_requested" {
		t.Errorf("a refresh says %v", m)
	}
}

func TestPressThatNobodyTakes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*strictslack.Press)
		want   error
	}{
		{"an element that the message does not show", func(p *strictslack.Press) { p.Action = "pw_unack" }, strictslack.ErrNoElement},
		{"an option that the menu does not offer", func(p *strictslack.Press) { p.Action, p.Value = "pw_mute", "for ever" }, strictslack.ErrNoElement},
		{"no connection of the app", func(*strictslack.Press) {}, strictslack.ErrNoApp},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _, _, p := incidentPosted(t, nil)
			c.change(&p)
			if _, err := s.Press(t.Context(), p); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("an app that does not acknowledge", func(t *testing.T) {
		s, _, base, p := incidentPosted(t, func(c *strictslack.Config) { c.AckWithin = 20 * time.Millisecond })
		connect(t, base)
		if _, err := s.Press(t.Context(), p); !errors.Is(err, strictslack.ErrUnacked) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAcknowledgementsThatSlackWouldIgnoreEndTheConnection(t *testing.T) {
	for name, ack := range map[string]object{
		"of no envelope":             {"envelope_id": "unheard of"},
		"without an id":              {"id": "1"},
		"with a field of its own":    {"envelope_id": "x", "ok": true},
		"with a payload nobody asks": {"envelope_id": "x", "payload": object{"text": "hi"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, base, _ := incidentPosted(t, nil)
			a := connect(t, base)
			a.write(ack)
			if _, _, err := a.conn.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSocketsAreForTheAppTokenOnly(t *testing.T) {
	s, _ := workspace(nil)
	if got := call(t, s, "apps.connections.open", object{}); got["error"] != "not_allowed_token_type" {
		t.Errorf("with the bot's token: %v", got)
	}
	r := jsonRequest(t, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "hi"})
	r.Header.Set("Authorization", "Bearer "+strictslack.DefaultAppToken)
	if got := decoded(t, request(t, s, r)); got["error"] != "not_allowed_token_type" {
		t.Errorf("a post with the app's token: %v", got)
	}
}

func TestPressIsSignedWhereTheAppListens(t *testing.T) {
	var got *http.Request
	var body []byte
	status := http.StatusOK
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	defer listener.Close()
	s, c, _, ack := incidentPosted(t, func(c *strictslack.Config) { c.InteractionsURL = listener.URL })
	d, err := s.Press(t.Context(), ack)
	if err != nil || d.Status != http.StatusOK {
		t.Fatal(d, err)
	}
	stamp := strconv.FormatInt(c.now().Unix(), 10)
	if got.Header.Get("X-Slack-Request-Timestamp") != stamp || got.Header.Get("X-Slack-Signature") != strictslack.Signature(strictslack.DefaultSigningSecret, c.now(), body) {
		t.Errorf("headers: %v", got.Header)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.Contains(form.Get("payload"), `"action_id":"pw_ack"`) {
		t.Errorf("body: %s %v", body, err)
	}
	status = http.StatusForbidden
	if _, err := s.Press(t.Context(), ack); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a refusal gives %v", err)
	}
}

// The example of Slack's documentation.
func TestSignatureIsSlacks(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	got := strictslack.Signature("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body))
	if want := "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestResponseURL(t *testing.T) {
	s, c, base, ack := incidentPosted(t, func(c *strictslack.Config) { c.AckWithin = time.Millisecond })
	connect(t, base)
	d, _ := s.Press(t.Context(), ack)
	send := func(args object) (int, string) {
		t.Helper()
		body, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, strings.TrimPrefix(d.ResponseURL, base), bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := request(t, s, r)
		return w.Code, w.Body.String()
	}
	if code, text := send(object{"text": "already resolved", "response_type": "ephemeral", "replace_original": false}); code != http.StatusOK || text != `{"ok":true}` {
		t.Fatal(code, text)
	}
	all := s.Messages("data-alerts")
	if m := all[len(all)-1]; m.Ephemeral != "U0ANA" || m.Text != "already resolved" {
		t.Errorf("the person sees %+v", m)
	}
	shows(t, page(t, s, "/c/data-alerts"), "Only visible to you", "already resolved")
	if code, text := send(object{"text": "x", "color": "red"}); code != http.StatusBadRequest || !strings.Contains(text, "invalid_arguments") {
		t.Errorf("an unknown field: %d %s", code, text)
	}
	if code, _ := send(object{"text": ""}); code != http.StatusBadRequest {
		t.Errorf("nothing said: %d", code)
	}
	for range 4 {
		if code, text := send(object{"text": "again"}); code != http.StatusOK {
			t.Fatal(code, text)
		}
	}
	if code, text := send(object{"text": "a sixth time"}); code != http.StatusNotFound || !strings.Contains(text, "used_url") {
		t.Errorf("a sixth use: %d %s", code, text)
	}
	d, _ = s.Press(t.Context(), ack)
	c.advance(31 * time.Minute)
	if code, text := send(object{"text": "late"}); code != http.StatusNotFound || !strings.Contains(text, "expired_url") {
		t.Errorf("after half an hour: %d %s", code, text)
	}
}

func TestClickOnThePageIsAPress(t *testing.T) {
	s, _, base, ack := incidentPosted(t, nil)
	click := func(header ...string) *httptest.ResponseRecorder {
		t.Helper()
		form := url.Values{"action": {"pw_mute"}, "choice.pw_mute": {"inc_1|1h"}}
		r := httptest.NewRequest(http.MethodPost, "/press/C0ALERTS00/"+ack.TS, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for k := 0; k < len(header); k += 2 {
			r.Header.Set(header[k], header[k+1])
		}
		return request(t, s, r)
	}
	if w := click(); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/c/C0ALERTS00#p") {
		t.Errorf("a click leads to %d %s", w.Code, w.Header())
	}
	shows(t, page(t, s, "/c/data-alerts"), "no connection of the app is open")
	a := connect(t, base)
	done := make(chan *httptest.ResponseRecorder, 1)
	go func() { done <- click() }()
	e := a.read()
	if !strings.Contains(string(mustJSON(t, e)), `"value":"inc_1|1h"`) {
		t.Errorf("envelope: %v", e)
	}
	a.write(object{"envelope_id": e["envelope_id"]})
	if w := <-done; w.Code != http.StatusSeeOther {
		t.Errorf("got %d", w.Code)
	}
	if strings.Contains(page(t, s, "/c/data-alerts"), "no connection") {
		t.Error("the trouble stays although the press was taken")
	}
	if w := click("Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("a click from another site's page: %d", w.Code)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
