package slack

import (
	"context"
	"time"

	api "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// This file is Socket Mode: presses come over a connection that we open, so
// that nobody has to be able to reach us.

const (
	reconnect   = time.Minute // after Slack refused to let us connect at all
	maxEnvelope = 1 << 20     // bytes
)

// listen keeps a connection open until ctx is done.
func (p *Presses) listen(ctx context.Context) {
	for ctx.Err() == nil {
		err := p.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		p.config.Log.Error("buttons do not work: no connection to Slack; trying again in a minute (check alerts.slack.app_token)", "err", err)
		wait, cancel := context.WithTimeout(ctx, reconnect)
		<-wait.Done()
		cancel()
	}
}

// connect opens connections, one after another as they end, until Slack refuses.
func (p *Presses) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := socketmode.New(p.config.Client.api, socketmode.OptionReadLimit(maxEnvelope))
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	for {
		select {
		case err := <-ended:
			return err
		case e := <-client.Events:
			p.event(ctx, client, e)
		}
	}
}

// event takes one message of the connection. What is acknowledged is not sent
// again; what was sent twice is done once.
func (p *Presses) event(ctx context.Context, client *socketmode.Client, e socketmode.Event) {
	switch data := e.Data.(type) {
	case *socketmode.ConnectedEvent:
		p.config.Log.Debug("connected to Slack for buttons", "times", data.ConnectionCount+1)
	case *api.ConnectionErrorEvent:
		p.config.Log.Warn("no connection to Slack for buttons; trying again", "err", data.ErrorObj, "in", data.Backoff)
	case api.InteractionCallback:
		if err := client.AckCtx(ctx, e.Request.EnvelopeID, nil); err != nil {
			p.config.Log.Warn("press not acknowledged", "err", err)
		}
		if p.first("envelope "+e.Request.EnvelopeID) && !p.take(data) {
			p.config.Log.Error("press dropped: too many wait")
		}
	}
}
