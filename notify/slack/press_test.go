package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// actor notes what it is asked and says what it is told to say.
type actor struct {
	got   chan slack.Press
	reply string
	err   error
}

func (a *actor) Act(_ context.Context, p slack.Press) (string, error) {
	a.got <- p
	return a.reply, a.err
}

const inc = "inc-20130208T1415-5f3a1"

// withButtons is a message that has all that can be pressed.
var withButtons = map[string]any{"channel": "C0ALERTS00", "text": "flights is stale", "blocks": []any{map[string]any{
	"type": "actions", "block_id": "actions", "elements": []any{
		button("pw_ack", inc+"|7"), button("pw_recheck", inc+"|7"), button("pw_explain", inc+"|7"), button("other", "x"),
		button("pw_unack", "nonsense"),
		map[string]any{"type": "static_select", "action_id": "pw_mute", "options": []any{
			map[string]any{"text": map[string]any{"type": "plain_text", "text": "3 days"}, "value": inc + "|7|3d"},
		}},
	},
}}}

func button(id, value string) map[string]any {
	return map[string]any{"type": "button", "action_id": id, "value": value, "text": map[string]any{"type": "plain_text", "text": id}}
}

// counter is a workspace with a message that has buttons, and Presses that listen.
type counter struct {
	*strictslack.Server
	presses *slack.Presses
	actor   *actor
	ts      string
}

