package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// healthz says that the process is alive, and touches nothing.
func (s *Site) healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// part is one thing that must work.
type part struct {
	name   string
	status string // ok, degraded, down
	detail string
}

// parts are what the service needs. One that is down makes it not ready; a
// degraded one is for people to mend while the rest goes on.
func (s Snapshot) parts() []part {
	config := part{"config", "ok", ""}
	for _, b := range s.Broken {
		config.status = "degraded"
		config.detail += "; " + b.File + " is broken: " + firstLine(b.Problem)
	}
	if s.Reload.Err != nil {
		config.status = "degraded"
		config.detail += "; the last reload changed nothing: " + firstLine(s.Reload.Err.Error())
	}
	config.detail = strings.TrimPrefix(config.detail, "; ")
	all := []part{config, needed("state", s.StateErr), needed("scheduler", s.SchedulerErr)}
	for _, d := range s.Destinations {
		p := part{"destination " + d.Channel, "ok", d.Trouble}
		if d.Dead {
			p.status = "degraded"
			p.detail = fmt.Sprintf("takes no messages (%s); %d wait", d.Trouble, d.Waiting)
		}
		all = append(all, p)
	}
	if s.DeadMan != nil {
		p := part{"dead man's switch", "ok", ""}
		if s.DeadMan.Err != nil {
			p.status, p.detail = "degraded", s.DeadMan.Err.Error()
		}
		all = append(all, p)
	}
	return all
}

func needed(name string, err error) part {
	if err != nil {
		return part{name, "down", err.Error()}
	}
	return part{name, "ok", ""}
}

// readyz says whether the service does its work, and with ?verbose what each
// part is like. What is not well is always named.
func (s *Site) readyz(w http.ResponseWriter, r *http.Request) {
	status, word := http.StatusOK, "ready"
	var lines strings.Builder
	for _, p := range s.source.Snapshot().parts() {
		if p.status == "down" {
			status, word = http.StatusServiceUnavailable, "not ready"
		}
		if p.status != "ok" || r.URL.Query().Has("verbose") {
			fmt.Fprintln(&lines, strings.TrimRight(fmt.Sprintf("%s: %s %s", p.name, p.status, p.detail), " "))
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s\n%s", word, lines.String())
}

// reload has the configuration read again.
func (s *Site) reload(w http.ResponseWriter, r *http.Request) {
	if err := s.control.Reload(r.Context()); err != nil {
		http.Error(w, "nothing was changed: "+err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "reloaded\n")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
