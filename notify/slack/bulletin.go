package slack

import (
	"fmt"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/notify"
)

// tones are the sign and the colour of a bulletin.
var tones = map[notify.BulletinTone][2]string{
	notify.Alarming: {"🔴", red}, notify.Warning: {"🟡", amber}, notify.Calm: {"☀️", grey}, notify.Ended: {"✅", green},
}

// sectionsShown is how many sections a bulletin shows; Slack takes 50 blocks.
const sectionsShown = 20

// bulletin draws a message about no single incident.
func bulletin(n notify.Notice, mention string) Message {
	b := n.Bulletin
	tone := tones[b.State]
	m := Message{Blocks: []api.Block{}, Attachments: []api.Attachment{}}
	m.Text = join(" ", tone[0], said(b.Title), repeats(n), mention)
	if n.Plain || len(b.Sections) == 0 {
		return m
	}
	var parts []api.Block
	for k, s := range b.Sections[:min(len(b.Sections), sectionsShown)] {
		items := make([]string, len(s.Items))
		for j, item := range s.Items {
			items[j] = "• " + said(item)
		}
		parts = append(parts, section(fmt.Sprintf("part_%d", k), join("\n", "*"+said(s.Title)+"*", list(items, "\n", sectionText-maxSaid))))
	}
	if to := address(n.Link); to != "" {
		parts = append(parts, section("page", link(to, "All of them, each with what it blocks")))
	}
	m.Attachments = append(m.Attachments, api.Attachment{Color: tone[1], Fallback: said(b.Title), Blocks: api.Blocks{BlockSet: parts}})
	return m
}
