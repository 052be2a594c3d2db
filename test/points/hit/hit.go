// Package hit is what stands at a named point of pipewatch while test/points
// tries it: nothing, until the environment says that something happens there.
//
// pipewatch itself does not know it; a build overlay puts the calls in.
//
// # Data model
//
// PIPEWATCH_POINT is name=action@n: at the n-th passage of the point of that name the
// process is killed, asked to end (term), gets an error, or stalls for five seconds.
package hit

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Point is the variable of the environment.
const Point = "PIPEWATCH_POINT"

// Stall is how long a process stands still.
const Stall = 5 * time.Second

var errHere = errors.New("an error was put in here")

var (
	name, action string
	number       int64
	passed       atomic.Int64
	read         = sync.OnceFunc(func() {
		var rest string
		name, rest, _ = strings.Cut(os.Getenv(Point), "=")
		action, _, _ = strings.Cut(rest, "@")
		_, _ = fmt.Sscanf(rest[min(len(rest), len(action)):], "@%d", &number)
	})
)

// At is a passage of a point. It gives the error that is wanted there, or nil.
func At(point string) error {
	read()
	if point != name || passed.Add(1) != number {
		return nil
	}
	fmt.Fprintln(os.Stderr, "HIT", point, action)
	switch action {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until it is there
	case "term":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	case "stall":
		<-time.After(Stall)
	case "error":
		return errHere
	}
	return nil
}

var work = sync.OnceValue(func() chan func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range c {
			f()
		}
	}()
	return c
})

// OnOneThread does something on a thread that does nothing else, so that strace, which
// counts calls by thread, counts all of them.
func OnOneThread(f func()) {
	done := make(chan struct{})
	work() <- func() { defer close(done); f() }
	<-done
}
