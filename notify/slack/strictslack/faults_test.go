package strictslack_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

func TestFaultsThatAnswer(t *testing.T) {
	post := object{"channel": "C0ALERTS00", "text": "t"}
	for _, c := range []struct {
		name   string
		fault  strictslack.Fault
		status int
		body   string
		stored int
	}{
		{"too many requests, before anything is stored", strictslack.Fault{Status: 429, RetryAfter: 3 * time.Second}, 429, "ratelimited", 0},
		{"a bad gateway, before anything is stored", strictslack.Fault{Status: 502}, 502, "Bad Gateway", 0},
		{"a server error after the message was stored", strictslack.Fault{Status: 500, Store: true}, 500, "Internal Server", 1},
		{"an error of Slack", strictslack.Fault{Error: "internal_error"}, 200, `"error":"internal_error"`, 0},
		{"an error of Slack though the message was stored", strictslack.Fault{Error: "fatal_error", Store: true}, 200, `"error":"fatal_error"`, 1},
		{"a page of a proxy", strictslack.Fault{Body: "<html>maintenance</html>"}, 200, "<html>maintenance</html>", 0},
		{"no fault", strictslack.Fault{}, 200, `"ok":true`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := workspace(nil)
			s.Script("chat.postMessage", c.fault)
			w := request(t, s, jsonRequest(t, "chat.postMessage", post))
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if got := w.Header().Get("Retry-After"); c.status == 429 && got != "3" {
				t.Errorf("Retry-After is %q, want 3", got)
			}
			if n := len(s.Messages("data-alerts")); n != c.stored {
				t.Errorf("%d messages were stored, want %d", n, c.stored)
			}
			if q := s.Requests()[0]; q.Status != c.status || q.Answer != w.Body.String() || q.Args["text"] != "t" || q.Method != "chat.postMessage" {
				t.Errorf("the log holds %+v", q)
			}
			must(t, call(t, s, "chat.postMessage", post)) // the script is over
		})
	}
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	s, _ := workspace(nil)
	server := httptest.NewServer(s)
	defer server.Close()
	for _, store := range []bool{false, true} {
		s.Script("chat.postMessage", strictslack.Fault{Reset: true, Store: store})
		r := jsonRequest(t, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t"})
		out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+r.URL.Path, r.Body)
		if err != nil {
			t.Fatal(err)
		}
		out.Header = r.Header
		if answer, err := server.Client().Do(out); err == nil {
			t.Errorf("a broken connection answered %s", answer.Status)
		}
	}
	if n := len(s.Messages("data-alerts")); n != 1 {
		t.Errorf("%d messages were stored, want the one of Store", n)
	}
	if q := s.Requests()[1]; q.Status != 0 || q.Answer != "" {
		t.Errorf("the log has an answer that nobody got: %+v", q)
	}
}

func TestFaultsThatTakeTime(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    strictslack.Fault
		patience time.Duration // how long the client waits
		took     time.Duration
		answered bool
		stored   int
	}{
		{"a slow answer comes", strictslack.Fault{Delay: 3 * time.Second}, 10 * time.Second, 3 * time.Second, true, 1},
		{"a client that leaves a slow call was never heard", strictslack.Fault{Delay: 30 * time.Second}, 10 * time.Second, 10 * time.Second, false, 0},
		{"a call that hangs ends with the client", strictslack.Fault{Hang: true}, 10 * time.Second, 10 * time.Second, false, 0},
		{"a call can be stored and hang", strictslack.Fault{Hang: true, Store: true}, 10 * time.Second, 10 * time.Second, false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := workspace(nil)
				s.Script("chat.postMessage", c.fault)
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				w := httptest.NewRecorder()
				start := time.Now()
				s.ServeHTTP(w, jsonRequest(t, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t"}).WithContext(ctx))
				if took := time.Since(start); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if answered := w.Body.Len() > 0; answered != c.answered {
					t.Errorf("answered: %t, want %t", answered, c.answered)
				}
				if n := len(s.Messages("data-alerts")); n != c.stored {
					t.Errorf("%d messages were stored, want %d", n, c.stored)
				}
			})
		})
	}
}

func TestHistoryLagsBehindThePost(t *testing.T) {
	s, c := workspace(func(c *strictslack.Config) {
		c.Faults = func(q strictslack.Request) strictslack.Fault { return strictslack.Fault{Lag: 4 * time.Second} }
	})
	ts := say(t, s, "t")
	seen := func() int {
		return len(must(t, call(t, s, "conversations.history", object{"channel": "C0ALERTS00"}))["messages"].([]any))
	}
	c.advance(3 * time.Second)
	if n := seen(); n != 0 {
		t.Errorf("after 3 s history shows %d messages, want 0", n)
	}
	refused(t, call(t, s, "conversations.replies", object{"channel": "C0ALERTS00", "ts": ts}), "thread_not_found")
	c.advance(time.Second)
	if n := seen(); n != 1 {
		t.Errorf("after 4 s history shows %d messages, want 1", n)
	}
}

func TestFaultsAreAskedAboutEveryCall(t *testing.T) {
	var asked []string
	s, _ := workspace(func(c *strictslack.Config) {
		c.Faults = func(q strictslack.Request) strictslack.Fault {
			asked = append(asked, fmt.Sprint(q.Seq, " ", q.Method, " ", q.Args["text"]))
			return strictslack.Fault{}
		}
	})
	say(t, s, "one")
	hook(t, s, "T0/B0/secret", `{"text": "two"}`)
	if got := strings.Join(asked, ", "); got != "1 chat.postMessage one, 2 webhook two" {
		t.Errorf("asked about %s", got)
	}
}

func TestRate(t *testing.T) {
	s, c := workspace(func(c *strictslack.Config) { c.Rate = strictslack.Rate{PerSecond: 1, Burst: 2} })
	post := jsonPost(t, s)
	for _, step := range []struct {
		wait time.Duration
		want int
	}{{0, 200}, {0, 200}, {0, 429}, {500 * time.Millisecond, 429}, {500 * time.Millisecond, 200}, {0, 429}} {
		c.advance(step.wait)
		w := post()
		if w.Code != step.want {
			t.Fatalf("after %s more: %d, want %d", step.wait, w.Code, step.want)
		}
		if w.Code == 429 && w.Header().Get("Retry-After") != "1" {
			t.Errorf("Retry-After is %q, want 1", w.Header().Get("Retry-After"))
		}
	}
	if n := len(s.Messages("data-alerts")); n != 3 {
		t.Errorf("%d messages were stored, want 3", n)
	}
}

func jsonPost(t *testing.T, s *strictslack.Server) func() *httptest.ResponseRecorder {
	return func() *httptest.ResponseRecorder {
		t.Helper()
		return request(t, s, jsonRequest(t, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t"}))
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	s, _ := workspace(func(c *strictslack.Config) { c.CreateChannels = true })
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				answer := call(t, s, "chat.postMessage", object{"channel": fmt.Sprintf("#c%d", i%3), "text": "t"})
				call(t, s, "chat.update", object{"channel": answer["channel"], "ts": answer["ts"], "text": "u"})
				s.Messages("#c0")
				s.Requests()
				request(t, s, httptest.NewRequest(http.MethodGet, "/c/c0", nil))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, ch := range s.Channels() {
		for _, m := range s.Messages(ch.ID) {
			seen[m.Channel+m.TS] = true
		}
	}
	if len(seen) != 160 || len(s.Requests()) != 320 {
		t.Errorf("%d messages and %d requests, want 160 and 320", len(seen), len(s.Requests()))
	}
}
