package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/test/points/hit"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// fault is what happens to the first life of a trial. Either a named point is hit,
// or a system call on the state file, counted from 1.
type fault struct {
	point, call string // one of points, or pwrite64 or fdatasync
	action      string // kill, term, error, stall; of a call: kill, EIO, ENOSPC
	n           int
}

func (f fault) String() string {
	return fmt.Sprintf("%s at %s%s %d", f.action, f.point, f.call, f.n)
}

// ends is how the life must end that met it: "" is not at all.
func (f fault) ends() string {
	switch f.action {
	case "kill":
		return "signal: killed"
	case "term":
		return "<nil>"
	case "stall":
		return ""
	}
	return "exit status 70"
}

// trial is one story: a table breaks, people are told, it is mended, people are told.
type trial struct {
	binary, dir string
	fault
	slack *strictslack.Server
	beats []string // ids of heartbeats that were taken
	rid   int
}

// outcome is what came of a trial.
type outcome struct {
	fault
	met   bool     // the fault came
	ended bool     // and the process with it
	wrong []string // promises that were not kept
}

const (
	channel  = "#points"
	patience = 2 * time.Minute
	burst    = 19 // heartbeats, each of which is a transaction
)

func (t *trial) file(name string) string { return filepath.Join(t.dir, name) }

// run lives through the story, with the fault in the first life and without it in the
// second.
func (t *trial) run(ctx context.Context) (outcome, error) {
	server, err := t.prepare()
	if err != nil {
		return outcome{}, err
	}
	defer server.Close()
	binary, err := t.faulty()
	if err != nil {
		return outcome{}, err
	}
	o := outcome{fault: t.fault}
	first, err := t.start(ctx, binary)
	if err != nil {
		return o, err
	}
	if err := t.story(ctx, first); err != nil {
		return o, errors.Join(err, first.Kill())
	}
	o.met = t.met()
	t.ending(first, &o)
	second, err := t.start(ctx, t.binary)
	if err != nil {
		return o, err
	}
	if err := t.settle(ctx, second); err != nil {
		o.wrong = append(o.wrong, err.Error())
	}
	if err := second.Stop(); err != nil {
		o.wrong = append(o.wrong, second.WithLog(err).Error())
	}
	o.wrong = append(o.wrong, t.judge()...)
	// On a machine that is very busy Slack may not answer within its second.
	if said := len(t.slack.Messages(channel)) - len(t.told()); o.ended && t.ends() == "exit status 70" && said != 1 && !t.logged("nobody could be told") {
		o.wrong = append(o.wrong, fmt.Sprintf("people were told %d times that the service has ended", said))
	}
	return o, nil
}

// ending looks how the first life has ended, and ends it where it has not.
func (t *trial) ending(p *rig.Process, o *outcome) {
	alive := true
	select {
	case <-p.Over():
		alive = false
	default:
		// What cannot be written ends it at once, or with the next run; a term has 15 s.
		if want := t.ends(); o.met && want != "" && t.point != "committing" {
			select {
			case <-p.Over():
				alive = false
			case <-time.After(20 * time.Second):
				o.wrong = append(o.wrong, fmt.Sprintf("serve went on after %v", t.fault))
			}
		}
	}
	if alive {
		t.kill(p)
		return
	}
	o.ended = true
	how := p.Kill().Error()
	if want := t.ends(); o.met && !strings.HasSuffix(how, want) {
		o.wrong = append(o.wrong, p.WithLog(fmt.Errorf("serve ended with %q, not %q", how, want)).Error())
	}
	if !o.met {
		o.wrong = append(o.wrong, p.WithLog(errors.New("serve ended although nothing had happened")).Error())
	}
}

// kill ends a process that may be another's child.
func (t *trial) kill(p *rig.Process) {
	if pid, err := os.ReadFile(t.file("state.db.pid")); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL) // gone already is as well
		}
	}
	_ = p.Kill()
}

func (t *trial) start(ctx context.Context, binary string) (*rig.Process, error) {
	return rig.Start(ctx, binary, t.file("pipewatch.yaml"), t.file("serve.log"))
}

// met tells whether the fault has come.
func (t *trial) met() bool {
	switch {
	case t.call == "":
		return t.logged("HIT ")
	case t.action == "kill":
		return t.holds("strace.log", "killed by SIGKILL")
	}
	return t.holds("strace.log", "INJECTED")
}

func (t *trial) logged(text string) bool { return t.holds("serve.log", text) }

func (t *trial) holds(name, text string) bool {
	b, err := os.ReadFile(t.file(name))
	return err == nil && strings.Contains(string(b), text)
}

// faulty is the command of the first life: a script that sets the point, or that
// has strace put the fault into a call.
func (t *trial) faulty() (string, error) {
	script := fmt.Sprintf("#!/bin/sh\n%s='%s=%s@%d' exec %s \"$@\"\n", hit.Point, t.point, t.action, t.n, t.binary)
	if t.call != "" {
		what := "error=" + t.action
		if t.action == "kill" {
			what = "signal=SIGKILL"
		}
		script = fmt.Sprintf("#!/bin/sh\nexec strace -f -qq -o %s -P %s -e trace=%s -e inject=%s:%s:when=%d %s \"$@\"\n",
			t.file("strace.log"), t.file("state.db"), t.call, t.call, what, t.n, t.binary)
	}
	path := t.file("faulty.sh")
	return path, os.WriteFile(path, []byte(script), 0o700)
}

// prepare brings Slack up and writes the files.
func (t *trial) prepare() (*httptest.Server, error) {
	t.slack = strictslack.New(strictslack.Config{Channels: []strictslack.Channel{{Name: channel[1:]}}})
	if t.point == "looked" { // which needs something to look for
		t.slack.Script("chat.postMessage", strictslack.Fault{Status: 500, Store: true})
	}
	server := httptest.NewServer(t.slack)
	config := fmt.Sprintf(`version: 1
dags: [dags/*.yaml]
state: {path: state.db}
connections:
  wh:
    driver: duckdb
    path: ":memory:"
    init: ["create view orders as select * from read_csv('orders.csv', header = true, columns = {'k': 'BIGINT'})"]
alerts:
  slack: {token: %s, default_channel: "%s", api_url: "%s/api/", timeout: 1s, quiet: 1s}
  group_wait: 0s
  fail_after: 1
  resolve_after: 1
  flap: off
http: {listen: "127.0.0.1:0"}
`, strictslack.DefaultToken, channel, server.URL)
	dag := "version: 1\ndag: shop\nconnection: wh\nschedule: \"@every 1s\"\nnodes:\n" +
		"  orders: {table: orders, row_count: {min: 1}}\n  load: {job: {heartbeat: load, mode: shadow}}\n"
	return server, errors.Join(os.MkdirAll(t.file("dags"), 0o700), t.fill(true),
		os.WriteFile(t.file("pipewatch.yaml"), []byte(config), 0o600), os.WriteFile(t.file("dags/shop.yaml"), []byte(dag), 0o600))
}

// fill makes the table good or bad, in one step.
func (t *trial) fill(good bool) error {
	text := "k\n"
	if good {
		text += "1\n"
	}
	return errors.Join(os.WriteFile(t.file("orders.tmp"), []byte(text), 0o600), os.Rename(t.file("orders.tmp"), t.file("orders.csv")))
}
