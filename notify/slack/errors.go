package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/notify"
)

// transport makes calls, each within its time, and tells apart those that
// certainly did not reach Slack. It is a seam of slack-go.
type transport struct {
	client  http.Client
	timeout time.Duration
}

// newTransport makes calls with a time for each; 0 is 10 s.
func newTransport(timeout time.Duration) *transport {
	plain := http.DefaultTransport.(*http.Transport).Clone()
	// Alerts are rare. A connection that idles long is often closed by the other
	// side just as it is used again, and that post would have to be looked up.
	plain.IdleConnTimeout = 20 * time.Second
	return &transport{
		timeout: cmp.Or(timeout, 10*time.Second),
		// A redirect would carry a secret elsewhere, and could post twice.
		client: http.Client{Transport: plain, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// unsent is a call that never got a connection. A call that got one counts as
// sent even when writing it failed: whether the other side had read it all by
// then cannot be known.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 8 << 20

// Do makes one call.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), t.timeout, fmt.Errorf("no answer within %v", t.timeout))
	var connected atomic.Bool
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	resp, err := t.client.Do(r)
	if err == nil {
		resp.Body = &answer{Reader: io.LimitReader(resp.Body, maxAnswer), body: resp.Body, done: cancel}
		return resp, nil
	}
	defer cancel()
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address, which says nothing new; a time-out gives its cause
	}
	if !connected.Load() {
		return nil, unsent{err}
	}
	return nil, err
}

// answer is a body that ends the call's time when it is closed.
type answer struct {
	io.Reader
	body io.Closer
	done context.CancelFunc
}

// Close closes the body.
func (a *answer) Close() error {
	defer a.done()
	return a.body.Close()
}

// limitedFor is how long to rest when Slack does not say.
const limitedFor = 30 * time.Second

// unsure are errors after which Slack may have stored the message all the same.
var unsure = words("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org")

// malformed are errors about the message itself.
var malformed = words("msg_too_long", "msg_blocks_too_long", "no_text", "too_many_attachments", "attachment_payload_limit_exceeded",
	"invalid_blocks", "invalid_blocks_format", "invalid_attachments", "invalid_arguments", "invalid_array_arg", "invalid_form_data",
	"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "too_many_contact_cards", "markdown_text_conflict")

// vanished are errors about the message that was to be edited or answered.
var vanished = words("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "invalid_thread_ts",
	"cannot_reply_to_message", "restricted_action_thread_locked")

func words(ws ...string) map[string]bool {
	m := map[string]bool{}
	for _, w := range ws {
		m[w] = true
	}
	return m
}

// advice says what a person can do about an error of Slack.
var advice = map[string]string{
	"channel_not_found":      "there is no such channel, or it is private and the bot is not in it",
	"not_in_channel":         "invite the bot to the channel",
	"is_archived":            "the channel is archived: name another one",
	"invalid_auth":           "check alerts.slack.token",
	"not_authed":             "check alerts.slack.token",
	"token_revoked":          "install the app again and renew alerts.slack.token",
	"token_expired":          "renew alerts.slack.token",
	"account_inactive":       "the bot's account was switched off: install the app again",
	"restricted_action":      "the workspace does not let the bot post there",
	"msg_too_long":           "the message is too long",
	"ekm_access_denied":      "the workspace's administrators have suspended access",
	"org_login_required":     "the workspace is being moved: try again later",
	"not_allowed_token":      "alerts.slack.token must be a bot token (xoxb-…)",
	"not_allowed_token_type": "alerts.slack.token must be a bot token (xoxb-…)",
}

// classify gives an error of a call its class of package notify.
func classify(err error) error {
	if _, ok := errors.AsType[unsent](err); ok {
		return notify.Unsent(err)
	}
	if limited, ok := errors.AsType[*api.RateLimitedError](err); ok {
		return notify.RetryAfter(limited.RetryAfter, err)
	}
	if status, ok := errors.AsType[api.StatusCodeError](err); ok {
		switch {
		case status.Code == http.StatusTooManyRequests:
			return notify.RetryAfter(limitedFor, err)
		case status.Code >= 500 || status.Code == http.StatusRequestTimeout:
			return err
		}
		return notify.Dead(fmt.Errorf("HTTP status %d, which Slack does not answer: check alerts.slack.api_url", status.Code))
	}
	refusal, ok := errors.AsType[api.SlackErrorResponse](err)
	if !ok {
		return err
	}
	// What is no word of Slack's comes from somebody else, and is shown to people.
	refusal.Err = clip(clean(refusal.Err), 100)
	err = refusal
	switch code := refusal.Err; {
	case code == "ratelimited" || code == "rate_limited":
		return notify.RetryAfter(limitedFor, err)
	case unsure[code]:
		return err
	case malformed[code]:
		return notify.Unrenderable(explain(refusal))
	case vanished[code]:
		return notify.Gone(err)
	}
	return notify.Dead(explain(refusal))
}

// explain adds to a refusal what Slack and we know about it.
func explain(r api.SlackErrorResponse) error {
	switch {
	case r.Needed != "":
		return fmt.Errorf("%w: give the app the scope %s", r, clip(clean(r.Needed), 200))
	case len(r.ResponseMetadata.Messages) > 0:
		return fmt.Errorf("%w: %s", r, clip(clean(strings.Join(r.ResponseMetadata.Messages, "; ")), 256))
	case advice[r.Err] != "":
		return fmt.Errorf("%w: %s", r, advice[r.Err])
	}
	return r
}
