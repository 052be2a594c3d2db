package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/notify"
)

var (
	channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{6,}$`)
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]{6,}$`)
	groupID   = regexp.MustCompile(`^S[A-Z0-9]{6,}$`)
)

// destination is a channel as chat.postMessage takes it.
func (c *Client) destination(channel string) string {
	channel = cmp.Or(channel, c.config.DefaultChannel)
	if channel == "" || channelID.MatchString(channel) || strings.HasPrefix(channel, "#") {
		return channel
	}
	return "#" + channel
}

// remember notes which channel a name is.
func (c *Client) remember(name, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels[name] = id
}

// channelID is the id of a channel, which reading takes where posting takes a
// name.
func (c *Client) channelID(ctx context.Context, channel string) (string, error) {
	name := c.destination(channel)
	if channelID.MatchString(name) {
		return name, nil
	}
	c.mu.Lock()
	id := c.channels[name]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	found, err := c.listed(ctx, strings.TrimPrefix(name, "#"), "public_channel", "private_channel")
	if refusal, ok := errors.AsType[api.SlackErrorResponse](err); ok && refusal.Err == "missing_scope" {
		found, err = c.listed(ctx, strings.TrimPrefix(name, "#"), "public_channel") // groups:read is optional
	}
	if err != nil {
		return "", classify(err)
	}
	if found == "" {
		return "", notify.Dead(fmt.Errorf("channel %s is not among those the bot can see", name))
	}
	c.remember(name, found)
	return found, nil
}

// listed finds a channel by name in the list of all; "" when it is not there.
func (c *Client) listed(ctx context.Context, name string, types ...string) (string, error) {
	for cursor := ""; ; {
		page, next, err := c.api.GetConversationsContext(ctx, &api.GetConversationsParameters{Cursor: cursor, Limit: 999, Types: types})
		if err != nil {
			return "", err
		}
		for _, ch := range page {
			if ch.Name == name {
				return ch.ID, nil
			}
		}
		if next == "" {
			return "", nil
		}
		cursor = next
	}
}

// words that Slack itself gives a meaning in a mention.
var broadcasts = map[string]string{"@here": "<!here>", "@channel": "<!channel>", "@everyone": "<!everyone>"}

// patience is how often in a row a mention may keep a message waiting because
// Slack could not be asked whom it means. After that the message goes without:
// an alert that wakes nobody is better than none.
const patience = 2

// mention is what pings the owner: a token of Slack, or the configured name as
// code where Slack knows nobody of that name. An error means that Slack could
// not be asked now.
func (c *Client) mention(ctx context.Context, configured string) (string, error) {
	if configured == "" {
		return "", nil
	}
	c.mu.Lock()
	known, ok := c.mentions[configured]
	c.mu.Unlock()
	if ok {
		return cmp.Or(known, code(configured)), nil
	}
	token, err := c.resolve(ctx, configured)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || refused(err) {
		c.mentions[configured], c.strikes = token, 0
		return cmp.Or(token, code(configured)), nil
	}
	if c.strikes++; c.strikes > patience {
		return code(configured), nil
	}
	if class := classify(err); class != err {
		return "", class
	}
	return "", notify.Unsent(err) // the message itself has not been sent
}

// refused tells whether Slack gave a definite answer that will not change by
// asking again.
func refused(err error) bool {
	r, ok := errors.AsType[api.SlackErrorResponse](err)
	return ok && !unsure[r.Err] && r.Err != "ratelimited" && r.Err != "rate_limited"
}

// resolve asks Slack whom a configured name means; "" for nobody.
func (c *Client) resolve(ctx context.Context, configured string) (string, error) {
	name := strings.TrimPrefix(configured, "@")
	switch {
	case broadcasts[configured] != "":
		return broadcasts[configured], nil
	case userID.MatchString(name):
		return "<@" + name + ">", nil
	case groupID.MatchString(name):
		return "<!subteam^" + name + ">", nil
	case strings.Contains(name, "@"):
		user, err := c.api.GetUserByEmailContext(ctx, name)
		if refusal, ok := errors.AsType[api.SlackErrorResponse](err); ok && refusal.Err == "users_not_found" {
			return "", nil
		}
		if err != nil || !userID.MatchString(user.ID) {
			return "", err
		}
		return "<@" + user.ID + ">", nil
	}
	groups, err := c.userGroups(ctx)
	if err != nil || groups[name] == "" {
		return "", err
	}
	return "<!subteam^" + groups[name] + ">", nil
}

// userGroups lists the groups of the workspace once.
func (c *Client) userGroups(ctx context.Context) (map[string]string, error) {
	c.mu.Lock()
	known := c.groups
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	all, err := c.api.GetUserGroupsContext(ctx)
	if err != nil {
		return nil, err
	}
	groups := map[string]string{}
	for _, g := range all {
		if groupID.MatchString(g.ID) {
			groups[g.Handle] = g.ID
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups = groups
	return groups, nil
}
