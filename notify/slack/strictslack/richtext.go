package strictslack

import (
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

// This file draws the blocks that are not mrkdwn: rich text and Markdown.

// richText draws the elements of a rich_text block or cell.
func (r renderer) richText(elements any) template.HTML {
	var b strings.Builder
	for _, e := range objects(elements) {
		switch kind, _ := e["type"].(string); kind {
		case "rich_text_list":
			tag := "ul"
			if e["style"] == "ordered" {
				tag = "ol"
			}
			fmt.Fprintf(&b, `<%s class="indent%v">`, tag, orDefault(fmt.Sprint(e["indent"]), "0"))
			for _, item := range objects(e["elements"]) {
				b.WriteString("<li>")
				r.runs(&b, item["elements"])
				b.WriteString("</li>")
			}
			b.WriteString("</" + tag + ">")
		default:
			tag := map[string]string{"rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}[kind]
			tag = orDefault(tag, "div")
			b.WriteString("<" + tag + ">")
			r.runs(&b, e["elements"])
			b.WriteString("</" + tag + ">")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped on its way in
}

func (r renderer) runs(b *strings.Builder, elements any) {
	for _, e := range objects(elements) {
		field := func(name string) string { s, _ := e[name].(string); return s }
		style, _ := e["style"].(map[string]any)
		var closing string
		for _, st := range [][2]string{{"bold", "b"}, {"italic", "i"}, {"strike", "s"}, {"code", "code"}} {
			if on, _ := style[st[0]].(bool); on {
				b.WriteString("<" + st[1] + ">")
				closing = "</" + st[1] + ">" + closing
			}
		}
		switch field("type") {
		case "text":
			b.WriteString(string(r.plain(field("text"))))
		case "link":
			label := orDefault(field("text"), field("url"))
			r.token(b, field("url")+"|"+strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "¦").Replace(label))
		case "emoji":
			b.WriteString(string(r.plain(":" + field("name") + ":")))
		case "user":
			r.token(b, "@"+field("user_id"))
		case "usergroup":
			r.token(b, "!subteam^"+field("usergroup_id"))
		case "channel":
			r.token(b, "#"+field("channel_id"))
		case "broadcast":
			r.token(b, "!"+field("range"))
		}
		b.WriteString(closing)
	}
}

var (
	mdBold    = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	mdLink    = regexp.MustCompile(`\[([^\]\n]+)\]\((https?://[^)\s]+)\)`)
	mdBullet  = regexp.MustCompile(`(?m)^( *)[-*] +`)
)

// markdown draws the little Markdown that alerts use by way of mrkdwn.
func (r renderer) markdown(s string) template.HTML {
	s = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	s = mdBullet.ReplaceAllString(s, "$1• ")
	s = mdBold.ReplaceAllString(s, "*$1*")
	s = mdHeading.ReplaceAllString(s, "*$1*")
	return r.mrkdwn(mdLink.ReplaceAllString(s, "<$2|$1>"))
}
