package main

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/webhook"
)

// This file is where messages go and when: the destinations, and the keys of
// pipewatch.yaml under alerts that choose among them.

// The destinations that are no channels of a Slack workspace.
const (
	toWebhook      = "webhook"       // alerts.webhook
	toSlackWebhook = "slack_webhook" // alerts.slack.webhook_url
)

type webhookConfig struct {
	URL    conf.Secret     `yaml:"url" jsonschema:"required" jsonschema_description:"Address that takes signed JSON; https, or http on this machine. From the environment or a file."`
	Secret conf.Secret     `yaml:"secret" jsonschema:"required" jsonschema_description:"Key of the signature (HMAC-SHA256), from the environment or a file."`
	Allow  conf.StringList `yaml:"allow" jsonschema_description:"Networks that may be called although they are not public, such as 10.1.0.0/16."`
}

type deadManConfig struct {
	URL   conf.Secret   `yaml:"url" jsonschema:"required" jsonschema_description:"Called for as long as all goes well, and with /fail behind its path when it does not. From the environment or a file."`
	Every conf.Duration `yaml:"every" jsonschema_description:"How often. 60s."`
}

type canaryConfig struct {
	At      *conf.ClockTime `yaml:"at" jsonschema:"required" jsonschema_description:"Time of day, in the file's timezone."`
	Channel string          `yaml:"channel" jsonschema_description:"Where it goes: #name, webhook or slack_webhook. The default channel."`
}

type routeConfig struct {
	Match      notify.Match     `yaml:"match" jsonschema_description:"Which incidents, by their roots; without it all."`
	Channel    string           `yaml:"channel" jsonschema_description:"Where they go: #name, webhook or slack_webhook. The owner's channel."`
	Mention    string           `yaml:"mention" jsonschema_description:"Whom to call. The owner's mention."`
	Fallback   string           `yaml:"fallback" jsonschema_description:"Where they are told meanwhile when that takes no messages. alerts.fallback"`
	QuietHours windows          `yaml:"quiet_hours" jsonschema_description:"Hours in which warnings wait. alerts.quiet_hours"`
	Escalate   escalationConfig `yaml:"escalate" jsonschema_description:"Who is called when nobody acknowledges. alerts.escalate"`
}

// escalateConfig is alerts.escalate: when, and who.
type escalateConfig struct {
	After   *conf.Duration `yaml:"after" jsonschema_description:"How long an error may be open and unacknowledged. 0 is never."`
	Channel string         `yaml:"channel" jsonschema_description:"One more message goes here: #name, webhook or slack_webhook."`
	Mention string         `yaml:"mention" jsonschema_description:"Whom to call: @group, an e-mail address, or <@U…>."`
}

func (e escalateConfig) to() notify.Escalation {
	return notify.Escalation{Channel: e.Channel, Mention: e.Mention}
}

type escalationConfig struct {
	Channel string `yaml:"channel" jsonschema_description:"One more message goes here: #name, webhook or slack_webhook."`
	Mention string `yaml:"mention" jsonschema_description:"Whom to call: @group, an e-mail address, or <@U…>."`
}

type muteConfig struct {
	Match   notify.Match `yaml:"match" jsonschema_description:"Which incidents, by their roots; without it all."`
	Windows windows      `yaml:"windows" jsonschema:"required" jsonschema_description:"Hours in which nobody is told, unless it is still open at their end."`
	Comment string       `yaml:"comment" jsonschema_description:"Why, for people."`
}

// windowConfig is hours of the day that come again.
type windowConfig struct {
	From     string          `yaml:"from" jsonschema:"required" jsonschema_description:"Time of day, such as \"22:00\"."`
	To       string          `yaml:"to" jsonschema:"required" jsonschema_description:"Time of day, of the next day where it is not after from."`
	Days     conf.StringList `yaml:"days" jsonschema:"enum=mon,enum=tue,enum=wed,enum=thu,enum=fri,enum=sat,enum=sun" jsonschema_description:"Days on which it begins. All."`
	Timezone string          `yaml:"timezone" jsonschema_description:"The file's timezone."`
}

