package strictslack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

func page(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := request(t, h, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// shows fails the test unless the page holds all of these pieces in this order.
func shows(t *testing.T, page string, pieces ...string) {
	t.Helper()
	rest := page
	for _, piece := range pieces {
		_, after, found := strings.Cut(rest, piece)
		if !found {
			t.Fatalf("the page does not show %s (in its place) in\n%s", piece, regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(page, "\n"))
		}
		rest = after
	}
}

func TestMrkdwnIsDrawnAsSlackDoes(t *testing.T) {
	for _, c := range []struct{ name, mrkdwn, want string }{
		{"styles", "*bold* _italic_ ~gone~ *_both_*", `<b>bold</b> <i>italic</i> <s>gone</s> <b><i>both</i></b>`},
		{"a link in bold", "*<https://example.com/a?b=1&c=2|flights>* x", `<b><a href="https://example.com/a?b=1&amp;c=2" rel="noreferrer" target="_blank">flights</a></b> x`},
		{"identifiers with underscores", "raw_orders and fct_orders_daily", `raw_orders and fct_orders_daily`},
		{"a lone star", "2 * 3 * 4", `2 * 3 * 4`},
		{"code", "`a_b*c*` and *`x`*", `<code>a_b*c*</code> and <b><code>x</code></b>`},
		{"a block of code", "see\n```select *\nfrom t```\ndone", "see<pre>select *\nfrom t</pre>done"},
		{"entities", "a &lt;b&gt; &amp; c", `a &lt;b&gt; &amp; c`},
		{"entities in code", "`a &lt; b`", `<code>a &lt; b</code>`},
		{"quotes and lines", "one\ntwo\n&gt; three\n> four\nfive", `one<br>two<blockquote>three<br>four</blockquote>five`},
		{"mentions", "<@U0ANA> <@U0UNKNOWN> <!subteam^S0MLONCALL> <!here>", `<span class="mention">@ana</span> <span class="mention">@U0UNKNOWN</span> <span class="mention">@ml-oncall</span> <span class="mention everybody">@here</span>`},
		{"a channel", "<#C0ALERTS00>", `<a class="mention" href="/c/C0ALERTS00">#data-alerts</a>`},
		{"a date near", "<!date^1371211200^{date_short_pretty} at {time}|x>", `<time title="x">yesterday at 12:00 PM</time>`},
		{"a date far", "<!date^1357045200^{date} {date_num} {date_long_pretty}|x>", `<time title="x">January 1st, 2013 2013-01-01 Tuesday, January 1st, 2013</time>`},
		{"a date with a link and seconds", "<!date^1371297600^{date_short}, {time_secs} {unknown}^https://example.com/|x>", `<a href="https://example.com/" rel="noreferrer" target="_blank"><time title="x">Jun 15, 2013, 12:00:00 PM {unknown}</time></a>`},
		{"the suffixes of days", "<!date^1371470400^{date}|x> <!date^1371384000^{date_pretty}|x> <!date^1370174400^{date}|x> <!date^1370260800^{date}|x> <!date^1370952000^{date}|x>",
			`June 17th, 2013</time> <time title="x">tomorrow</time> <time title="x">June 2nd, 2013</time> <time title="x">June 3rd, 2013</time> <time title="x">June 11th, 2013</time>`},
		{"emoji by name", ":red_circle: :unheard_of: 10:30:00", `<span class="emoji">🔴</span> :unheard_of: 10:30:00`},
		{"emoji", "✅ done → next", `<span class="emoji">✅</span> done → next`},
		{"a label that looks like markup", "<https://example.com|&lt;script&gt;>", `<a href="https://example.com" rel="noreferrer" target="_blank">&lt;script&gt;</a>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := workspace(nil)
			must(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": c.mrkdwn}))
			shows(t, page(t, s, "/c/data-alerts"), `<div class="text">`, c.want+`</div>`)
		})
	}
}

func TestChannelPage(t *testing.T) {
	s, c := workspace(nil)
	root := must(t, call(t, s, "chat.postMessage", firing(t)))["ts"]
	c.advance(time.Minute)
	must(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "also blocked: `training_set`", "thread_ts": root}))
	c.advance(time.Hour)
	must(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "row count is back", "thread_ts": root, "reply_broadcast": true}))
	must(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": root, "text": "✅ flights is fresh again"}))

	shows(t, page(t, s, "/c/C0ALERTS00"),
		`href="/c/C0ALERTS00" class="on"`, `# data-alerts</h1>`, `<span>Today</span>`,
		`<article class="message" id="p1371297600000000">`, `<b>pipewatch</b><span class="badge">APP</span>`, `12:00 PM</time>`,
		`flights is fresh again <span class="edited">(edited)</span>`, `fill="#a30200"`,
		`<div class="fields">`, `<b>Check</b><br>freshness on <code>time_hour</code>`,
		`<button name="action" value="pw_ack" class="button primary"`, `Acknowledge</button>`,
		`<select class="select" name="choice.pw_mute"`, `Mute for…`,
		`<a class="button " href="https://wiki.example/runbooks/flights?a=1&amp;b=2"`, `Runbook</a>`,
		`<div class="context"><span>inc_1`, `a &lt; b &amp;&amp; c &gt; d`,
		`<b>2 replies</b><span>Last reply today at 1:01 PM</span>`, `also blocked: <code>training_set</code>`, `row count is back`,
		`replied to a thread: <a href="#p1371297600000000">`, `row count is back`,
	)
	shows(t, page(t, s, "/"), `All channels`, `<b># data-alerts</b><span>1 message · last today at 12:00 PM</span>`, `archived`)
	if w := request(t, s, httptest.NewRequest(http.MethodGet, "/c/nowhere", nil)); w.Code != http.StatusNotFound {
		t.Errorf("a channel that does not exist gives %d", w.Code)
	}
	for _, asset := range []string{"page.css", "page.js", "icon.svg"} {
		page(t, s, "/assets/"+asset)
	}
	w := request(t, s, httptest.NewRequest(http.MethodGet, "/archives/C0ALERTS00/p1371297600000000", nil))
	if got := w.Header().Get("Location"); got != "/c/C0ALERTS00#p1371297600000000" {
		t.Errorf("a permalink leads to %q", got)
	}
}

func TestRichTextAndMarkdownAreDrawn(t *testing.T) {
	s, _ := workspace(nil)
	run := func(kind string, more object) any {
		more["type"] = kind
		return more
	}
	must(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t", "blocks": []any{
		object{"type": "rich_text", "elements": []any{
			run("rich_text_section", object{"elements": []any{
				run("text", object{"text": "a < *b*\n", "style": object{"bold": true, "code": true}}), run("user", object{"user_id": "U0ANA"}),
				run("usergroup", object{"usergroup_id": "S0MLONCALL"}), run("channel", object{"channel_id": "C0ALERTS00"}),
				run("broadcast", object{"range": "channel"}), run("emoji", object{"name": "fire"}), run("link", object{"url": "https://example.com"}),
			}}),
			run("rich_text_list", object{"style": "ordered", "indent": 1, "elements": []any{run("rich_text_section", object{"elements": []any{run("text", object{"text": "first"})}})}}),
			run("rich_text_quote", object{"elements": []any{run("text", object{"text": "said"})}}),
			run("rich_text_preformatted", object{"elements": []any{run("text", object{"text": "select 1"})}}),
		}},
		object{"type": "markdown", "text": "# Head\n- **bold** [link](https://example.com) a < b"},
	}}))
	shows(t, page(t, s, "/c/data-alerts"),
		"<div><b><code>a &lt; *b*<br></code></b>", "@ana", "@ml-oncall", "#data-alerts", "@channel", "🔥", ">https://example.com</a></div>",
		`<ol class="indent1"><li>first</li></ol><blockquote>said</blockquote><pre>select 1</pre>`,
		`<b>Head</b><br>• <b>bold</b> <a href="https://example.com" rel="noreferrer" target="_blank">link</a> a &lt; b`)
}

