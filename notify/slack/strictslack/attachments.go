package strictslack

import "regexp"

// This file says what an attachment may hold. Colour bars exist only on
// attachments; everything else in one is best said by blocks.

var colour = regexp.MustCompile(`^(#?[0-9a-fA-F]{6}|good|warning|danger)$`)

func attachmentColour(c *check, at string, v any) {
	if s, ok := v.(string); !ok || !colour.MatchString(s) {
		c.refuse(at, codeConstraint, "must be #rrggbb, good, warning or danger")
	}
}

// legacy are the fields of an attachment without blocks.
var legacy = []string{
	"pretext", "title", "title_link", "text", "fields", "author_name", "author_link", "author_icon",
	"image_url", "thumb_url", "footer", "footer_icon", "ts", "mrkdwn_in",
}

var attachment = object(fields{
	"color?":       attachmentColour,
	"fallback?":    mrkdwn(maxPostText),
	"blocks?":      attachmentBlocks,
	"pretext?":     mrkdwn(maxPostText),
	"title?":       mrkdwn(maxPostText),
	"title_link?":  webAddress,
	"text?":        mrkdwn(maxPostText),
	"author_name?": str(maxPostText),
	"author_link?": webAddress,
	"author_icon?": webAddress,
	"image_url?":   webAddress,
	"thumb_url?":   webAddress,
	"footer?":      str(maxConfirmText),
	"footer_icon?": webAddress,
	"ts?":          integer(0, 1<<40),
	"callback_id?": str(maxID),
	"mrkdwn_in?":   list(0, 3, enum("text", "pretext", "fields")),
	"fields?": list(1, maxAttachments, object(fields{
		"title?": mrkdwn(maxPostText), "value?": mrkdwn(maxPostText), "short?": boolean,
	})),
}, attachmentForm)

// attachmentBlocks takes null for no blocks, as client libraries write it.
func attachmentBlocks(c *check, at string, v any) {
	if v != nil {
		blockList(c, at, v)
	}
}

// attachmentForm wants an attachment to say something, in one of two ways.
func attachmentForm(c *check, at string, v any) {
	o, _ := v.(map[string]any)
	if blocks, _ := o["blocks"].([]any); len(blocks) == 0 {
		if present(v, []string{"text", "fallback", "title", "fields", "image_url", "pretext"}) == 0 {
			c.refuse(at, codeMissing, "the attachment is empty")
		}
		return
	}
	for _, name := range legacy {
		if _, has := o[name]; has {
			c.refuse(at+"/"+name, codeConstraint, "an attachment with blocks may not define %s", name)
		}
	}
}
