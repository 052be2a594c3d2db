package slack

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pipewatch-dev/pipewatch/notify"
)

// This file makes words from elsewhere (table names, errors of a database)
// safe: they can form no mention, no link and no layout, and are cut where a
// cut shows.

// Most characters of a text, counted after escaping.
const (
	maxName = 120
	maxSaid = 500
	maxLink = 800 // of an address; a longer one is left out
)

// inBlocks is the voice of mrkdwn.
var inBlocks = notify.Voice{Name: code, Said: said, Time: date}

// inText is the voice of the line that notifications show, where code spans
// and dates stand as they are written.
var inText = notify.Voice{
	Name: func(s string) string { return clip(escape(unquoted(s)), maxName) },
	Said: said,
	Time: notify.Plainly.Time,
}

// clean puts a text on one line and takes out what one does not see: control
// characters, marks that change the direction of writing, zero-width
// characters, halves of characters.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Cc, r):
			b.WriteByte(' ')
		case r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape takes their meaning from the three characters that have one.
func escape(s string) string { return entities.Replace(s) }

// clip cuts an escaped text to n characters, never inside an entity.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	cut := string([]rune(s)[:n-1])
	if amp := strings.LastIndexByte(cut, '&'); amp >= 0 && !strings.Contains(cut[amp:], ";") {
		cut = cut[:amp]
	}
	return strings.TrimRight(cut, " ") + "…"
}

// unquoted cleans a text and takes its backticks, between which a mention of
// ours would be code.
func unquoted(s string) string { return strings.ReplaceAll(clean(s), "`", "'") }

// said is a sentence from elsewhere.
func said(s string) string { return clip(escape(unquoted(s)), maxSaid) }

// code is an identifier as a code span.
func code(s string) string {
	s = clip(escape(strings.TrimSpace(strings.ReplaceAll(clean(s), "`", ""))), maxName)
	if s == "" {
		s = "?"
	}
	return "`" + s + "`"
}

// date is a moment that every reader sees in their own zone.
func date(t time.Time) string {
	if t.IsZero() {
		return "not known"
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), notify.Plainly.Time(t))
}

// address is a URL that may be linked to; "" when it is none.
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return ""
	}
	if s = u.String(); len(escape(s)) > maxLink || strings.ContainsAny(s, "<>|\" ") || clean(s) != s {
		return ""
	}
	return s
}

// link is a label that leads to an address, or the label alone where there is
// none. The label is escaped already.
func link(to, label string) string {
	to = address(to)
	if to == "" || label == "" {
		return label
	}
	return "<" + escape(to) + "|" + label + ">"
}

// list joins items as long as they fit into n characters and says how many are
// left out.
func list(items []string, between string, n int) string {
	var b strings.Builder
	for k, item := range items {
		if k > 0 {
			item = between + item
		}
		more := fmt.Sprintf("%s… %d more", between, len(items)-k)
		if utf8.RuneCountInString(b.String()+item+more) > n {
			b.WriteString(more)
			break
		}
		b.WriteString(item)
	}
	return b.String()
}
