// Package webhook tells incidents to any program that takes an HTTP request: as
// signed JSON, to one address.
//
// It is no client of a service: what it sends is documented in docs/alerts.md
// and the same for every receiver. It decides nothing and retries nothing; a
// destination of this kind can only be posted to (notify.Config.OneWay), so that
// every message is a new one.
//
// # Data model
//
// A [Hook] is one address with the secret that signs. An [Event] is the body of
// one request: an incident as it is now, or a bulletin. Every request bears an
// id, by which a receiver knows one that it has had, the second of its making,
// and an HMAC of both that second and the body.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var _ notify.Channel = (*Hook)(nil)

// Config is what a Hook needs. URL, Secret and Now are required.
type Config struct {
	URL    conf.Secret
	Secret conf.Secret
	// Allow are networks that may be called although they are not public.
	Allow []netip.Prefix
	Now   func() time.Time // the wall clock
}

// Hook is one address. It may be used by many goroutines at once.
type Hook struct {
	config Config
	client http.Client
}

// The headers of a request.
const (
	HeaderID        = "Pipewatch-Id"        // the same when a message is sent again
	HeaderTimestamp = "Pipewatch-Timestamp" // Unix seconds
	HeaderSignature = "Pipewatch-Signature" // see Sign
)

// MaxBody is how large a request gets, in bytes, and how much of an answer is
// read.
const MaxBody = 64 << 10

// New makes a hook; it contacts nobody. An address that must not be called is an
// error, which does not repeat it.
func New(c Config) (*Hook, error) {
	if err := CheckURL(c.URL.Reveal()); err != nil {
		return nil, err
	}
	return &Hook{config: c, client: http.Client{
		Transport: &http.Transport{
			Proxy:       nil, // a proxy would decide where the request goes
			DialContext: guarded(c).DialContext, ForceAttemptHTTP2: true,
			IdleConnTimeout: 20 * time.Second, MaxResponseHeaderBytes: 64 << 10, TLSHandshakeTimeout: 10 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Sign is the signature of a request made in a second: "v1=" and the hex of
// HMAC-SHA256 over the second, a dot, and the body.
func Sign(secret conf.Secret, second int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	fmt.Fprintf(mac, "%d.", second)
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Post sends a message, see notify.Channel.
func (h *Hook) Post(ctx context.Context, _ string, _ notify.Ref, n notify.Notice) (notify.Ref, error) {
	body, err := encode(eventOf(n))
	if err != nil {
		return notify.Ref{}, notify.Unsent(fmt.Errorf("write message %s for the webhook: %w", n.ID, err))
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return notify.Ref{}, notify.Dead(errors.New("alerts.webhook.url is not an address"))
	}
	r.GetBody = nil // sent once; what becomes of it is the sender's to find out
	second := h.config.Now().Unix()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "pipewatch")
	r.Header.Set(HeaderID, eventID(n))
	r.Header.Set(HeaderTimestamp, strconv.FormatInt(second, 10))
	r.Header.Set(HeaderSignature, Sign(h.config.Secret, second, body))
	answer, err := h.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, which is a secret
		}
		switch {
		case errors.Is(err, errForbidden):
			return notify.Ref{}, notify.Dead(err)
		case !connected.Load():
			return notify.Ref{}, notify.Unsent(fmt.Errorf("call the webhook: %w", err))
		}
		return notify.Ref{}, fmt.Errorf("call the webhook: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, MaxBody)) // never shown: it is the receiver's
	return notify.Ref{}, classify(answer)
}

// limitedFor is how long to rest when the receiver does not say.
const limitedFor = 30 * time.Second

// classify gives an answer its class of package notify.
func classify(answer *http.Response) error {
	status := answer.StatusCode
	err := fmt.Errorf("the webhook answers %d %s", status, http.StatusText(status))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		rest := limitedFor
		if s, bad := strconv.Atoi(answer.Header.Get("Retry-After")); bad == nil {
			rest = time.Duration(s) * time.Second
		}
		return notify.RetryAfter(rest, err)
	case status >= 500 || status == http.StatusRequestTimeout:
		return err
	case status >= 300 && status < 400:
		return notify.Dead(fmt.Errorf("%w, and redirects are not followed: put the final address into alerts.webhook.url", err))
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return notify.Dead(fmt.Errorf("%w: check alerts.webhook.secret", err))
	}
	return notify.Dead(fmt.Errorf("%w: check alerts.webhook.url and what the receiver expects", err))
}

// errOneWay is the error of what a webhook cannot do.
var errOneWay = errors.New("a webhook only takes messages")

// Update is not possible.
func (h *Hook) Update(context.Context, notify.Ref, notify.Notice) error { return errOneWay }

// Find is not possible.
func (h *Hook) Find(context.Context, string, notify.Ref, string, time.Time) (notify.Ref, bool, error) {
	return notify.Ref{}, false, errOneWay
}
