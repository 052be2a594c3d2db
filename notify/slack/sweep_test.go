package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// wire is a network of our own: requests go to a handler without a socket, so
// that time may stand still. A fault that would break or hold a connection does
// what the client would see of it.
type wire struct {
	mu      sync.Mutex
	handler http.Handler
	faults  map[string][]wireFault // by method, one for each call that comes
	calls   int
}

// wireFault is what becomes of one call.
type wireFault struct {
	unsent bool // no connection
	arrive bool // the service hears of it …
	late   time.Duration
	hang   bool // … and the client waits in vain
	reset  bool
	status int
	retry  string
	body   string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	w.mu.Lock()
	w.calls++
	var f *wireFault
	if queue := w.faults[method]; len(queue) > 0 {
		f, w.faults[method] = &queue[0], queue[1:]
	}
	w.mu.Unlock()
	serve := func() *http.Response {
		again := httptest.NewRequest(r.Method, r.URL.String(), strings.NewReader(string(body)))
		again.Header = r.Header.Clone()
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, again)
		return rec.Result()
	}
	if f == nil {
		connected(r)
		return serve(), nil
	}
	if f.unsent {
		return nil, errors.New("connection refused")
	}
	connected(r)
	switch {
	case f.arrive && f.late > 0:
		time.AfterFunc(f.late, func() { serve() })
	case f.arrive:
		serve()
	}
	switch {
	case f.hang:
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case f.reset:
		return nil, errors.New("connection reset by peer")
	}
	return &http.Response{
		StatusCode: max(f.status, http.StatusOK), Header: http.Header{"Content-Type": {"application/json"}, "Retry-After": {f.retry}},
		Body: io.NopCloser(strings.NewReader(f.body)), Request: r,
	}, nil
}

// connected says that a request has got a connection.
func connected(r *http.Request) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

// answers are all classes of what Slack answers, by what a person calls them.
func answers() map[string]wireFault {
	all := map[string]wireFault{
		"no connection": {unsent: true}, "reset": {reset: true}, "stored, then reset": {reset: true, arrive: true},
		"hung": {hang: true}, "stored, then hung": {hang: true, arrive: true}, "hung, stored late": {hang: true, arrive: true, late: 25 * time.Second},
		"429": {status: 429, retry: "7"}, "429 for an hour": {status: 429, retry: "3600"}, "429 without a time": {status: 429},
		"no JSON": {body: "<html>"}, "stored, then no JSON": {body: "<html>", arrive: true}, "nothing": {}, "stored, then nothing": {arrive: true},
		"half a JSON": {body: `{"ok": tr`, arrive: true}, "ok without a message": {body: `{"ok": true}`, arrive: true}, "an empty refusal": {body: `{"ok": false}`},
	}
	for _, status := range []int{408, 500, 502, 503, 504} {
		all[fmt.Sprint(status)] = wireFault{status: status, body: "no"}
		all[fmt.Sprint("stored, then ", status)] = wireFault{status: status, body: "no", arrive: true}
	}
	for _, code := range []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout"} {
		all[code] = wireFault{body: refusal(code)}
		all["stored, then "+code] = wireFault{body: refusal(code), arrive: true}
	}
	for _, code := range []string{
		"ratelimited", "rate_limited", "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope",
		"channel_not_found", "not_in_channel", "is_archived", "restricted_action", "ekm_access_denied", "brand_new_error",
		"msg_too_long", "invalid_blocks", "invalid_attachments", "metadata_too_large",
	} {
		all[code] = wireFault{body: refusal(code)}
	}
	return all
}

func refusal(code string) string { return fmt.Sprintf(`{"ok": false, "error": %q}`, code) }

// attempts are the calls that a script may spoil.
var attempts = map[string][]string{
	"post": {"chat.postMessage"}, "edit": {"chat.update"}, "thread line": {"chat.postMessage"},
	"look-up": {"conversations.history", "conversations.replies"}, "list of channels": {"conversations.list"},
}

