package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var _ notify.Channel = (*Webhook)(nil)

// Webhook posts to the one channel of an incoming webhook. It can do nothing
// else: no edits, no threads, no look-ups, and nobody is called by name, only by
// the ids of Slack.
type Webhook struct {
	url       conf.Secret
	transport *transport
}

// NewWebhook makes a webhook; it contacts nobody. The address is a secret.
func NewWebhook(url conf.Secret, timeout time.Duration) *Webhook {
	return &Webhook{url, newTransport(timeout)}
}

// Post sends a message, see notify.Channel.
func (w *Webhook) Post(ctx context.Context, _ string, _ notify.Ref, n notify.Notice) (notify.Ref, error) {
	n.Actions = false // what is pressed could not show
	m := Render(n, callable(n.Mention))
	body, err := json.Marshal(map[string]any{
		"text": m.Text, "blocks": m.Blocks, "attachments": m.Attachments, "unfurl_links": false, "unfurl_media": false,
	})
	if err != nil {
		return notify.Ref{}, notify.Unsent(fmt.Errorf("write message %s for Slack: %w", n.ID, err))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return notify.Ref{}, notify.Dead(errors.New("alerts.slack.webhook_url is not an address"))
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.transport.Do(r)
	if err != nil {
		return notify.Ref{}, fmt.Errorf("post to the Slack webhook: %w", classify(err))
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 256))
	if err != nil {
		return notify.Ref{}, fmt.Errorf("read what the Slack webhook answers: %w", err)
	}
	return notify.Ref{}, hookClass(answer, clip(clean(string(said)), 80))
}

// callable is the token of a mention that needs no look-up, or the words.
func callable(configured string) string {
	if configured == "" {
		return ""
	}
	name := strings.TrimPrefix(configured, "@")
	switch {
	case broadcasts[configured] != "":
		return broadcasts[configured]
	case userID.MatchString(name):
		return "<@" + name + ">"
	case groupID.MatchString(name):
		return "<!subteam^" + name + ">"
	}
	return code(configured)
}

// hookClass gives the answer of a webhook, a status and a word, its class.
func hookClass(answer *http.Response, word string) error {
	status := answer.StatusCode
	err := fmt.Errorf("the Slack webhook answers %d %s", status, word)
	switch {
	case status == http.StatusOK:
		if word != "ok" {
			return errNoMessage
		}
		return nil
	case status == http.StatusTooManyRequests:
		rest := limitedFor
		if s, bad := strconv.Atoi(answer.Header.Get("Retry-After")); bad == nil {
			rest = time.Duration(s) * time.Second
		}
		return notify.RetryAfter(rest, err)
	case status >= 500 || status == http.StatusRequestTimeout:
		return err
	case status == http.StatusBadRequest && (malformed[word] || word == "invalid_payload"):
		return notify.Unrenderable(err)
	}
	return notify.Dead(fmt.Errorf("%w: make a new one and renew alerts.slack.webhook_url", err))
}

// Update is not possible.
func (w *Webhook) Update(context.Context, notify.Ref, notify.Notice) error { return errOneWay }

// Find is not possible.
func (w *Webhook) Find(context.Context, string, notify.Ref, string, time.Time) (notify.Ref, bool, error) {
	return notify.Ref{}, false, errOneWay
}

// errOneWay is the error of what a webhook cannot do.
var errOneWay = errors.New("a webhook only takes messages")
