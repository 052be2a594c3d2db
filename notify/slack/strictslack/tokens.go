package strictslack

import (
	"regexp"
	"strings"
)

// This file judges the tokens inside mrkdwn: <links|and labels>, mentions,
// dates and the three entities. Slack itself shows a broken one as it stands;
// it is refused here because it is always a fault of the sender: a value that
// was not escaped, or a text cut at the wrong place.

var goodToken = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`(?:https?|slack)://[^\s|<>]+(?:\|[^<>]+)?`,
	`(?:mailto|tel):[^\s|<>]+(?:\|[^<>]+)?`,
	`@[UWB][A-Z0-9]+(?:\|[^<>]+)?`,
	`#[CG][A-Z0-9]+(?:\|[^<>]*)?`,
	`!subteam\^S[A-Z0-9]+(?:\|[^<>]+)?`,
	`!(?:here|channel|everyone)(?:\|[^<>]+)?`,
	`!date\^-?\d+\^[^|<>^]*\{[a-z_]+\}[^|<>^]*(?:\^https?://[^|<>\s]+)?\|[^<>]+`,
}, "|") + `)$`)

var entities = []string{"&amp;", "&lt;", "&gt;"}

// mrkdwn accepts a string of 1 to most characters whose tokens are whole.
func mrkdwn(most int) rule {
	return func(c *check, at string, v any) {
		str(most)(c, at, v)
		if s, ok := v.(string); ok {
			c.tokens(at, s)
		}
	}
}

func (c *check) tokens(at, s string) {
	lineStart := true
	for len(s) > 0 {
		skip := 1
		switch s[0] {
		case '<':
			end := strings.IndexAny(s[1:], "<>")
			if end < 0 || s[1+end] == '<' {
				c.refuse(at, codeMrkdwn, "unclosed token %q: a text was cut inside it, or a < must be written &lt;", clip(s))
				return
			}
			if token := s[1 : 1+end]; !goodToken.MatchString(token) {
				c.refuse(at, codeMrkdwn, "<%s> is neither a link, a mention nor a date: a < must be written &lt;", clip(token))
				return
			}
			skip = end + 2
		case '>':
			if !lineStart { // at the start of a line it is a quote
				c.refuse(at, codeMrkdwn, "a bare > must be written &gt;")
				return
			}
		case '&':
			skip = entity(s)
			if skip == 0 {
				c.refuse(at, codeMrkdwn, "%q is no entity: a & must be written &amp;, and no entity may be cut", clip(s))
				return
			}
		}
		lineStart = s[0] == '\n' || lineStart && (s[0] == '>' || s[0] == ' ')
		s = s[skip:]
	}
}

// entity is the length of the entity that s starts with, 0 when it is none.
func entity(s string) int {
	for _, e := range entities {
		if strings.HasPrefix(s, e) {
			return len(e)
		}
	}
	return 0
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
