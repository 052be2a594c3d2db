package slack_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// workspace is a strict Slack with what the tests need, and a client for it.
func workspace(t *testing.T, change func(*strictslack.Config)) (*strictslack.Server, *slack.Client) {
	t.Helper()
	c := strictslack.Config{
		Channels: []strictslack.Channel{
			{Name: "ml-alerts"}, {Name: "data-alerts"}, {Name: "old", Archived: true}, {Name: "foreign", BotAbsent: true},
		},
		Usergroups: []strictslack.Usergroup{{ID: "S0MLONCALL", Handle: "ml-oncall", Name: "ML on call"}},
		Users:      []strictslack.User{{ID: "U0ANASOUSA", Name: "ana", RealName: "Ana", Email: "ana@example.com"}},
	}
	if change != nil {
		change(&c)
	}
	server := strictslack.New(c)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return server, client(web.URL)
}

func client(url string) *slack.Client {
	return slack.New(slack.Config{
		Token: conf.Secret(strictslack.DefaultToken), APIURL: url + "/api/", DefaultChannel: "#data-alerts", Timeout: 2 * time.Second,
	})
}

// only are the messages of a channel.
func only(t *testing.T, s *strictslack.Server, channel string, n int) []strictslack.Message {
	t.Helper()
	ms := s.Messages(channel)
	if len(ms) != n {
		t.Fatalf("%d messages in %s, want %d", len(ms), channel, n)
	}
	return ms
}

func TestMessageIsPostedEditedAndAnswered(t *testing.T) {
	server, c := workspace(t, nil)
	d := desk(t, flightDelay)
	i := stale()
	ref, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, d.Compose(i, nil))
	if err != nil {
		t.Fatal(err)
	}
	m := only(t, server, "#ml-alerts", 1)[0]
	want := map[string]any{"id": "inc-20130208T1415-5f3a1/0", "incident": "inc-20130208T1415-5f3a1", "root": "flight_delay/flights", "seq": "1"}
	got := map[string]any{}
	for k, v := range m.Metadata.EventPayload {
		got[k] = v
		if k == "seq" {
			got[k] = v.(interface{ String() string }).String()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || m.Metadata.EventType != "pipewatch_delivery" {
		t.Errorf("metadata %s: %s", m.Metadata.EventType, diff)
	}
	if ref.TS != m.TS || ref.Channel != m.Channel || !strings.Contains(m.Text, "<!subteam^S0MLONCALL>") {
		t.Errorf("ref %v, message %s: %s", ref, m.TS, m.Text)
	}
	for _, q := range server.Requests() {
		if q.Method == "chat.postMessage" && (q.Args["unfurl_links"] != false || q.Args["unfurl_media"] != false || q.Args["link_names"] != nil) {
			t.Errorf("posted with %v", q.Args)
		}
	}
	i = resolved(i, "")
	if err := c.Update(t.Context(), ref, d.Compose(i, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Post(t.Context(), "#ml-alerts", ref, d.Compose(i, &i.Lines[1])); err != nil {
		t.Fatal(err)
	}
	ms := only(t, server, "#ml-alerts", 2)
	if ms[0].Attachments[0]["color"] != "#2eb886" || ms[1].ThreadTS != ref.TS || ms[1].Broadcast || len(ms[1].Blocks) != 1 {
		t.Errorf("after the end: %v, then in thread %q", ms[0].Attachments[0]["color"], ms[1].ThreadTS)
	}
}

func TestPlainEditTakesTheBlocksAway(t *testing.T) {
	server, c := workspace(t, nil)
	n := desk(t, flightDelay).Compose(stale(), nil)
	ref, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n)
	if err != nil {
		t.Fatal(err)
	}
	n.Plain = true
	if err := c.Update(t.Context(), ref, n); err != nil {
		t.Fatal(err)
	}
	if m := only(t, server, "#ml-alerts", 1)[0]; len(m.Attachments)+len(m.Blocks) != 0 {
		t.Errorf("still has %d attachments and %d blocks", len(m.Attachments), len(m.Blocks))
	}
}

func TestFindReadsChannelsAndThreadsPageByPage(t *testing.T) {
	server, c := workspace(t, nil)
	d, i := desk(t, flightDelay), happens(stale(), incident.Line{Kind: incident.Raised})
	begun := time.Now()
	root, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, d.Compose(i, nil))
	if err != nil {
		t.Fatal(err)
	}
	line, err := c.Post(t.Context(), "#ml-alerts", root, d.Compose(i, &i.Lines[1]))
	if err != nil {
		t.Fatal(err)
	}
	other := d.Compose(stale(), nil)
	for range 250 { // more than a page, in front of the root and behind the line
		other.ID = "inc-other/0"
		if _, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, other); err != nil {
			t.Fatal(err)
		}
	}
	again := client(strings.TrimSuffix(serverURL(t, server), "/")) // has not seen the channel's id
	for _, f := range []struct {
		what, id string
		thread   notify.Ref
		want     notify.Ref
	}{
		{"a root by the channel's name", "inc-20130208T1415-5f3a1/0", notify.Ref{}, root},
		{"a line in its thread", "inc-20130208T1415-5f3a1/2", root, line},
		{"nothing where nothing is", "inc-20130208T1415-5f3a1/3", root, notify.Ref{}},
		{"no line outside its thread", "inc-20130208T1415-5f3a1/2", notify.Ref{}, notify.Ref{}},
	} {
		got, found, err := again.Find(t.Context(), "#ml-alerts", f.thread, f.id, begun)
		if err != nil || got != f.want || found != !f.want.IsZero() {
			t.Errorf("%s: found %v %v, error %v", f.what, found, got, err)
		}
	}
	if _, found, err := again.Find(t.Context(), "#ml-alerts", notify.Ref{}, "inc-20130208T1415-5f3a1/0", time.Now().Add(time.Hour)); found || err != nil {
		t.Errorf("found %v what is older than asked for, error %v", found, err)
	}
}

