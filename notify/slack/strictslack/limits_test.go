package strictslack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

func chars(n int) string   { return strings.Repeat("é", n) } // two bytes each: limits count characters
func plain(s string) any   { return object{"type": "plain_text", "text": s} }
func mrkdwn(s string) any  { return object{"type": "mrkdwn", "text": s} }
func message(b ...any) any { return object{"text": "t", "blocks": b} }
func section(s string) any { return object{"type": "section", "text": mrkdwn(s)} }
func actions(e ...any) any {
	return message(object{"type": "actions", "elements": append([]any{}, e...)})
}

func repeat(n int, item func(i int) any) []any {
	items := []any{}
	for i := range n {
		items = append(items, item(i))
	}
	return items
}

func option(label, value string) any { return object{"text": plain(label), "value": value} }

func button(change object) any {
	b := object{"type": "button", "text": plain("Go"), "action_id": "go"}
	maps.Copy(b, change)
	return actions(b)
}

func menu(options ...any) any {
	return actions(object{"type": "static_select", "action_id": "menu", "options": options})
}

func dialog(change object) any {
	c := object{"title": plain("t"), "text": plain("t"), "confirm": plain("t"), "deny": plain("t")}
	maps.Copy(c, change)
	return button(object{"confirm": c})
}

func image(change object) any {
	b := object{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}
	maps.Copy(b, change)
	return message(b)
}

func table(rows, cols int, cell string) any {
	return object{"type": "table", "rows": repeat(rows, func(int) any {
		return repeat(cols, func(int) any { return object{"type": "raw_text", "text": cell} })
	})}
}

func attached(a ...any) any { return object{"text": "t", "attachments": a} }

