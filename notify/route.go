package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Desk knows whom to tell about what: the operator's owners and routes, and the
// graph.
type Desk struct {
	Suite   *checks.Suite
	Owners  map[string]Owner
	Default string // channel of those without one
	Canary  string // channel of the daily test of the alarm; empty for the default
	// Routes are tried in order before the owner's channel; the first that
	// matches wins.
	Routes []Rule
	// Fallback is where messages go meanwhile when their destination takes none;
	// empty for nowhere.
	Fallback string
	Quiet    []Window // in which warnings wait
	Mute     []Mute
	Escalate Escalation
	BaseURL  string // of the page; empty where nobody can open it
	// Actions tells whether buttons in messages reach us.
	Actions bool
	// Trend gives what a check saw last, oldest first, at most 20 values; nil
	// where nothing is drawn.
	Trend func(dag.CheckID) []float64
}

// Owner is who is told, and how.
type Owner struct {
	Channel string // empty: the default channel
	Mention string
}

// Match says which incidents are meant, by their roots. An empty list means
// all; of a list one has to fit.
type Match struct {
	Owner    conf.StringList `yaml:"owner" jsonschema_description:"Owner of the root, as named in its DAG file."`
	Severity conf.StringList `yaml:"severity" jsonschema:"enum=warn,enum=error" jsonschema_description:"warn, error, or both."`
	DAG      conf.StringList `yaml:"dag" jsonschema_description:"DAG of the root."`
	Tag      conf.StringList `yaml:"tag" jsonschema_description:"Tag of the root or of its DAG."`
}

// Rule is one route: where the incidents that it matches go. What it leaves
// empty is as without it.
type Rule struct {
	Match    Match
	Channel  string
	Mention  string
	Fallback string
	Quiet    []Window // nil: the desk's
	Escalate Escalation
}

// Mute is windows in which nobody is told about what it matches, unless it is
// still open when the window ends.
type Mute struct {
	Match   Match
	Windows []Window
}

// Escalation is who is called when nobody acknowledges.
type Escalation struct {
	Channel string // one more message goes there; empty for none
	Mention string
}

// Route is where an incident goes and when.
type Route struct {
	Channel  string
	Mention  string // of the owner, as configured; empty for none
	Fallback string
	Escalate Escalation
	Quiet    []Window
	Mute     []Window
}

// Route says where an incident is told and how its owner is mentioned: by the
// first rule that matches its root, else by the root's owner. What cannot be
// checked has no root; where not all of it belongs to one owner it goes to the
// default channel, where whoever runs pipewatch reads, unless a rule without
// conditions on a root takes it.
func (d Desk) Route(i incident.Incident) Route {
	if i.Kind == incident.Canary {
		return Route{Channel: cmp.Or(d.Canary, d.Default)} // nobody is called, and no window holds it back
	}
	o := d.Owners[d.ownerOf(i)]
	r := Route{
		Channel: cmp.Or(o.Channel, d.Default), Mention: o.Mention, Fallback: d.Fallback, Escalate: d.Escalate, Quiet: d.Quiet,
	}
	for _, rule := range d.Routes {
		if !d.matches(rule.Match, i) {
			continue
		}
		r.Channel, r.Mention, r.Fallback = cmp.Or(rule.Channel, r.Channel), cmp.Or(rule.Mention, r.Mention), cmp.Or(rule.Fallback, r.Fallback)
		r.Escalate = cmp.Or(rule.Escalate, r.Escalate)
		if rule.Quiet != nil {
			r.Quiet = rule.Quiet
		}
		break
	}
	for _, m := range d.Mute {
		if d.matches(m.Match, i) {
			r.Mute = append(r.Mute, m.Windows...)
		}
	}
	if r.Fallback == r.Channel {
		r.Fallback = ""
	}
	return r
}

// matches tells whether an incident is meant.
func (d Desk) matches(m Match, i incident.Incident) bool {
	var tags []string
	if n := d.Suite.Graph.Node(i.Root); i.Root != "" && n != nil {
		tags = n.Tags
	}
	in := func(list conf.StringList, words ...string) bool {
		return len(list) == 0 || slices.ContainsFunc(words, func(w string) bool { return w != "" && slices.Contains(list, w) })
	}
	return in(m.Owner, d.ownerOf(i)) && in(m.Severity, string(i.Severity)) && in(m.DAG, i.Root.DAG()) && in(m.Tag, tags...)
}

// Held says until when an incident that was not told yet has to wait at a
// moment, zero for not at all, and whether that is because of a mute window: one
// that ends before its window does is never told.
func (r Route) Held(i incident.Incident, at time.Time) (until time.Time, muted bool) {
	for _, w := range r.Mute {
		if end, in := w.Until(at); in && end.After(until) {
			until, muted = end, true
		}
	}
	if muted || i.Severity != dag.Warn || i.Kind != incident.Data {
		return until, muted
	}
	for _, w := range r.Quiet {
		if end, in := w.Until(at); in && end.After(until) {
			until = end
		}
	}
	return until, false
}

// ownerOf is the owner of an incident's root. What cannot be checked has none, and
// is its owner's where all of it belongs to one: they have to know that nobody
// watches it. Empty is nobody in particular.
func (d Desk) ownerOf(i incident.Incident) string {
	of := func(id dag.NodeID) string {
		if n := d.Suite.Graph.Node(id); n != nil {
			return n.Owner
		}
		return ""
	}
	if i.Kind != incident.CannotCheck || len(i.Findings) == 0 {
		return of(i.Root)
	}
	owner := of(i.Findings[0].Check.Node())
	for _, f := range i.Findings {
		if of(f.Check.Node()) != owner {
			return ""
		}
	}
	return owner
}