// serverURL serves a workspace at a second address.
func serverURL(t *testing.T, s *strictslack.Server) string {
	t.Helper()
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return web.URL
}

func class(err error) string {
	c, _ := notify.ClassOf(err)
	return string(c)
}

func TestEveryAnswerOfSlackHasItsClass(t *testing.T) {
	cases := map[string]struct {
		fault strictslack.Fault
		want  string
	}{
		"429 rests":                              {strictslack.Fault{Status: 429, RetryAfter: 7 * time.Second}, "retry"},
		"ratelimited rests":                      {strictslack.Fault{Error: "ratelimited"}, "retry"},
		"500 may have stored":                    {strictslack.Fault{Status: 500}, "ambiguous"},
		"503 may have stored":                    {strictslack.Fault{Status: 503, Store: true}, "ambiguous"},
		"internal_error may have stored":         {strictslack.Fault{Error: "internal_error"}, "ambiguous"},
		"fatal_error may have stored":            {strictslack.Fault{Error: "fatal_error"}, "ambiguous"},
		"a reset may have stored":                {strictslack.Fault{Reset: true}, "ambiguous"},
		"no JSON may have stored":                {strictslack.Fault{Body: "<html>"}, "ambiguous"},
		"an empty refusal may have stored":       {strictslack.Fault{Body: `{"ok": false}`}, "ambiguous"},
		"404 is no Slack":                        {strictslack.Fault{Status: 404}, "dead"},
		"invalid_auth is dead":                   {strictslack.Fault{Error: "invalid_auth"}, "dead"},
		"token_revoked is dead":                  {strictslack.Fault{Error: "token_revoked"}, "dead"},
		"account_inactive is dead":               {strictslack.Fault{Error: "account_inactive"}, "dead"},
		"channel_not_found is dead":              {strictslack.Fault{Error: "channel_not_found"}, "dead"},
		"not_in_channel is dead":                 {strictslack.Fault{Error: "not_in_channel"}, "dead"},
		"is_archived is dead":                    {strictslack.Fault{Error: "is_archived"}, "dead"},
		"missing_scope is dead":                  {strictslack.Fault{Error: "missing_scope"}, "dead"},
		"an error that nobody knows is dead":     {strictslack.Fault{Error: "brand_new_error"}, "dead"},
		"msg_too_long can be said plainer":       {strictslack.Fault{Error: "msg_too_long"}, "unrenderable"},
		"invalid_blocks can be said plainer":     {strictslack.Fault{Error: "invalid_blocks"}, "unrenderable"},
		"message_not_found needs a new message":  {strictslack.Fault{Error: "message_not_found"}, "gone"},
		"cant_update_message needs a new one":    {strictslack.Fault{Error: "cant_update_message"}, "gone"},
		"edit_window_closed needs a new message": {strictslack.Fault{Error: "edit_window_closed"}, "gone"},
		"thread_not_found needs a new root":      {strictslack.Fault{Error: "thread_not_found"}, "gone"},
	}
	n := desk(t, flightDelay).Compose(stale(), nil)
	n.Mention = ""
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			server, c := workspace(t, nil)
			server.Script("chat.postMessage", f.fault)
			server.Script("chat.update", f.fault)
			_, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n)
			if err == nil || class(err) != f.want {
				t.Errorf("post: %s: %v", class(err), err)
			}
			if strings.Contains(err.Error(), strictslack.DefaultToken) {
				t.Errorf("the error tells the token: %v", err)
			}
			if err := c.Update(t.Context(), notify.Ref{Channel: "C0123456", TS: "1360328400.000100"}, n); err == nil || class(err) != f.want {
				t.Errorf("update: %s: %v", class(err), err)
			}
		})
	}
}

func TestWhatNeverGotAConnectionIsUnsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n := desk(t, flightDelay).Compose(stale(), nil)
	n.Mention = ""
	for name, url := range map[string]string{"nobody listens": nobody, "no such host": "http://slack.invalid"} {
		if _, err := client(url).Post(t.Context(), "#a", notify.Ref{}, n); class(err) != "unsent" {
			t.Errorf("%s: %s: %v", name, class(err), err)
		}
	}
}

func TestWhatHangsIsAmbiguousAndEndsInTime(t *testing.T) {
	server, c := workspace(t, nil)
	server.Script("chat.postMessage", strictslack.Fault{Hang: true})
	n := desk(t, flightDelay).Compose(stale(), nil)
	n.Mention = ""
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("its time is over"))
	defer cancel()
	if _, err := c.Post(ctx, "#ml-alerts", notify.Ref{}, n); class(err) != "ambiguous" || !strings.Contains(err.Error(), "its time is over") {
		t.Errorf("%s: %v", class(err), err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var elsewhere bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere = true }))
	defer other.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer web.Close()
	n := desk(t, flightDelay).Compose(stale(), nil)
	n.Mention = ""
	if _, err := client(web.URL).Post(t.Context(), "#a", notify.Ref{}, n); class(err) != "dead" || elsewhere {
		t.Errorf("%s: %v; the token went elsewhere: %v", class(err), err, elsewhere)
	}
}

func TestRefusalSaysWhatToDo(t *testing.T) {
	server, c := workspace(t, func(c *strictslack.Config) { c.Scopes = []string{"channels:read", "usergroups:read"} })
	n := desk(t, flightDelay).Compose(stale(), nil)
	if _, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n); err == nil || !strings.Contains(err.Error(), "give the app the scope chat:write") {
		t.Errorf("without a scope: %v", err)
	}
	server.RefuseToken("token_revoked")
	if _, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n); err == nil || !strings.Contains(err.Error(), "renew alerts.slack.token") {
		t.Errorf("with a revoked token: %v", err)
	}
}

func TestMentionsMeanWhomSlackKnows(t *testing.T) {
	for configured, want := range map[string]string{
		"@ml-oncall": " <!subteam^S0MLONCALL>", "ml-oncall": " <!subteam^S0MLONCALL>", "ana@example.com": " <@U0ANASOUSA>", "@ana@example.com": " <@U0ANASOUSA>",
		"@here": " <!here>", "U0ANASOUSA": " <@U0ANASOUSA>", "S0MLONCALL": " <!subteam^S0MLONCALL>",
		"@nobody": " `@nobody`", "nobody@example.com": " `nobody@example.com`", "<!channel>": " `&lt;!channel&gt;`", "": "",
	} {
		t.Run(configured, func(t *testing.T) {
			server, c := workspace(t, nil)
			n := desk(t, flightDelay).Compose(stale(), nil)
			n.Mention = configured
			for range 2 {
				if _, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n); err != nil {
					t.Fatal(err)
				}
			}
			for _, m := range only(t, server, "#ml-alerts", 2) {
				if want := "🔴 flights is stale — 3 nodes below are blocked" + want; m.Text != want {
					t.Errorf("text %q, want %q", m.Text, want)
				}
			}
			asked := 0
			for _, q := range server.Requests() {
				if q.Method != "chat.postMessage" {
					asked++
				}
			}
			if asked > 1 {
				t.Errorf("asked %d times whom it means", asked)
			}
		})
	}
}

