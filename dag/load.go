package dag

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on what the machine has installed

	"github.com/pipewatch-dev/pipewatch/conf"
)

// File is one DAG file as read.
type File struct {
	Name string // as messages should show it
	Src  []byte
}

// Known is what the operator's configuration defines and DAG files may name.
type Known struct {
	Connections map[string]bool // nil: any name is accepted
	Owners      map[string]bool // nil: any name is accepted
	Zone        *time.Location  // for files without timezone:; nil is UTC
	// Calendars are those that checks may name; nil: any name is accepted and has no
	// days.
	Calendars map[string]Calendar
}

// defaultSchedule is for checks for which no one wrote a schedule: a check that is
// never due would look healthy for ever.
const defaultSchedule = "@every 10m"

// maxName is how long a name may be, in bytes. Names are keys of the state and stand in
// every message.
const maxName = 100

var (
	nameShape  = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	checkShape = regexp.MustCompile(`^[a-z0-9_]+$`)
	dagLine    = regexp.MustCompile(`(?m)^dag:\s*["']?([a-z][a-z0-9_]*)`)
)

// once drops what was said before of the same place: a mistake under defaults: is
// met again by every node.
func once(problems conf.Problems) conf.Problems {
	type fault struct {
		at  conf.Pos
		msg string
	}
	seen := map[fault]bool{}
	return slices.DeleteFunc(problems, func(p conf.Problem) bool {
		f := fault{p.Pos, p.Msg}
		again := seen[f]
		seen[f] = true
		return again
	})
}

// anyNodeOf stands among the broken ids for every node of a DAG.
func anyNodeOf(dag string) NodeID { return NodeID(dag + "/") }

// reader reads one file.
type reader struct {
	known    Known
	broken   map[NodeID]bool
	problems conf.Problems

	dag       *DAG
	defaults  conf.Value
	schedules []Schedule
}

func (r *reader) file(f File) *DAG {
	doc, problems := conf.Parse(f.Name, f.Src)
	r.problems.Merge(problems)
	if doc.Kind() != conf.Map {
		if len(problems) == 0 {
			r.problems.Add(doc.Problem("a DAG file is a map of keys").WithHint("begin with version: 1, dag: and nodes:"))
		}
		if m := dagLine.FindSubmatch(f.Src); m != nil {
			r.broken[anyNodeOf(string(m[1]))] = true
		}
		return nil
	}
	r.problems.Merge(conf.Secrets(f.Name, f.Src))
	doc = r.interpolate(withoutExtensions(doc))
	var keys fileKeys
	r.problems.Merge(doc.Decode(&keys))
	r.dag = &DAG{Name: keys.DAG, Description: keys.Description, Owner: keys.Owner, Tags: keys.Tags, Connection: keys.Connection,
		File: f.Name, Pos: doc.Get("dag").Pos()}
	r.dag.Zone = r.zone(doc.Get("timezone"))
	if v := keys.Version; v.Exists() && v.Text() != "1" {
		r.problems.Add(v.Problem("version %s is not known", v.Quote()).WithHint("this pipewatch reads version: 1"))
	}
	r.knows(doc.Get("owner"), UnknownOwner, "owner", r.known.Owners)
	r.knows(doc.Get("connection"), UnknownConnection, "connection", r.known.Connections)
	r.schedules = r.parseSchedules(keys.Schedule, nil)
	if len(r.schedules) == 0 {
		r.schedules = []Schedule{every{defaultSchedule, 10 * time.Minute, r.dag.Zone}}
	}
	r.defaults = keys.Defaults
	if r.defaults.Exists() && r.defaults.Kind() != conf.Map {
		r.problems.Add(r.defaults.Problem("defaults is a map of keys, not %s", r.defaults.Kind()))
		r.defaults = conf.Value{}
	}
	for _, t := range typeNames {
		if v := r.defaults.Get(t); v.Exists() {
			r.problems.Add(v.KeyProblem("%s cannot be a default: it says what one node is", t))
		}
	}
	r.defaults = r.defaults.Without(typeNames...)
	switch nodes := keys.Nodes; {
	case nodes.Exists() && nodes.Kind() != conf.Map:
		r.problems.Add(nodes.KeyProblem("nodes is a map from names to nodes, not %s", nodes.Kind()))
	case nodes.Exists() && nodes.Len() == 0:
		r.problems.Add(nodes.KeyProblem("the DAG has no nodes"))
	}
	for key, value := range keys.Nodes.Fields() {
		r.node(key, value)
	}
	if len(keys.DAG) > maxName {
		r.problems.Add(doc.Get("dag").Problem("the name has %d characters; the limit is %d", len(keys.DAG), maxName))
	}
	if !nameShape.MatchString(keys.DAG) || len(keys.DAG) > maxName {
		return nil // reported; its nodes have no ids to depend on
	}
	return r.dag
}

