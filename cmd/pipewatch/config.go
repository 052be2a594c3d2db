package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// config is pipewatch.yaml, the operator's file.
type config struct {
	Version     int                          `yaml:"version" jsonschema:"required,minimum=1,maximum=1" jsonschema_description:"Format of this file: 1."`
	DAGs        conf.StringList              `yaml:"dags" jsonschema:"required" jsonschema_description:"Globs of DAG files, relative to this file."`
	Timezone    string                       `yaml:"timezone" jsonschema_description:"Zone of DAGs that name none. UTC."`
	State       stateConfig                  `yaml:"state" jsonschema_description:"Where pipewatch keeps what it knows."`
	Connections map[string]warehouse.Options `yaml:"connections" jsonschema:"required" jsonschema_description:"Warehouses by name."`
	Owners      map[string]ownerConfig       `yaml:"owners" jsonschema_description:"Teams by name: where they read and how they are called."`
	Calendars   map[string]dag.Calendar      `yaml:"calendars" jsonschema_description:"Days on which something rests, by name: days, ranges such as 2026-12-24..2026-12-31, and rules such as rrule: FREQ=WEEKLY;BYDAY=SA,SU."`
	Alerts      alertsConfig                 `yaml:"alerts" jsonschema_description:"When and where people are told."`
	HTTP        httpConfig                   `yaml:"http" jsonschema_description:"The page and the API."`

	written conf.Value // the file itself, which knows where each key stands
}

type stateConfig struct {
	Path string        `yaml:"path" jsonschema_description:"One file, made with mode 0600. state.db beside this file."`
	Keep conf.Duration `yaml:"keep" jsonschema_description:"How long runs are kept. 90d."`
}

type ownerConfig struct {
	SlackChannel string `yaml:"slack_channel" jsonschema_description:"Where the team reads: #name or an id."`
	SlackMention string `yaml:"slack_mention" jsonschema_description:"Whom to call: @group, an e-mail address, or <@U…>."`
}

type alertsConfig struct {
	Slack        slackConfig     `yaml:"slack" jsonschema_description:"The Slack workspace."`
	Webhook      webhookConfig   `yaml:"webhook" jsonschema_description:"Any program that takes signed JSON; named webhook as a destination."`
	Fallback     string          `yaml:"fallback" jsonschema_description:"Where messages are told meanwhile when their destination takes none: #name, webhook or slack_webhook."`
	Routes       []routeConfig   `yaml:"routes" jsonschema_description:"Where incidents go; the first that matches wins, before the owner's channel."`
	QuietHours   windows         `yaml:"quiet_hours" jsonschema_description:"Hours in which warnings wait for the morning. Errors pass."`
	Mute         []muteConfig    `yaml:"mute" jsonschema_description:"Hours in which nobody is told, unless it is still open at their end."`
	Escalate     escalateConfig  `yaml:"escalate" jsonschema_description:"Who is called when an incident is escalated."`
	Digest       *conf.ClockTime `yaml:"digest" jsonschema_description:"Time of the morning's digest, in the file's timezone. None."`
	DeadMan      deadManConfig   `yaml:"dead_man" jsonschema_description:"A switch outside that raises the alarm when it is not called any more."`
	Canary       canaryConfig    `yaml:"canary" jsonschema_description:"A daily test of the alarm: a message about nothing that is looked for where it should be. None."`
	GroupWait    *conf.Duration  `yaml:"group_wait" jsonschema_description:"Collect what breaks together. 60s."`
	FailAfter    *int            `yaml:"fail_after" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Bad evaluations before an incident opens. 2."`
	ResolveAfter *int            `yaml:"resolve_after" jsonschema:"minimum=1,maximum=1000" jsonschema_description:"Good evaluations before it is resolved. 2."`
	ReopenWithin *conf.Duration  `yaml:"reopen_within" jsonschema_description:"What breaks again within is the same incident; 0 is never. 30m."`
	Flap         flapConfig      `yaml:"flap" jsonschema_description:"What counts as coming and going, or off."`
	RepeatEvery  *conf.Duration  `yaml:"repeat_every" jsonschema_description:"Mention again while an error is open and unacknowledged; 0 is never. 12h."`
}

