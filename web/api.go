package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// body is an answer of the API.
type body[T any] struct{ Body T }

// nodePath is the path of one node.
type nodePath struct {
	DAG  string `path:"dag"`
	Node string `path:"node"`
}

func (p nodePath) id() dag.NodeID { return dag.NodeID(p.DAG + "/" + p.Node) }

// routeAPI adds the API. Its description is made from the same types that
// answer, so that neither can drift from the other.
func (s *Site) routeAPI(mux *http.ServeMux) {
	c := huma.DefaultConfig("pipewatch", "v1")
	c.Info.Description = "What is watched, how it is, and what has been wrong with it."
	c.OpenAPIPath = "/api/v1/openapi"
	c.DocsPath, c.SchemasPath = "", "" // the docs page loads scripts from elsewhere
	c.CreateHooks = nil                // no $schema in every answer
	api := humago.New(mux, c)

	huma.Register(api, op("list-dags", "/dags", "Every DAG, with its slots and the health of its nodes"), s.getDAGs)
	huma.Register(api, op("list-nodes", "/nodes", "Every node, in topological order"), s.getNodes)
	huma.Register(api, op("get-node", "/nodes/{dag}/{node}", "One node and its checks, with their statements"), s.getNode)
	huma.Register(api, op("get-history", "/nodes/{dag}/{node}/history", "What a node's checks said, run by run"), s.getHistory)
	huma.Register(api, op("list-incidents", "/incidents", "Incidents, newest first"), s.getIncidents)
	huma.Register(api, op("get-incident", "/incidents/{id}", "One incident from beginning to end"), s.getIncident)
	s.routeExplanations(api)
	s.routeActs(api)
	s.routeHeartbeats(api)

	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"title":"Not Found","status":404,"detail":"nothing answers %s here; see /api/v1/openapi.json"}`+"\n", r.Method)
	})
}

// op describes one GET.
func op(id, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/api/v1" + path, Summary: summary}
}

func (s *Site) getDAGs(context.Context, *struct{}) (*body[dagsBody], error) {
	now := s.source.Snapshot()
	out := dagsBody{DAGs: []dagView{}, Broken: []brokenView{}}
	for _, b := range now.Broken {
		out.Broken = append(out.Broken, brokenView(b))
	}
	for _, d := range now.Suite.Graph.DAGs() {
		times := now.DAGs[d.Name]
		v := dagView{
			Name: d.Name, Description: d.Description, Owner: d.Owner, Tags: list(d.Tags), File: d.File, Timezone: "UTC",
			Health: map[incident.Health]int{}, Nodes: []dag.NodeID{},
			LastSlot: times.LastSlot, LastRun: times.LastRun, NextSlot: times.NextSlot,
			Broken: slices.ContainsFunc(now.Broken, func(b BrokenFile) bool { return b.File == d.File }),
		}
		if d.Zone != nil {
			v.Timezone = d.Zone.String()
		}
		for _, n := range now.Nodes {
			if n.Node.DAG() == d.Name {
				v.Nodes = append(v.Nodes, n.Node)
				v.Health[n.Health]++
			}
		}
		out.DAGs = append(out.DAGs, v)
	}
	return &body[dagsBody]{out}, nil
}

type nodesQuery struct {
	DAG    string `query:"dag" doc:"only nodes of this DAG"`
	Health string `query:"health" enum:"healthy,warning,failing,blocked,unknown" doc:"only nodes of this health"`

	Select  string `query:"select" maxLength:"2000" doc:"only these nodes: name, dag/name, +x, x+, dag:, tag:, owner: (blank is union, comma is intersection)"`
	Exclude string `query:"exclude" maxLength:"2000" doc:"not these nodes, in the same style"`
}

func (s *Site) getNodes(_ context.Context, q *nodesQuery) (*body[nodesBody], error) {
	now := s.source.Snapshot()
	wanted, err := now.Suite.Graph.Select(strings.Fields(q.Select), strings.Fields(q.Exclude))
	if err != nil {
		return nil, huma.Error422UnprocessableEntity(err.Error())
	}
	out := nodesBody{AsOf: now.At, Nodes: []nodeView{}}
	for _, n := range now.Nodes {
		if wanted[n.Node] && (q.DAG == "" || n.Node.DAG() == q.DAG) && (q.Health == "" || string(n.Health) == q.Health) {
			out.Nodes = append(out.Nodes, now.viewNode(n, false))
		}
	}
	return &body[nodesBody]{out}, nil
}

func (s *Site) getNode(_ context.Context, p *nodePath) (*body[nodeView], error) {
	now := s.source.Snapshot()
	st, ok := now.node(p.id())
	if !ok {
		return nil, noNode(p.id())
	}
	return &body[nodeView]{now.viewNode(st, true)}, nil
}

func noNode(id dag.NodeID) error {
	return huma.Error404NotFound(fmt.Sprintf("no DAG has a node %s", quoted(id)))
}

// quoted is a name that somebody asked for, as an answer repeats it.
func quoted[S ~string](name S) string {
	const most = 100
	if len(name) > most {
		return fmt.Sprintf("%q… (%d bytes)", strings.ToValidUTF8(string(name[:most]), ""), len(name))
	}
	return fmt.Sprintf("%q", name)
}

type historyQuery struct {
	DAG  string `path:"dag"`
	Node string `path:"node"`
	N    int    `query:"n" default:"50" minimum:"1" maximum:"1000" doc:"how many runs"`
}

func (s *Site) getHistory(_ context.Context, q *historyQuery) (*body[historyBody], error) {
	id := nodePath{q.DAG, q.Node}.id()
	st, ok := s.source.Snapshot().node(id)
	if !ok {
		return nil, noNode(id)
	}
	runs, err := s.source.History(st.Node, q.N)
	if err != nil {
		return nil, s.trouble(err)
	}
	out := historyBody{Node: st.Node, Runs: []runView{}}
	for _, run := range runs {
		out.Runs = append(out.Runs, viewRun(run))
	}
	return &body[historyBody]{out}, nil
}

type incidentsQuery struct {
	Open   bool   `query:"open" doc:"only those that are open now"`
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Before string `query:"before" doc:"only those older than this one"`
}

func (s *Site) getIncidents(_ context.Context, q *incidentsQuery) (*body[incidentsBody], error) {
	found, err := s.source.Incidents(incident.ID(q.Before), q.Limit+1, q.Open)
	if err != nil {
		return nil, s.trouble(err)
	}
	out := incidentsBody{Incidents: list(found)}
	if len(found) > q.Limit {
		out.Incidents = found[:q.Limit]
		out.Next = found[q.Limit-1].ID
	}
	return &body[incidentsBody]{out}, nil
}

type incidentPath struct {
	ID string `path:"id"`
}

func (s *Site) getIncident(_ context.Context, p *incidentPath) (*body[incident.Incident], error) {
	i, err := s.source.Incident(incident.ID(p.ID))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, huma.Error404NotFound("there is no incident " + quoted(p.ID))
	case err != nil:
		return nil, s.trouble(err)
	}
	return &body[incident.Incident]{i}, nil
}

// trouble is the answer when something of ours is broken: the log says what.
func (s *Site) trouble(err error) error {
	s.log.Error("request could not be answered", "error", err)
	return huma.Error500InternalServerError("the state could not be read; the log says why")
}

// The heartbeats: /heartbeats/{name} is a success, /start and /fail say so, and
// a number is an exit status.

type beatInput struct {
	Name string `path:"name"`
	Run  string `query:"rid" maxLength:"200" doc:"an id of the run, the same for its start and its end; the same call twice counts once"`
	Said beatBytes
}

type signalInput struct {
	Name   string `path:"name"`
	Signal string `path:"signal" doc:"start, fail, or an exit status from 0 to 255"`
	Run    string `query:"rid" maxLength:"200" doc:"an id of the run, the same for its start and its end; the same call twice counts once"`
	Said   beatBytes
}

// beatBytes is what comes along with a heartbeat, of whatever type, or nothing:
// curl and wget send what they like.
type beatBytes struct{ text string }

// Resolve reads the body. The guard limits its size.
func (b *beatBytes) Resolve(ctx huma.Context) []error {
	text, err := io.ReadAll(ctx.BodyReader())
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return []error{huma.NewError(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", maxBody))}
	}
	if err != nil {
		return []error{huma.Error400BadRequest("the body could not be read whole")}
	}
	b.text = string(text)
	return nil
}

func (s *Site) routeHeartbeats(api huma.API) {
	for _, method := range []string{http.MethodGet, http.MethodPost} { // a GET route answers HEAD too
		o := op("heartbeat-"+strings.ToLower(method), "/heartbeats/{name}", "A job has succeeded")
		o.Method = method
		huma.Register(api, o, func(ctx context.Context, in *beatInput) (*body[beatBody], error) {
			return s.beat(ctx, in.Name, Beat{Kind: "success", Run: in.Run, Body: in.Said.text})
		})
		o = op("heartbeat-signal-"+strings.ToLower(method), "/heartbeats/{name}/{signal}", "A job has started, failed, or ended with an exit status")
		o.Method = method
		huma.Register(api, o, func(ctx context.Context, in *signalInput) (*body[beatBody], error) {
			kind, exit, err := signal(in.Signal)
			if err != nil {
				return nil, huma.Error404NotFound(err.Error())
			}
			return s.beat(ctx, in.Name, Beat{Kind: kind, Exit: exit, Run: in.Run, Body: in.Said.text})
		})
	}
}

// signal reads the last part of a heartbeat's path.
func signal(word string) (kind string, exit int, err error) {
	if word == "start" || word == "fail" {
		return word, 0, nil
	}
	status, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not start, fail or an exit status from 0 to 255", word)
	}
	if status == 0 {
		return "success", 0, nil
	}
	return "fail", int(status), nil
}

func (s *Site) beat(ctx context.Context, name string, b Beat) (*body[beatBody], error) {
	if !s.source.Snapshot().heartbeat(name) {
		return nil, huma.Error404NotFound(fmt.Sprintf("no job of any DAG reports under %s: write that name as heartbeat: into one", quoted(name)))
	}
	if err := s.control.Heartbeat(ctx, name, b); err != nil {
		s.log.Error("heartbeat was not kept", "name", name, "error", err)
		return nil, huma.Error503ServiceUnavailable("the heartbeat could not be kept; try again")
	}
	return &body[beatBody]{beatBody{name, b.Kind}}, nil
}