// violations asks the validation for a message given as Go values.
func violations(t *testing.T, m any) []strictslack.Violation {
	t.Helper()
	src, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	found, err := strictslack.Validate(src)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// elements points to the elements of a message's first block.
const elements = "/blocks/0/elements"

// limits are Slack's limits, each with a message that holds n of what is limited.
var limits = []struct {
	what    string
	limit   int
	build   func(n int) any
	pointer string
}{
	{"blocks of a message", 50, func(n int) any { return message(repeat(n, func(int) any { return section("s") })...) }, "/blocks"},
	{"blocks of an attachment", 50, func(n int) any {
		return attached(object{"blocks": repeat(n, func(int) any { return section("s") })})
	}, "/attachments/0/blocks"},
	{"blocks over all attachments", 50, func(n int) any {
		return attached(object{"blocks": repeat(n-10, func(int) any { return section("s") })}, object{"blocks": repeat(10, func(int) any { return section("s") })})
	}, "/attachments"},
	{"characters of a section", 3000, func(n int) any { return message(section(chars(n))) }, "/blocks/0/text/text"},
	{"fields of a section", 10, func(n int) any {
		return message(object{"type": "section", "fields": repeat(n, func(int) any { return plain("f") })})
	}, "/blocks/0/fields"},
	{"characters of a field", 2000, func(n int) any { return message(object{"type": "section", "fields": []any{plain(chars(n))}}) }, "/blocks/0/fields/0/text"},
	{"characters of a header", 150, func(n int) any { return message(object{"type": "header", "text": plain(chars(n))}) }, "/blocks/0/text/text"},
	{"elements of actions", 25, func(n int) any {
		return actions(repeat(n, func(i int) any { return object{"type": "button", "action_id": fmt.Sprint(i), "text": plain("b")} })...)
	}, elements},
	{"elements of a context", 10, func(n int) any {
		return message(object{"type": "context", "elements": repeat(n, func(int) any { return plain("c") })})
	}, elements},
	{"characters of a context", 2000, func(n int) any { return message(object{"type": "context", "elements": []any{plain(chars(n))}}) }, elements + "/0/text"},
	{"characters of markdown over all blocks", 12000, func(n int) any {
		return message(object{"type": "markdown", "text": chars(n - 10)}, object{"type": "markdown", "text": chars(10)})
	}, "/blocks"},
	{"characters of a block_id", 255, func(n int) any { return message(object{"type": "divider", "block_id": chars(n)}) }, "/blocks/0/block_id"},
	{"characters of an action_id", 255, func(n int) any { return button(object{"action_id": chars(n)}) }, elements + "/0/action_id"},
	{"tables of a message", 1, func(n int) any { return message(repeat(n, func(int) any { return table(1, 1, "c") })...) }, "/blocks"},
	{"rows of a table", 100, func(n int) any { return message(table(n, 1, "c")) }, "/blocks/0/rows"},
	{"columns of a table", 20, func(n int) any { return message(table(1, n, "c")) }, "/blocks/0/rows/0"},
	{"characters of a table", 10000, func(n int) any {
		return message(object{"type": "table", "rows": []any{[]any{object{"type": "raw_text", "text": chars(5000)}, object{"type": "raw_text", "text": chars(n - 5000)}}}})
	}, "/blocks"},
	{"characters of an address", 3000, func(n int) any {
		return button(object{"url": "https://example.com/" + strings.Repeat("a", n-20)})
	}, elements + "/0/url"},
	{"characters of an image's address", 3000, func(n int) any {
		return image(object{"image_url": "https://example.com/" + strings.Repeat("a", n-20)})
	}, "/blocks/0/image_url"},
	{"characters of an image's description", 2000, func(n int) any { return image(object{"alt_text": chars(n)}) }, "/blocks/0/alt_text"},
	{"characters of an image's title", 2000, func(n int) any { return image(object{"title": plain(chars(n))}) }, "/blocks/0/title/text"},
	{"characters of a button", 75, func(n int) any { return button(object{"text": plain(chars(n))}) }, elements + "/0/text/text"},
	{"characters of a button's value", 2000, func(n int) any { return button(object{"value": chars(n)}) }, elements + "/0/value"},
	{"options of a menu", 100, func(n int) any {
		return menu(repeat(n, func(i int) any { return option("o", fmt.Sprint(i)) })...)
	}, elements + "/0/options"},
	{"characters of an option", 75, func(n int) any { return menu(option(chars(n), "v")) }, elements + "/0/options/0/text/text"},
	{"characters of an option's value", 150, func(n int) any { return menu(option("o", chars(n))) }, elements + "/0/options/0/value"},
	{"characters of an option's description", 75, func(n int) any {
		return menu(object{"text": plain("o"), "value": "v", "description": plain(chars(n))})
	}, elements + "/0/options/0/description/text"},
	{"options of an overflow menu", 5, func(n int) any {
		return actions(object{"type": "overflow", "options": repeat(n, func(int) any { return option("o", "v") })})
	}, elements + "/0/options"},
	{"options of radio buttons", 10, func(n int) any {
		return actions(object{"type": "radio_buttons", "options": repeat(n, func(int) any { return option("o", "v") })})
	}, elements + "/0/options"},
	{"characters of a placeholder", 150, func(n int) any {
		return actions(object{"type": "static_select", "placeholder": plain(chars(n)), "options": []any{option("o", "v")}})
	}, elements + "/0/placeholder/text"},
	{"characters of a dialog's title", 100, func(n int) any { return dialog(object{"title": plain(chars(n))}) }, elements + "/0/confirm/title/text"},
	{"characters of a dialog", 300, func(n int) any { return dialog(object{"text": plain(chars(n))}) }, elements + "/0/confirm/text/text"},
	{"characters of a dialog's confirm button", 30, func(n int) any { return dialog(object{"confirm": plain(chars(n))}) }, elements + "/0/confirm/confirm/text"},
	{"characters of a dialog's deny button", 30, func(n int) any { return dialog(object{"deny": plain(chars(n))}) }, elements + "/0/confirm/deny/text"},
}

func TestEveryLimitIsAcceptedAndOneMoreIsRefused(t *testing.T) {
	for _, c := range limits {
		t.Run(fmt.Sprintf("a message may hold %d %s", c.limit, c.what), func(t *testing.T) {
			if found := violations(t, c.build(c.limit)); len(found) > 0 {
				t.Errorf("%d is refused: %v", c.limit, found)
			}
			found := violations(t, c.build(c.limit+1))
			if len(found) != 1 || found[0].Pointer != c.pointer || found[0].Code != "failed_constraint" {
				t.Fatalf("%d gives %v, want one failed constraint at %s", c.limit+1, found, c.pointer)
			}
			if got := found[0].Constraint; got["limit"] != c.limit || got["actual"] != c.limit+1 {
				t.Errorf("the constraint is %v, want limit %d and actual %d", got, c.limit, c.limit+1)
			}
		})
	}
}

func TestTextLimitsOfMethods(t *testing.T) {
	s, _ := workspace(nil)
	ts := say(t, s, chars(40000))
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": chars(40001)}), "msg_too_long")
	must(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": ts, "text": chars(4000)}))
	refused(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": ts, "text": chars(4001)}), "msg_too_long")

	attachments := func(n int) object {
		return object{"channel": "C0ALERTS00", "text": "t", "attachments": repeat(n, func(int) any { return object{"fallback": "f"} })}
	}
	must(t, call(t, s, "chat.postMessage", attachments(100)))
	refused(t, call(t, s, "chat.postMessage", attachments(101)), "too_many_attachments")

	metadata := func(kind string, size int) object {
		return object{"channel": "C0ALERTS00", "text": "t", "metadata": object{"event_type": kind, "event_payload": object{"k": strings.Repeat("x", size)}}}
	}
	must(t, call(t, s, "chat.postMessage", metadata(strings.Repeat("e", 255), 15992)))
	refused(t, call(t, s, "chat.postMessage", metadata("e", 15993)), "metadata_too_large")
	refused(t, call(t, s, "chat.postMessage", metadata(strings.Repeat("e", 256), 1)), "invalid_metadata_schema")
}

func textBlock(s string) any { return message(section(s)) }

const at = "/blocks/0/text/text" // where the text of textBlock stands

// refusals are messages with one fault each.
var refusals = []struct {
	name          string
	message       any
	pointer, code string
}{
	{"a field that a block does not have", message(object{"type": "divider", "colour": "red"}), "/blocks/0", "unknown_field"},
	{"a field that an element does not have", button(object{"label": "x"}), "/blocks/0/elements/0", "unknown_field"},
	{"a field that a text does not have", message(object{"type": "section", "text": object{"type": "mrkdwn", "text": "t", "size": 3}}), "/blocks/0/text", "unknown_field"},
	{"emoji on mrkdwn", message(object{"type": "section", "text": object{"type": "mrkdwn", "text": "t", "emoji": true}}), "/blocks/0/text", "unknown_field"},
	{"verbatim on plain text", message(object{"type": "header", "text": object{"type": "plain_text", "text": "t", "verbatim": true}}), "/blocks/0/text", "unknown_field"},
	{"a block without a type", message(object{"text": plain("t")}), "/blocks/0", "missing_field"},
	{"a block that is no object", message("section"), "/blocks/0", "invalid_type"},
	{"blocks that are no array", object{"text": "t", "blocks": object{}}, "/blocks", "invalid_type"},
	{"a block for modals", message(object{"type": "alert", "text": plain("t")}), "/blocks/0/type", "unsupported_type"},
	{"a file block", message(object{"type": "file", "external_id": "x", "source": "remote"}), "/blocks/0/type", "unsupported_type"},
	{"a block whose fields are not known here", message(object{"type": "card", "title": plain("t")}), "/blocks/0/type", "unsupported_type"},
	{"an image among actions", actions(object{"type": "image", "image_url": "https://example.com/a", "alt_text": "a"}), "/blocks/0/elements/0/type", "unsupported_type"},
	{"a button in a context", message(object{"type": "context", "elements": []any{object{"type": "button", "text": plain("b")}}}), "/blocks/0/elements/0/type", "unsupported_type"},
	{"mrkdwn in a header", message(object{"type": "header", "text": mrkdwn("t")}), "/blocks/0/text/type", "unsupported_type"},
	{"mrkdwn on a button", button(object{"text": mrkdwn("t")}), "/blocks/0/elements/0/text/type", "unsupported_type"},
	{"an empty section", textBlock(""), at, "failed_constraint"},
	{"an empty button value", button(object{"value": ""}), "/blocks/0/elements/0/value", "failed_constraint"},
	{"an empty list of fields", message(object{"type": "section", "fields": []any{}}), "/blocks/0/fields", "failed_constraint"},
	{"actions without elements", actions(), "/blocks/0/elements", "failed_constraint"},
	{"a section without text and fields", message(object{"type": "section"}), "/blocks/0", "missing_field"},
	{"a text that is a number", message(object{"type": "section", "text": object{"type": "mrkdwn", "text": 5}}), at, "invalid_type"},
	{"two blocks of one id", message(object{"type": "divider", "block_id": "a"}, object{"type": "divider", "block_id": "a"}), "/blocks/1/block_id", "duplicate_id"},
	{"two elements of one id", actions(object{"type": "button", "action_id": "a", "text": plain("1")}, object{"type": "button", "action_id": "a", "text": plain("2")}), "/blocks/0/elements/1/action_id", "duplicate_id"},
	{"one id in two attachments", attached(object{"blocks": []any{object{"type": "divider", "block_id": "a"}}}, object{"blocks": []any{object{"type": "divider", "block_id": "a"}}}), "/attachments/1/blocks/0/block_id", "duplicate_id"},
	{"an image with two sources", image(object{"slack_file": object{"id": "F1"}}), "/blocks/0", "failed_constraint"},
	{"a menu with options and groups", actions(object{"type": "static_select", "options": []any{option("o", "v")}, "option_groups": []any{object{"label": plain("g"), "options": []any{option("p", "w")}}}}), "/blocks/0/elements/0", "failed_constraint"},
	{"a first choice that is not offered", actions(object{"type": "static_select", "options": []any{option("o", "v")}, "initial_option": option("p", "w")}), "/blocks/0/elements/0/initial_option", "failed_constraint"},
	{"a style that does not exist", button(object{"style": "default"}), "/blocks/0/elements/0/style", "failed_constraint"},
	{"an address that is none", button(object{"url": "javascript:alert(1)"}), "/blocks/0/elements/0/url", "failed_constraint"},
	{"a table that is no rectangle", message(object{"type": "table", "rows": []any{[]any{object{"type": "raw_text", "text": "a"}}, []any{object{"type": "raw_text", "text": "a"}, object{"type": "raw_text", "text": "b"}}}}), "/blocks/0/rows/1", "failed_constraint"},
	{"a token that was cut", textBlock("see <https://example.com/a"), at, "invalid_mrkdwn"},
	{"a link that was cut at its label", textBlock("see <https://example.com/a|"), at, "invalid_mrkdwn"},
	{"a link with an empty label", textBlock("<https://example.com/a|>"), at, "invalid_mrkdwn"},
	{"a token inside a token", textBlock("<https://example.com|<@U0ANA>>"), at, "invalid_mrkdwn"},
	{"a bare less-than", textBlock("a < b"), at, "invalid_mrkdwn"},
	{"a bare greater-than", textBlock("a > b"), at, "invalid_mrkdwn"},
	{"markup of another kind", textBlock("<b>bold</b>"), at, "invalid_mrkdwn"},
	{"a bare ampersand", textBlock("a & b"), at, "invalid_mrkdwn"},
	{"an entity of HTML", textBlock("a&nbsp;b"), at, "invalid_mrkdwn"},
	{"an entity that was cut", textBlock("a &am"), at, "invalid_mrkdwn"},
	{"a date without a fallback", textBlock("<!date^1371297600^{date_short}>"), at, "invalid_mrkdwn"},
	{"a group mention by name", textBlock("<!subteam^ml-oncall>"), at, "invalid_mrkdwn"},
	{"a control character", textBlock("a\x00b"), at, "failed_constraint"},
	{"half a character", textBlock("a\ufffdb"), at, "failed_constraint"},
	{"a bare less-than in the text", object{"text": "a < b"}, "/text", "invalid_mrkdwn"},
	{"a colour that is none", attached(object{"color": "red", "fallback": "f"}), "/attachments/0/color", "failed_constraint"},
	{"an attachment of blocks and old fields", attached(object{"text": "t", "blocks": []any{section("s")}}), "/attachments/0/text", "failed_constraint"},
	{"an empty attachment", attached(object{"color": "#2eb886"}), "/attachments/0", "missing_field"},
	{"a field that an attachment does not have", attached(object{"fallback": "f", "colour": "#2eb886"}), "/attachments/0", "unknown_field"},
	{"a fallback with a bare less-than", attached(object{"fallback": "a < b"}), "/attachments/0/fallback", "invalid_mrkdwn"},
}

func TestWhatSlackRefusesInAMessage(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name+" is refused", func(t *testing.T) {
			found := violations(t, c.message)
			if len(found) != 1 || found[0].Pointer != c.pointer || found[0].Code != c.code {
				t.Errorf("got %+v, want one %s at %s", found, c.code, c.pointer)
			}
		})
	}
}

func TestWhatSlackAcceptsInAMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		message any
	}{
		{"an alert as pipewatch writes it", firing(t)},
		{"every kind of token", message(section("<https://example.com/?a=1&b=2|link> <@U0ANA> <#C0ALERTS00|data-alerts> <!here> <!subteam^S0MLONCALL|@ml> " +
			"<!date^1371297600^{date_short_pretty} at {time}^https://example.com/|then> <mailto:a@example.com|mail> &lt;&amp;&gt;"))},
		{"quotes with a bare greater-than at the start of a line", message(section("> one\n>two\n&gt; three"))},
		{"every block", message(
			object{"type": "header", "text": plain("h")}, object{"type": "divider"}, section("s"),
			object{"type": "section", "text": plain("a < b & c"), "accessory": object{"type": "image", "image_url": "https://example.com/a", "alt_text": "a"}},
			object{"type": "markdown", "text": "**a** < b"}, table(2, 2, "c"),
			object{"type": "rich_text", "elements": []any{
				object{"type": "rich_text_section", "elements": []any{object{"type": "text", "text": "t", "style": object{"bold": true}}, object{"type": "user", "user_id": "U0ANA"}}},
				object{"type": "rich_text_list", "style": "bullet", "elements": []any{object{"type": "rich_text_section", "elements": []any{object{"type": "emoji", "name": "x"}}}}},
			}},
		)},
		{"every element", actions(
			object{"type": "users_select", "action_id": "1"}, object{"type": "channels_select", "action_id": "2", "placeholder": plain("p")},
			object{"type": "datepicker", "action_id": "3", "initial_date": "2013-06-15"}, object{"type": "datetimepicker", "action_id": "4", "initial_date_time": 1371297600},
			object{"type": "static_select", "action_id": "5", "options": []any{option("o", "v")}, "initial_option": option("o", "v")},
			object{"type": "checkboxes", "action_id": "6", "options": []any{object{"text": mrkdwn("*o*"), "value": "v"}}},
		)},
		{"an attachment in the old form", attached(object{"color": "danger", "title": "t", "title_link": "https://example.com", "text": "x", "fields": []any{object{"title": "a", "value": "b", "short": true}}, "ts": 1371297600, "blocks": nil})},
	} {
		t.Run(c.name+" is accepted", func(t *testing.T) {
			if found := violations(t, c.message); len(found) > 0 {
				t.Errorf("refused: %v", found)
			}
		})
	}
}

func TestValidateNeedsAnObject(t *testing.T) {
	for _, src := range []string{"[]", "{", `{} {}`} {
		if _, err := strictslack.Validate([]byte(src)); err == nil {
			t.Errorf("%s was taken for a message", src)
		}
	}
}
