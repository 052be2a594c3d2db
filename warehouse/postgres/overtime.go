package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// patience is how much longer than its time a statement may take before its
// connection is ended. The server ends a statement itself, unless a function catches
// that, or has set the session's time-out to nothing.
const patience = 500 * time.Millisecond

// guard ends a connection whose statement outlives its time. One guard serves the
// statements of a window, one after the other.
type guard struct {
	db     *database
	pid    uint32
	giveUp context.CancelCauseFunc
	stop   func() bool // of the statement under way
}

// begin says that the next statement is the server's. When its time is over, the
// server is told to end the connection; that ends reading too, and where it does not,
// giveUp does.
func (g *guard) begin() {
	if g.db.timeout <= 0 {
		g.stop = func() bool { return true }
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.db.timeout+patience)
	stop := context.AfterFunc(ctx, func() { g.giveUp(g.db.terminate(g.pid)) })
	g.stop = func() bool { defer cancel(); return stop() }
}

// end says that its answer is there, and tells whether that came too late: the
// connection is then of no more use.
func (g *guard) end() (late bool) { return !g.stop() }

// overtime is the error of a statement that was ended with its connection. Why is
// what giveUp was called with.
func (db *database) overtime(why error) error {
	told := "was ended with its connection"
	if !errors.Is(why, context.Canceled) {
		told = "the server could not be told to end it: " + why.Error()
	}
	return &probe.Error{Class: probe.Timeout, Cause: why, Msg: fmt.Sprintf("the statement outlived its statement timeout of %s and %s", db.timeout, told)}
}
