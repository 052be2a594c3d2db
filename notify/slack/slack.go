// Package slack tells incidents in Slack by a bot token: it posts, edits and
// finds messages, and it draws them.
//
// It decides nothing: whom to tell, when, how often and what to try again is
// package notify's. It is no client for anything else in Slack, it listens to
// nothing, and it retries nothing by itself. It is the only importer of
// slack-go, of which it uses the methods, the types of blocks and the socket.
//
// # Data model
//
// A [Client] is one workspace behind one token; it caches which channel a name
// is and which group or person a mention means. [Render] turns a
// [notify.Notice] into a [Message], without a clock and without the network,
// so that an edit is the same function called again. What goes wrong is sorted
// into the classes of package notify in one place (errors.go). [Presses] are
// what people do with a message's buttons, over a socket or by signed requests.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var _ notify.Channel = (*Client)(nil)

// Config is what a Client needs. Token is required.
type Config struct {
	Token          conf.Secret
	APIURL         string        // default https://slack.com/api/
	DefaultChannel string        // for posts that name none
	Timeout        time.Duration // of each call; default 10 s
	AppToken       conf.Secret   // for presses over a socket (see Presses); may be empty
}

// Client posts to one workspace. It may be used by many goroutines at once.
type Client struct {
	config Config
	http   *transport
	api    *api.Client

	mu       sync.Mutex
	channels map[string]string // "#name" -> C…
	mentions map[string]string // as configured -> token; "" for unknown to Slack
	groups   map[string]string // handle -> S…; nil before they were listed
	strikes  int               // failed look-ups of mentions in a row
}

// Metadata of a message, by which it is found again.
const eventType = "pipewatch_delivery"

// errNoMessage is an answer that is neither a refusal nor tells what was done.
var errNoMessage = errors.New("the answer names no message")

// skewMargin is how far Slack's clock may be behind ours without hiding a
// message from a look-up.
const skewMargin = 10 * time.Minute

// New makes a client; it contacts nobody.
func New(c Config) *Client {
	c.APIURL = strings.TrimRight(cmp.Or(c.APIURL, api.APIURL), "/") + "/"
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	calls := newTransport(c.Timeout)
	return &Client{
		config: c, http: calls,
		api:      api.New(c.Token.Reveal(), api.OptionAppLevelToken(c.AppToken.Reveal()), api.OptionAPIURL(c.APIURL), api.OptionHTTPClient(calls)),
		channels: map[string]string{}, mentions: map[string]string{},
	}
}

// Post sends a new message, see notify.Channel.
func (c *Client) Post(ctx context.Context, channel string, thread notify.Ref, n notify.Notice) (notify.Ref, error) {
	options, err := c.message(ctx, n)
	if err != nil {
		return notify.Ref{}, fmt.Errorf("prepare message %s for Slack: %w", n.ID, err)
	}
	options = append(options, api.MsgOptionDisableLinkUnfurl(), api.MsgOptionDisableMediaUnfurl())
	to := c.destination(channel)
	if !thread.IsZero() {
		to = thread.Channel
		options = append(options, api.MsgOptionTS(thread.TS))
	}
	id, ts, err := c.api.PostMessageContext(ctx, to, options...)
	if err == nil && (ts == "" || id == "") {
		err = errNoMessage
	}
	if err != nil {
		return notify.Ref{}, fmt.Errorf("post to Slack channel %s: %w", to, classify(err))
	}
	c.remember(to, id)
	return notify.Ref{Channel: id, TS: ts}, nil
}

// Update makes a message show a notice, see notify.Channel.
func (c *Client) Update(ctx context.Context, at notify.Ref, n notify.Notice) error {
	options, err := c.message(ctx, n)
	if err != nil {
		return fmt.Errorf("prepare message %s for Slack: %w", n.ID, err)
	}
	_, ts, _, err := c.api.UpdateMessageContext(ctx, at.Channel, at.TS, options...)
	if err == nil && ts == "" {
		err = errNoMessage
	}
	if err != nil {
		return fmt.Errorf("edit a message in Slack channel %s: %w", at.Channel, classify(err))
	}
	return nil
}

// message is the notice as both post and edit send it: always the whole of it,
// because Slack keeps what an edit leaves out.
func (c *Client) message(ctx context.Context, n notify.Notice) ([]api.MsgOption, error) {
	mention, err := c.mention(ctx, n.Mention)
	if err != nil {
		return nil, err
	}
	m := Render(n, mention)
	return []api.MsgOption{
		api.MsgOptionText(m.Text, false), // escaped already
		api.MsgOptionBlocks(m.Blocks...),
		api.MsgOptionAttachments(m.Attachments...),
		api.MsgOptionMetadata(api.SlackMetadata{EventType: eventType, EventPayload: map[string]any{
			"id": n.ID, "incident": string(n.Incident.ID), "root": root(n), "seq": n.Seq,
		}}),
	}, nil
}

// root is what the incident is about, for programs.
func root(n notify.Notice) string {
	return cmp.Or(string(n.Incident.Root), n.Incident.Connection)
}

// Find looks for a message by its metadata, see notify.Channel.
func (c *Client) Find(ctx context.Context, channel string, thread notify.Ref, id string, since time.Time) (notify.Ref, bool, error) {
	where := thread.Channel
	if thread.IsZero() {
		var err error
		if where, err = c.channelID(ctx, channel); err != nil {
			return notify.Ref{}, false, fmt.Errorf("look for message %s in Slack: %w", id, err)
		}
	}
	oldest := since.Add(-skewMargin)
	stamp := fmt.Sprintf("%d.%06d", oldest.Unix(), oldest.Nanosecond()/1000)
	for cursor := ""; ; {
		page, next, err := c.page(ctx, where, thread.TS, stamp, cursor)
		if err != nil {
			return notify.Ref{}, false, fmt.Errorf("look for message %s in Slack channel %s: %w", id, channel, classify(err))
		}
		for _, m := range page {
			if m.Metadata.EventType == eventType && m.Metadata.EventPayload["id"] == id {
				return notify.Ref{Channel: where, TS: m.Timestamp}, true, nil
			}
		}
		if next == "" {
			return notify.Ref{}, false, nil
		}
		cursor = next
	}
}

// pageSize is how many messages one look-up reads at once; Slack advises 200.
const pageSize = 200

// page reads one page of a channel, newest first, or of a thread.
func (c *Client) page(ctx context.Context, channel, thread, oldest, cursor string) ([]api.Message, string, error) {
	if thread != "" {
		page, _, next, err := c.api.GetConversationRepliesContext(ctx, &api.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: thread, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
		})
		return page, next, cmp.Or(err, whole(page))
	}
	r, err := c.api.GetConversationHistoryContext(ctx, &api.GetConversationHistoryParameters{
		ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, "", err
	}
	return r.Messages, r.ResponseMetaData.NextCursor, whole(r.Messages)
}

// errNoHistory is an answer that says neither what is there nor why not. It is no
// proof that a message is not there.
var errNoHistory = errors.New("the answer holds no messages, not even none")

// whole refuses an answer without a list of messages.
func whole(page []api.Message) error {
	if page == nil {
		return errNoHistory
	}
	return nil
}
