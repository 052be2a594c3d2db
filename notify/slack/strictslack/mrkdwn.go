package strictslack

import (
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// This file draws mrkdwn as Slack does: everything that is not a known token
// or style is shown as text and cannot become markup.

// renderer knows what mentions and dates mean.
type renderer struct {
	users, groups, channels map[string]string // id -> name
	now                     time.Time
	zone                    *time.Location
}

// mrkdwn draws a mrkdwn string.
func (r renderer) mrkdwn(s string) template.HTML {
	var b strings.Builder
	parts := strings.Split(s, "```")
	for i, part := range parts {
		if i%2 == 1 && i < len(parts)-1 {
			b.WriteString("<pre>" + escape(strings.Trim(part, "\n")) + "</pre>")
			continue
		}
		if i%2 == 1 {
			part = "```" + part // never closed
		}
		r.lines(&b, strings.Trim(part, "\n"), i > 0)
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped on its way in
}

// lines draws text between code blocks: quotes and line breaks.
func (r renderer) lines(b *strings.Builder, s string, afterCode bool) {
	if s == "" && afterCode {
		return
	}
	quoting := false
	for i, line := range strings.Split(s, "\n") {
		rest, quote := strings.CutPrefix(line, "&gt;")
		if !quote {
			rest, quote = strings.CutPrefix(line, ">")
		}
		switch {
		case quote && !quoting:
			b.WriteString("<blockquote>")
		case !quote && quoting:
			b.WriteString("</blockquote>")
		case i > 0:
			b.WriteString("<br>")
		}
		if quoting = quote; quote {
			line = strings.TrimPrefix(rest, " ")
		}
		r.inline(b, line)
	}
	if quoting {
		b.WriteString("</blockquote>")
	}
}

var styleTags = map[byte]string{'*': "b", '_': "i", '~': "s"}

// inline draws one line: code, tokens, styles, emoji.
func (r renderer) inline(b *strings.Builder, s string) {
	last := ' ' // the character before s[i]
	for i := 0; i < len(s); {
		if n := r.special(b, s[i:], last); n > 0 {
			i += n
			last = '.'
			continue
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		if n := entity(s[i:]); n > 0 {
			b.WriteString(s[i : i+n])
			c, size = '&', n
		} else {
			b.WriteString(glyph(c))
		}
		last = c
		i += size
	}
}

// special draws what s starts with when that is more than a character, and
// returns its length.
func (r renderer) special(b *strings.Builder, s string, last rune) int {
	switch s[0] {
	case '`':
		if end := strings.IndexByte(s[1:], '`'); end > 0 {
			b.WriteString("<code>" + escape(s[1:1+end]) + "</code>")
			return end + 2
		}
	case '<':
		if end := strings.IndexByte(s, '>'); end > 0 {
			r.token(b, s[1:end])
			return end + 1
		}
	case ':':
		if end := strings.IndexByte(s[1:], ':'); end > 0 {
			if e := emoji[s[1:1+end]]; e != "" {
				b.WriteString(`<span class="emoji">` + e + `</span>`)
				return end + 2
			}
		}
	case '*', '_', '~':
		if end := closing(s, last); end > 0 {
			tag := styleTags[s[0]]
			b.WriteString("<" + tag + ">")
			r.inline(b, s[1:end])
			b.WriteString("</" + tag + ">")
			return end + 1
		}
	}
	return 0
}

// closing finds where the style that s starts with ends, 0 when it is no
// style: a delimiter opens after a non-word and before a non-space, and closes
// the other way round. Tokens and code in between are skipped.
func closing(s string, last rune) int {
	if unicode.IsLetter(last) || unicode.IsDigit(last) || len(s) < 3 || s[1] == ' ' || s[1] == s[0] {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '<' || s[i] == '`':
			until := map[byte]byte{'<': '>', '`': '`'}[s[i]]
			if end := strings.IndexByte(s[i+1:], until); end >= 0 {
				i += end + 1
			}
		case s[i] == s[0] && s[i-1] != ' ':
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			if i+1 == len(s) || !unicode.IsLetter(next) && !unicode.IsDigit(next) {
				return i
			}
		}
	}
	return 0
}

// token draws the inside of <…>.
func (r renderer) token(b *strings.Builder, t string) {
	target, label, labelled := strings.Cut(t, "|")
	named := func(names map[string]string, id, prefix string) string {
		if names[id] != "" {
			return prefix + names[id]
		}
		if labelled && label != "" {
			return prefix + strings.TrimPrefix(label, prefix)
		}
		return prefix + id
	}
	mention := func(class, text string) {
		b.WriteString(`<span class="` + class + `">` + escape(text) + `</span>`)
	}
	switch {
	case strings.HasPrefix(target, "@"):
		mention("mention", named(r.users, target[1:], "@"))
	case strings.HasPrefix(target, "#"):
		b.WriteString(`<a class="mention" href="/c/` + escape(target[1:]) + `">` + escape(named(r.channels, target[1:], "#")) + `</a>`)
	case strings.HasPrefix(target, "!subteam^"):
		mention("mention", named(r.groups, strings.TrimPrefix(target, "!subteam^"), "@"))
	case strings.HasPrefix(target, "!date^"):
		r.date(b, strings.Split(target, "^"), label)
	case strings.HasPrefix(target, "!"):
		mention("mention everybody", "@"+target[1:])
	case webURL.MatchString(target):
		b.WriteString(`<a href="` + escape(target) + `" rel="noreferrer" target="_blank">`)
		r.inline(b, orDefault(label, target))
		b.WriteString(`</a>`)
	default:
		b.WriteString(escape(orDefault(label, target)))
	}
}

// date draws <!date^seconds^format^link|fallback> in the page's zone.
func (r renderer) date(b *strings.Builder, parts []string, fallback string) {
	seconds, err := strconv.ParseInt(parts[min(1, len(parts)-1)], 10, 64)
	if err != nil || len(parts) < 3 {
		b.WriteString(escape(fallback))
		return
	}
	at := time.Unix(seconds, 0).In(r.zone)
	shown := datePart.ReplaceAllStringFunc(parts[2], func(p string) string { return r.datePart(p, at) })
	text := `<time title="` + escape(fallback) + `">` + escape(shown) + `</time>`
	if len(parts) > 3 && webURL.MatchString(parts[3]) {
		text = `<a href="` + escape(parts[3]) + `" rel="noreferrer" target="_blank">` + text + `</a>`
	}
	b.WriteString(text)
}

var datePart = regexp.MustCompile(`\{[a-z_]+\}`)

func (r renderer) datePart(p string, at time.Time) string {
	name, pretty := strings.CutSuffix(strings.Trim(p, "{}"), "_pretty")
	if day := r.nearDay(at); pretty && day != "" {
		return day
	}
	switch name {
	case "date_num":
		return at.Format("2006-01-02")
	case "date":
		return at.Format("January ") + ordinal(at.Day()) + at.Format(", 2006")
	case "date_short":
		return at.Format("Jan 2, 2006")
	case "date_long":
		return at.Format("Monday, January ") + ordinal(at.Day()) + at.Format(", 2006")
	case "time":
		return at.Format("3:04 PM")
	case "time_secs":
		return at.Format("3:04:05 PM")
	}
	return p
}

// nearDay is the word for a day next to now, empty for any other.
func (r renderer) nearDay(at time.Time) string {
	now := r.now.In(r.zone)
	for offset, word := range map[int]string{-1: "yesterday", 0: "today", 1: "tomorrow"} {
		if now.AddDate(0, 0, offset).Format(time.DateOnly) == at.Format(time.DateOnly) {
			return word
		}
	}
	return ""
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// escape makes text of mrkdwn's three entities and of everything else that
// means something to HTML.
func escape(s string) string { return html.EscapeString(unescape(s)) }

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// plain draws text without markup, but with emoji.
func (r renderer) plain(s string) template.HTML {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] == ':' {
			if n := r.special(&b, s[i:], ' '); n > 0 {
				i += n
				continue
			}
		}
		c, size := utf8.DecodeRuneInString(s[i:])
		if c == '\n' {
			b.WriteString("<br>")
		} else {
			b.WriteString(glyph(c))
		}
		i += size
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped on its way in
}

// glyph draws one character; pictures are drawn larger, as Slack does.
func glyph(c rune) string {
	if c >= 0x1f300 && c <= 0x1faff || c >= 0x2600 && c <= 0x27bf || c >= 0x2b50 && c <= 0x2b55 {
		return `<span class="emoji">` + string(c) + `</span>`
	}
	return html.EscapeString(string(c))
}

// emoji are the short names that alerts use; any other is shown as it is.
var emoji = map[string]string{
	"red_circle": "🔴", "large_green_circle": "🟢", "large_yellow_circle": "🟡", "large_orange_circle": "🟠",
	"large_blue_circle": "🔵", "white_circle": "⚪", "black_circle": "⚫", "white_check_mark": "✅",
	"heavy_check_mark": "✔️", "x": "❌", "no_entry": "⛔", "no_entry_sign": "🚫", "warning": "⚠️", "rotating_light": "🚨",
	"bell": "🔔", "no_bell": "🔕", "mute": "🔇", "fire": "🔥", "hourglass": "⌛", "hourglass_flowing_sand": "⏳",
	"clock1": "🕐", "stopwatch": "⏱️", "alarm_clock": "⏰", "calendar": "📆", "eyes": "👀", "wave": "👋", "tada": "🎉",
	"chart_with_downwards_trend": "📉", "chart_with_upwards_trend": "📈", "bar_chart": "📊", "mag": "🔍", "link": "🔗",
	"wrench": "🔧", "hammer_and_wrench": "🛠️", "gear": "⚙️", "package": "📦", "snowflake": "❄️", "airplane": "✈️",
	"arrow_right": "➡️", "arrow_down": "⬇️", "arrow_up": "⬆️", "leftwards_arrow_with_hook": "↩️", "repeat": "🔁",
	"bulb": "💡", "memo": "📝", "book": "📖", "lock": "🔒", "key": "🔑", "shield": "🛡️", "bust_in_silhouette": "👤",
	"+1": "👍", "thumbsup": "👍", "-1": "👎", "question": "❓", "grey_question": "❔", "exclamation": "❗", "information_source": "ℹ️",
	"zzz": "💤", "sparkles": "✨", "robot_face": "🤖", "herb": "🌿", "seedling": "🌱", "broken_heart": "💔", "pushpin": "📌",
}
