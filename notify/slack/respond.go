package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "github.com/slack-go/slack"
)

// maxReply is how long an answer to one person may get, in characters.
const maxReply = 3000

// respond says something to the person who pressed, and to nobody else, through
// the address that came with the press. Text is plain; it may have lines.
func (c *Client) respond(ctx context.Context, to, text string) error {
	if !c.ours(to) {
		return fmt.Errorf("answer a press: the address does not belong to alerts.slack.api_url")
	}
	body, err := json.Marshal(map[string]any{
		"response_type": api.ResponseTypeEphemeral, "replace_original": false, "text": reply(text),
	})
	if err != nil {
		return fmt.Errorf("answer a press: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("answer a press: the address cannot be used")
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("answer a press: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answer a press: HTTP status %d", resp.StatusCode)
	}
	return nil
}

// reply is an answer as Slack shows it. One with indented lines is shown as it is
// written, in a block of code.
func reply(text string) string {
	written := strings.Contains(text, "\n  ")
	var lines []string
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		depth := len(l) - len(strings.TrimLeft(l, " "))
		l = l[:depth] + escape(clean(l))
		if written {
			l = strings.ReplaceAll(l, "`", "'")
		}
		lines = append(lines, l)
	}
	all := clip(strings.Join(lines, "\n"), maxReply)
	if written {
		return "```\n" + all + "\n```"
	}
	return all
}

// ours tells whether an address belongs to the Slack that we talk to. It comes
// from outside, and nobody shall make us call whom they like.
func (c *Client) ours(to string) bool {
	u, err := url.Parse(to)
	home, bad := url.Parse(c.config.APIURL)
	return err == nil && bad == nil && u.User == nil && u.Scheme == home.Scheme && (u.Host == home.Host || u.Host == "hooks."+home.Host)
}

// allows tells whether a user is among the actors, by id, e-mail address or
// user group; nobody named is everybody. Slack is asked anew every time: presses
// are rare, and who has left a group is out at once. Names are not asked for:
// people may change them.
func (c *Client) allows(ctx context.Context, actors []string, user string) (bool, error) {
	if len(actors) == 0 {
		return true, nil
	}
	var groups []string
	for _, a := range actors {
		name := strings.TrimPrefix(a, "@")
		switch {
		case name == user:
			return true, nil
		case userID.MatchString(name):
		case strings.Contains(name, "@"):
			token, err := c.resolve(ctx, name)
			if err != nil {
				return false, classify(err)
			}
			if token == "<@"+user+">" {
				return true, nil
			}
		default:
			groups = append(groups, name)
		}
	}
	if len(groups) == 0 {
		return false, nil
	}
	all, err := c.api.GetUserGroupsContext(ctx, api.GetUserGroupsOptionIncludeUsers(true))
	if err != nil {
		return false, classify(err)
	}
	for _, g := range all {
		if (slices.Contains(groups, g.Handle) || slices.Contains(groups, g.ID)) && slices.Contains(g.Users, user) {
			return true, nil
		}
	}
	return false, nil
}
