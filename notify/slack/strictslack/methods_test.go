package strictslack_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

func TestTokens(t *testing.T) {
	s, _ := workspace(func(c *strictslack.Config) { c.Scopes = []string{"chat:write", "channels:history"} })
	bare := httptest.NewRequest(http.MethodPost, "/api/auth.test", nil)
	refused(t, decoded(t, request(t, s, bare)), "not_authed")
	bare.Header.Set("Authorization", "Bearer xoxb-other")
	refused(t, decoded(t, request(t, s, bare)), "invalid_auth")

	test := must(t, call(t, s, "auth.test", object{}))
	if test["user_id"] != "U0PIPEWATCH" || test["bot_id"] != "B0PIPEWATCH" {
		t.Errorf("auth.test answers %v", test)
	}
	must(t, callForm(t, s, "auth.test", url.Values{}))

	denied := call(t, s, "usergroups.list", object{})
	refused(t, denied, "missing_scope")
	if denied["needed"] != "usergroups:read" || denied["provided"] != "chat:write,channels:history" {
		t.Errorf("the scope is not named: %v", denied)
	}
	refused(t, call(t, s, "conversations.history", object{"channel": "C0ALERTS00", "include_all_metadata": true}), "missing_scope")
	must(t, call(t, s, "conversations.history", object{"channel": "C0ALERTS00"}))

	s.RefuseToken("token_revoked")
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t"}), "token_revoked")
	s.RefuseToken("")
	say(t, s, "back again")
}

func TestBodies(t *testing.T) {
	s, _ := workspace(nil)
	send := func(kind, body string) object {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/api/chat.postMessage", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+strictslack.DefaultToken)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		return decoded(t, request(t, s, r))
	}
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct{ name, kind, body, code string }{
		{"broken JSON", asJSON, `{"channel":`, "invalid_json"},
		{"JSON that is no object", asJSON, `[1]`, "json_not_object"},
		{"a body without a type", "", "channel=x", "missing_post_type"},
		{"a body of another type", "text/xml", "<x/>", "invalid_post_type"},
		{"a broken form", form, "channel=%zz", "invalid_form_data"},
		{"an argument given twice", form, "channel=a&channel=b", "invalid_arguments"},
		{"an unknown argument", form, "channel=C0ALERTS00&text=t&colour=red", "invalid_arguments"},
		{"an argument of the wrong type", asJSON, `{"channel": 5, "text": "t"}`, "invalid_arguments"},
		{"blocks that are no JSON", form, "channel=C0ALERTS00&blocks=[", "invalid_blocks_format"},
		{"metadata that is no JSON", form, "channel=C0ALERTS00&text=t&metadata={", "invalid_metadata_format"},
		{"metadata without a payload", asJSON, `{"channel": "C0ALERTS00", "text": "t", "metadata": {"event_type": "e"}}`, "invalid_metadata_schema"},
		{"a body of over a megabyte", asJSON, `{"text": "` + strings.Repeat("x", 1<<20) + `"}`, "request_too_large"},
	} {
		t.Run(c.name+" is refused", func(t *testing.T) { refused(t, send(c.kind, c.body), c.code) })
	}
	t.Run("a form and JSON say the same", func(t *testing.T) {
		blocks := `[{"type":"divider","block_id":"b"}]`
		must(t, send(form, "channel=C0ALERTS00&text=t&reply_broadcast=0&blocks="+url.QueryEscape(blocks)))
		must(t, send(asJSON, `{"channel":"C0ALERTS00","text":"t","reply_broadcast":false,"blocks":`+blocks+`}`))
		got := s.Messages("data-alerts")
		if diff := cmp.Diff(got[0].Content, got[1].Content); diff != "" {
			t.Error(diff)
		}
	})
	unknown := call(t, s, "chat.shout", object{})
	refused(t, unknown, "unknown_method")
}

