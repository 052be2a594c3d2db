package slack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// sectionText is how long a list in a section may get, of the 3,000 characters
// that Slack takes: the rest is for its title.
const sectionText = 2800

// mrkdwn is text with markup. Verbatim keeps Slack from making links and
// mentions of words that only look like some.
func mrkdwn(s string) *api.TextBlockObject {
	return api.NewTextBlockObject(api.MarkdownType, s, false, true)
}

func section(id, text string) api.Block {
	return api.NewSectionBlock(mrkdwn(text), nil, nil, api.SectionBlockOptionBlockID(id))
}

// fields are short texts in two columns; Slack takes ten of 2,000 characters.
func fields(id string, texts []string) api.Block {
	var objects []*api.TextBlockObject
	for _, t := range texts {
		objects = append(objects, mrkdwn(t))
	}
	return api.NewSectionBlock(nil, objects, nil, api.SectionBlockOptionBlockID(id))
}

// buttons are what people can do about an open incident: those that act where
// they reach us, and those that lead to pages; none where there are none.
func buttons(n notify.Notice) []api.Block {
	i := n.Incident
	value := fmt.Sprintf("%s|%d", i.ID, n.Seq)
	var elements []api.BlockElement
	act := func(id, label string, style api.Style) {
		e := api.NewButtonBlockElement(id, value, api.NewTextBlockObject(api.PlainTextType, label, false, false))
		e.Style = style
		elements = append(elements, e)
	}
	if n.Actions {
		if i.Acked.Set() {
			act("pw_unack", "Take back", api.StyleDefault)
		} else {
			act("pw_ack", "Acknowledge", api.StylePrimary)
		}
		if i.Muted.Set() {
			act("pw_unmute", "Unmute", api.StyleDefault)
		} else {
			elements = append(elements, muteMenu(value))
		}
		if i.Kind == incident.Data || i.Kind == incident.CannotCheck {
			act("pw_recheck", "Re-check", api.StyleDefault)
		}
		if !i.Escalated.Set() {
			act("pw_escalate", "Escalate", api.StyleDefault)
		}
		act("pw_explain", "Explain", api.StyleDefault)
	}
	page := "Explain"
	if n.Actions {
		page = "Open page"
	}
	for _, b := range []struct{ id, label, url string }{
		{"pw_open", page, n.Link}, {"pw_runbook", "Runbook", n.Nodes[i.Root].Runbook},
	} {
		if to := address(b.url); to != "" {
			e := api.NewButtonBlockElement(b.id, "", api.NewTextBlockObject(api.PlainTextType, b.label, false, false))
			e.URL = to
			elements = append(elements, e)
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return []api.Block{api.NewActionBlock("actions", elements...)}
}

// muteMenu offers how long to be silent.
func muteMenu(value string) api.BlockElement {
	var options []*api.OptionBlockObject
	for _, o := range []struct{ until, label string }{{"1h", "for 1 hour"}, {"tomorrow", "until tomorrow"}, {"3d", "for 3 days"}} {
		options = append(options, api.NewOptionBlockObject(value+"|"+o.until, api.NewTextBlockObject(api.PlainTextType, o.label, false, false), nil))
	}
	return api.NewOptionsSelectBlockElement(api.OptTypeStatic, api.NewTextBlockObject(api.PlainTextType, "Mute…", false, false), "pw_mute", options...)
}

// bars are the heights of a small picture, in eighths.
var bars = []rune("▁▂▃▄▅▆▇█")

// drawn is the past of what the leading check sees as a row of bars; none where
// there is too little of it.
func drawn(n notify.Notice) []api.Block {
	v := n.Trend
	if len(v) < 3 {
		return nil
	}
	low, high := slices.Min(v), slices.Max(v)
	var b strings.Builder
	for _, x := range v {
		k := 0
		if high > low {
			k = int((x - low) / (high - low) * float64(len(bars)-1))
		}
		b.WriteRune(bars[min(max(k, 0), len(bars)-1)])
	}
	text := fmt.Sprintf("`%s` last %d, %s to %s, now %s", b.String(), len(v), number(low), number(high), number(v[len(v)-1]))
	return []api.Block{api.NewContextBlock("trend", mrkdwn(text))}
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
