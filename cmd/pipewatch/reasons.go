package main

import (
	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

// pastLength is how many evaluations an explanation shows.
const pastLength = 10

// explainer tells why things are as they are now.
func (s *service) explainer() incident.Explainer {
	return s.explainerOf(s.loop.Suite(), s.store.Book(), s.latest.all())
}

// explainerOf is the explainer of what is known at one moment.
func (s *service) explainerOf(suite *checks.Suite, book incident.Book, latest map[dag.CheckID]web.Latest) incident.Explainer {
	config := s.patience
	runs := map[dag.NodeID][]incident.Run{} // each node's is read once
	return incident.Explainer{
		Suite: suite, Book: book, Policy: config.policy(), Origin: config.origin, Now: s.now(),
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