// windows are one window or a list.
type windows []windowConfig

// DecodeConf reads {from, to, …} or a list of them.
func (w *windows) DecodeConf(v conf.Value) conf.Problems {
	list := []conf.Value{v}
	if v.Kind() == conf.List {
		list = slices.Collect(v.Items())
	}
	var problems conf.Problems
	for _, item := range list {
		var one windowConfig
		problems.Merge(item.Decode(&one))
		for _, key := range []string{"from", "to"} {
			if text := item.Get(key); text.Exists() {
				var t conf.ClockTime
				problems.Merge(text.Decode(&t))
			}
		}
		if zone := item.Get("timezone"); zone.Exists() {
			if _, err := time.LoadLocation(one.Timezone); err != nil {
				problems.Add(zone.Problem("%q is not a time zone", one.Timezone).WithHint(`use an IANA name such as "Europe/Berlin"`))
			}
		}
		*w = append(*w, one)
	}
	return problems
}

// ConfSchema is both forms.
func (windows) ConfSchema() []any { return []any{windowConfig{}, conf.ListOf{Of: windowConfig{}}} }

// weekdays by their short names.
var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// in makes windows of the notifier; the zone is the file's.
func (w windows) in(zone string) []notify.Window {
	var out []notify.Window
	for _, c := range w {
		loc, err := time.LoadLocation(cmp.Or(c.Timezone, zone))
		if err != nil {
			loc = time.UTC // reported with the file
		}
		one := notify.Window{From: sinceMidnight(c.From), To: sinceMidnight(c.To), Zone: loc}
		for _, d := range c.Days {
			one.Days = append(one.Days, weekdays[d])
		}
		out = append(out, one)
	}
	return out
}

