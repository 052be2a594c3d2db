package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one life of pipewatch serve.
type process struct {
	cmd  *exec.Cmd
	page chan string   // its address, once it is known; then closed
	over chan struct{} // closed when it has ended
	err  error         // how it ended; after over
}

// start begins a life. What it logs is appended to serve.log in the folder.
func start(ctx context.Context, binary string, p *project) (*process, error) {
	log, err := os.OpenFile(filepath.Join(p.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s := &process{cmd: exec.CommandContext(ctx, binary, "serve", "-c", p.config()), page: make(chan string, 1), over: make(chan struct{})}
	s.cmd.Stderr = log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.over)
		s.read(out)
		s.err = s.cmd.Wait()
	}()
	return s, nil
}

// read looks for the address of the page in what the process prints.
func (s *process) read(out io.Reader) {
	defer close(s.page)
	lines := bufio.NewScanner(out)
	known := false
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "page: "); ok && !known {
			known = true
			s.page <- strings.TrimSuffix(addr, "/")
		}
	}
}

// errEnded is a process that ended although nobody had asked it to.
var errEnded = errors.New("serve ended by itself")

// kill ends it with SIGKILL, at once and without a word.
func (s *process) kill() error {
	select {
	case <-s.over:
		return fmt.Errorf("%w: %v", errEnded, s.err)
	default:
	}
	_ = s.cmd.Process.Kill()
	<-s.over
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		return fmt.Errorf("%w: %v", errEnded, s.err)
	}
	return nil
}

// withLog adds to an error how the log ends.
func (p *project) withLog(err error) error {
	text, unread := os.ReadFile(filepath.Join(p.dir, "serve.log"))
	if unread != nil {
		return errors.Join(err, unread)
	}
	return fmt.Errorf("%w; its log ends with\n%s", err, text[max(0, len(text)-2000):])
}

// stop asks it to end, which it must do within 15 s and with exit code 0.
func (s *process) stop() error {
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%w: %v", errEnded, err)
	}
	select {
	case <-s.over:
	case <-time.After(15 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.over
		return fmt.Errorf("serve did not end within 15 s of SIGTERM")
	}
	if s.err != nil {
		return fmt.Errorf("serve, asked to end, ended after %v with: %w", time.Since(began).Round(time.Millisecond), s.err)
	}
	return nil
}

// client talks to the page; a killed process must not hold it up.
var client = &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// beat sends a heartbeat and tells whether it was taken.
func beat(ctx context.Context, page string, n int) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("%s/api/v1/heartbeats/loader?rid=%d", page, n), nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode/100 == 2
}

// unrest is how many messages wait and incidents are open, by the metrics.
func unrest(ctx context.Context, page string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total, seen := 0.0, false
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(name, "pipewatch_notification_queue_length{") && !strings.HasPrefix(name, "pipewatch_incidents_open{") {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("read metric %s: %w", name, err)
		}
		total, seen = total+v, true
	}
	if !seen {
		return 0, errors.New("the metrics do not tell what is open")
	}
	return int(total), lines.Err()
}
