package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Act does what somebody wants done to an incident, and gives the incident as
// it is then. When Act returns it is durable, with its messages and its record
// in the audit trail. What cannot be done is an [*incident.Refusal], which holds
// the incident as it is. The act's time is now unless it says another.
func (s *Service) Act(ctx context.Context, a incident.Act) (incident.Incident, error) {
	if err := ctx.Err(); err != nil {
		return incident.Incident{}, err
	}
	if a.At.IsZero() {
		a.At = s.cfg.Now()
	}
	change, err := s.do(incident.Run{Slot: a.At, Moment: a.At, Acts: []incident.Act{a}}, func(b incident.Book) error {
		_, err := incident.Perform(b, a)
		return err
	})
	if err != nil {
		return incident.Incident{}, err
	}
	return change.Incidents[a.Incident], nil
}

// do records what people did and lets the loop look at what follows from it.
func (s *Service) do(run incident.Run, refuse func(incident.Book) error) (incident.Change, error) {
	change, err := s.write(run, nil, refuse)
	s.mu.Lock()
	s.dirty = true // the moment at which the loop next has to wake may be another
	s.mu.Unlock()
	s.kick()
	return change, err
}

// Errors of people's requests.
var (
	ErrUnknownNode         = errors.New("no such node is watched")
	ErrUnknownAnnouncement = errors.New("no such announcement runs")
)

// Announce makes planned work on a node known: findings that it explains open no
// incident until it ends. Node, Until and Reason are required; From is now
// unless it says another, and may lie in the past. It gives the announcement
// with its id. Refused are a node that is not watched (ErrUnknownNode) and an
// end that is not still to come.
func (s *Service) Announce(ctx context.Context, a incident.Announcement) (incident.Announcement, error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	a.At = s.cfg.Now()
	if a.From.IsZero() {
		a.From = a.At
	}
	a.ID, a.EndedBy = a.NewID(), ""
	switch {
	case s.Suite().Graph.Node(a.Node) == nil:
		return a, fmt.Errorf("announce work on %q: %w", a.Node, ErrUnknownNode)
	case !a.Until.After(a.At) || !a.Until.After(a.From):
		return a, fmt.Errorf("announce work on %s: its end has to be after its beginning and still to come", a.Node)
	case strings.TrimSpace(a.Reason) == "":
		return a, fmt.Errorf("announce work on %s: say the reason; whoever is on call will read it", a.Node)
	}
	_, err := s.do(incident.Run{Slot: a.At, Moment: a.At, Announce: []incident.Announcement{a}}, nil)
	return a, err
}

// Unannounce ends an announcement now. One that is not running, or not waiting
// to begin, is refused (ErrUnknownAnnouncement).
func (s *Service) Unannounce(ctx context.Context, id incident.AnnouncementID, by, via string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.cfg.Now()
	a, known := s.cfg.Store.Book().Announcements[id]
	if !known || !a.Until.After(now) {
		return fmt.Errorf("end announcement %q: %w", id, ErrUnknownAnnouncement)
	}
	a.Until, a.EndedBy, a.Via = now, by, via
	_, err := s.do(incident.Run{Slot: now, Moment: now, Announce: []incident.Announcement{a}}, nil)
	return err
}

// wish is a re-check that somebody asked for.
type wish struct {
	nodes   []dag.NodeID // of one DAG
	by, via string
	tell    chan struct{} // closed when it is recorded
}

// CheckNow evaluates the checks of some nodes as soon as their DAGs have no run
// in flight, in runs of their own that use no slot, and returns when these are
// recorded. A re-check counts as an evaluation like any other. When ctx ends
// first the re-check goes on and CheckNow returns its error. A node that is not
// watched, or has no checks, is refused (ErrUnknownNode).
func (s *Service) CheckNow(ctx context.Context, nodes []dag.NodeID, by, via string) error {
	suite := s.Suite()
	byDAG := map[string]wish{}
	for _, id := range nodes {
		if len(suite.Of(id)) == 0 {
			return fmt.Errorf("check %q now: %w, or it has no checks", id, ErrUnknownNode)
		}
		w, ok := byDAG[id.DAG()]
		if !ok {
			w = wish{by: by, via: via, tell: make(chan struct{})}
		}
		w.nodes = append(w.nodes, id)
		byDAG[id.DAG()] = w
	}
	s.mu.Lock()
	for _, w := range byDAG {
		s.wishes = append(s.wishes, w)
	}
	s.mu.Unlock()
	s.kick()
	for _, w := range byDAG {
		select {
		case <-w.tell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// lookAgain has nodes re-checked unless somebody does already. The caller holds
// mu.
func (s *Service) lookAgain(nodes []dag.NodeID) {
	for _, id := range nodes {
		asked := func(c *checks.Check) bool { return c.Node.ID == id }
		wished := func(w wish) bool { return slices.Contains(w.nodes, id) }
		if !slices.ContainsFunc(s.busy[id.DAG()].checks, asked) && !slices.ContainsFunc(s.wishes, wished) {
			s.wishes = append(s.wishes, wish{nodes: []dag.NodeID{id}, tell: make(chan struct{})})
		}
	}
}

// grant takes the wishes whose DAGs have nothing in flight. The caller holds mu.
func (s *Service) grant() []due {
	granted := map[string]due{}
	s.wishes = slices.DeleteFunc(s.wishes, func(w wish) bool {
		name := w.nodes[0].DAG()
		d, begun := granted[name]
		if !begun && s.flying(name) != grounded {
			return false
		}
		switch {
		case !begun:
			d = due{dag: name, by: w.by, via: w.via}
		case d.by == "":
			d.by, d.via = w.by, w.via
		case !strings.Contains(d.by, w.by):
			d.by += ", " + w.by
		}
		for _, id := range w.nodes {
			for _, c := range s.suite.Of(id) {
				if !slices.Contains(d.checks, c) {
					d.checks = append(d.checks, c)
				}
			}
		}
		d.tell = append(d.tell, w.tell)
		granted[name] = d
		return true
	})
	var runs []due
	for name, d := range granted {
		s.busy[name] = d
		runs = append(runs, d)
	}
	return runs
}