// sinceMidnight is a time of day that was found to be one.
func sinceMidnight(text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// home is the destination of what nobody else takes.
func (c *config) home() string {
	s := c.Alerts.Slack
	switch {
	case s.Token.Reveal() != "":
		return s.DefaultChannel
	case s.WebhookURL.Reveal() != "":
		return toSlackWebhook
	case c.Alerts.Webhook.URL.Reveal() != "":
		return toWebhook
	}
	return s.DefaultChannel
}

// onlyWebhooks tells whether there is no workspace with channels.
func (c *config) onlyWebhooks() bool {
	return c.Alerts.Slack.Token.Reveal() == "" && (c.Alerts.Slack.WebhookURL.Reveal() != "" || c.Alerts.Webhook.URL.Reveal() != "")
}

// rules are the routes of the notifier.
func (c *config) rules() []notify.Rule {
	var out []notify.Rule
	for _, r := range c.Alerts.Routes {
		out = append(out, notify.Rule{
			Match: r.Match, Channel: r.Channel, Mention: r.Mention, Fallback: r.Fallback, Quiet: r.QuietHours.in(c.Timezone),
			Escalate: notify.Escalation(r.Escalate),
		})
	}
	return out
}

func (c *config) mutes() []notify.Mute {
	var out []notify.Mute
	for _, m := range c.Alerts.Mute {
		out = append(out, notify.Mute{Match: m.Match, Windows: m.Windows.in(c.Timezone)})
	}
	return out
}

// networks are those that the webhook may call although they are not public.
func (w webhookConfig) networks() []netip.Prefix {
	var out []netip.Prefix
	for _, text := range w.Allow {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// destinations lists every place that messages may go to.
func (c *config) destinations() []string {
	all := []string{c.home(), c.Alerts.Fallback, c.Alerts.Escalate.Channel, c.Alerts.Canary.Channel}
	for _, r := range c.Alerts.Routes {
		all = append(all, r.Channel, r.Fallback, r.Escalate.Channel)
	}
	if !c.onlyWebhooks() {
		for _, o := range c.Owners {
			all = append(all, o.SlackChannel)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}

// senseAlerts finds destinations that do not exist and addresses that must not
// be called.
func (c *config) senseAlerts(alerts conf.Value) conf.Problems {
	var problems conf.Problems
	slack, hook := alerts.Get("slack"), alerts.Get("webhook")
	known := func(v conf.Value) {
		name := v.Text()
		switch {
		case !v.Exists() || name == "":
		case name == toWebhook:
			if !hook.Exists() {
				problems.Add(v.Problem("there is no webhook").WithHint("set alerts.webhook with url and secret"))
			}
		case name == toSlackWebhook:
			if !slack.Get("webhook_url").Exists() {
				problems.Add(v.Problem("there is no webhook of Slack").WithHint("set alerts.slack.webhook_url"))
			}
		case !slack.Get("token").Exists():
			problems.Add(v.Problem("no message can go to %q without a bot token", name).
				WithHint("an incoming webhook posts to the one channel it was made for: write slack_webhook, or set alerts.slack.token"))
		}
	}
	known(alerts.Get("fallback"))
	known(alerts.Get("escalate").Get("channel"))
	known(alerts.Get("canary").Get("channel"))
	if f := alerts.Get("fallback"); f.Exists() && f.Text() == c.home() {
		problems.Add(f.Problem("%q is where everything goes already, so it is no way out", f.Text()).WithHint("name another destination, such as webhook"))
	}
	for r := range alerts.Get("routes").Items() {
		known(r.Get("channel"))
		known(r.Get("fallback"))
		known(r.Get("escalate").Get("channel"))
		if a, b := r.Get("channel"), r.Get("fallback"); a.Exists() && b.Exists() && a.Text() == b.Text() {
			problems.Add(b.Problem("%q is the route's own channel, so it is no way out", b.Text()).WithHint("name another destination"))
		}
		problems.Merge(c.senseOwners(r.Get("match").Get("owner")))
	}
	problems.Merge(c.senseAddresses(slack, hook, alerts.Get("dead_man")))
	return problems
}

// senseOwners finds owners that nobody has named.
func (c *config) senseOwners(v conf.Value) conf.Problems {
	list := []conf.Value{v}
	if v.Kind() == conf.List {
		list = slices.Collect(v.Items())
	}
	var problems conf.Problems
	for _, o := range list {
		if _, known := c.Owners[o.Text()]; o.Exists() && !known {
			problems.Add(conf.Unknown(o, "owner", slices.Sorted(maps.Keys(c.Owners))))
		}
	}
	return problems
}

// senseAddresses finds addresses that must not be called and weak keys.
func (c *config) senseAddresses(slack, hook, deadMan conf.Value) conf.Problems {
	var problems conf.Problems
	for _, u := range []struct {
		at  conf.Value
		url conf.Secret
	}{{hook.Get("url"), c.Alerts.Webhook.URL}, {slack.Get("webhook_url"), c.Alerts.Slack.WebhookURL}, {deadMan.Get("url"), c.Alerts.DeadMan.URL}} {
		if u.at.Exists() && u.url.Reveal() != "" {
			if err := webhook.CheckURL(u.url.Reveal()); err != nil {
				p := u.at.KeyProblem("the address cannot be called: %v", err)
				p.Hidden = true
				problems.Add(p)
			}
		}
	}
	for item := range hook.Get("allow").Items() {
		if _, err := netip.ParsePrefix(item.Text()); err != nil {
			problems.Add(item.Problem("%q is not a network", item.Text()).WithHint("write it as 10.1.0.0/16"))
		}
	}
	if s := c.Alerts.Webhook.Secret.Reveal(); hook.Exists() && s != "" && len(s) < 16 {
		p := hook.Get("secret").KeyProblem("the key of the signature has fewer than 16 characters")
		p.Hidden = true
		problems.Add(p)
	}
	return problems
}
