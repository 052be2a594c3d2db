package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/web"
)

// late is how long the loop may stand still before it counts as stuck: it
// wakes at least every 30 s.
const late = 2 * time.Minute

// Snapshot is all that is known now, for the page and the API.
func (s *service) Snapshot() web.Snapshot {
	suite, book, latest := s.loop.Suite(), s.store.Book(), s.latest.all()
	snap := web.Snapshot{
		At: s.now(), Version: version(), Started: s.began, Suite: suite, Book: book, Latest: latest, Explainer: s.explainerOf(suite, book, latest),
		Nodes: incident.Assess(suite, func(id dag.CheckID) incident.State { return book.States.Of(id) }),
		DAGs:  s.dagTimes(), StateErr: s.store.Err(),
	}
	s.mu.Lock()
	snap.Reload = s.reloaded
	for _, b := range s.broken {
		snap.Broken = append(snap.Broken, web.BrokenFile(b))
	}
	s.mu.Unlock()
	for _, d := range s.sender.Destinations() {
		snap.Destinations = append(snap.Destinations, web.Destination{
			Channel: d.Channel, Dead: d.Dead, Trouble: d.Trouble, Waiting: d.Pending, Oldest: d.Oldest,
			Delivered: d.Delivered, Failed: d.Failed, Limited: d.Limited, MayRepeat: d.MayRepeat, Expired: d.Expired, Collapsed: int64(d.Collapsed),
		})
	}
	if size, err := s.store.Size(); err == nil {
		snap.StateBytes = size
	}
	snap.Late, snap.Skipped = len(s.loop.Late()), s.loop.Skipped()
	if s.deadMan != nil {
		snap.DeadMan = &web.DeadMan{Err: s.deadMan.Err()}
	}
	if at := s.sung.Load(); at != nil {
		snap.Canary = *at
	}
	if stood := time.Since(s.loop.Ticked()); stood > late {
		snap.SchedulerErr = fmt.Errorf("the loop has stood still for %s", stood.Round(time.Second))
	}
	return snap
}

// dagTimes tells when each DAG ran and will run.
func (s *service) dagTimes() map[string]web.DAGTimes {
	times := map[string]web.DAGTimes{}
	for _, d := range s.loop.Suite().Graph.DAGs() {
		times[d.Name] = web.DAGTimes{}
	}
	if slots, err := s.store.LastSlots(); err == nil { // an unreadable store shows in StateErr
		for name, at := range slots {
			if t, ok := times[name]; ok {
				t.LastSlot, t.LastRun = at, s.latest.ran(name)
				times[name] = t
			}
		}
	}
	for _, slot := range s.loop.Next() {
		t := times[slot.DAG]
		t.NextSlot = slot.At
		times[slot.DAG] = t
	}
	return times
}

// History gives the newest runs of a node.
func (s *service) History(id dag.NodeID, n int) ([]incident.Run, error) {
	return s.store.History(id, n)
}

// Incident gives one incident.
func (s *service) Incident(id incident.ID) (incident.Incident, error) { return s.store.Incident(id) }

// Incidents lists incidents, newest first.
func (s *service) Incidents(before incident.ID, limit int, open bool) ([]incident.Incident, error) {
	return s.store.Incidents(before, limit, open)
}

// apply takes up a new project in one step.
func (s *service) apply(p *project, broken []incident.Broken) error {
	if err := s.loop.Reload(p.suite, broken...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.project, s.desk, s.broken = p, p.desk(), broken
	return nil
}

// noteReload remembers how the last reload went.
func (s *service) noteReload(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reloaded.Err = err
	if err == nil {
		s.reloaded.Succeeded = s.now()
	}
}

// projectNow is the project in use.
func (s *service) projectNow() *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.project
}

// zone is the operator's time zone.
func (s *service) zone() *time.Location {
	zone, err := time.LoadLocation(s.projectNow().config.Timezone)
	if err != nil {
		return time.UTC // refused at load
	}
	return zone
}

// control is what can be done to the service over HTTP.
type control struct {
	service *service
	reload  func() error
}

// Heartbeat keeps a sign of life.
func (c control) Heartbeat(_ context.Context, name string, b web.Beat) error {
	return c.service.store.Heartbeat(name, probe.Beat{At: c.service.now(), Kind: probe.BeatKind(b.Kind), Exit: b.Exit, Run: b.Run, Body: b.Body})
}

// Reload reads the files again.
func (c control) Reload(context.Context) error {
	if c.reload == nil {
		return errors.New("there is nothing to reload here")
	}
	err := c.reload()
	if _, of := errors.AsType[conf.Problems](err); !of {
		return err
	}
	var told strings.Builder // for whoever asked: with the lines and what to do
	conf.Render(&told, err, readSource)
	return errors.New(strings.TrimSpace(told.String()))
}

// audits lists what people did.
func (s *service) audits(before string, limit int) ([]web.AuditEntry, error) {
	found, err := s.store.Audits(before, limit)
	out := make([]web.AuditEntry, len(found))
	for n, e := range found {
		out[n] = web.AuditEntry(e)
	}
	return out, err
}