type slackConfig struct {
	Token          conf.Secret     `yaml:"token" jsonschema_description:"Bot token, from the environment or a file."`
	AppToken       conf.Secret     `yaml:"app_token" jsonschema_description:"App-level token (xapp-…), from the environment or a file: buttons over a connection that pipewatch opens."`
	SigningSecret  conf.Secret     `yaml:"signing_secret" jsonschema_description:"Signing secret of the app, from the environment or a file: buttons by requests to /slack/interactions."`
	Actors         conf.StringList `yaml:"actors" jsonschema_description:"Who may use the buttons: ids of people, e-mail addresses, or @groups. Everybody in the workspace."`
	WebhookURL     conf.Secret     `yaml:"webhook_url" jsonschema_description:"Incoming webhook, from the environment or a file: only new messages, to one channel. Beside a token it is the destination slack_webhook."`
	Charts         bool            `yaml:"charts" jsonschema_description:"Show the last figures of the failing check as a row of bars. false."`
	DefaultChannel string          `yaml:"default_channel" jsonschema_description:"Where incidents without an owner's channel go."`
	APIURL         string          `yaml:"api_url" jsonschema_description:"https://slack.com/api/"`
	Timeout        conf.Duration   `yaml:"timeout" jsonschema_description:"How long one request may take. 10s."`
	Quiet          conf.Duration   `yaml:"quiet" jsonschema_description:"How long after a time-out Slack may still store a message. 30s."`
}

type httpConfig struct {
	Listen      string     `yaml:"listen" jsonschema_description:"127.0.0.1:8642"`
	ExternalURL string     `yaml:"external_url" jsonschema_description:"How people reach the page; links in messages begin with it."`
	Auth        authConfig `yaml:"auth" jsonschema_description:"Who may use the API."`
}

type authConfig struct {
	Mode string `yaml:"mode" jsonschema:"enum=none" jsonschema_description:"none, on loopback only."`
}

// configPaths are where pipewatch.yaml is looked for.
var configPaths = []string{"pipewatch.yaml", "/etc/pipewatch/pipewatch.yaml"}

