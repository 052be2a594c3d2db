package main

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/pulse"
)

// body is a service as its pulse is taken.
type body struct {
	service *service
	proved  atomic.Int64 // when the state was last known to be written, in Unix nanoseconds
	proving atomic.Bool  // a proof is under way
}

// Wake makes the loop, the sender and the state move. A proof that takes longer
// than a beat is waited for, and no second one begun.
func (b *body) Wake() {
	b.service.loop.Wake()
	b.service.sender.Kick()
	if !b.proving.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer b.proving.Store(false)
		if err := b.service.store.Prove(time.Now()); err == nil { // else the state says so itself
			b.proved.Store(time.Now().UnixNano())
		}
	}()
}

// Signs are when each part last moved.
func (b *body) Signs() pulse.Signs {
	return pulse.Signs{
		Loop: b.service.loop.Ticked(), Sender: b.service.sender.Looked(),
		Commit: time.Unix(0, b.proved.Load()), Overdue: b.service.loop.Overdue(),
	}
}

// pulse is how this service is listened to, by whom it is configured for.
func (s *service) pulse(systemd pulse.Systemd) pulse.Pulse {
	p := pulse.Pulse{Body: &body{service: s}, Listeners: []pulse.Listener{systemd}, Every: systemd.Every()}
	if d := s.project.config.Alerts.DeadMan; d.URL.Reveal() != "" {
		s.deadMan = pulse.NewDeadMan(d.URL.Reveal(), d.Every.Std(), s.ails, s.log.With("component", "dead man"))
		p.Listeners = append(p.Listeners, s.deadMan)
	}
	return p
}

// status is the service in one line.
func (s *service) status() string {
	red := 0
	for _, i := range s.store.Book().Incidents {
		if i.Status == incident.Open && i.Kind != incident.Canary {
			red++
		}
	}
	return fmt.Sprintf("%d nodes, %d checks, %d incidents open", len(s.loop.Suite().Graph.Order()), s.loop.Suite().Len(), red)
}

// ails lists what keeps the service from telling people, although it moves.
func (s *service) ails() []string {
	var ails []string
	for _, d := range s.sender.Destinations() {
		if d.Dead {
			ails = append(ails, fmt.Sprintf("destination %s takes no messages: %s", d.Channel, d.Trouble))
		}
	}
	for _, t := range s.troublesNow() {
		if !t.Test {
			ails = append(ails, t.Name+": "+t.Problem)
		}
	}
	return ails
}

// tell replaces what one part of the service says is wrong with it.
func (s *service) tell(part string, now ...incident.Trouble) {
	s.mu.Lock()
	if s.troubles == nil {
		s.troubles = map[string][]incident.Trouble{}
	}
	s.troubles[part] = now
	s.mu.Unlock()
	s.loop.Trouble(s.troublesNow())
}

// troublesNow is what is wrong with the service, part by part.
func (s *service) troublesNow() []incident.Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []incident.Trouble
	for _, part := range slices.Sorted(maps.Keys(s.troubles)) {
		all = append(all, s.troubles[part]...)
	}
	return all
}
