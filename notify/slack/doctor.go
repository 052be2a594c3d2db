package slack

import (
	"context"
	"fmt"

	api "github.com/slack-go/slack"
)

// Finding is what the doctor says about one thing.
type Finding struct {
	Subject string // "token", "#ml-alerts", "@ml-oncall"
	OK      bool
	Message string // what is so, or what to do about it
}

// Doctor looks whether alerts would arrive: the token is good, the bot is in
// every channel, can read it back, and Slack knows every mention. It writes
// nothing.
func (c *Client) Doctor(ctx context.Context, channels, mentions []string) []Finding {
	who, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return []Finding{{Subject: "token", Message: classify(err).Error()}}
	}
	out := []Finding{{Subject: "token", OK: true, Message: fmt.Sprintf("%s in workspace %s", clean(who.User), clean(who.Team))}}
	for _, channel := range channels {
		f := Finding{Subject: c.destination(channel), OK: true, Message: "the bot is in it and can read it back"}
		if err := c.examine(ctx, channel); err != nil {
			f.OK, f.Message = false, err.Error()
		}
		out = append(out, f)
	}
	for _, mention := range mentions {
		f := Finding{Subject: mention, OK: true, Message: "known"}
		switch token, err := c.resolve(ctx, mention); {
		case err != nil:
			f.OK, f.Message = false, classify(err).Error()
		case token == "":
			f.OK, f.Message = false, "Slack knows no user group of this handle and no person of this address: it would wake nobody"
		}
		out = append(out, f)
	}
	return out
}

// examine looks whether the bot can post to a channel and read it back.
func (c *Client) examine(ctx context.Context, channel string) error {
	id, err := c.channelID(ctx, channel)
	if err != nil {
		return err
	}
	ch, err := c.api.GetConversationInfoContext(ctx, &api.GetConversationInfoInput{ChannelID: id})
	switch {
	case err != nil:
		return classify(err)
	case ch.IsArchived:
		return fmt.Errorf("the channel is archived: name another one")
	case !ch.IsMember:
		return fmt.Errorf("the bot is not in the channel: invite it")
	}
	if _, _, err := c.page(ctx, id, "", "", ""); err != nil {
		return fmt.Errorf("read it back (without that a lost answer can double a message): %w", classify(err))
	}
	return nil
}
