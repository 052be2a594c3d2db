package badinput_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// request is one as it goes over the wire, which need not be HTTP.
type request struct {
	line    string   // the first, without its line break
	headers []string // besides those that every request needs
	body    string
	hangsUp bool // the caller sends no more after it
}

// asked is the request of a paragraph.
func (s *service) asked(c spoilt) request {
	r := request{line: strings.Join(c.of('='), ""), headers: c.of(':'), body: strings.Join(c.of('<'), ""), hangsUp: len(c.of('!')) > 0}
	r.line = strings.ReplaceAll(r.line, "$INCIDENT", s.incident)
	r.body = strings.ReplaceAll(r.body, "$INCIDENT", s.incident)
	if strings.Count(r.line, " ") == 1 {
		r.line += " HTTP/1.1"
	}
	return r
}

// wire is the request in bytes, with the headers that it does not spoil.
func (r request) wire(host string) string {
	has := func(name string) bool {
		for _, h := range r.headers {
			if strings.HasPrefix(h, name) {
				return true
			}
		}
		return false
	}
	lines := []string{r.line, "Connection: close"}
	if !has("Host:") {
		lines = append(lines, "Host: "+host)
	}
	if !has("Content-Length") && !has("Transfer-Encoding") {
		lines = append(lines, fmt.Sprintf("Content-Length: %d", len(r.body)))
	}
	return strings.Join(append(lines, r.headers...), "\r\n") + "\r\n\r\n" + r.body
}

// send sends it and gives what is answered, as it is kept in the paragraph.
func (s *service) send(t *testing.T, name string, r request) []string {
	t.Helper()
	host := strings.TrimPrefix(s.page, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(s.process.WithLog(fmt.Errorf("%s: the service does not answer any more: %w", name, err)))
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(conn, r.wire(host)) // fails when the answer comes before all is sent
		if r.hangsUp {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return []string{"no answer"}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body) // a part of it says enough
	said := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, explanation(resp, body)))
	return []string{moments.ReplaceAllString(strings.ReplaceAll(said, s.incident, "$INCIDENT"), "$NOW")}
}

// moments are what is another one in every run.
var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// explanation is why a request was not done; empty where it was.
func explanation(resp *http.Response, body []byte) string {
	if resp.StatusCode < 400 {
		return ""
	}
	var p struct {
		Detail string
		Errors []struct{ Message, Location string }
	}
	if json.Unmarshal(body, &p) != nil {
		line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			return "a page"
		}
		return string(line)
	}
	var said strings.Builder
	said.WriteString(p.Detail)
	for _, e := range p.Errors {
		said.WriteString(fmt.Sprintf("; %s: %s", e.Location, e.Message))
	}
	return said.String()
}

// answers sends the requests of a door one by one.
func (s *service) answers(t *testing.T, all []spoilt) map[string][]string {
	t.Helper()
	said := map[string][]string{}
	for _, c := range all {
		s.costs(t, c.name, func() { said[c.name] = s.send(t, c.name, s.asked(c)) })
	}
	return said
}

func TestHeartbeatsThatAreWrongAreRefusedAndThoseTakenAreKept(t *testing.T) {
	s := start(t, binary(t))
	if code, body, err := rig.Post(t.Context(), s.page+"/api/v1/heartbeats/load?rid=good"); err != nil || code != 200 {
		t.Fatalf("%d %s %v", code, body, err)
	}
	all := read(t, "beats")
	said := s.answers(t, all)
	s.goesOn(t)
	s.bounded(t)
	compare(t, "beats", all, said)
	taken := 1 // the good one
	for _, c := range all {
		if said[c.name][0] == "200" {
			taken++
		}
	}
	s.stop(t)
	db, err := store.Open(filepath.Join(s.dir, "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	kept, err := db.Beats("load")
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != taken || kept[0].Run != "good" {
		t.Errorf("%d heartbeats were taken and %d are kept, the first of run %q", taken, len(kept), kept[0].Run)
	}
}

func TestRequestsThatAreWrongAreRefusedAndChangeNothing(t *testing.T) {
	s := start(t, binary(t))
	was := s.untouched(t)
	all := read(t, "api")
	said := s.answers(t, all)
	if is := s.untouched(t); is != was {
		t.Errorf("requests that were refused changed something:\n%s\nbefore:\n%s", is, was)
	}
	s.goesOn(t)
	s.bounded(t)
	compare(t, "api", all, said)
}

// untouched is what people have done: to the incident, and in the trail.
func (s *service) untouched(t *testing.T) string {
	t.Helper()
	var incident map[string]any
	var trail struct{ Entries []map[string]any }
	s.ask(t, "/api/v1/incidents/"+s.incident, &incident)
	s.ask(t, "/api/v1/audit?limit=500", &trail)
	return fmt.Sprintf("acknowledged %v, muted %v, escalated %v, trail %v", incident["acked"], incident["muted"], incident["escalated"], trail.Entries)
}

func TestPressesThatAreWrongAreRefusedAndDoNothing(t *testing.T) {
	s := start(t, binary(t))
	var called atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer elsewhere.Close()
	was := s.untouched(t)
	all, said := read(t, "presses"), map[string][]string{}
	for _, c := range all {
		r := s.asked(c)
		r.body = strings.ReplaceAll(r.body, "$ELSEWHERE", elsewhere.URL)
		r = signed(r)
		s.costs(t, c.name, func() { said[c.name] = s.send(t, c.name, r) })
	}
	s.goesOn(t) // presses are carried out after they were answered
	if is := s.untouched(t); is != was {
		t.Errorf("presses that were refused changed something:\n%s\nbefore:\n%s", is, was)
	}
	if called.Load() > 0 {
		t.Error("an address was called that came with a press and is not Slack's")
	}
	s.bounded(t)
	compare(t, "presses", all, said)
}

// signed is a press as Slack sends it, but for what the paragraph spoils: its line
// is how it is signed, its headers take the place of right ones.
func signed(r request) request {
	how, stamp := r.line, fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(signingSecret))
	if how == "forged" {
		mac = hmac.New(sha256.New, []byte("somebody else's"))
	}
	fmt.Fprintf(mac, "v0:%s:%s", stamp, r.body)
	right := map[string]string{
		"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + hex.EncodeToString(mac.Sum(nil)),
		"Content-Type": "application/x-www-form-urlencoded",
	}
	for name, value := range right {
		spoilt := false
		for _, h := range r.headers {
			spoilt = spoilt || strings.HasPrefix(h, name)
		}
		if !spoilt && !(how == "unsigned" && strings.HasPrefix(name, "X-")) {
			r.headers = append(r.headers, name+": "+value)
		}
		if how == "signed twice" && name == "X-Slack-Signature" {
			r.headers = append(r.headers, name+": "+value)
		}
	}
	r.line = "POST /slack/interactions HTTP/1.1"
	return r
}