func TestMessagesOfOnePosterStandTogether(t *testing.T) {
	s, c := workspace(nil)
	say(t, s, "one")
	c.advance(4 * time.Minute)
	say(t, s, "two")
	c.advance(6 * time.Minute)
	say(t, s, "three")
	c.advance(24 * time.Hour)
	say(t, s, "four")
	older := page(t, s, "/c/data-alerts")
	c.advance(365 * 24 * time.Hour)
	shows(t, page(t, s, "/c/data-alerts"), "<span>Saturday, June 15th, 2013</span>", "one", "<span>Sunday, June 16th, 2013</span>", "four")
	shows(t, page(t, s, "/"), "4 messages · last June 16th, 2013 at 12:10 PM")
	shows(t, older,
		"<span>Yesterday</span>", `<article class="message" `, "one", `<article class="message compact" `, "two", `<article class="message" `, "three",
		"<span>Today</span>", `<article class="message" `, "four")
}

func TestNoMessageBecomesMarkup(t *testing.T) {
	const evil = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`
	s, _ := workspace(func(c *strictslack.Config) {
		c.BotName, c.Team = evil, evil
		c.Users = []strictslack.User{{ID: "U0EVIL", Name: evil}}
		c.Channels = append(c.Channels, strictslack.Channel{Name: "evil", Topic: evil})
	})
	must(t, call(t, s, "chat.postMessage", object{"channel": "#evil", "username": evil, "text": "t", "blocks": []any{
		object{"type": "section", "text": plain(evil), "accessory": object{"type": "image", "image_url": "https://example.com/a", "alt_text": evil}},
		object{"type": "markdown", "text": evil}, object{"type": "header", "text": plain(evil)}, table(1, 1, evil), section("<@U0EVIL>"),
		object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": []any{
			object{"type": "text", "text": evil}, object{"type": "link", "url": "https://example.com", "text": evil},
		}}}},
		object{"type": "actions", "elements": []any{object{"type": "button", "text": plain(evil)}}},
	}}))
	must(t, call(t, s, "chat.postMessage", object{"channel": "#evil", "attachments": []any{object{"fallback": "f", "author_name": evil, "footer": evil}}}))
	w := request(t, s, httptest.NewRequest(http.MethodGet, "/c/evil", nil))
	if body := w.Body.String(); strings.Contains(body, "<script>alert") || strings.Contains(body, "<img") {
		t.Errorf("a message became markup:\n%s", body)
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("the policy is %q", policy)
	}
}

// FuzzAcceptedMessages holds that no message ends the validation, and that
// what it accepts can be posted and drawn.
func FuzzAcceptedMessages(f *testing.F) {
	sample, err := os.ReadFile("testdata/firing.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add([]byte(`{"text": "*a _b ~c ` + "`d <https://e|*f> &lt; :x:" + `"}`))
	f.Add([]byte(`{"blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [{"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "here"}]}]}]}]}`))
	f.Add([]byte(`{"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "> ` + "```" + `"}], "accessory": {"type": "radio_buttons", "options": [{"text": {"type": "plain_text", "text": "o"}, "value": "v"}]}}, {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]]}]}`))
	f.Add([]byte(`{"attachments": [{"color": "good", "title": "t", "fields": [{"value": "v"}], "blocks": null}, {"image_url": "https://e", "footer": "f"}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		found, err := strictslack.Validate(src)
		if err != nil || len(found) > 0 {
			return
		}
		var m object
		if json.Unmarshal(src, &m) != nil {
			return
		}
		s, _ := workspace(nil)
		call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": m["text"], "blocks": m["blocks"], "attachments": m["attachments"]})
		page(t, s, "/c/C0ALERTS00")
	})
}
