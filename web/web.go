// Package web is what pipewatch shows and takes over HTTP: a page for people,
// an API for programs, probes for those who run it, metrics, and the heartbeats
// of jobs.
//
// It decides nothing, stores nothing and reads no clock: it shows a [Snapshot]
// that somebody else keeps, and hands what comes in to a [Control]. It knows
// neither the store nor the loop. Who may use it is settled in front of every
// handler (guard.go): by the name it was called by, by the site a browser comes
// from, by size and by time.
//
// # Data model
//
// A [Snapshot] is all that is known at one moment, as one value that does not
// change. Pages and API answers are made from it; only the past (history,
// closed incidents) is read through [Source]. The API's types are in
// api_types.go; its description is generated from them.
//
//	/                              the page: open incidents, then every DAG
//	/incidents, /incidents/{id}    all incidents; one, from beginning to end
//	/nodes/{dag}/{node}            one node, its checks and their past
//	/api/v1/…                      the API, described by /api/v1/openapi.json
//	/healthz /readyz /metrics      for those who run it
//	/-/reload                      read the configuration again
//	/slack/interactions            buttons that somebody pressed, signed by Slack
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Source is where what is shown comes from. Its methods are called
// concurrently.
type Source interface {
	// Snapshot is all that is known now. It is not changed after.
	Snapshot() Snapshot
	// History gives the newest n runs that judged a node, newest first, each
	// with that node's results only.
	History(id dag.NodeID, n int) ([]incident.Run, error)
	// Incident gives an incident; an fs.ErrNotExist when there is none.
	Incident(id incident.ID) (incident.Incident, error)
	// Incidents lists at most limit incidents, newest first, older than
	// before unless that is empty; with open set only those open now.
	Incidents(before incident.ID, limit int, open bool) ([]incident.Incident, error)
}

// Control is what can be done from outside. Its methods are called
// concurrently.
type Control interface {
	// Heartbeat takes a sign of life of a job, which came just now. It
	// returns when the beat is safe.
	Heartbeat(ctx context.Context, name string, b Beat) error
	// Reload reads the configuration again and returns when it is in use, or
	// why it is not.
	Reload(ctx context.Context) error
}

// Beat is one sign of life as it came in.
type Beat struct {
	Kind string // start, success or fail
	Exit int    // the exit status, where one was given
	Run  string // the caller's id of the run; may be empty
	Body string // what came along; at most 100 kB
}

// Config is what a Site needs. Source and Control are required, People and
// Audit for what people do (acts.go).
type Config struct {
	Source  Source
	Control Control
	People  People
	// Audit lists what people did, newest first: at most limit, older than the
	// entry named before unless that is empty.
	Audit func(before string, limit int) ([]AuditEntry, error)
	// Interactions takes the signed requests of Slack, at /slack/interactions;
	// nil where there are none.
	Interactions http.Handler
	// Hosts are the names under which people reach the service, without
	// port; those of the machine itself (localhost, 127.0.0.1, ::1) always
	// count.
	Hosts []string
	Zone  *time.Location // of the times on the page; nil is UTC
	Log   *slog.Logger   // nil logs nothing
}

// Site answers requests.
type Site struct {
	source  Source
	control Control
	people  People
	audit   func(before string, limit int) ([]AuditEntry, error)
	zone    *time.Location
	log     *slog.Logger
	metrics *metrics
	handler http.Handler
}

// New makes a Site.
func New(c Config) *Site {
	s := &Site{source: c.Source, control: c.Control, people: c.People, audit: c.Audit, zone: c.Zone, log: c.Log}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	registry := prometheus.NewRegistry()
	s.metrics = newMetrics(registry, c.Source.Snapshot)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /-/reload", s.reload)
	if c.Interactions != nil {
		mux.Handle("POST "+interactions, c.Interactions)
	}
	s.routeAPI(mux)
	s.routePages(mux)
	s.handler = guard(mux, c.Hosts)
	return s
}

// ServeHTTP answers one request.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Observe counts a run for the metrics; whoever runs runs calls it once for
// each.
func (s *Site) Observe(run incident.Run) { s.metrics.observe(run) }

// Server is an HTTP server with a handler and with limits on how long and how
// large a request may be, so that slow or endless clients cannot use it up.
func Server(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
