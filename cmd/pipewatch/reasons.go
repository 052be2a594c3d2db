package main

import (
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// pastLength is how many evaluations an explanation shows.
const pastLength = 10

// explainer tells why things are as they are now.
func (s *service) explainer() incident.Explainer {
	config, latest := s.patience, s.latest.all()
	runs := map[dag.NodeID][]incident.Run{} // each node's is read once
	return incident.Explainer{
		Suite: s.loop.Suite(), Book: s.store.Book(), Policy: config.policy(), Origin: config.origin, Now: s.now(),
		Past: func(id dag.CheckID) incident.Past {
			p := incident.Past{SQL: latest[id].Result.SQL}
			past, read := runs[id.Node()]
			if !read {
				var err error
				if past, err = s.store.History(id.Node(), pastLength); err != nil {
					s.log.Warn("no past in an explanation", "node", id.Node(), "err", err)
				}
				runs[id.Node()] = past
			}
			for _, run := range past {
				for _, r := range run.Results {
					if r.Check == id {
						p.Said = append(p.Said, incident.Said{At: run.Moment, Outcome: r.Verdict.Outcome, Message: r.Verdict.Message})
					}
				}
			}
			return p
		},
	}
}