func TestMentionThatCannotBeAskedForHoldsAnAlertUpOnlyTwice(t *testing.T) {
	server, c := workspace(t, nil)
	broken := strictslack.Fault{Status: 503}
	server.Script("usergroups.list", broken, broken, broken)
	n := desk(t, flightDelay).Compose(stale(), nil)
	for k, want := range []string{"unsent", "unsent", "", ""} {
		_, err := c.Post(t.Context(), "#ml-alerts", notify.Ref{}, n)
		if (err == nil) != (want == "") || err != nil && class(err) != want {
			t.Errorf("attempt %d: %v", k+1, err)
		}
	}
	ms := only(t, server, "#ml-alerts", 2)
	if !strings.HasSuffix(ms[0].Text, "`@ml-oncall`") || !strings.HasSuffix(ms[1].Text, "<!subteam^S0MLONCALL>") {
		t.Errorf("texts %q and %q, want one without and one with the mention", ms[0].Text, ms[1].Text)
	}
}

func TestDoctorSaysWhatIsWrong(t *testing.T) {
	_, c := workspace(t, nil)
	got := map[string]bool{}
	for _, f := range c.Doctor(t.Context(), []string{"#ml-alerts", "old", "#foreign", "#missing"}, []string{"@ml-oncall", "@nobody"}) {
		got[f.Subject] = f.OK
		if f.Message == "" {
			t.Errorf("%s: says nothing", f.Subject)
		}
	}
	want := map[string]bool{"token": true, "#ml-alerts": true, "#old": false, "#foreign": false, "#missing": false, "@ml-oncall": true, "@nobody": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	server, c := workspace(t, func(c *strictslack.Config) { c.Scopes = []string{"chat:write", "channels:read"} })
	if f := c.Doctor(t.Context(), []string{"#ml-alerts"}, nil)[1]; f.OK || !strings.Contains(f.Message, "metadata.message:read") {
		t.Errorf("without a scope to read back: %+v", f)
	}
	server.RefuseToken("account_inactive")
	if fs := c.Doctor(t.Context(), []string{"#ml-alerts"}, nil); len(fs) != 1 || fs[0].OK {
		t.Errorf("with a dead token: %+v", fs)
	}
}

// The sender and the client together against the strict Slack, with the faults
// that answer at once.
func TestIncidentReachesSlackThroughFaults(t *testing.T) {
	server, c := workspace(t, nil)
	server.Script("chat.postMessage", strictslack.Fault{Status: 500, Store: true}, strictslack.Fault{Reset: true, Store: true}, strictslack.Fault{Error: "internal_error", Store: true})
	server.Script("chat.update", strictslack.Fault{Error: "invalid_blocks"}, strictslack.Fault{Status: 502}, strictslack.Fault{Reset: true})
	server.Script("conversations.history", strictslack.Fault{Status: 500}, strictslack.Fault{Body: "?"})
	d, box, i := desk(t, flightDelay), &notify.MemOutbox{}, stale()
	s := notify.NewSender(notify.Config{
		Outbox: box, Channel: c, Compose: d.Compose, Timeout: 200 * time.Millisecond, Quiet: -1, Moment: func() time.Time { return at("21:00") },
		Jitter: func() float64 { return 0.01 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	step := func(n incident.Incident) {
		i = n
		box.Commit(i, "#ml-alerts", at("14:15"))
		s.Kick()
		for deadline := time.Now().Add(time.Minute); !s.Idle(); {
			if time.Now().After(deadline) {
				t.Fatalf("not idle: %+v", box.Posts())
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	step(i)
	step(happens(i, incident.Line{Kind: incident.Raised, Node: i.Root}))
	step(resolved(i, ""))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ms := only(t, server, "#ml-alerts", 3)
	if ms[0].Attachments[0]["color"] != "#2eb886" || !strings.Contains(ms[1].Text, "is an error now") || !strings.Contains(ms[2].Text, "Resolved") {
		t.Errorf("messages: %q, %q, %q", ms[0].Text, ms[1].Text, ms[2].Text)
	}
}
