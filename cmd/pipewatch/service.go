package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/pulse"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/watch"
	"github.com/pipewatch-dev/pipewatch/web"
)

// parts is what a service is put together from. serve and the demo differ in
// these and in nothing else.
type parts struct {
	project *project
	source  probe.Source
	store   *store.DB
	channel notify.Channel
	oneWay  map[string]notify.Channel // destinations that only take messages, by name
	slack   *slack.Client             // whose buttons are taken; nil for none
	now     func() time.Time
	wait    func(ctx context.Context, until time.Time, busy bool, wake <-chan struct{}) error
	// observe is told of every recorded run; it may be nil.
	observe func(incident.Run, incident.Change)
	log     *slog.Logger
	broken  []incident.Broken // DAG files that are not in use as they are written
	// check reads a copy of the state in a process of its own; nil makes no
	// copies, for a state that nobody will miss.
	check func(path string) error
}

// service is the loop, the sender and the page of one project.
type service struct {
	parts
	loop   *watch.Service
	sender *notify.Sender
	// presses are what people do with the buttons of messages; nil where none
	// reach us, and then there are no buttons.
	presses *slack.Presses
	latest  *latest
	began   time.Time
	// patience is the operator's file as it was at the start, from which the
	// loop has its policy.
	patience config

	site    *web.Site                 // nil until openSite
	deadMan *pulse.DeadMan            // nil where there is none
	sung    atomic.Pointer[time.Time] // when the canary last came through; nil for never

	mu       sync.Mutex // guards project, broken, and what follows
	desk     notify.Desk
	reloaded web.Reload
	troubles map[string][]incident.Trouble // what is wrong with pipewatch, by the part that says so
}

// newService puts a service together; nothing runs yet.
func newService(p parts) (*service, error) {
	s := &service{parts: p, latest: newLatest(), began: p.now(), patience: p.project.config}
	s.desk = p.project.desk()
	s.presses = s.takePresses()
	told := p.project.config.Alerts.Slack
	s.sender = notify.NewSender(notify.Config{
		Outbox: p.store, Channel: p.channel, OneWay: p.oneWay, Compose: s.compose,
		Route:   func(i incident.Incident) notify.Route { return s.deskNow().Route(i) },
		Timeout: told.Timeout.Std(), Quiet: told.Quiet.Std(), Moment: p.now,
		Log: p.log.With("component", "sender"),
	})
	loop, err := watch.New(watch.Config{
		Source: p.source, Store: p.store, Policy: func() incident.Policy { return s.projectNow().config.policy() }, Route: s.route,
		Now: p.now, Wait: p.wait, Recorded: s.recorded, Log: p.log.With("component", "loop"),
	}, p.project.suite, p.broken...)
	if err != nil {
		return nil, err
	}
	s.loop = loop
	return s, nil
}

// desk is whom to tell about what.
func (p *project) desk() notify.Desk {
	return notify.Desk{
		Suite: p.suite, Owners: p.config.owners(), Default: p.config.home(), Canary: p.config.Alerts.Canary.Channel, BaseURL: p.config.HTTP.ExternalURL,
		Routes: p.config.rules(), Fallback: p.config.Alerts.Fallback, Mute: p.config.mutes(),
		Quiet:    p.config.Alerts.QuietHours.in(p.config.Timezone),
		Escalate: p.config.Alerts.Escalate.to(),
	}
}

// compose writes the message of an incident with the graph as it is now.
func (s *service) compose(i incident.Incident, line *incident.Line, others ...incident.Incident) notify.Notice {
	return s.deskNow().Compose(i, line, others...)
}

// deskNow is the desk with the files as they are taken up now.
func (s *service) deskNow() notify.Desk {
	s.mu.Lock()
	defer s.mu.Unlock()
	desk := s.desk
	desk.Actions = s.presses != nil
	if s.project.config.Alerts.Slack.Charts {
		desk.Trend = s.trend
	}
	return desk
}

// route names the channel of an incident.
func (s *service) route(suite *checks.Suite, i incident.Incident) string {
	desk := s.deskNow()
	desk.Suite = suite
	return desk.Route(i).Channel
}

// recorded passes a recorded run on to whoever waits for it.
func (s *service) recorded(run incident.Run, change incident.Change) {
	s.latest.keep(run)
	if s.site != nil {
		s.site.Observe(run)
	}
	if len(change.Incidents) > 0 {
		s.sender.Kick()
	}
	for id, i := range change.Incidents {
		if n := len(i.Lines); n > 0 && i.Lines[n-1].At.Equal(run.Moment) {
			s.log.Info("incident "+string(i.Lines[n-1].Kind), "incident", id, "root", i.Root, "severity", i.Severity)
		}
	}
	if run.DAG != "" {
		s.log.Debug("run recorded", "dag", run.DAG, "slot", run.Slot, "checks", len(run.Results))
	}
	if s.observe != nil {
		s.observe(run, change)
	}
}

// run works until ctx is done or something breaks that must not be survived.
// The order of the end is: no more requests, no more runs, a last flush of the
// outbox.
func (s *service) run(ctx context.Context, server *http.Server, listener net.Listener) error {
	loopCtx, stopLoop := context.WithCancelCause(ctx)
	defer stopLoop(nil)
	sendCtx, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	var wg sync.WaitGroup
	var sendErr, serveErr, keepErr error
	wg.Go(func() {
		if sendErr = s.sender.Run(sendCtx); sendErr != nil {
			stopLoop(sendErr)
		}
	})
	wg.Go(func() {
		if serveErr = server.Serve(listener); !errors.Is(serveErr, http.ErrServerClosed) {
			stopLoop(serveErr)
			return
		}
		serveErr = nil
	})
	wg.Go(func() {
		if keepErr = s.keep(loopCtx); keepErr != nil {
			stopLoop(keepErr)
		}
	})
	if s.presses != nil {
		wg.Go(func() { s.presses.Run(loopCtx) })
	}
	loopErr := s.loop.Run(loopCtx)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		server.Close()
	}
	stopLoop(nil)
	stopSending()
	wg.Wait()
	return cmp.Or(loopErr, sendErr, keepErr, serveErr) // one trouble shows in several of them
}

// openSite makes the page and the API. reload is nil where nothing can be
// reloaded.
func (s *service) openSite(reload func() error) *http.Server {
	var names []string
	if u, err := url.Parse(s.project.config.HTTP.ExternalURL); err == nil && u.Hostname() != "" {
		names = append(names, u.Hostname())
	}
	c := web.Config{
		Source: s, Control: control{s, reload}, People: s.loop, Audit: s.audits, Hosts: names, Zone: s.zone(), Log: s.log.With("component", "web"),
	}
	if s.presses != nil && s.project.config.Alerts.Slack.SigningSecret.Reveal() != "" {
		c.Interactions = s.presses
	}
	s.site = web.New(c)
	return web.Server("", s.site)
}

// listen opens the address of the page.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another with http.listen)", addr, err)
	}
	return l, nil
}
