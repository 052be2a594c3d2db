package main

import (
	"slices"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// removal is what a reload takes away.
type removal struct {
	gone   []dag.NodeID
	of     int                 // nodes before
	broken []incident.Incident // open on nodes that go
	desk   notify.Desk         // from before
}

// removes compares what is watched with what will be, before it is.
func (s *service) removes(old, now *project) removal {
	r := removal{of: len(old.suite.Graph.Order()), desk: s.deskNow()}
	for _, n := range old.suite.Graph.Order() {
		if n.Type != dag.External && now.suite.Graph.Node(n.ID) == nil {
			r.gone = append(r.gone, n.ID)
		}
	}
	for _, i := range s.store.Book().Incidents {
		if i.Status == incident.Open && i.Kind == incident.Data && slices.Contains(r.gone, i.Root) {
			r.broken = append(r.broken, i)
		}
	}
	slices.SortFunc(r.broken, func(a, b incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return r
}

// many tells whether so much goes that nobody may have meant it.
func (r removal) many() bool { return len(r.gone)*10 > r.of*3 }

// tellRemoval says in one digest what a reload has removed: when much of it went, or
// when something was broken, which would otherwise end in silence.
func (s *service) tellRemoval(r removal) error {
	if !r.many() && len(r.broken) == 0 {
		return nil
	}
	b := r.desk.RemovalDigest(r.gone, r.of, r.broken)
	if err := s.store.Save(notify.BulletinPost("removal", s.projectNow().config.home(), s.now(), b)); err != nil {
		return err
	}
	s.sender.Kick()
	return nil
}
