package slack

import (
	api "github.com/slack-go/slack"

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

// buttons lead to pages; none where there are none.
func buttons(n notify.Notice) []api.Block {
	var elements []api.BlockElement
	for _, b := range []struct{ id, label, url string }{
		{"pw_open", "Explain", n.Link}, {"pw_runbook", "Runbook", n.Nodes[n.Incident.Root].Runbook},
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