func TestRefusedBlocksAreExplained(t *testing.T) {
	s, _ := workspace(nil)
	answer := call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t", "blocks": []any{section(chars(3001))}})
	refused(t, answer, "invalid_blocks")
	want := "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
	if diff := cmp.Diff([]any{want}, answer["errors"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(object{"messages": []any{"[ERROR] " + want}}, answer["response_metadata"]); diff != "" {
		t.Error(diff)
	}
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "attachments": []any{object{"color": "red", "fallback": "f"}}}), "invalid_attachments")
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "a <b"}), "invalid_arguments")
	if n := len(s.Messages("data-alerts")); n != 0 {
		t.Errorf("%d refused messages were stored", n)
	}
}

func TestChannelsThatTakeNoMessage(t *testing.T) {
	s, _ := workspace(nil)
	ts := say(t, s, "t")
	for channel, code := range map[string]string{
		"#nowhere": "channel_not_found", "C0NOWHERE0": "channel_not_found", "data-alerts": "channel_not_found", "": "channel_not_found",
		"#old": "is_archived", "C0FOREIGN0": "not_in_channel",
	} {
		refused(t, call(t, s, "chat.postMessage", object{"channel": channel, "text": "t"}), code)
	}
	refused(t, call(t, s, "chat.update", object{"channel": "#data-alerts", "ts": ts, "text": "t"}), "channel_not_found")
	refused(t, call(t, s, "conversations.history", object{"channel": "C0FOREIGN0"}), "not_in_channel")
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00"}), "no_text")
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "", "blocks": []any{}}), "no_text")

	s.SetChannel(strictslack.Channel{Name: "data-alerts", Archived: true})
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t"}), "is_archived")
	s.SetChannel(strictslack.Channel{Name: "data-alerts"})
	say(t, s, "t")
}

func TestChannelsAreMadeForTheDemo(t *testing.T) {
	s, _ := workspace(func(c *strictslack.Config) { c.CreateChannels = true })
	first := must(t, call(t, s, "chat.postMessage", object{"channel": "#ml-alerts", "text": "t"}))
	second := must(t, call(t, s, "chat.postMessage", object{"channel": first["channel"], "text": "t"}))
	if first["channel"] != second["channel"] || len(s.Messages("#ml-alerts")) != 2 {
		t.Errorf("two channels were made: %v", s.Channels())
	}
	refused(t, call(t, s, "chat.postMessage", object{"channel": "#Not A Name", "text": "t"}), "channel_not_found")
}

func TestTimestampsAreUniqueAndIncreaseThoughTheClockDoesNot(t *testing.T) {
	s, c := workspace(nil)
	first := say(t, s, "one")
	second := say(t, s, "two")
	c.advance(-time.Hour)
	third := say(t, s, "three")
	if first != "1371297600.000000" || second != "1371297600.000001" || third != "1371297600.000002" {
		t.Errorf("got %s, %s, %s", first, second, third)
	}
}

