package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
)

// This file is what the buttons of a message in Slack do to the service, and
// what is said to who pressed one.

// buttons carries out what people press.
type buttons struct{ service *service }

// takePresses makes what listens for presses; nil where none can reach us.
func (s *service) takePresses() *slack.Presses {
	c := s.project.config.Alerts.Slack
	if s.slack == nil || c.AppToken.Reveal() == "" && c.SigningSecret.Reveal() == "" {
		return nil
	}
	return slack.NewPresses(slack.PressConfig{
		Client: s.slack, SigningSecret: c.SigningSecret, Actors: c.Actors, Actor: buttons{s}, Now: time.Now,
		Log: s.log.With("component", "buttons"),
	})
}

// checkPatience is how long somebody waits for what a re-check finds; it goes on
// after that.
const checkPatience = 20 * time.Second

// Act carries out one press. What was done to an incident shows in its message,
// so that nothing needs to be said; what was not is explained.
func (b buttons) Act(ctx context.Context, p slack.Press) (string, error) {
	by, via := p.Name, "slack "+p.User // names are not unique there
	if by == "" {
		by = p.User
	}
	switch p.Kind {
	case "recheck":
		return b.recheck(ctx, p.Incident, by, via)
	case "explain":
		return b.explain(p.Incident)
	}
	act := incident.Act{Incident: p.Incident, Kind: incident.ActKind(p.Kind), By: by, Via: via, At: b.service.now(), Seq: p.Seq}
	if act.Kind == incident.Mute {
		act.Until = muteUntil(p.Until, act.At.In(b.service.zone()))
	}
	_, err := b.service.loop.Act(ctx, act)
	if r, refused := errors.AsType[*incident.Refusal](err); refused {
		return b.kindly(r), nil
	}
	return "", err
}

// The morning at which a mute "until tomorrow" ends, and how far off it has to
// be: who presses that at 3 a.m. means the coming morning, at 8 the next.
const (
	morningHour  = 9
	leastTonight = 4 * time.Hour
)

// muteUntil is when a mute of the menu ends; zero for what the menu does not
// offer.
func muteUntil(choice string, now time.Time) time.Time {
	switch choice {
	case "1h":
		return now.Add(time.Hour)
	case "3d":
		return now.Add(3 * 24 * time.Hour)
	case "tomorrow":
		at := time.Date(now.Year(), now.Month(), now.Day(), morningHour, 0, 0, 0, now.Location())
		for at.Sub(now) < leastTonight {
			at = time.Date(at.Year(), at.Month(), at.Day()+1, morningHour, 0, 0, 0, at.Location())
		}
		return at
	}
	return time.Time{}
}

// kindly says why something was not done, with what has become of the incident.
func (b buttons) kindly(r *incident.Refusal) string {
	now := b.headline(r.Now)
	switch r.Why {
	case incident.UnknownIncident:
		return "That ended long ago, and nothing is left to do about it. Nothing was done."
	case incident.Over:
		return fmt.Sprintf("%s. It is over since %s, so that nothing is left to do.", now, b.clock(r.Now.ResolvedAt))
	case incident.Stale:
		return fmt.Sprintf("It has become worse, or another one, since this message was drawn: %s. Nothing was done; look at the message as it is now and press again.", now)
	case incident.Nothing:
		return b.already(r) + " Nothing was done."
	}
	return "pipewatch does not know this button; the message may be from another version. Nothing was done."
}

// already says who has done it before.
func (b buttons) already(r *incident.Refusal) string {
	i := r.Now
	switch r.Act.Kind {
	case incident.Ack:
		return fmt.Sprintf("%s has acknowledged it already, at %s.", i.Acked.By, b.clock(i.Acked.At))
	case incident.Unack:
		return "Nobody has acknowledged it now."
	case incident.Mute:
		return fmt.Sprintf("%s has muted it until %s already.", i.Muted.By, b.clock(i.Muted.Until))
	case incident.Unmute:
		return "It is not muted now."
	}
	return fmt.Sprintf("%s has escalated it already, at %s.", i.Escalated.By, b.clock(i.Escalated.At))
}

// headline is an incident in one line, as it is now.
func (b buttons) headline(i incident.Incident) string {
	return notify.Headline(b.service.compose(i, nil), notify.Plainly)
}

// clock is a moment as the operator's zone has it.
func (b buttons) clock(t time.Time) string {
	return t.In(b.service.zone()).Format("15:04 MST on 2 January")
}

// recheck looks again at what an incident is about, and says what came of it.
func (b buttons) recheck(ctx context.Context, id incident.ID, by, via string) (string, error) {
	i, open := b.service.store.Book().Incidents[id]
	if !open || i.Status != incident.Open {
		return b.kindly(&incident.Refusal{Why: overOrUnknown(open), Now: i}), nil
	}
	nodes := judged(b.service.loop.Suite(), i)
	if len(nodes) == 0 {
		return "Nothing about it can be checked by itself. Nothing was done.", nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	err := b.service.loop.CheckNow(ctx, nodes, by, via)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("It is being checked, which takes longer than %.0f s. The message will show what comes of it.", checkPatience.Seconds()), nil
	case err != nil:
		return "", err
	}
	return b.found(nodes, i), nil
}

func overOrUnknown(known bool) incident.Why {
	if known {
		return incident.Over
	}
	return incident.UnknownIncident
}

// judged are the nodes to look at again: the root, or all that got no answer.
func judged(suite *checks.Suite, i incident.Incident) []dag.NodeID {
	nodes := []dag.NodeID{i.Root}
	if i.Kind == incident.CannotCheck {
		nodes = nil
		for _, f := range i.Findings {
			nodes = append(nodes, f.Check.Node())
		}
	}
	slices.Sort(nodes)
	return slices.DeleteFunc(slices.Compact(nodes), func(id dag.NodeID) bool { return len(suite.Of(id)) == 0 })
}

// found says what a re-check has found, check by check of the incident.
func (b buttons) found(nodes []dag.NodeID, was incident.Incident) string {
	latest := b.service.latest.all()
	var bad []string
	for _, f := range was.Findings {
		l, looked := latest[f.Check]
		v := l.Result.Verdict
		if looked && slices.Contains(nodes, f.Check.Node()) && v.Outcome != checks.Pass && len(bad) < mostFound {
			bad = append(bad, fmt.Sprintf("• %s: %s, %s", f.Check, v.Outcome, v.Message))
		}
	}
	if len(bad) > 0 {
		return "Checked again, and it is not well yet:\n" + strings.Join(bad, "\n")
	}
	now := b.service.store.Book().Incidents[was.ID]
	if now.Status != incident.Open {
		return "Checked again: it is well, and closed."
	}
	return "Checked again: it passes. The incident closes when it has passed often enough in a row (alerts.resolve_after)."
}

// mostFound is how many checks an answer names.
const mostFound = 10

// explain says why an incident is as it is.
func (b buttons) explain(id incident.ID) (string, error) {
	i, err := b.service.store.Incident(id)
	if errors.Is(err, fs.ErrNotExist) {
		return b.kindly(&incident.Refusal{Why: incident.UnknownIncident}), nil
	}
	return b.service.explainer().Explain(i).Text(), err
}
