package web

import (
	"context"
	"errors"
	"io/fs"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// This file is why things are as they are, and what nobody watches.

func (s *Site) routeExplanations(api huma.API) {
	huma.Register(api, op("explain-node", "/nodes/{dag}/{node}/explain", "Why a node is as it is: every rule, limit and cause that was looked at"), s.explainNode)
	huma.Register(api, op("explain-incident", "/incidents/{id}/explain", "Why an incident is as it is, and what would end it"), s.explainIncident)
	huma.Register(api, op("get-coverage", "/coverage", "What nobody watches although it looks as if, the worst first"), s.getCoverage)
}

func (s *Site) explainNode(_ context.Context, p *nodePath) (*body[incident.NodeExplanation], error) {
	now := s.source.Snapshot()
	st, ok := now.node(p.id())
	if !ok {
		return nil, noNode(p.id())
	}
	e, _ := now.Explainer.Node(st.Node) // the snapshot has it
	return &body[incident.NodeExplanation]{e}, nil
}

func (s *Site) explainIncident(_ context.Context, p *incidentPath) (*body[incident.IncidentExplanation], error) {
	i, err := s.source.Incident(incident.ID(p.ID))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, huma.Error404NotFound("there is no incident " + quoted(p.ID))
	case err != nil:
		return nil, s.trouble(err)
	}
	return &body[incident.IncidentExplanation]{s.source.Snapshot().Explainer.Explain(i)}, nil
}

type coverageBody struct {
	Nodes  int            `json:"nodes" doc:"how many there are, without those of other DAGs"`
	Checks int            `json:"checks"`
	Gaps   []incident.Gap `json:"gaps"`
}

func (s *Site) getCoverage(context.Context, *struct{}) (*body[coverageBody], error) {
	now := s.source.Snapshot()
	return &body[coverageBody]{coverageBody{
		Nodes: len(now.Nodes), Checks: now.Suite.Len(), Gaps: list(incident.Coverage(now.Suite, now.Book, now.At)),
	}}, nil
}
