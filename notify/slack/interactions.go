package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	api "github.com/slack-go/slack"
)

// This file takes presses by HTTP: Slack signs every request, and each is taken
// once.

const (
	maxInteraction = 1 << 20 // bytes
	maxDrift       = 5 * time.Minute
)

// ServeHTTP takes one signed request of Slack. It answers before anything is
// done, as Slack waits three seconds only.
func (p *Presses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInteraction))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the body could not be read whole", http.StatusBadRequest)
		return
	}
	if err := p.verify(r.Header, body); err != nil {
		p.config.Log.Warn("interaction refused", "err", err)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	form, err := url.ParseQuery(string(body))
	var ic api.InteractionCallback
	if err == nil {
		err = json.Unmarshal([]byte(form.Get("payload")), &ic)
	}
	if err != nil {
		http.Error(w, "no interaction", http.StatusBadRequest)
		return
	}
	if !p.take(ic) {
		p.config.Log.Error("press dropped: too many wait")
		http.Error(w, "too many wait", http.StatusServiceUnavailable)
	}
}

// verify looks whether Slack has sent this, just now and for the first time.
// What was signed before we started may have been taken by our predecessor.
func (p *Presses) verify(h http.Header, body []byte) error {
	stamps, signatures := h.Values("X-Slack-Request-Timestamp"), h.Values("X-Slack-Signature")
	if len(stamps) != 1 || len(signatures) != 1 {
		return errors.New("the request is not signed")
	}
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil {
		return errors.New("the request's time is none")
	}
	at := time.Unix(seconds, 0)
	if p.config.Now().Sub(at).Abs() > maxDrift {
		return errors.New("the request is too old, or a clock is wrong")
	}
	mac := hmac.New(sha256.New, []byte(p.config.SigningSecret.Reveal()))
	fmt.Fprintf(mac, "v0:%s:%s", stamps[0], body)
	given, err := hex.DecodeString(strings.TrimPrefix(signatures[0], "v0="))
	sum := mac.Sum(nil)
	if err != nil || !strings.HasPrefix(signatures[0], "v0=") || !hmac.Equal(given, sum) {
		return errors.New("the signature is wrong: check alerts.slack.signing_secret")
	}
	if at.Before(p.started.Truncate(time.Second)) || !p.first("signature "+string(sum)) {
		return errors.New("the request was taken before")
	}
	return nil
}
