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
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

var update = flag.Bool("update", false, "write the golden files anew")

const flightDelay = `version: 1
dag: flight_delay
owner: ml-data
connection: local
schedule: "*/15 * * * *"
nodes:
  load_flights:
    runbook: https://wiki.example.com/runbooks/load_flights
    job: {heartbeat: load_flights, succeeded_within: 2h}
  weather:
    table: weather
    owner: flight-data
    freshness: {column: time_hour, warn_after: 2h, error_after: 6h}
    row_count: {min: 1}
  flights:
    table: flights
    runbook: https://wiki.example.com/runbooks/flights
    depends_on: [load_flights]
    freshness: {column: time_hour, error_after: 6h}
    row_count: {min: 1}
    joins: {to: weather, on: [origin, time_hour], min_match: 96%}
    checks:
      - {name: no_negative_distance, sql: "select count(*) from flights where distance < 0", expect: {max: 0}}
  delay_labels:
    table: labels
    depends_on: [flights]
    row_count: {min: 1}
  training_set:
    table: ml.training_set
    depends_on: [flights, delay_labels]
    row_count: {min: 1}
  report:
    view: report
    depends_on: [training_set]
    row_count: {min: 1}
`

const hostile = "<!channel> `rm` <https://evil.example|click> & *now* \u202egnp\u200b\x07 @here"

