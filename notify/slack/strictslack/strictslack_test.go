package strictslack_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

type object = map[string]any

// clock is a clock that a test moves by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2013, 6, 15, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// workspace is a server with the channels that most tests talk about.
func workspace(change func(*strictslack.Config)) (*strictslack.Server, *clock) {
	c := newClock()
	config := strictslack.Config{
		Now: c.now,
		Channels: []strictslack.Channel{
			{ID: "C0ALERTS00", Name: "data-alerts"}, {ID: "C0OLD00000", Name: "old", Archived: true},
			{ID: "C0FOREIGN0", Name: "foreign", BotAbsent: true},
		},
		Usergroups: []strictslack.Usergroup{{ID: "S0MLONCALL", Handle: "ml-oncall", Name: "ML on call", Users: []string{"U0ANA"}}},
		Users:      []strictslack.User{{ID: "U0ANA", Name: "ana", RealName: "Ana Lima", Email: "ana@example.com"}},
		Webhooks:   map[string]string{"T0/B0/secret": "data-alerts", "T0/B0/old": "old"},
	}
	if change != nil {
		change(&config)
	}
	return strictslack.New(config), c
}

// request sends one request to the server without a network.
func request(t *testing.T, h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(t.Context()))
	return w
}

func jsonRequest(t *testing.T, method string, args object) *http.Request {
	t.Helper()
	body, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/"+method, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Authorization", "Bearer "+strictslack.DefaultToken)
	return r
}

// call sends a JSON body and returns the answer's body.
func call(t *testing.T, h http.Handler, method string, args object) object {
	t.Helper()
	return decoded(t, request(t, h, jsonRequest(t, method, args)))
}

// callForm sends the same as a form with the token in it, as client libraries do.
func callForm(t *testing.T, h http.Handler, method string, args url.Values) object {
	t.Helper()
	form := maps.Clone(args)
	form.Set("token", strictslack.DefaultToken)
	r := httptest.NewRequest(http.MethodPost, "/api/"+method, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return decoded(t, request(t, h, r))
}

func decoded(t *testing.T, w *httptest.ResponseRecorder) object {
	t.Helper()
	var answer object
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("the answer is no JSON: %v: %s", err, w.Body)
	}
	return answer
}

// must fails the test when Slack refused.
func must(t *testing.T, answer object) object {
	t.Helper()
	if answer["ok"] != true {
		t.Fatalf("refused: %v", answer)
	}
	return answer
}

// refused fails the test unless Slack refused with this error.
func refused(t *testing.T, answer object, code string) {
	t.Helper()
	if answer["ok"] != false || answer["error"] != code {
		t.Errorf("got %v, want the error %s", answer, code)
	}
}

// say posts a text and returns its ts.
func say(t *testing.T, h http.Handler, text string) string {
	t.Helper()
	return must(t, call(t, h, "chat.postMessage", object{"channel": "C0ALERTS00", "text": text}))["ts"].(string)
}

func firing(t *testing.T) object {
	t.Helper()
	src, err := os.ReadFile("testdata/firing.json")
	if err != nil {
		t.Fatal(err)
	}
	var m object
	if err := json.Unmarshal(src, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
