package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/store"
)

// lastWordsFor bounds the attempt to tell people that the service ends.
const lastWordsFor = 8 * time.Second

// lastWords tells people that the service cannot go on, past the outbox, which
// is out of reach then. It looks first whether the same was said within the
// hour, so that a service that is started again and again does not say so each
// time; it never fails, as there is nobody left to tell.
func (a *app) lastWords(ctx context.Context, cfg config, channel notify.Channel, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWordsFor)
	defer cancel()
	now := time.Now().UTC()
	about := complaint(cause)
	i := incident.Incident{
		ID:   incident.ID(fmt.Sprintf("inc-%s-%s", now.Format("20060102T15"), about)),
		Kind: incident.Self, Status: incident.Open, Trouble: "state (" + whereabouts(cfg.State.Path) + ")", Severity: dag.Error,
		OpenedAt: now, Onset: now, Seq: 1, Refreshed: now,
		Lines:    []incident.Line{{N: 1, At: now, Kind: incident.Opened, Seq: 1}},
		Findings: []incident.Finding{{Message: fmt.Sprintf("pipewatch has ended and watches nothing: %v", cause), Severity: dag.Error, FirstSeen: now}},
	}
	n := notify.Notice{ID: notify.Post{Incident: i.ID}.ID(), Seq: 1, Incident: i}
	to := cfg.home()
	if _, said, err := channel.Find(ctx, to, notify.Ref{}, n.ID, now.Add(-time.Hour)); err == nil && said {
		a.log.Info("people were told within the hour that the state is in trouble", "channel", to)
		return
	}
	if _, err := channel.Post(ctx, to, notify.Ref{}, n); err != nil {
		a.log.Error("nobody could be told", "channel", to, "err", err)
		return
	}
	a.log.Info("people were told", "channel", to)
}

// complaint is one word for what is wrong, by which it is found again.
func complaint(cause error) string {
	_, held := errors.AsType[*store.HeldError](cause)
	_, newer := errors.AsType[*store.NewerError](cause)
	_, loop := errors.AsType[*store.LoopError](cause)
	_, lost := errors.AsType[*store.CommitError](cause)
	switch {
	case held:
		return "held"
	case newer:
		return "newer"
	case loop:
		return "damaged"
	case lost:
		return "unwritten"
	}
	return "state"
}
