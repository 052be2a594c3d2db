package pulse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DeadMan calls a URL for as long as the service does its work, and the same
// URL with /fail behind its path when something is stuck or ails. Whoever
// answers there (healthchecks.io and most others by the same form) raises the
// alarm when the calls stop. The URL is a secret: whoever has it can keep the
// alarm quiet.
type DeadMan struct {
	url   string
	every time.Duration
	ails  func() []string
	log   *slog.Logger
	http  *http.Client

	mu     sync.Mutex
	called time.Time // when it was last called, by success or not
	failed bool      // the last call said /fail
	err    error     // why the last call did not get through
}

// callFor bounds one call.
const callFor = 10 * time.Second

// NewDeadMan makes a switch that is called every so often. Ails lists what is
// wrong although nothing is stuck.
func NewDeadMan(to string, every time.Duration, ails func() []string, log *slog.Logger) *DeadMan {
	return &DeadMan{url: to, every: every, ails: ails, log: log, http: &http.Client{Timeout: callFor}}
}

// Err is why the last call did not get through; nil when it did.
func (d *DeadMan) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Beat calls when it is time, and at once when things have turned bad or good.
func (d *DeadMan) Beat(ctx context.Context, stuck []string) {
	bad := append(stuck, d.ails()...)
	now := time.Now()
	d.mu.Lock()
	due := now.Sub(d.called) >= d.every-beatEvery/2 || (len(bad) > 0) != d.failed || d.err != nil
	d.mu.Unlock()
	if !due {
		return
	}
	err := d.call(ctx, bad)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil && d.err == nil {
		d.log.Error("the dead man's switch cannot be called; it will raise the alarm", "err", err)
	}
	if err == nil && d.err != nil {
		d.log.Info("the dead man's switch is called again")
	}
	d.called, d.failed, d.err = now, len(bad) > 0, err
}

// call makes one call, with what is wrong as its body.
func (d *DeadMan) call(ctx context.Context, bad []string) error {
	to, err := url.Parse(d.url)
	if err != nil {
		return errors.New("alerts.dead_man.url is not a URL")
	}
	if len(bad) > 0 {
		to = to.JoinPath("fail")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(strings.Join(bad, "\n")))
	if err != nil {
		return fmt.Errorf("call the dead man's switch at %s: its URL makes no request", to.Host)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("User-Agent", "pipewatch")
	res, err := d.http.Do(req)
	if err != nil {
		if u, is := errors.AsType[*url.Error](err); is {
			err = u.Err // which does not hold the URL
		}
		return fmt.Errorf("call the dead man's switch at %s: %w", to.Host, err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode >= 300 {
		return fmt.Errorf("call the dead man's switch at %s: it answered %s", to.Host, res.Status)
	}
	return nil
}