// TestSweep plays every class of answer at attempts 1 to 4 of a post, an edit, a
// thread line and a look-up, and demands of each script that nothing is lost or
// doubled, that lines come in order, and that nobody is told what did not happen.
func TestSweep(t *testing.T) {
	scripts := 0
	for what := range attempts {
		for name, f := range answers() {
			for n := 1; n <= 4; n++ {
				scripts++
				t.Run(fmt.Sprintf("%s meets %s, %d times", what, name, n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						for _, wrong := range play(t, what, f, n, 30*time.Second) {
							t.Error(wrong)
						}
					})
				})
			}
		}
	}
	if scripts < 500 {
		t.Errorf("%d scripts", scripts)
	}
}

// The control: a sender without its quiet period must be seen to double.
func TestSweepFindsASenderThatDoesNotWait(t *testing.T) {
	found := 0
	for name, f := range answers() {
		if f.late == 0 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			for _, wrong := range play(t, "post", f, 1, -1) {
				t.Log(name, wrong)
				found++
			}
		})
	}
	if found == 0 {
		t.Error("no script sees a message that is told twice")
	}
}

// play tells an incident from its beginning to its end while a script spoils
// some calls, and says what is wrong with what then stands in the channel.
func play(t *testing.T, what string, f wireFault, n int, quiet time.Duration) []string {
	server := strictslack.New(strictslack.Config{Channels: []strictslack.Channel{{Name: "ml-alerts"}}, Usergroups: []strictslack.Usergroup{{ID: "S0MLONCALL", Handle: "ml-oncall"}}})
	w := &wire{handler: server, faults: map[string][]wireFault{}}
	client := slack.NewOver(w, slack.Config{Token: strictslack.DefaultToken, APIURL: "http://slack.test/api/", Timeout: 10 * time.Second})
	d, box, i := desk(t, flightDelay), &notify.MemOutbox{}, stale()
	s := notify.NewSender(notify.Config{
		Outbox: box, Channel: client, Compose: d.Compose, Quiet: quiet, Moment: func() time.Time { return at("21:00") }, Jitter: func() float64 { return 0.9 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	spoil := func(step string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if what == "look-up" || what == "list of channels" { // which needs something to look for
			if step == "post" {
				w.faults["chat.postMessage"] = []wireFault{{hang: true, arrive: true}}
			}
			if step == "thread line" {
				w.faults["chat.postMessage"] = []wireFault{{reset: true, arrive: true}}
			}
			step = what
		}
		if step == what {
			for _, method := range attempts[what] {
				w.faults[method] = slices.Repeat([]wireFault{f}, n)
			}
		}
	}
	var wrong []string
	tell := func(next incident.Incident, step string) {
		i = next
		spoil(step)
		box.Commit(i, "#ml-alerts", at("14:15"))
		s.Kick()
		for begun := time.Now(); !s.Idle(); time.Sleep(500 * time.Millisecond) {
			if time.Since(begun) > 20*time.Minute {
				wrong = append(wrong, fmt.Sprintf("still pending after the %s: %+v", step, box.Posts()))
				return
			}
		}
	}
	tell(i, "post")
	spoil("edit")
	tell(happens(i, incident.Line{Kind: incident.Raised, Node: i.Root}), "thread line")
	tell(resolved(i, ""), "end")
	cancel()
	if err := <-done; err != nil {
		wrong = append(wrong, err.Error())
	}
	time.Sleep(time.Minute) // what is stored late
	return append(wrong, judge(server.Messages("#ml-alerts"))...)
}

// judge holds what stands in the channel against what happened.
func judge(ms []strictslack.Message) []string {
	var wrong []string
	var order []string
	told := map[string]int{}
	for _, m := range ms {
		id, _ := m.Metadata.EventPayload["id"].(string)
		told[id]++
		order = append(order, id)
	}
	for _, id := range []string{"inc-20130208T1415-5f3a1/0", "inc-20130208T1415-5f3a1/2", "inc-20130208T1415-5f3a1/3"} {
		if told[id] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s is told %d times", id, told[id]))
		}
		delete(told, id)
	}
	for id := range told {
		wrong = append(wrong, "nobody decided "+id)
	}
	if !slices.IsSorted(order) {
		wrong = append(wrong, fmt.Sprint("out of order: ", order))
	}
	if len(ms) == 0 {
		return append(wrong, "nothing stands there")
	}
	if a := ms[0].Attachments; len(a) > 0 && a[0]["color"] != "#2eb886" || !strings.Contains(ms[0].Text, "well again") {
		wrong = append(wrong, "the root message does not show the end: "+ms[0].Text)
	}
	return wrong
}
