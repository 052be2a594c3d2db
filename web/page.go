package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"path"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed static/*
var staticFiles embed.FS

// pages are the templates by name, each with the layout and the parts that all
// share.
var pages = parsePages("home", "incidents", "incident", "node", "problem")

func parsePages(names ...string) map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.New(name).Funcs(template.FuncMap{"words": words, "static": static}).
			ParseFS(pageFiles, "pages/layout.html", "pages/parts.html", "pages/"+name+".html"))
	}
	return all
}

// static is the address of a file with its content's hash, so that browsers may
// keep it and still see a new version at once.
func static(name string) (string, error) {
	b, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return "/static/" + name + "?v=" + hex.EncodeToString(sum[:6]), nil
}

// routePages adds what people look at.
func (s *Site) routePages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /incidents", s.incidentList)
	mux.HandleFunc("GET /incidents/{id}", s.incidentPage)
	mux.HandleFunc("GET /nodes/{dag}/{node}", s.nodePage)
	mux.HandleFunc("GET /static/{file}", serveStatic)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.problem(w, http.StatusNotFound, "There is no such page.")
	})
}

var staticTypes = map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func serveStatic(w http.ResponseWriter, r *http.Request) {
	b, err := staticFiles.ReadFile("static/" + r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", staticTypes[path.Ext(r.PathValue("file"))])
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(b)
}

// layout is what every page has.
type layout struct {
	Title   string
	Here    string // the part of the site: home, incidents, node
	Now     string
	Version string
	Live    bool // look again by itself
	Alarm   bool // something is wrong: the icon says so
	Notes   []part
}

// newLayout names what is not well with the service itself, on every page.
func (s *Site) newLayout(now Snapshot, title, here string) layout {
	l := layout{Title: title, Here: here, Now: clock(now.At, s.zone), Version: now.Version, Live: true}
	for _, i := range now.Book.Incidents {
		l.Alarm = l.Alarm || i.Status == incident.Open
	}
	for _, p := range now.parts() {
		if p.status != "ok" {
			l.Notes = append(l.Notes, p)
		}
	}
	return l
}

// Name, Status and Detail are for the templates.
func (p part) Name() string { return p.name }

// Status is ok, degraded or down.
func (p part) Status() string { return p.status }

// Detail says why.
func (p part) Detail() string { return p.detail }

// show writes a page, whole or not at all.
func (s *Site) show(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages[name].ExecuteTemplate(&page, "layout", data); err != nil {
		s.log.Error("page could not be made", "page", name, "error", err)
		http.Error(w, "this page could not be made; the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// problem shows a page that says what went wrong.
func (s *Site) problem(w http.ResponseWriter, status int, words string) {
	l := s.newLayout(s.source.Snapshot(), http.StatusText(status), "")
	l.Live = false
	s.show(w, status, "problem", struct {
		layout
		Words string
	}{l, words})
}

func (s *Site) unreadable(w http.ResponseWriter, err error) {
	s.log.Error("page could not be read from the state", "error", err)
	s.problem(w, http.StatusInternalServerError, "The state could not be read. The log says why.")
}

func (s *Site) home(w http.ResponseWriter, _ *http.Request) {
	now := s.source.Snapshot()
	s.show(w, http.StatusOK, "home", s.viewHome(now))
}

func (s *Site) incidentList(w http.ResponseWriter, r *http.Request) {
	now := s.source.Snapshot()
	found, err := s.source.Incidents(incident.ID(r.URL.Query().Get("before")), pageLength+1, false)
	if err != nil {
		s.unreadable(w, err)
		return
	}
	data := incidentsPage{layout: s.newLayout(now, "Incidents", "incidents")}
	if len(found) > pageLength {
		found = found[:pageLength]
		data.Next = found[pageLength-1].ID
	}
	v := viewer{now, s.zone}
	for _, i := range found {
		data.Incidents = append(data.Incidents, v.incident(i))
	}
	s.show(w, http.StatusOK, "incidents", data)
}

func (s *Site) incidentPage(w http.ResponseWriter, r *http.Request) {
	now := s.source.Snapshot()
	i, err := s.source.Incident(incident.ID(r.PathValue("id")))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.problem(w, http.StatusNotFound, "There is no such incident. It may be older than what is kept.")
		return
	case err != nil:
		s.unreadable(w, err)
		return
	}
	view := viewer{now, s.zone}.incident(i)
	s.show(w, http.StatusOK, "incident", struct {
		layout
		incidentView
		Why string
	}{s.newLayout(now, view.Heading, "incidents"), view, now.Explainer.Explain(i).Text()})
}

func (s *Site) nodePage(w http.ResponseWriter, r *http.Request) {
	now := s.source.Snapshot()
	id := dag.NodeID(r.PathValue("dag") + "/" + r.PathValue("node"))
	st, ok := now.node(id)
	if !ok {
		s.problem(w, http.StatusNotFound, "No DAG has such a node. It may have been renamed or removed.")
		return
	}
	runs, err := s.source.History(st.Node, pageHistory)
	if err != nil {
		s.unreadable(w, err)
		return
	}
	view := viewer{now, s.zone}.nodeDetail(st, runs)
	why, _ := now.Explainer.Node(st.Node)
	s.show(w, http.StatusOK, "node", struct {
		layout
		nodeDetail
		Why string
	}{s.newLayout(now, view.Label, "node"), view, why.Text()})
}
