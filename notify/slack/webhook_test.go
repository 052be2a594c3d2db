package slack_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// incoming is a strict Slack with one incoming webhook, and a client for it.
func incoming(t *testing.T) (*strictslack.Server, *slack.Webhook) {
	t.Helper()
	server := strictslack.New(strictslack.Config{
		Channels: []strictslack.Channel{{Name: "data-alerts"}}, Webhooks: map[string]string{"T0/B0/canary": "data-alerts"},
	})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return server, slack.NewWebhook(conf.Secret(web.URL+"/services/T0/B0/canary"), 2*time.Second)
}

func TestWebhookTellsEverySituation(t *testing.T) {
	server, hook := incoming(t)
	n := 0
	for name, s := range situations(t) {
		notice := s.notice()
		if notice.Line != nil {
			continue
		}
		n++
		if _, err := hook.Post(t.Context(), "slack_webhook", notify.Ref{}, notice); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	only(t, server, "#data-alerts", n)
}

func TestWebhookTellsTheEndAsAGreenMessageThatNamesTheRoot(t *testing.T) {
	server, hook := incoming(t)
	d, i := desk(t, flightDelay), resolved(stale(), "")
	notice := d.Compose(i, nil)
	notice.News = i.Lines[1:]
	if _, err := hook.Post(t.Context(), "slack_webhook", notify.Ref{}, notice); err != nil {
		t.Fatal(err)
	}
	m := only(t, server, "#data-alerts", 1)[0]
	if m.Attachments[0]["color"] != "#2eb886" || !strings.HasPrefix(m.Text, "✅ flights is well again") || m.ThreadTS != "" {
		t.Errorf("%v %q", m.Attachments[0]["color"], m.Text)
	}
}

func TestWebhookSaysWhatIsNewAndCallsOnlyByID(t *testing.T) {
	server, hook := incoming(t)
	i := happens(stale(), incident.Line{Kind: incident.Reminded, Node: "flight_delay/flights"})
	for _, mention := range []string{"@ml-oncall", "S0MLONCALL"} {
		notice := desk(t, flightDelay).Compose(i, nil)
		notice.News, notice.Mention = i.Lines[1:], mention
		if _, err := hook.Post(t.Context(), "slack_webhook", notify.Ref{}, notice); err != nil {
			t.Fatal(err)
		}
	}
	ms := only(t, server, "#data-alerts", 2)
	if !strings.HasSuffix(ms[0].Text, "`@ml-oncall`") || !strings.HasSuffix(ms[1].Text, "<!subteam^S0MLONCALL>") {
		t.Errorf("%q, %q", ms[0].Text, ms[1].Text)
	}
}

func TestEveryAnswerOfAWebhookHasItsClassAndKeepsTheSecret(t *testing.T) {
	notice := desk(t, flightDelay).Compose(stale(), nil)
	for name, f := range map[string]struct {
		fault strictslack.Fault
		want  string
	}{
		"403 is dead":                  {strictslack.Fault{Status: 403}, "dead"},
		"404 is dead":                  {strictslack.Fault{Status: 404}, "dead"},
		"410 is dead":                  {strictslack.Fault{Status: 410}, "dead"},
		"429 rests":                    {strictslack.Fault{Status: 429, RetryAfter: 3 * time.Second}, "retry"},
		"500 may have stored":          {strictslack.Fault{Status: 500}, "ambiguous"},
		"a reset may have stored":      {strictslack.Fault{Reset: true}, "ambiguous"},
		"another word may have stored": {strictslack.Fault{Body: "<html>"}, "ambiguous"},
	} {
		server, hook := incoming(t)
		server.Script("webhook", f.fault)
		_, err := hook.Post(t.Context(), "slack_webhook", notify.Ref{}, notice)
		if err == nil || class(err) != f.want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %s: %v", name, class(err), err)
		}
	}
}
