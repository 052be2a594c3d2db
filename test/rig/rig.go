// Package rig runs the real pipewatch for tests of the whole: the binary as it
// is installed, in a process that can be killed, and asks it over HTTP how it
// is.
//
// It knows no fault and judges nothing; what is done to the service, and what
// must hold then, is in test/crash and test/strain.
//
// # Data model
//
// A [Process] is one life of `pipewatch serve`. Its Page is known once it says
// so; Over is closed when it has ended, by itself or not. [InMemory] is where tests
// put files that need no disk, and [Main] makes a command of a harness.
package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one life of pipewatch serve.
type Process struct {
	cmd  *exec.Cmd
	page chan string // its address, once it is known; then closed
	log  string
	over chan struct{}
	err  error // how it ended; after over
}

// Start begins a life with a pipewatch.yaml. What it logs is appended to a file.
func Start(ctx context.Context, binary, config, log string) (*Process, error) {
	f, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &Process{
		cmd: exec.CommandContext(ctx, binary, "serve", "-c", config), page: make(chan string, 1), log: log, over: make(chan struct{}),
	}
	p.cmd.Stderr = f
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.over)
		p.read(out)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// read looks for the address of the page in what the process prints.
func (p *Process) read(out io.Reader) {
	defer close(p.page)
	lines := bufio.NewScanner(out)
	known := false
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "page: "); ok && !known {
			known = true
			p.page <- strings.TrimSuffix(addr, "/")
		}
	}
}

// Page gives the address of the page once it is known; it is closed after, and
// when the process ends without one.
func (p *Process) Page() <-chan string { return p.page }

// Over is closed when the process has ended.
func (p *Process) Over() <-chan struct{} { return p.over }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// ErrEnded is a process that ended although nobody had asked it to.
var ErrEnded = errors.New("serve ended by itself")

// Kill ends it with SIGKILL, at once and without a word.
func (p *Process) Kill() error {
	select {
	case <-p.over:
		return fmt.Errorf("%w: %v", ErrEnded, p.err)
	default:
	}
	_ = p.cmd.Process.Kill()
	<-p.over
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		return fmt.Errorf("%w: %v", ErrEnded, p.err)
	}
	return nil
}

// Stop asks it to end, which it must do within 15 s and with exit code 0.
func (p *Process) Stop() error {
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%w: %v", ErrEnded, err)
	}
	select {
	case <-p.over:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.over
		return errors.New("serve did not end within 15 s of SIGTERM")
	}
	if p.err != nil {
		return fmt.Errorf("serve, asked to end, ended after %v with: %w", time.Since(began).Round(time.Millisecond), p.err)
	}
	return nil
}

// WithLog adds to an error how the log ends.
func (p *Process) WithLog(err error) error { return WithLog(p.log, err) }

// WithLog adds to an error how a log ends.
func WithLog(log string, err error) error {
	text, unread := os.ReadFile(log)
	if unread != nil {
		return errors.Join(err, unread)
	}
	return fmt.Errorf("%w; its log ends with\n%s", err, text[max(0, len(text)-2000):])
}

// Client talks to the page; a killed process must not hold it up.
var Client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Get gives the status and the body of an answer.
func Get(ctx context.Context, url string) (int, []byte, error) { return call(ctx, http.MethodGet, url) }

// Post is Get for a POST without a body.
func Post(ctx context.Context, url string) (int, []byte, error) {
	return call(ctx, http.MethodPost, url)
}

func call(ctx context.Context, method, url string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := Client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// Metrics reads /metrics: values by name and labels as they are written,
// `pipewatch_incidents_open{severity="error"}`.
func Metrics(ctx context.Context, page string) (map[string]float64, error) {
	_, body, err := Get(ctx, page+"/metrics")
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("read metric %s: %w", line, err)
		}
		out[line[:cut]] = v
	}
	return out, nil
}

// InMemory is a folder that costs no waiting for a disk, "" where there is none:
// for tests of what a file holds, not of how it gets there.
func InMemory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}