// desk is a desk over DAG files.
func desk(t *testing.T, files ...string) notify.Desk {
	t.Helper()
	var dags []dag.File
	for n, src := range files {
		dags = append(dags, dag.File{Name: fmt.Sprintf("dags/%d.yaml", n), Src: []byte(src)})
	}
	g, problems := dag.Load(dags, dag.Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	suite, problems := checks.Compile(g, checks.Builtin())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return notify.Desk{
		Suite: suite, Default: "#data-alerts", BaseURL: "https://pipewatch.example.com/",
		Owners: map[string]notify.Owner{"ml-data": {Channel: "#ml-alerts", Mention: "@ml-oncall"}},
	}
}

// at is a moment of the eighth of February 2013.
func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2013-02-08 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func finding(check string, reason checks.Reason, message string) incident.Finding {
	return incident.Finding{
		Check: dag.CheckID(check), Outcome: checks.Fail, Reason: reason, Message: message, Severity: dag.Error, FirstSeen: at("14:00"), Onset: at("13:00"),
	}
}

func held(check string, reason checks.Reason, message, because string) incident.Finding {
	f := finding(check, reason, message)
	f.Held, f.Because = true, because
	return f
}

// stale is the incident that most situations begin with.
func stale() incident.Incident {
	return incident.Incident{
		ID: "inc-20130208T1415-5f3a1", Kind: incident.Data, Status: incident.Open, Root: "flight_delay/flights", Severity: dag.Error,
		Findings: []incident.Finding{
			finding("flight_delay/flights/freshness", checks.Stale, "newest time_hour is 7h 15m old, limit 6h"),
			held("flight_delay/delay_labels/row_count", checks.BelowMin, "0 rows, at least 1 expected", "flight_delay/flights/freshness: stale"),
		},
		Blocks: []dag.NodeID{"flight_delay/delay_labels", "flight_delay/training_set", "flight_delay/report"},
		Onset:  at("13:00"), GoodUntil: at("07:00"), OpenedAt: at("14:15"), Refreshed: at("14:15"), Seq: 1,
		Lines: []incident.Line{{N: 1, At: at("14:15"), Kind: incident.Opened, Seq: 1, Node: "flight_delay/flights"}},
	}
}

// happens adds a line to an incident.
func happens(i incident.Incident, l incident.Line) incident.Incident {
	i.Seq++
	l.N, l.Seq = len(i.Lines)+1, i.Seq
	if l.At.IsZero() {
		l.At = at("15:00")
	}
	i.Lines = append(i.Lines[:len(i.Lines):len(i.Lines)], l)
	i.Refreshed = l.At
	return i
}

func resolved(i incident.Incident, detail string) incident.Incident {
	i.Status, i.ResolvedAt = incident.Resolved, at("20:17")
	for n := range i.Findings {
		i.Findings[n].Recovered = detail == ""
	}
	return happens(i, incident.Line{Kind: incident.Closed, At: at("20:17"), Node: i.Root, Detail: detail})
}

// situation is one message to be drawn.
type situation struct {
	desk   notify.Desk
	i      incident.Incident
	line   bool // the last line instead of the root message
	others []incident.Incident
	alter  func(*notify.Notice)
}

func (s situation) notice() notify.Notice {
	var l *incident.Line
	if s.line {
		l = &s.i.Lines[len(s.i.Lines)-1]
	}
	n := s.desk.Compose(s.i, l, s.others...)
	if s.alter != nil {
		s.alter(&n)
	}
	return n
}

func situations(t *testing.T) map[string]situation {
	d := desk(t, flightDelay)
	change := func(i incident.Incident, f func(*incident.Incident)) incident.Incident { f(&i); return i }
	weather := change(stale(), func(i *incident.Incident) {
		i.ID, i.Root, i.Severity = "inc-20130208T0915-0a0b1", "flight_delay/weather", dag.Warn
		i.Findings = []incident.Finding{finding("flight_delay/weather/freshness", checks.Stale, "newest time_hour is 3h old, limit 2h")}
		i.Findings[0].Outcome, i.Findings[0].Severity = checks.Warn, dag.Warn
		i.Blocks = nil
	})
	orphans := change(stale(), func(i *incident.Incident) {
		i.Findings = []incident.Finding{
			finding("flight_delay/flights/joins", checks.Orphans, "91.20% of 6,355 rows match weather, limit 96%: 559 orphans of 31 keys"),
			finding("flight_delay/flights/no_negative_distance", checks.AboveMax, "3, at most 0 expected"),
		}
		i.Beside = []incident.ID{weather.ID, "inc-20130208T0001-fffff"}
	})
	dark := incident.Incident{
		ID: "inc-20130208T1430-77777", Kind: incident.CannotCheck, Status: incident.Open, Connection: "local", Severity: dag.Error,
		Onset: at("14:00"), OpenedAt: at("14:30"), Refreshed: at("14:30"), Seq: 1,
		Lines: []incident.Line{{N: 1, At: at("14:30"), Kind: incident.Opened, Seq: 1}},
	}
	for _, c := range []string{"weather/freshness", "weather/row_count", "flights/freshness", "flights/row_count"} {
		f := finding("flight_delay/"+c, "", "connection refused")
		f.Outcome = checks.Error
		dark.Findings = append(dark.Findings, f)
	}
	moved := happens(change(stale(), func(i *incident.Incident) {
		i.Root = "flight_delay/load_flights"
		i.Findings = append([]incident.Finding{
			finding("flight_delay/load_flights/job", checks.Late, "no success for 3h 10m, limit 2h"),
			held("flight_delay/flights/freshness", checks.Stale, "newest time_hour is 7h 15m old, limit 6h", "flight_delay/load_flights/job: late"),
		}, i.Findings[1])
		i.Blocks = append([]dag.NodeID{"flight_delay/flights"}, i.Blocks...)
	}), incident.Line{Kind: incident.Moved, Node: "flight_delay/load_flights", Detail: "flight_delay/flights"})
	merged := happens(change(stale(), func(i *incident.Incident) {
		i.Status, i.MergedInto, i.ResolvedAt = incident.Merged, moved.ID+"2", at("15:00")
	}), incident.Line{Kind: incident.MergedLine, Node: "flight_delay/load_flights", Detail: string(moved.ID) + "2"})
	into := change(moved, func(i *incident.Incident) { i.ID += "2" })
	left := resolved(stale(), "")
	left.Findings[1].Recovered = false

	nasty := change(stale(), func(i *incident.Incident) {
		i.Root, i.Blocks = "nasty/root", []dag.NodeID{"nasty/below"}
		i.Findings = []incident.Finding{finding("nasty/root/row_count", checks.BelowMin, hostile+strings.Repeat(" & <!here>", 100))}
	})
	hostileDesk := desk(t, fmt.Sprintf("version: 1\ndag: nasty\nowner: \"<!everyone>\"\nconnection: local\nnodes:\n"+
		"  root: {table: [%q], row_count: {min: 1}}\n  below: {table: [%q], depends_on: [root]}\n", hostile, hostile))

	var many strings.Builder
	many.WriteString("version: 1\ndag: wide\nowner: ml-data\nconnection: local\nnodes:\n  root: {table: raw.events, row_count: {min: 1}}\n")
	wide := change(stale(), func(i *incident.Incident) {
		i.Root, i.Blocks = "wide/root", nil
		i.Findings = []incident.Finding{finding("wide/root/row_count", checks.BelowMin, "0 rows, at least 1 expected")}
	})
	for n := range 200 {
		fmt.Fprintf(&many, "  n%03d: {table: mart.table_%03d, depends_on: [root], row_count: {min: 1}}\n", n, n)
		wide.Blocks = append(wide.Blocks, dag.NodeID(fmt.Sprintf("wide/n%03d", n)))
		if n%2 == 0 {
			wide.Findings = append(wide.Findings, held(fmt.Sprintf("wide/n%03d/row_count", n), checks.BelowMin, "0 rows, at least 1 expected", "wide/root/row_count: below_min"))
		}
	}
	wideDesk := desk(t, many.String())
	joinedOne := incident.Line{Kind: incident.Joined, Node: "flight_delay/delay_labels", Checks: []dag.CheckID{"flight_delay/delay_labels/row_count"}, Detail: "0 rows, at least 1 expected"}
	joinedMany := incident.Line{Kind: incident.Joined, Node: "wide/n000"}
	for _, f := range wide.Findings[1:] {
		joinedMany.Checks = append(joinedMany.Checks, f.Check)
	}
	oneBlocked := change(stale(), func(i *incident.Incident) { i.Blocks, i.Findings = i.Blocks[:1], i.Findings[:1] })
	noPage := desk(t, flightDelay)
	noPage.BaseURL = ""
	return map[string]situation{
		"stale":       {desk: d, i: stale()},
		"one_blocked": {desk: d, i: oneBlocked},
		"no_page": {desk: noPage, i: change(stale(), func(i *incident.Incident) {
			i.Root = "flight_delay/report"
			i.Blocks = nil
			i.Findings = i.Findings[:1]
		})},
		"orphans":                {desk: d, i: orphans, others: []incident.Incident{weather}},
		"warn":                   {desk: d, i: weather},
		"cannot_check":           {desk: d, i: dark},
		"cannot_check_resolved":  {desk: d, i: resolved(dark, "")},
		"moved":                  {desk: d, i: moved},
		"merged":                 {desk: d, i: merged, others: []incident.Incident{into}},
		"resolved":               {desk: d, i: resolved(stale(), "")},
		"resolved_while_away":    {desk: d, i: resolved(happens(stale(), joinedOne), "")},
		"resolved_partly":        {desk: d, i: left},
		"closed":                 {desk: d, i: resolved(stale(), "removed from its DAG")},
		"hostile":                {desk: hostileDesk, i: nasty},
		"blocked_200":            {desk: wideDesk, i: wide},
		"may_repeat":             {desk: d, i: stale(), alter: func(n *notify.Notice) { n.Repeat = true }},
		"plain":                  {desk: d, i: stale(), alter: func(n *notify.Notice) { n.Plain = true }},
		"plain_resolved":         {desk: d, i: resolved(stale(), ""), alter: func(n *notify.Notice) { n.Plain = true }},
		"line_opened":            {desk: d, i: stale(), line: true},
		"line_joined":            {desk: d, i: happens(stale(), joinedOne), line: true},
		"line_joined_many":       {desk: wideDesk, i: happens(wide, joinedMany), line: true},
		"line_recovered":         {desk: d, i: happens(stale(), incident.Line{Kind: incident.Recovered, Checks: joinedOne.Checks}), line: true},
		"line_raised":            {desk: d, i: happens(stale(), incident.Line{Kind: incident.Raised, Node: "flight_delay/flights"}), line: true},
		"line_moved":             {desk: d, i: moved, line: true},
		"line_reopened":          {desk: d, i: happens(stale(), incident.Line{Kind: incident.Reopened, Node: "flight_delay/flights"}), line: true},
		"line_redefined":         {desk: d, i: happens(stale(), incident.Line{Kind: incident.Redefined, Checks: []dag.CheckID{"flight_delay/flights/freshness"}}), line: true},
		"line_merged":            {desk: d, i: merged, line: true, others: []incident.Incident{into}},
		"line_closed":            {desk: d, i: resolved(stale(), ""), line: true},
		"line_closed_as_removed": {desk: d, i: resolved(stale(), "removed from its DAG"), line: true},
		"line_hostile":           {desk: hostileDesk, i: happens(nasty, incident.Line{Kind: incident.Joined, Checks: []dag.CheckID{"nasty/root/row_count"}, Detail: hostile}), line: true},
	}
}

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
		"line_raised": true, "line_reopened": true,
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
			v.Runbook = rapid.SampledFrom([]string{"", "javascript:alert(1)", "https://x.example/<!channel>", "https://wiki.example.com/a b|c"}).Draw(r, "runbook")
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