// openCounter opens it; over HTTP where the config names an address, else over a socket.
func openCounter(t *testing.T, actors []string, change func(*strictslack.Config)) *counter {
	t.Helper()
	config := strictslack.Config{
		Channels:   []strictslack.Channel{{ID: "C0ALERTS00", Name: "data-alerts"}},
		Users:      []strictslack.User{{ID: "U0ANA00000", Name: "ana", Email: "ana@example.com"}, {ID: "U0BOB00000", Name: "bob"}},
		Usergroups: []strictslack.Usergroup{{ID: "S0MLONCALL", Handle: "ml-oncall", Name: "ML on call", Users: []string{"U0BOB00000"}}},
	}
	if change != nil {
		change(&config)
	}
	d := &counter{Server: strictslack.New(config), actor: &actor{got: make(chan slack.Press, 10)}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	c := slack.Config{Token: strictslack.DefaultToken, APIURL: server.URL + "/api/"}
	if config.InteractionsURL == "" {
		c.AppToken = strictslack.DefaultAppToken
	}
	d.presses = slack.NewPresses(slack.PressConfig{
		Client: slack.New(c), SigningSecret: strictslack.DefaultSigningSecret, Actors: actors, Actor: d.actor, Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.presses.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	d.ts = postRaw(t, server.URL, withButtons)
	return d
}

// postRaw posts a message as it is written, and returns its ts.
func postRaw(t *testing.T, base string, message map[string]any) string {
	t.Helper()
	body, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/api/chat.postMessage", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+strictslack.DefaultToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct {
		OK    bool
		TS    string
		Error string
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || !got.OK {
		t.Fatalf("chat.postMessage: %+v %v", got, err)
	}
	return got.TS
}

// press presses until the app is connected.
func (d *counter) press(t *testing.T, p strictslack.Press) strictslack.Delivery {
	t.Helper()
	p.Channel, p.TS = "data-alerts", d.ts
	for {
		got, err := d.Press(t.Context(), p)
		if errors.Is(err, strictslack.ErrNoApp) {
			<-time.After(5 * time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// told waits for what a person alone is told.
func (d *counter) told(t *testing.T, user string) string {
	t.Helper()
	for {
		for _, m := range slices.Backward(d.Messages("data-alerts")) {
			if m.Ephemeral == user {
				return m.Text
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatal("nobody was told anything")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestPressesArriveOverTheSocket(t *testing.T) {
	d := openCounter(t, nil, nil)
	d.press(t, strictslack.Press{Action: "other"}) // not ours
	d.press(t, strictslack.Press{Action: "pw_unack"})
	for _, c := range []struct {
		press strictslack.Press
		want  slack.Press
	}{
		{strictslack.Press{Action: "pw_ack"}, slack.Press{Kind: "ack", Incident: inc, Seq: 7, User: "U0ANA00000", Name: "ana"}},
		{strictslack.Press{Action: "pw_mute", Value: inc + "|7|3d", User: "U0BOB00000"}, slack.Press{Kind: "mute", Incident: inc, Seq: 7, Until: "3d", User: "U0BOB00000", Name: "bob"}},
		{strictslack.Press{Action: "pw_recheck"}, slack.Press{Kind: "recheck", Incident: inc, Seq: 7, User: "U0ANA00000", Name: "ana"}},
	} {
		d.press(t, c.press)
		if diff := cmp.Diff(c.want, <-d.actor.got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.press.Action, diff)
		}
	}
}

func TestEnvelopeThatComesTwiceIsDoneOnce(t *testing.T) {
	d := openCounter(t, nil, nil)
	first := d.press(t, strictslack.Press{Action: "pw_ack"})
	if err := d.Redeliver(first.Envelope); err != nil {
		t.Fatal(err)
	}
	d.press(t, strictslack.Press{Action: "pw_recheck"}) // in order after it
	if a, b := <-d.actor.got, <-d.actor.got; a.Kind+b.Kind != "ackrecheck" && a.Kind+b.Kind != "recheckack" {
		t.Errorf("carried out: %s, %s", a.Kind, b.Kind)
	}
	if len(d.actor.got) > 0 {
		t.Errorf("and %+v once more", <-d.actor.got)
	}
}

func TestPressesGoOnAfterTheConnectionEnds(t *testing.T) {
	for name, end := range map[string]func(*counter){
		"on Slack's request": func(d *counter) { d.Refresh() },
		"without a word":     func(d *counter) { d.Sever() },
	} {
		t.Run(name, func(t *testing.T) {
			d := openCounter(t, nil, nil)
			d.press(t, strictslack.Press{Action: "pw_ack"})
			<-d.actor.got
			end(d)
			d.press(t, strictslack.Press{Action: "pw_recheck"})
			if p := <-d.actor.got; p.Kind != "recheck" {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestWhoMayPress(t *testing.T) {
	for _, c := range []struct {
		name   string
		actors []string
		may    bool
	}{
		{"everybody where nobody is named", nil, true},
		{"a person by id", []string{"U0BOB00000"}, true},
		{"a person by id with an at sign", []string{"@U0BOB00000"}, true},
		{"a member of a group", []string{"@ml-oncall"}, true},
		{"a member of a group by its id", []string{"S0MLONCALL"}, true},
		{"not another person", []string{"U0ANA00000"}, false},
		{"not another address", []string{"ana@example.com"}, false},
		{"not somebody who calls themselves so", []string{"@bob"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := openCounter(t, c.actors, nil)
			d.actor.reply = "done <!channel>\nreally"
			d.press(t, strictslack.Press{Action: "pw_ack", User: "U0BOB00000"})
			got := d.told(t, "U0BOB00000")
			if c.may && got != "done &lt;!channel&gt;\nreally" || !c.may && !strings.HasPrefix(got, "You are not among those") {
				t.Errorf("told %q", got)
			}
			if carried := len(d.actor.got) > 0; carried != c.may {
				t.Errorf("carried out: %v", carried)
			}
		})
	}
	t.Run("nobody while Slack cannot tell", func(t *testing.T) {
		d := openCounter(t, []string{"@ml-oncall"}, nil)
		d.Script("usergroups.list", strictslack.Fault{Error: "internal_error"})
		d.press(t, strictslack.Press{Action: "pw_ack", User: "U0BOB00000"})
		if got := d.told(t, "U0BOB00000"); !strings.Contains(got, "Nothing was done") || len(d.actor.got) > 0 {
			t.Errorf("told %q", got)
		}
	})
}

func TestAnswerWithIndentedLinesIsShownAsItIsWritten(t *testing.T) {
	d := openCounter(t, nil, nil)
	d.actor.reply = "flights is stale:\n  as `load` <!here> failed\n"
	d.press(t, strictslack.Press{Action: "pw_explain"})
	if got := d.told(t, "U0ANA00000"); got != "```\nflights is stale:\n  as 'load' &lt;!here&gt; failed\n```" {
		t.Errorf("told %q", got)
	}
}

func TestTroubleIsToldToWhoPressed(t *testing.T) {
	d := openCounter(t, nil, nil)
	d.actor.err = errors.New("disk full at /secret")
	d.press(t, strictslack.Press{Action: "pw_ack"})
	if got := d.told(t, "U0ANA00000"); got != "This did not work. Nothing was done; the log of pipewatch says why." {
		t.Errorf("told %q", got)
	}
}

func TestSignedRequests(t *testing.T) {
	var d *counter
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.presses.ServeHTTP(w, r) }))
	defer front.Close()
	d = openCounter(t, nil, func(c *strictslack.Config) { c.InteractionsURL = front.URL })
	taken := d.press(t, strictslack.Press{Action: "pw_ack"})
	if p := <-d.actor.got; p.Kind != "ack" || p.Incident != inc {
		t.Fatalf("got %+v", p)
	}
	fresh := func() []byte { // another press, not yet sent
		return []byte(strings.Replace(string(taken.Body), "trigger_id", "trigger_id"+strconv.Itoa(int(time.Now().UnixNano())), 1))
	}
	header := func(at time.Time, body []byte, change ...string) http.Header {
		h := http.Header{}
		h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(at.Unix(), 10))
		h.Set("X-Slack-Signature", strictslack.Signature(strictslack.DefaultSigningSecret, at, body))
		for n := 0; n < len(change); n += 2 {
			h.Set(change[n], change[n+1])
		}
		return h
	}
	now := time.Now()
	twice := header(now, fresh())
	twice.Add("X-Slack-Signature", "v0=00")
	plain := []byte(url.Values{"payload": {"[]"}}.Encode())
	upper := taken.Header.Clone()
	upper.Set("X-Slack-Signature", "v0="+strings.ToUpper(strings.TrimPrefix(upper.Get("X-Slack-Signature"), "v0=")))
	one, other := fresh(), fresh()
	for _, c := range []struct {
		name   string
		header http.Header
		body   []byte
		want   int
	}{
		{"a press just signed", header(now, one), one, 200},
		{"the same once more", header(now, one), one, 401},
		{"the first one again", taken.Header, taken.Body, 401},
		{"again with the signature in capitals", upper, taken.Body, 401},
		{"six minutes old", header(now.Add(-6*time.Minute), other), other, 401},
		{"six minutes ahead", header(now.Add(6*time.Minute), other), other, 401},
		{"from before we started", header(now.Add(-time.Minute), other), other, 401},
		{"another body under the signature", header(now, one), other, 401},
		{"no signature", header(now, other, "X-Slack-Signature", ""), other, 401},
		{"no header at all", http.Header{}, other, 401},
		{"two signatures", twice, other, 401},
		{"a signature of another version", header(now, other, "X-Slack-Signature", "v1="+strings.Repeat("0", 64)), other, 401},
		{"a time that is none", header(now, other, "X-Slack-Request-Timestamp", "now"), other, 401},
		{"signed nonsense", header(now, plain), plain, 400},
		{"more than a mebibyte", header(now, other), []byte(strings.Repeat("x", 1<<20+1)), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/slack/interactions", strings.NewReader(string(c.body)))
			r.Header = c.header
			w := httptest.NewRecorder()
			d.presses.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.want)
			}
		})
	}
	if p := <-d.actor.got; p.Kind != "ack" || len(d.actor.got) > 0 {
		t.Errorf("carried out besides: %+v and %d more", p, len(d.actor.got))
	}
}

func TestAnswersGoToSlackOnly(t *testing.T) {
	for to, want := range map[string]bool{
		"https://hooks.slack.com/actions/T0/1/x": true, "https://slack.com/x": true, "http://hooks.slack.com/x": false,
		"https://hooks.slack.com.evil.example/": false, "https://evil.example/": false, "https://hooks.slack.com@evil.example/": false,
		"https://x@hooks.slack.com/": false, "http://169.254.169.254/": false, "": false,
	} {
		if got := slack.Ours(slack.New(slack.Config{Token: "x"}), to); got != want {
			t.Errorf("%s: %v", to, got)
		}
	}
}
