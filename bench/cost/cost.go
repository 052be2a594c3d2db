// Package cost tells what one run of a program takes: time, processor time of its
// own and of the server that it asks, memory, and what it sends.
//
// It compares nothing and it starts no server. Figures come from /proc, so they are
// those of Linux; elsewhere some are 0.
//
// # Data model
//
// A [Server] is what the program asks: a process with one child for each session, as
// PostgreSQL has, and perhaps a proxy that counts in front of it. [Server.Run] runs a
// program to its end and returns its [Cost]. Costs of programs that belong together
// are added.
package cost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/delay"
)

// Cost is what a run took.
type Cost struct {
	Wall   time.Duration
	Client time.Duration // CPU of the program and of the programs that it ran
	Server time.Duration // CPU of the server's sessions for it; 0 where unknown
	Memory int64         // bytes: the highest resident set of the program

	// What passed the proxy; 0 without one.
	Statements, Trips, Sessions int64
}

// Total is all CPU time: the program's and the server's.
func (c Cost) Total() time.Duration { return c.Client + c.Server }

// Plus is the cost of two programs, one after the other.
func (c Cost) Plus(d Cost) Cost {
	return Cost{
		Wall: c.Wall + d.Wall, Client: c.Client + d.Client, Server: c.Server + d.Server, Memory: max(c.Memory, d.Memory),
		Statements: c.Statements + d.Statements, Trips: c.Trips + d.Trips, Sessions: c.Sessions + d.Sessions,
	}
}

// Server is what a program asks.
type Server struct {
	PID   int          // of the process whose children are the sessions; 0 when unknown
	Proxy *delay.Proxy // nil: nothing is counted
}

// Run runs a program to its end. A program that ends with another code than 0 and
// its cost are returned with its *exec.ExitError.
func (s Server) Run(cmd *exec.Cmd) (c Cost, err error) {
	if s.Proxy != nil {
		s.Proxy.Reset()
	}
	before, idle := childTime(s.PID), children(s.PID)
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return c, err
	}
	peak, ended := make(chan int64), make(chan struct{})
	go func() { peak <- highest(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	c.Wall = time.Since(started)
	close(ended)
	c.Memory = <-peak
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return c, err
	}
	c.Client = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if s.PID > 0 {
		awaitChildren(s.PID, idle)
		c.Server = childTime(s.PID) - before
	}
	if s.Proxy != nil {
		c.Statements, c.Trips, c.Sessions = s.Proxy.Statements.Load(), s.Proxy.Trips.Load(), s.Proxy.Connections.Load()
	}
	return c, err
}

// awaitChildren waits, for 2 s at most, until a server's sessions have ended: they
// do so a little after the program, and only then is their time known.
func awaitChildren(pid, idle int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 2000 {
		if children(pid) <= idle {
			return
		}
		<-tick.C
	}
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
// server, its sessions.
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

// Parent is the process that started another: of a PostgreSQL backend on this
// machine, the server. It is 0 elsewhere.
func Parent(pid uint32) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // a server elsewhere has none
	name, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !strings.HasSuffix(name, "(postgres") || len(fields) < 2 {
		return 0
	}
	of, _ := strconv.Atoi(fields[1]) // the kernel writes numbers
	return of
}

// children counts the living children of a process.
func children(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // none where it cannot be read
	return len(strings.Fields(string(text)))
}
