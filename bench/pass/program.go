package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// program is one of those that compete.
type program struct {
	name string
	args []string
	read func(*bufio.Scanner) ([]string, error) // what it found, as lines; nil: not looked at
}

// cost is what one run took.
type cost struct {
	wall        time.Duration
	client      time.Duration // CPU of the program
	server      time.Duration // CPU of the server's processes for it; 0 where unknown
	memory      int64         // bytes: the highest resident set
	statements  int64         // 0 without a proxy
	trips       int64
	connections int64
}

// run runs the program once. Its output goes to a file, so that reading it takes no
// time from it.
func (p program) run(ctx context.Context, l link, count int) (cost, error) {
	var c cost
	out, err := os.CreateTemp("", "pipewatch-bench-out-")
	if err != nil {
		return c, err
	}
	defer func() { out.Close(); os.Remove(out.Name()) }() //nolint:errcheck // a temporary file
	if l.proxy != nil {
		l.proxy.Reset()
	}
	before, idle := childTime(l.pid), children(l.pid)
	cmd := exec.CommandContext(ctx, p.args[0], p.args[1:]...)
	var trouble strings.Builder
	cmd.Stdout, cmd.Stderr = out, &trouble
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	peak := make(chan int64)
	ended := make(chan struct{})
	go func() { peak <- highest(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	c.wall = time.Since(started)
	close(ended)
	c.memory = <-peak
	// 1 is what check says where something fails, as it must here.
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) {
		return c, fmt.Errorf("%s: %w\n%s", strings.Join(p.args, " "), err, trouble.String())
	}
	c.client = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if l.pid > 0 {
		tick := time.NewTicker(time.Millisecond)
		for range 2000 { // its backends end a little after the program
			if children(l.pid) <= idle {
				break
			}
			<-tick.C
		}
		tick.Stop()
		c.server = childTime(l.pid) - before
	}
	if l.proxy != nil {
		c.statements, c.trips, c.connections = l.proxy.Statements.Load(), l.proxy.Trips.Load(), l.proxy.Connections.Load()
	}
	return c, p.verify(out, count)
}

// verify holds what was found against what was planted.
func (p program) verify(out *os.File, count int) error {
	if p.read == nil {
		return nil
	}
	if _, err := out.Seek(0, 0); err != nil {
		return err
	}
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	found, err := p.read(scanner)
	if err != nil {
		return err
	}
	slices.Sort(found)
	want := tables.Failing(count)
	if !slices.Equal(found, want) {
		return fmt.Errorf("%s finds %d faults and %d were planted; found: %.300q, planted: %.300q", p.name, len(found), len(want), found, want)
	}
	return nil
}

func readLines(s *bufio.Scanner) (lines []string, err error) {
	for s.Scan() {
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	return lines, s.Err()
}

// readReport turns the failed checks of an ndjson report into the same lines.
func readReport(s *bufio.Scanner) (lines []string, err error) {
	for s.Scan() {
		var c struct {
			ID, Kind, Verdict, Message string
			Observed                   struct {
				Rules []struct {
					Rule string
					Bad  int64
				}
			}
		}
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			return nil, err
		}
		if c.Verdict == "pass" {
			continue
		}
		if c.Verdict != "fail" {
			return nil, fmt.Errorf("%s is %s: %s", c.ID, c.Verdict, c.Message)
		}
		name := strings.Split(c.ID, "/")[1]
		switch c.Kind {
		case "freshness":
			lines = append(lines, name+" "+string(tables.Stale))
		case "row_count":
			lines = append(lines, name+" "+string(tables.Few))
		case "joins":
			lines = append(lines, name+" "+string(tables.Orphans))
		case "values":
			for _, r := range c.Observed.Rules {
				if r.Bad > 0 {
					lines = append(lines, name+" "+map[string]string{"not_null": string(tables.Nulls), "unique": string(tables.Duplicates)}[r.Rule])
				}
			}
		}
	}
	return lines, s.Err()
}

// highest watches a process's peak of resident memory until it ends. (What the
// kernel tells after the end includes this process, as it was at the start.)
func highest(pid int, ended <-chan struct{}) (peak int64) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // gone, or no Linux: 0
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			if kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
				peak = max(peak, kb<<10)
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			return peak
		}
	}
}

// childTime is the CPU time of all ended children of a process: of a PostgreSQL
// server, its backends.
func childTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0
	}
	var ticks int64
	for _, field := range fields[13:15] {
		n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / 100)
}

// children counts the living children of a process.
func children(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none where it cannot be read
	return len(strings.Fields(string(text)))
}
