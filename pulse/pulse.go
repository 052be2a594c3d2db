// Package pulse tells those who watch the watcher whether it does its work:
// systemd, by its notification socket, and a dead man's switch, by a URL that
// raises the alarm when it is not called any more.
//
// It does not watch data, decides nothing about incidents, and mends nothing. A
// process that is merely alive is no proof: each beat wakes every part of the
// service and looks, one beat later, whether it has moved.
//
// # Data model
//
// [Signs] are when each part last moved. What [Signs.Stuck] says of them is the
// one gate: only when it says nothing are systemd's watchdog fed and the switch
// called; otherwise the watchdog starves and the switch is told of a failure.
package pulse

import (
	"context"
	"fmt"
	"time"
)

// Patience of the gate.
const (
	// beatEvery is how often the parts are woken, at least. A watchdog that
	// wants to hear more often shortens it.
	beatEvery = 20 * time.Second
	// mostOverdue is how long a slot that nothing holds up may have been due.
	mostOverdue = 2 * time.Minute
)

// Signs are when each part of the service last moved, in wall time.
type Signs struct {
	Loop    time.Time     // the scheduler went round
	Sender  time.Time     // the outbox was read
	Commit  time.Time     // a transaction was known to be on the disk
	Overdue time.Duration // how long the oldest slot that nothing holds up has been due
}

// Stuck lists the parts that have not moved since they were woken, and nothing
// when all is well.
func (s Signs) Stuck(woken time.Time) []string {
	var stuck []string
	for _, p := range []struct {
		moved time.Time
		what  string
	}{
		{s.Loop, "the scheduler does not go round"},
		{s.Commit, "nothing can be written to the state"},
		{s.Sender, "the outbox is not read"},
	} {
		if p.moved.Before(woken) {
			stuck = append(stuck, p.what)
		}
	}
	if s.Overdue > mostOverdue {
		stuck = append(stuck, fmt.Sprintf("a slot has been due for %s and is not taken", s.Overdue.Round(time.Second)))
	}
	return stuck
}

// Listener hears of every beat. It must come back soon.
type Listener interface {
	// Beat tells what is stuck; nothing is good.
	Beat(ctx context.Context, stuck []string)
}

// Body is the service as it is listened to.
type Body interface {
	// Wake makes every part move soon. It does not wait for any of them.
	Wake()
	// Signs tells when each part last moved.
	Signs() Signs
}

// Pulse wakes a body and tells the listeners what it did.
type Pulse struct {
	Body      Body
	Listeners []Listener
	// Every is how often; 0 is 20 s.
	Every time.Duration
}

// Run beats until ctx is done. What was woken by one beat is looked at before
// the next.
func (p Pulse) Run(ctx context.Context) {
	every := p.Every
	if every == 0 {
		every = beatEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		woken := time.Now()
		p.Body.Wake()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		stuck := p.Body.Signs().Stuck(woken)
		for _, l := range p.Listeners {
			l.Beat(ctx, stuck)
		}
	}
}