// withoutExtensions drops the x- keys, which are places for anchors.
func withoutExtensions(doc conf.Value) conf.Value {
	var drop []string
	for key := range doc.Fields() {
		if strings.HasPrefix(key.Text(), "x-") {
			drop = append(drop, key.Text())
		}
	}
	return doc.Without(drop...)
}

// interpolate replaces ${vars.x} and refuses every other interpolation.
func (r *reader) interpolate(doc conf.Value) conf.Value {
	vars := doc.Get("vars")
	for _, v := range vars.Fields() {
		if k := v.Kind(); k == conf.Map || k == conf.List || k == conf.Null {
			r.problems.Add(v.Problem("a variable is one text, number, true or false, not %s", k))
		}
	}
	expanded, problems := doc.ExpandOpen(func(name string, _ conf.Value) (string, error) {
		key, ok := strings.CutPrefix(name, "vars.")
		if !ok {
			return "", errors.New("only ${vars.name} may stand in a DAG file; environment variables and files are for pipewatch.yaml")
		}
		v := vars.Get(key)
		if !v.Exists() {
			return "", fmt.Errorf("no %q under vars", key)
		}
		if strings.Contains(v.Text(), "${") {
			return "", errors.New("a variable cannot use another one")
		}
		return v.Text(), nil
	})
	for _, p := range problems {
		r.problems.Add(p.WithCode(BadInterpolation))
	}
	return expanded
}

// ParseZone finds an IANA time zone by name.
func ParseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone", name)
	}
	return zone, nil
}

func (r *reader) zone(v conf.Value) *time.Location {
	fallback := r.known.Zone
	if fallback == nil {
		fallback = time.UTC
	}
	if v.Kind() != conf.String {
		return fallback
	}
	zone, err := ParseZone(v.Text())
	if err != nil {
		r.problems.Add(v.Problem("%s is not a time zone", v.Quote()).WithHint("write an IANA name such as Europe/Berlin or UTC"))
		return fallback
	}
	return zone
}

// knows checks a name against what the operator defines.
func (r *reader) knows(v conf.Value, code, what string, known map[string]bool) {
	if known == nil || v.Kind() != conf.String || known[v.Text()] {
		return
	}
	r.problems.Add(conf.Unknown(v, what, slices.Sorted(maps.Keys(known))).WithCode(code))
}

// parseSchedules gives the inherited schedules where the list is empty.
func (r *reader) parseSchedules(list scheduleList, otherwise []Schedule) []Schedule {
	if len(list) == 0 {
		return otherwise
	}
	var schedules []Schedule
	for _, v := range list {
		s, err := ParseSchedule(v.Text(), r.dag.Zone)
		if err != nil {
			r.problems.Add(v.Problem("%s", err).WithCode(BadSchedule).WithHint("write five cron fields, @hourly or @every 10m; pipewatch explain %s tells more", BadSchedule))
			continue
		}
		schedules = append(schedules, s)
	}
	return schedules
}
