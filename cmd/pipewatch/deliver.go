package main

import (
	"context"
	"errors"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/webhook"
)

// ways are the operator's ways to tell people.
type ways struct {
	slack  notify.Channel            // the channels of a workspace
	client *slack.Client             // the same workspace; nil without a bot token
	oneWay map[string]notify.Channel // the webhooks, by the names of their destinations
}

// errNoWay says that nobody would be told.
var errNoWay = errors.New("alerts.slack has no token and there is no webhook: nobody would be told; set SLACK_BOT_TOKEN, or try pipewatch dev slack")

// openWays makes the ways; it contacts nobody.
func openWays(cfg config) (ways, error) {
	s := cfg.Alerts.Slack
	w := ways{slack: noWorkspace{}, oneWay: map[string]notify.Channel{}}
	if s.Token.Reveal() != "" {
		w.client = slackChannel(cfg)
		w.slack = w.client
	}
	if s.WebhookURL.Reveal() != "" {
		w.oneWay[toSlackWebhook] = slack.NewWebhook(s.WebhookURL, s.Timeout.Std())
	}
	if h := cfg.Alerts.Webhook; h.URL.Reveal() != "" {
		hook, err := webhook.New(webhook.Config{URL: h.URL, Secret: h.Secret, Allow: h.networks(), Now: time.Now})
		if err != nil {
			return w, err
		}
		w.oneWay[toWebhook] = hook
	}
	if s.Token.Reveal() == "" && len(w.oneWay) == 0 {
		return w, errNoWay
	}
	return w, nil
}

// to is the way to a destination.
func (w ways) to(destination string) notify.Channel {
	if c, ok := w.oneWay[destination]; ok {
		return c
	}
	return w.slack
}

// slackChannel is the operator's Slack.
func slackChannel(cfg config) *slack.Client {
	s := cfg.Alerts.Slack
	return slack.New(slack.Config{Token: s.Token, APIURL: s.APIURL, DefaultChannel: s.DefaultChannel, Timeout: s.Timeout.Std(), AppToken: s.AppToken})
}

// noWorkspace stands for Slack where there is no bot token. What waits for a
// channel of an earlier configuration is kept.
type noWorkspace struct{}

var errNoWorkspace = notify.Dead(errors.New("alerts.slack.token is missing: nothing can go to a channel of Slack by its name"))

func (noWorkspace) Post(context.Context, string, notify.Ref, notify.Notice) (notify.Ref, error) {
	return notify.Ref{}, errNoWorkspace
}

func (noWorkspace) Update(context.Context, notify.Ref, notify.Notice) error { return errNoWorkspace }

func (noWorkspace) Find(context.Context, string, notify.Ref, string, time.Time) (notify.Ref, bool, error) {
	return notify.Ref{}, false, errNoWorkspace
}
