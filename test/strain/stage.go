package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

const channel = "#strain"

// stage is where a strain takes place.
type stage struct {
	dir, binary string
	slack       *strictslack.Server
	slackURL    string
	page        string // of the service that runs
	process     *rig.Process
}

func newStage(dir, binary string) *stage { return &stage{dir: dir, binary: binary} }

func (s *stage) file(name string) string { return filepath.Join(s.dir, name) }

// write writes a file so that a reader sees the old or the new one whole.
func (s *stage) write(name, text string) error {
	path := s.file(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// open writes pipewatch.yaml and brings Slack up. tables are CSV files under
// data/ with one column, k.
func (s *stage) open(tables ...string) (closeStage func(), err error) {
	s.slack = strictslack.New(strictslack.Config{Token: token, Channels: []strictslack.Channel{{Name: channel[1:]}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: s.slack, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	s.slackURL = "http://" + l.Addr().String()
	return func() {
		if s.process != nil {
			_ = s.process.Kill() // an error when it has ended, as it should
		}
		_ = server.Close()
	}, s.write("pipewatch.yaml", s.config("", tables...))
}

const token = "xoxb-strain"

// config is pipewatch.yaml, with more statements that the connection begins with.
func (s *stage) config(more string, tables ...string) string {
	var init []string
	for _, t := range tables {
		init = append(init, fmt.Sprintf("      - \"create view %[1]s as select * from read_csv('data/%[1]s.csv', header = true, columns = {'k': 'BIGINT'})\"\n", t))
	}
	return fmt.Sprintf(`version: 1
dags: [dags/*.yaml]
state: {path: state.db}
connections:
  wh:
    driver: duckdb
    path: ":memory:"
    init:
%s%salerts:
  slack: {token: %s, default_channel: "%s", api_url: "%s/api/", timeout: 1s, quiet: 1s}
  group_wait: 0s
  fail_after: 1
  resolve_after: 1
http: {listen: "127.0.0.1:0"}
`, strings.Join(init, ""), more, token, channel, s.slackURL)
}

// fill writes a table: rows of it.
func (s *stage) fill(table string, rows int) error {
	var text strings.Builder
	text.WriteString("k\n")
	for n := range rows {
		text.WriteString(fmt.Sprintln(n))
	}
	return s.write("data/"+table+".csv", text.String())
}

// serve begins a life and waits until it is ready.
func (s *stage) serve(ctx context.Context) (*rig.Process, error) {
	p, err := rig.Start(ctx, s.binary, s.file("pipewatch.yaml"), s.file("serve.log"))
	if err != nil {
		return nil, err
	}
	s.process = p
	select {
	case page, known := <-p.Page():
		if !known {
			return nil, p.WithLog(rig.ErrEnded)
		}
		s.page = page
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return p, s.until(ctx, time.Minute, "the service is ready", func() (bool, error) {
		code, _, err := rig.Get(ctx, s.page+"/readyz")
		return err == nil && code == http.StatusOK, nil
	})
}

// errNever is something that was waited for and did not come.
var errNever = errors.New("never came")

// until asks again and again, at most for so long.
func (s *stage) until(ctx context.Context, most time.Duration, what string, holds func() (bool, error)) error {
	for end := time.Now().Add(most); time.Now().Before(end); {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return rig.WithLog(s.file("serve.log"), fmt.Errorf("%s: %w within %v", what, errNever, most))
}

// opened is how many incidents are open.
func (s *stage) opened(ctx context.Context) (int, error) {
	m, err := rig.Metrics(ctx, s.page)
	return int(m[`pipewatch_incidents_open{severity="error"}`] + m[`pipewatch_incidents_open{severity="warn"}`]), err
}

// waiting is how many messages wait.
func (s *stage) waiting(ctx context.Context) (int, error) {
	m, err := rig.Metrics(ctx, s.page)
	total := 0.0
	for name, v := range m {
		if strings.HasPrefix(name, "pipewatch_notification_queue_length{") {
			total += v
		}
	}
	return int(total), err
}

// posts counts the messages that were posted, edits not among them.
func (s *stage) posts() int {
	n := 0
	for _, q := range s.slack.Requests() {
		if q.Method == "chat.postMessage" {
			n++
		}
	}
	return n
}

// healthy is how many nodes are.
func (s *stage) healthy(ctx context.Context) (int, error) {
	m, err := rig.Metrics(ctx, s.page)
	n := 0
	for name, v := range m {
		if v == 1 && strings.HasPrefix(name, "pipewatch_node_status{") && strings.Contains(name, `state="healthy"`) {
			n++
		}
	}
	return n, err
}