// findConfig is the path of pipewatch.yaml.
func findConfig(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if env := os.Getenv("PIPEWATCH_CONFIG"); env != "" {
		return env, nil
	}
	for _, p := range configPaths {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("no pipewatch.yaml here (looked for %s): name one with --config, or try pipewatch demo", strings.Join(configPaths, ", "))
}

// loadConfig reads pipewatch.yaml and fills in the defaults.
func loadConfig(path string) (config, conf.Problems, error) {
	var c config
	src, err := conf.ReadFile(path)
	if err != nil {
		return c, nil, err
	}
	v, problems := conf.Parse(path, src)
	if len(problems) > 0 {
		return c, problems, nil
	}
	dir := filepath.Dir(path)
	v, problems = v.Expand(func(name string, _ conf.Value) (string, error) { return lookUp(dir, name) })
	problems.Merge(v.Decode(&c))
	c.written = v
	c.defaults(dir)
	problems.Merge(c.sense(v))
	return c, problems, nil
}

// lookUp gives the value of ${NAME} and ${file:/path}.
func lookUp(dir, name string) (string, error) {
	if file, ok := strings.CutPrefix(name, "file:"); ok {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		text, err := conf.ReadFile(file)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if value, ok := os.LookupEnv(name); ok {
		return value, nil
	}
	return "", conf.ErrUnset
}

func (c *config) defaults(dir string) {
	if c.State.Path == "" {
		c.State.Path = "state.db"
	}
	if !filepath.IsAbs(c.State.Path) {
		c.State.Path = filepath.Join(dir, c.State.Path)
	}
	if c.State.Keep == 0 {
		c.State.Keep = conf.Duration(90 * 24 * time.Hour)
	}
	if c.HTTP.Listen == "" {
		c.HTTP.Listen = "127.0.0.1:8642"
	}
	if c.Alerts.DeadMan.Every == 0 {
		c.Alerts.DeadMan.Every = conf.Duration(time.Minute)
	}
	s := &c.Alerts.Slack
	if s.APIURL == "" {
		s.APIURL = "https://slack.com/api/"
	}
	if s.Timeout == 0 {
		s.Timeout = conf.Duration(10 * time.Second)
	}
	if s.Quiet == 0 {
		s.Quiet = conf.Duration(30 * time.Second)
	}
}

// sense finds what the types cannot: names and addresses that make no sense.
func (c *config) sense(v conf.Value) conf.Problems {
	var problems conf.Problems
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		problems.Add(v.Get("timezone").Problem("%q is not a time zone", c.Timezone).WithHint(`use an IANA name such as "Europe/Berlin"`))
	}
	if d := v.Get("dags"); d.Exists() && len(c.DAGs) == 0 {
		problems.Add(d.KeyProblem("no DAG file is named, so that nothing would be watched").WithHint("write dags: [dags/*.yaml]"))
	}
	if !loopback(c.HTTP.Listen) {
		problems.Add(v.Get("http").Get("listen").Problem("%q is not a loopback address, and auth.mode none allows only those", c.HTTP.Listen).
			WithHint("listen on 127.0.0.1 and put a reverse proxy with authentication in front"))
	}
	slack := v.Get("alerts").Get("slack")
	if slack.Exists() && (slack.Get("token").Exists() || !slack.Get("webhook_url").Exists()) && c.Alerts.Slack.DefaultChannel == "" {
		problems.Add(slack.Problem("default_channel is missing").WithHint(`say where incidents without an owner go, such as default_channel: "#data-alerts"`))
	}
	problems.Merge(c.senseAlerts(v.Get("alerts")))
	return problems
}

// origin is where a key such as "alerts.fail_after" stands; empty where it does
// not.
func (c *config) origin(key string) string {
	v := c.written
	for part := range strings.SplitSeq(key, ".") {
		v = v.Get(part)
	}
	if !v.Exists() {
		return ""
	}
	return v.Pos().String()
}

// loopback tells whether an address can be reached from this machine only.
func loopback(listen string) bool {
	for _, host := range []string{"127.", "[::1]:", "localhost:"} {
		if strings.HasPrefix(listen, host) {
			return true
		}
	}
	return false
}

// policy is the operator's patience.
func (c *config) policy() incident.Policy {
	p := incident.DefaultPolicy()
	if d := c.Alerts.GroupWait; d != nil {
		p.GroupWait = d.Std()
	}
	if d := c.Alerts.ReopenWithin; d != nil {
		p.ReopenWithin = d.Std()
	}
	if d := c.Alerts.RepeatEvery; d != nil {
		p.RepeatEvery = d.Std()
	}
	if d := c.Alerts.Escalate.After; d != nil {
		p.EscalateAfter = d.Std()
	}
	p.Flap = c.Alerts.Flap.policy(p.Flap)
	if n := c.Alerts.FailAfter; n != nil {
		p.FailAfter = *n
	}
	if n := c.Alerts.ResolveAfter; n != nil {
		p.ResolveAfter = *n
	}
	return p
}

// owners is whom to tell, by name.
func (c *config) owners() map[string]notify.Owner {
	owners := map[string]notify.Owner{}
	for name, o := range c.Owners {
		owners[name] = notify.Owner{Mention: o.SlackMention}
		if !c.onlyWebhooks() { // which have no channels to choose from
			owners[name] = notify.Owner{Channel: o.SlackChannel, Mention: o.SlackMention}
		}
	}
	return owners
}