func TestThreads(t *testing.T) {
	s, c := workspace(nil)
	root := say(t, s, "root")
	c.advance(time.Minute)
	reply := func(args object) object {
		t.Helper()
		all := object{"channel": "C0ALERTS00", "text": "reply", "thread_ts": root}
		maps.Copy(all, args)
		return call(t, s, "chat.postMessage", all)
	}
	first := must(t, reply(nil))["ts"].(string)
	c.advance(time.Minute)
	loud := must(t, reply(object{"reply_broadcast": true, "metadata": object{"event_type": "e", "event_payload": object{"id": "1"}}}))["ts"].(string)

	refused(t, reply(object{"thread_ts": first}), "cannot_reply_to_message")
	refused(t, reply(object{"thread_ts": "1371297600.999999"}), "thread_not_found")
	refused(t, reply(object{"thread_ts": "yesterday"}), "invalid_thread_ts")
	refused(t, call(t, s, "chat.postMessage", object{"channel": "C0ALERTS00", "text": "t", "reply_broadcast": true}), "invalid_arguments")

	history := must(t, call(t, s, "conversations.history", object{"channel": "C0ALERTS00"}))
	if diff := cmp.Diff([]string{loud, root}, timestamps(history)); diff != "" {
		t.Errorf("history holds roots and broadcasts, newest first:\n%s", diff)
	}
	if last := history["messages"].([]any)[1].(object); last["reply_count"] != 2.0 || last["latest_reply"] != loud {
		t.Errorf("the root does not count its replies: %v", last)
	}
	replies := must(t, call(t, s, "conversations.replies", object{"channel": "C0ALERTS00", "ts": root, "include_all_metadata": true}))
	if diff := cmp.Diff([]string{root, first, loud}, timestamps(replies)); diff != "" {
		t.Errorf("replies begin with the root, oldest first:\n%s", diff)
	}
	if got := replies["messages"].([]any)[2].(object)["metadata"]; got == nil {
		t.Error("the metadata of a reply is not answered")
	}
	since := must(t, call(t, s, "conversations.replies", object{"channel": "C0ALERTS00", "ts": root, "oldest": first}))
	if diff := cmp.Diff([]string{root, loud}, timestamps(since)); diff != "" {
		t.Errorf("oldest leaves out what is not younger:\n%s", diff)
	}
	refused(t, call(t, s, "conversations.replies", object{"channel": "C0ALERTS00", "ts": "1.000000"}), "thread_not_found")

	must(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": first, "text": "edited"}))
	if m := s.Messages("C0ALERTS00")[1]; m.ThreadTS != root || m.Text != "edited" {
		t.Errorf("an edit took the reply out of its thread: %+v", m)
	}
}

func timestamps(answer object) []string {
	var out []string
	for _, m := range answer["messages"].([]any) {
		out = append(out, m.(object)["ts"].(string))
	}
	return out
}

func TestUpdate(t *testing.T) {
	var changes []string
	s, c := workspace(func(c *strictslack.Config) {
		c.OnChange = func(m strictslack.Message) { changes = append(changes, m.Text) }
	})
	ts := must(t, call(t, s, "chat.postMessage", firing(t)))["ts"]
	update := func(args object) strictslack.Message {
		t.Helper()
		args["channel"], args["ts"] = "C0ALERTS00", ts
		must(t, call(t, s, "chat.update", args))
		return s.Messages("data-alerts")[0]
	}
	divider := []any{object{"type": "divider"}}

	c.advance(time.Minute)
	m := update(object{"text": "two", "blocks": divider})
	if m.Edited || len(m.Blocks) != 1 || len(m.Attachments) != 1 || m.Metadata.EventType != "pipewatch_delivery" {
		t.Errorf("an edit with blocks is not marked and keeps what was not sent: %+v", m)
	}
	if m = update(object{"text": "three"}); !m.Edited || len(m.Blocks) != 0 || len(m.Attachments) != 1 {
		t.Errorf("a text alone removes the blocks and is marked: %+v", m)
	}
	if m = update(object{"text": "four", "attachments": []any{}}); len(m.Attachments) != 0 {
		t.Errorf("an empty array removes the attachments: %+v", m)
	}
	if m = update(object{"text": "five", "metadata": object{}}); m.Metadata != nil {
		t.Errorf("an empty object removes the metadata: %+v", m)
	}
	var texts []string
	for _, v := range m.History {
		texts = append(texts, v.Text)
	}
	if diff := cmp.Diff([]string{"🔴 flights is stale — 2 downstream nodes blocked (flight_delay)", "two", "three", "four"}, texts); diff != "" {
		t.Errorf("the history of edits:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"two", "three", "four", "five"}, changes); diff != "" {
		t.Errorf("OnChange was told:\n%s", diff)
	}

	refused(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": "1.000000", "text": "t"}), "message_not_found")
	refused(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": ts}), "no_text")
	hook(t, s, "T0/B0/secret", `{"text": "from elsewhere"}`)
	foreign := s.Messages("data-alerts")[1].TS
	refused(t, call(t, s, "chat.update", object{"channel": "C0ALERTS00", "ts": foreign, "text": "t"}), "cant_update_message")
}

func TestPostAnswersAndTellsWhatItStored(t *testing.T) {
	var told []strictslack.Message
	s, _ := workspace(func(c *strictslack.Config) { c.OnPost = func(m strictslack.Message) { told = append(told, m) } })
	answer := must(t, call(t, s, "chat.postMessage", firing(t)))
	if answer["channel"] != "C0ALERTS00" {
		t.Errorf("a post by name answers the id, got %v", answer["channel"])
	}
	stored := s.Messages("#data-alerts")
	if diff := cmp.Diff(stored, told); diff != "" {
		t.Errorf("OnPost was told something else:\n%s", diff)
	}
	if got := answer["message"].(object)["metadata"].(object)["event_payload"].(object)["seq"]; got != 1.0 {
		t.Errorf("the metadata is not answered: %v", got)
	}
	if stored[0].Metadata.EventPayload["id"] != "dlv_1" || stored[0].Attachments[0]["color"] != "#a30200" {
		t.Errorf("stored: %+v", stored[0])
	}
}

func TestHistoryPages(t *testing.T) {
	s, c := workspace(nil)
	var all []string
	for range 5 {
		all = append([]string{say(t, s, "t")}, all...)
		c.advance(time.Second)
	}
	read := func(args object) object {
		t.Helper()
		args["channel"] = "C0ALERTS00"
		return call(t, s, "conversations.history", args)
	}
	first := must(t, read(object{"limit": 2}))
	next := first["response_metadata"].(object)["next_cursor"]
	second := must(t, read(object{"limit": 3, "cursor": next}))
	if diff := cmp.Diff(all, append(timestamps(first), timestamps(second)...)); diff != "" || first["has_more"] != true || second["has_more"] != false {
		t.Errorf("two pages do not make the whole: %s", diff)
	}
	for _, c := range []struct {
		name string
		args object
		want []string
	}{
		{"after a ts", object{"oldest": all[2]}, all[:2]},
		{"from a ts on", object{"oldest": all[2], "inclusive": true}, all[:3]},
		{"before a ts", object{"latest": all[2]}, all[3:]},
		{"between bare seconds", object{"oldest": "1371297600", "latest": "1371297602"}, all[3:4]},
	} {
		if diff := cmp.Diff(c.want, timestamps(must(t, read(c.args)))); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
	refused(t, read(object{"limit": 1000}), "invalid_limit")
	refused(t, read(object{"cursor": "x"}), "invalid_cursor")
	refused(t, read(object{"oldest": "-1"}), "invalid_ts_oldest")
	refused(t, read(object{"latest": "now"}), "invalid_ts_latest")
}

func TestLookingThingsUp(t *testing.T) {
	s, _ := workspace(nil)
	ts := say(t, s, "t")
	info := must(t, call(t, s, "conversations.info", object{"channel": "C0ALERTS00"}))["channel"].(object)
	if info["name"] != "data-alerts" || info["is_member"] != true {
		t.Errorf("conversations.info answers %v", info)
	}
	refused(t, call(t, s, "conversations.info", object{"channel": "data-alerts"}), "channel_not_found")

	list := must(t, callForm(t, s, "conversations.list", url.Values{"exclude_archived": {"true"}, "types": {"public_channel,private_channel"}}))
	if got := len(list["channels"].([]any)); got != 2 {
		t.Errorf("conversations.list answers %d channels, want 2", got)
	}
	groups := must(t, call(t, s, "usergroups.list", object{"include_users": true}))["usergroups"].([]any)
	if got := groups[0].(object); got["handle"] != "ml-oncall" || len(got["users"].([]any)) != 1 {
		t.Errorf("usergroups.list answers %v", got)
	}
	user := must(t, callForm(t, s, "users.lookupByEmail", url.Values{"email": {"ana@example.com"}}))["user"].(object)
	if user["id"] != "U0ANA" {
		t.Errorf("users.lookupByEmail answers %v", user)
	}
	refused(t, call(t, s, "users.lookupByEmail", object{"email": "bob@example.com"}), "users_not_found")

	r := httptest.NewRequest(http.MethodGet, "/api/chat.getPermalink?channel=C0ALERTS00&message_ts="+ts, nil)
	r.Header.Set("Authorization", "Bearer "+strictslack.DefaultToken)
	link := must(t, decoded(t, request(t, s, r)))["permalink"]
	if link != "http://example.com/archives/C0ALERTS00/p1371297600000000" {
		t.Errorf("the permalink is %v", link)
	}
	refused(t, call(t, s, "chat.getPermalink", object{"channel": "C0ALERTS00", "message_ts": "1.0"}), "message_not_found")
}

func TestEphemeralMessages(t *testing.T) {
	s, _ := workspace(nil)
	must(t, call(t, s, "chat.postEphemeral", object{"channel": "C0ALERTS00", "user": "U0ANA", "text": "already resolved"}))
	refused(t, call(t, s, "chat.postEphemeral", object{"channel": "C0ALERTS00", "user": "U0BOB", "text": "t"}), "user_not_in_channel")
	if got := s.Messages("data-alerts"); len(got) != 1 || got[0].Ephemeral != "U0ANA" {
		t.Errorf("stored %+v", got)
	}
	history := must(t, call(t, s, "conversations.history", object{"channel": "C0ALERTS00"}))
	if n := len(history["messages"].([]any)); n != 0 {
		t.Errorf("history shows %d ephemeral messages", n)
	}
}

func TestBlocksValidate(t *testing.T) {
	s, _ := workspace(nil)
	ask := func(body string) object {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/api/blocks.validate", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		return decoded(t, request(t, s, r)) // without a token
	}
	must(t, ask(`{"blocks": [{"type": "divider"}]}`))
	must(t, ask(`{"message": {"text": "t", "blocks": [{"type": "divider"}]}}`))
	answer := ask(`{"blocks": "[{\"type\": \"header\", \"text\": {\"type\": \"plain_text\", \"text\": \"\"}}]"}`)
	refused(t, answer, "invalid_blocks")
	want := []any{object{
		"pointer": "/0/text/text", "code": "failed_constraint", "message": "must be more than 0 characters",
		"constraint": object{"type": "min_length", "limit": 1.0, "actual": 0.0},
	}}
	if diff := cmp.Diff(want, answer["errors"]); diff != "" {
		t.Error(diff)
	}
	refused(t, ask(`{"message": {"text": "t", "colour": "red"}}`), "invalid_message")
	refused(t, ask(`{"blocks": [], "message": {}}`), "invalid_arguments")
	refused(t, ask(`{"view": {}}`), "invalid_arguments")
}

// hook sends JSON to an incoming webhook.
func hook(t *testing.T, h http.Handler, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/services/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return request(t, h, r)
}

func TestWebhook(t *testing.T) {
	s, _ := workspace(nil)
	for _, c := range []struct {
		name, path, body string
		status           int
		answer           string
	}{
		{"a good message", "T0/B0/secret", `{"text": "t", "blocks": [{"type": "divider"}]}`, 200, "ok"},
		{"an unknown hook", "T0/B0/other", `{"text": "t"}`, 404, "no_service"},
		{"an archived channel", "T0/B0/old", `{"text": "t"}`, 410, "channel_is_archived"},
		{"nothing to say", "T0/B0/secret", `{}`, 400, "no_text"},
		{"broken JSON", "T0/B0/secret", `{`, 400, "invalid_payload"},
		{"a channel of its own", "T0/B0/secret", `{"text": "t", "channel": "#other"}`, 400, "invalid_payload"},
		{"bad blocks", "T0/B0/secret", `{"text": "t", "blocks": [{"type": "alert"}]}`, 400, "invalid_blocks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := hook(t, s, c.path, c.body); w.Code != c.status || w.Body.String() != c.answer {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, c.status, c.answer)
			}
		})
	}
	form := url.Values{"payload": {`{"text": "by form"}`}}.Encode()
	r := httptest.NewRequest(http.MethodPost, "/services/T0/B0/secret", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w := request(t, s, r); w.Body.String() != "ok" {
		t.Errorf("a form with a payload gives %s", w.Body)
	}
	if n := len(s.Messages("data-alerts")); n != 2 {
		t.Errorf("%d messages were stored, want 2", n)
	}
}
