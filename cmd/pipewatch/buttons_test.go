package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// Who works in the scripts' workspace: press and told call them by name.
var people = []strictslack.User{{ID: "U0ANA00000", Name: "ana"}, {ID: "U0BOB00000", Name: "bob"}}

// office is a workspace of a script, and the last press in it.
type office struct {
	*strictslack.Server
	last strictslack.Delivery
}

// openOffice runs a workspace. It tells of presses by signed requests where to
// names an address, else over a socket.
func openOffice(e *testscript.Env, to string) string {
	config := devWorkspace(strictslack.DefaultToken, []string{"data-alerts"})
	config.Users, config.InteractionsURL = people, to
	workspace := strictslack.New(config)
	server := httptest.NewServer(workspace)
	e.Defer(server.Close)
	e.Values[server.URL] = &office{Server: workspace}
	return server.URL
}

func theOffice(ts *testscript.TestScript) *office { return ts.Value(ts.Getenv("SLACK")).(*office) }

// within tries something until it is done, for at most a minute.
func within(ts *testscript.TestScript, what string, try func() error) {
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	ts.Fatalf("%s: %v", what, err)
}

// press presses a button of the newest message that has it, or chooses from its
// menu: press pw_mute ana 1h.
func press(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: press ACTION WHO [CHOICE]")
	}
	o := theOffice(ts)
	within(ts, "press", func() error {
		err := error(strictslack.ErrNoElement)
		for _, m := range slices.Backward(o.Messages("data-alerts")) {
			if m.Ephemeral != "" {
				continue
			}
			p := strictslack.Press{Channel: "data-alerts", TS: m.TS, Action: args[0], User: userCalled(ts, args[1]).ID}
			if len(args) == 3 {
				p.Value = choiceIn(m, args[2])
			}
			if o.last, err = o.Press(context.Background(), p); err == nil || !errors.Is(err, strictslack.ErrNoElement) {
				break
			}
		}
		return err
	})
}

// choiceIn is the whole value of a message's menu option that ends so.
func choiceIn(m strictslack.Message, end string) string {
	for _, field := range strings.FieldsFunc(fmt.Sprint(m.Attachments), func(r rune) bool { return strings.ContainsRune(" []", r) }) {
		if value, ok := strings.CutPrefix(field, "value:"); ok && strings.HasSuffix(value, "|"+end) {
			return value
		}
	}
	return ""
}

func userCalled(ts *testscript.TestScript, name string) strictslack.User {
	n := slices.IndexFunc(people, func(u strictslack.User) bool { return u.Name == name })
	if n < 0 {
		ts.Fatalf("nobody is called %s", name)
	}
	return people[n]
}

// told waits until a person alone has been told something, and forgets it:
// told ana 'It is over'.
func told(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: told WHO TEXT")
	}
	o, who := theOffice(ts), userCalled(ts, args[0]).ID
	within(ts, "told "+args[0], func() error {
		last := "nothing"
		for _, m := range o.Messages("data-alerts") {
			if m.Ephemeral == who {
				last = m.Text
			}
		}
		if !strings.Contains(last, args[1]) {
			return fmt.Errorf("told last: %s", last)
		}
		return nil
	})
}

// represses sends the last press once more: as it was, which is a replay, or
// signed anew, which is a press on a message as it was then.
func represses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || args[0] != "replayed" && args[0] != "signed-anew" {
		ts.Fatalf("usage: represses replayed|signed-anew STATUS")
	}
	d := theOffice(ts).last
	body := d.Body
	if args[0] == "signed-anew" {
		body = bytes.Replace(body, []byte("trigger_id"), fmt.Appendf(nil, "trigger_id_%d", time.Now().UnixNano()), 1)
	}
	r, err := http.NewRequest(http.MethodPost, "http://"+ts.Getenv("PAGE")+"/slack/interactions", bytes.NewReader(body))
	ts.Check(err)
	r.Header = d.Header.Clone()
	if args[0] == "signed-anew" {
		now := time.Now()
		r.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(now.Unix()))
		r.Header.Set("X-Slack-Signature", strictslack.Signature(strictslack.DefaultSigningSecret, now, body))
	}
	res, err := http.DefaultClient.Do(r)
	ts.Check(err)
	res.Body.Close()
	if got := fmt.Sprint(res.StatusCode); got != args[1] {
		ts.Fatalf("HTTP status %s, want %s", got, args[1])
	}
}

func TestWhenAMuteOfTheMenuEnds(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, choice, now, want string }{
		{"an hour", "1h", "2026-11-24T15:30:00-05:00", "2026-11-24T16:30:00-05:00"},
		{"three days", "3d", "2026-11-24T15:30:00-05:00", "2026-11-27T15:30:00-05:00"},
		{"until tomorrow, by day", "tomorrow", "2026-11-24T15:30:00-05:00", "2026-11-25T09:00:00-05:00"},
		{"until tomorrow, in the night, is this morning", "tomorrow", "2026-11-24T03:00:00-05:00", "2026-11-24T09:00:00-05:00"},
		{"until tomorrow, shortly before nine, is the next morning", "tomorrow", "2026-11-24T08:00:00-05:00", "2026-11-25T09:00:00-05:00"},
		{"until tomorrow, over the end of summer time", "tomorrow", "2026-10-31T15:30:00-04:00", "2026-11-01T09:00:00-05:00"},
		{"what the menu does not offer", "10y", "2026-11-24T15:30:00-05:00", "0001-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := muteUntil(c.choice, now.In(zone)).Format(time.RFC3339); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
