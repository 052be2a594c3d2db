package main

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// exhibit is one stretch of 2013 with what goes wrong in it and what pipewatch
// has to say of that.
type exhibit struct {
	name string
	what string // in a sentence
	// from and until bound the stretch.
	from, until time.Time

	// What goes wrong. All of it is done by the company: pipewatch is told nothing.
	troubles []trouble
	feeds    []feed
	acts     []act
	away     []span
	// announced is work that somebody announces.
	announced []announcement

	// timeout is how long one statement may take, where that matters.
	timeout time.Duration

	// truths are what is to be found; none in a stretch that is to stay quiet.
	truths []truth
	// missed says why this cannot be found, or not be told in one message that names
	// the root, with the checks of the gallery; the score counts it all the same.
	missed string
}

// truth is one fault: where it is, whom it hits, and when it can first be known.
type truth struct {
	root     dag.NodeID // or "connection wh"
	knowable time.Time  // the first evaluation at which a promise is broken
	touches  []dag.NodeID
	lasts    bool // it is not put right before the stretch ends
}

// broke is when the first thing goes wrong.
func (e exhibit) broke() time.Time {
	var all []time.Time
	for _, t := range e.troubles {
		all = append(all, t.from)
	}
	for _, f := range e.feeds {
		all = append(all, f.from)
	}
	for _, a := range e.acts {
		all = append(all, a.at)
	}
	for _, a := range e.away {
		all = append(all, a.from)
	}
	return slices.MinFunc(all, time.Time.Compare)
}

// span is a part of time.
type span struct{ from, until time.Time }

// how is what is the matter with a job.
type how int

const (
	fails        how = iota
	absent           // never starts
	hangs            // starts and does not end before it is killed
	idles            // succeeds and does nothing
	late             // ends later by …
	retries          // fails, and succeeds when tried again after …
	failsFinally     // fails, and fails again each time it is tried
)

// trouble is what a job has in each of its runs that are due within a span.
type trouble struct {
	job         string
	how         how
	from, until time.Time
	by          time.Duration
}

// feed puts other rows in the place of those that are due.
type feed struct {
	table       string
	from, until time.Time
	rows        string // a SELECT from due
}

// act is done once in the warehouse, by a person or by something that runs wild.
type act struct {
	at  time.Time
	sql string
}

// announcement is planned work, see `pipewatch announce`.
type announcement struct {
	node        dag.NodeID
	from, until time.Time
}

// newYork is where the flights leave.
var newYork = func() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic("gallery: " + err.Error()) // unreachable: the program carries the zones
	}
	return zone
}()

// at is a moment of 2013 on New York's clock.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2013, month, day, hour, minute, 0, 0, newYork)
}
