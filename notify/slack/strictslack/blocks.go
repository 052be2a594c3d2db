package strictslack

import (
	"fmt"
	"maps"
	"unicode/utf8"
)

// This file says which blocks a message may hold. Slack has more: those whose
// fields are not described here (card, carousel, container, data_table,
// data_visualization, plan, task_card, video, …) are refused rather than
// waved through, as are those that it allows in modals only (alert, file, input).

func block(fs fields, more ...rule) rule {
	maps.Copy(fs, fields{"type": anything, "block_id?": id("block_id")})
	return object(fs, more...)
}

var messageBlocks = map[string]rule{
	"section": block(fields{
		"text?":      text(maxSectionText),
		"fields?":    list(1, maxFields, text(maxFieldText)),
		"accessory?": byType(accessories),
		"expand?":    boolean,
	}, anyOf("text", "fields")),
	"header":    block(fields{"text": plain(maxHeaderText), "level?": integer(1, 4)}),
	"divider":   block(fields{}),
	"context":   block(fields{"elements": list(1, maxContext, byType(contextElements))}),
	"actions":   block(fields{"elements": list(1, maxActions, byType(actionElements))}),
	"image":     block(imageBlockFields(), oneOf("image_url", "slack_file")),
	"markdown":  block(fields{"text": markdownText}),
	"rich_text": block(fields{"elements": list(1, maxRichItems, richElement)}),
	"table":     block(fields{"rows": list(1, maxTableRows, list(1, maxTableCols, tableCell)), "column_settings?": columnSettings}, tableShape),
}

func imageBlockFields() fields {
	fs := imageFields()
	fs["title?"] = plain(maxImageTitle)
	return fs
}

// blockList judges a message's or an attachment's blocks and counts them.
func blockList(c *check, at string, v any) {
	list(0, maxBlocks, byType(messageBlocks))(c, at, v)
	items, _ := v.([]any)
	c.blocks += len(items)
}

// whole judges what only the whole message shows.
func (c *check) whole(at string) {
	if c.blocks > maxBlocks && len(c.found) == 0 { // else one list alone is too long, and said so
		c.exceed(at, "max_items", maxBlocks, c.blocks, fmt.Sprintf("no more than %d items allowed in the whole message", maxBlocks))
	}
	if c.tables > maxTables {
		c.exceed(at, "max_items", maxTables, c.tables, "only_one_table_allowed")
	}
	if c.tableText > maxTableText {
		c.exceed(at, "max_length", maxTableText, c.tableText, fmt.Sprintf("tables must hold less than %d characters", maxTableText+1))
	}
	if c.markdown > maxMarkdown {
		c.exceed(at, "max_length", maxMarkdown, c.markdown, fmt.Sprintf("markdown must be less than %d characters over all blocks", maxMarkdown+1))
	}
}

// markdownText is Markdown, not mrkdwn: it has no tokens to judge.
func markdownText(c *check, at string, v any) {
	str(maxMarkdown)(c, at, v)
	s, _ := v.(string)
	c.markdown += utf8.RuneCountInString(s)
}

var columnSettings = list(0, maxTableCols, object(fields{"align?": enum("left", "center", "right"), "is_wrapped?": boolean}))

var tableCell = byType(map[string]rule{
	"raw_text":  object(fields{"type": anything, "text": cellText}),
	"rich_text": object(fields{"type": anything, "elements": list(1, maxRichItems, richElement)}),
})

func cellText(c *check, at string, v any) {
	str(maxTableText)(c, at, v)
	s, _ := v.(string)
	c.tableText += utf8.RuneCountInString(s)
}

// tableShape wants a rectangle.
func tableShape(c *check, at string, v any) {
	c.tables++
	o, _ := v.(map[string]any)
	rows, _ := o["rows"].([]any)
	width := -1
	for i, r := range rows {
		cells, _ := r.([]any)
		if width < 0 {
			width = len(cells)
		}
		if len(cells) != width {
			c.refuse(fmt.Sprintf("%s/rows/%d", at, i), codeConstraint, "has %d cells where the first row has %d", len(cells), width)
		}
	}
}

// Rich text: runs of text inside sections, lists, quotes and code.
var (
	richStyle = object(fields{"bold?": boolean, "italic?": boolean, "strike?": boolean, "code?": boolean})
	richRun   = byType(map[string]rule{
		"text":      object(fields{"type": anything, "text": str(maxRichText), "style?": richStyle}),
		"link":      object(fields{"type": anything, "url": webAddress, "text?": str(maxRichText), "style?": richStyle}),
		"emoji":     object(fields{"type": anything, "name": str(maxID), "unicode?": str(maxID)}),
		"user":      object(fields{"type": anything, "user_id": str(maxID), "style?": richStyle}),
		"usergroup": object(fields{"type": anything, "usergroup_id": str(maxID), "style?": richStyle}),
		"channel":   object(fields{"type": anything, "channel_id": str(maxID), "style?": richStyle}),
		"broadcast": object(fields{"type": anything, "range": enum("here", "channel", "everyone")}),
	})
	richRuns    = list(1, maxRichItems, richRun)
	richSection = object(fields{"type": anything, "elements": richRuns})
	richElement = byType(map[string]rule{
		"rich_text_section":      richSection,
		"rich_text_quote":        richSection,
		"rich_text_preformatted": richSection,
		"rich_text_list": object(fields{
			"type": anything, "style": enum("bullet", "ordered"), "indent?": integer(0, 8), "offset?": integer(0, 1000),
			"elements": list(1, maxRichItems, byType(map[string]rule{"rich_text_section": richSection})),
		}),
	})
)
