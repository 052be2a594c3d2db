package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

var update = flag.Bool("update", false, "write the golden files anew")

const oncall = "<!subteam^S0MLONCALL>"

// mention is what the client makes of a notice's.
func mention(n notify.Notice) string {
	if n.Mention == "" {
		return ""
	}
	return oncall
}

func encode(t *testing.T, m slack.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEverySituationIsDrawnAsItsGoldenAndAcceptedBySlack(t *testing.T) {
	server := httptest.NewServer(strictslack.New(strictslack.Config{Channels: []strictslack.Channel{{Name: "a"}}}))
	defer server.Close()
	for name, s := range situations(t) {
		t.Run(name, func(t *testing.T) {
			n := s.notice()
			got := encode(t, slack.Render(n, mention(n)))
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
			if answer := post(t, server.URL, got); answer != "" {
				t.Errorf("refused: %s", answer)
			}
		})
	}
}

// post sends a message as it is drawn and gives the refusal.
func post(t *testing.T, server string, message []byte) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(message, &m); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {strictslack.DefaultToken}, "channel": {"#a"}, "text": {m["text"].(string)}}
	for _, k := range []string{"blocks", "attachments"} {
		b, err := json.Marshal(m[k])
		if err != nil {
			t.Fatal(err)
		}
		form.Set(k, string(b))
	}
	r, err := http.PostForm(server+"/api/chat.postMessage", form)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct {
		OK     bool     `json:"ok"`
		Error  string   `json:"error"`
		Errors []string `json:"errors"`
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.OK {
		return ""
	}
	return fmt.Sprint(answer.Error, answer.Errors)
}

func TestTextNamesTheRootBeforeAnyOtherNode(t *testing.T) {
	for name, s := range situations(t) {
		n := s.notice()
		if n.Line != nil || n.Incident.Root == "" {
			continue
		}
		text := slack.Render(n, mention(n)).Text
		label := strings.ReplaceAll(strings.ReplaceAll(n.Label(n.Incident.Root), "\u200b", ""), "\u202e", "")
		own := strings.Index(text, strings.Fields(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(label))[0])
		if own < 0 {
			t.Errorf("%s: %q does not name %q", name, text, label)
		}
		for id := range n.Nodes {
			if other := strings.Index(text, n.Label(id)); id != n.Incident.Root && other >= 0 && other < own {
				t.Errorf("%s: %q names %s first", name, text, id)
			}
		}
	}
}

func TestGreenMeansResolvedAndNothingElse(t *testing.T) {
	for name, s := range situations(t) {
		n := s.notice()
		for _, a := range slack.Render(n, "").Attachments {
			how, _ := n.Ended()
			if green := a.Color == "#2eb886"; green != (how == "resolved") {
				t.Errorf("%s: colour %s of an incident that is %q", name, a.Color, how)
			}
		}
	}
}

func TestOnlyWhatShouldWakeSomebodyMentionsTheOwner(t *testing.T) {
	wakes := map[string]bool{
		"stale": true, "one_blocked": true, "no_page": true, "orphans": true, "moved": true, "may_repeat": true, "plain": true, "blocked_200": true,
		"line_raised": true, "line_reopened": true, "line_reminded": true, "line_steady": true, "line_unmuted": true, "line_unmuted_worse": true,
		"line_escalated": true, "line_escalated_by": true, "buttons": true, "buttons_no_page": true, "trend": true, "changed": true, "flapping": true,
		"escalated": true, "escalated_by": true, "one_way_raised": true, "one_way_reminded": true, "storm": true, "storm_hostile": true, "cannot_check_owned": true,
	}
	for name, s := range situations(t) {
		n := s.notice()
		if got := strings.Contains(string(encode(t, slack.Render(n, mention(n)))), oncall); got != wakes[name] {
			t.Errorf("%s: mentions the owner: %v", name, got)
		}
	}
}

// ours are the tokens that the renderer makes itself.
var ours = regexp.MustCompile(`<(?:https://(?:pipewatch|wiki)\.example\.com/[^<>|]*(?:\|[^<>]+)?|!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[^<>]+|!subteam\^S0MLONCALL)>`)

func TestWordsFromElsewhereCanPingNobodyAndFitAlways(t *testing.T) {
	server := httptest.NewServer(strictslack.New(strictslack.Config{Channels: []strictslack.Channel{{Name: "a"}}}))
	defer server.Close()
	all := situations(t)
	names := []string{"stale", "orphans", "warn", "cannot_check", "moved", "merged", "resolved", "closed", "line_joined", "line_recovered", "line_raised", "line_closed"}
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching("[<>&`!@|*_~a-z ]{0,40}"),
			rapid.SampledFrom([]string{"", hostile, "<!channel>", "&lt;!here&gt;", "<@U012345>", strings.Repeat("&", 5000), strings.Repeat("日", 4000), "\xff\xfe", "`", " "}),
		)
		n := all[rapid.SampledFrom(names).Draw(r, "situation")].notice()
		n.Plain = rapid.Bool().Draw(r, "plain")
		n.Owner = word.Draw(r, "owner")
		n.Link = rapid.SampledFrom([]string{n.Link, "", "https://x.example/?<!channel>", "https://x.example/?a|b", "https://pipewatch.example.com/" + strings.Repeat("&", 150), "https://pipewatch.example.com/" + strings.Repeat("&", 900)}).Draw(r, "link")
		n.Incident.Connection = word.Draw(r, "connection")
		n.Incident.Findings = append([]incident.Finding{}, n.Incident.Findings...)
		for k := range n.Incident.Findings {
			n.Incident.Findings[k].Message = word.Draw(r, "message")
		}
		for k := range n.Others {
			n.Others[k].Headline = word.Draw(r, "headline")
		}
		views := map[dag.NodeID]notify.NodeView{}
		for id, v := range n.Nodes {
			v.Label, v.Schedule = word.Draw(r, "label"), word.Draw(r, "schedule")
			v.Runbook = rapid.SampledFrom([]string{"", "javascript:alert(1)", "https://x.example/<!channel>", "https://wiki.example.com/a b|c", "https://x.example/?<!channel>"}).Draw(r, "runbook")
			v.Checks = map[dag.CheckID]string{}
			views[id] = v
		}
		n.Nodes = views
		m := slack.Render(n, "")
		for _, text := range texts(t, encode(t, m)) {
			if rest := ours.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>") {
				r.Fatalf("a token that is not ours in %q", text)
			}
			if strings.TrimSpace(text) == "" || !utf8.ValidString(text) {
				r.Fatalf("empty or broken text %q", text)
			}
		}
		if answer := post(t, server.URL, encode(t, m)); answer != "" {
			r.Fatalf("refused: %s\n%s", answer, encode(t, m))
		}
	})
}

// texts lists every text that people see in a message.
func texts(t *testing.T, message []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(message, &v); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				if s, ok := item.(string); ok && (key == "text" || key == "fallback") {
					out = append(out, s)
				}
				walk(item)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(v)
	return out
}
