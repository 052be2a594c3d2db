package dag

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// node reads one entry of nodes. A node with problems is kept as far as it could be
// read, so that those that depend on it are not blamed too.
func (r *reader) node(key, raw conf.Value) {
	id := NodeID(r.dag.Name + "/" + key.Text())
	r.broken[id] = true // until it has been read
	if !nameShape.MatchString(key.Text()) {
		r.problems.Add(key.Problem("%s is not a node name", key.Quote()).WithHint("use lower-case letters, digits and _, beginning with a letter"))
		return
	}
	if n := len(key.Text()); n > maxName {
		r.problems.Add(key.Problem("the name has %d characters; the limit is %d", n, maxName))
		return
	}
	if raw.Kind() != conf.Map {
		r.problems.Add(key.Problem("a node is a map of keys, not %s", raw.Kind()).WithHint("write {table: %s}", key.Text()))
		return
	}
	merged := conf.Merge(r.defaults, raw)
	var keys nodeKeys
	r.problems.Merge(merged.Without(blockKeys...).Decode(&keys))
	n := &Node{
		ID: id, Table: slices.Concat(keys.Table, keys.View), Query: keys.Query, External: keys.External.id,
		Description: keys.Description, Connection: keys.Connection, Owner: keys.Owner, Runbook: string(keys.Runbook),
		Tags: union(r.dag.Tags, keys.Tags), Gate: keys.Gate, Zone: r.dag.Zone, Pos: key.Pos(),
	}
	r.settleType(n, key, raw)
	r.settleNames(n, key, merged)
	for _, d := range keys.DependsOn {
		to := d.node.Text()
		if !strings.Contains(to, "/") {
			to = r.dag.Name + "/" + to
		}
		n.Upstream = append(n.Upstream, Edge{To: NodeID(to), Mode: d.mode, Choice: d.choice, Pos: d.node.Pos()})
	}
	if n.Type != External {
		r.checks(n, merged, keys.inherited)
	}
	delete(r.broken, id)
	r.dag.Nodes = append(r.dag.Nodes, n)
}

// blockKeys are the keys of a node that hold checks; job is also its type.
var blockKeys = func() []string {
	keys := []string{"checks"}
	for _, c := range checkKinds {
		if c.key != "job" {
			keys = append(keys, c.key)
		}
	}
	return slices.AppendSeq(keys, maps.Keys(laterKinds))
}()

// typeNames are the keys that say what a node is.
var typeNames = []string{string(Table), string(View), string(Query), string(Job), string(External)}

// settleType demands exactly one of the keys that say what a node is. They count only
// in the node itself: defaults cannot turn a table into a view. A node that fails keeps
// its place in the graph of the problems, which nothing runs.
func (r *reader) settleType(n *Node, key, raw conf.Value) {
	var given []string
	for _, t := range typeNames {
		if raw.Get(t).Exists() {
			n.Type = Type(t)
			given = append(given, t)
		}
	}
	switch {
	case len(given) == 0:
		r.problems.Add(key.Problem("the node does not say what it is").WithHint("give it exactly one of table, view, query, job, external"))
	case len(given) > 1:
		r.problems.Add(key.Problem("the node is %s at once", strings.Join(given, " and ")).WithHint("keep exactly one of them"))
	case n.Type == Query && strings.TrimSpace(n.Query) == "" && !r.wrongAt(raw.Get("query").Pos()):
		r.problems.Add(raw.Get("query").Problem("the query is empty").WithHint("write one SELECT whose rows are the node's"))
	}
	if n.Type == External {
		for k, v := range raw.Fields() {
			if k.Text() == "depends_on" || k.Text() == "connection" || slices.Contains(blockKeys, k.Text()) {
				r.problems.Add(v.KeyProblem("an external node cannot have %s", k.Text()).WithHint("it is only another name; write this on the node it stands for"))
			}
		}
	}
}

// wrongAt tells whether something was said of a place already.
func (r *reader) wrongAt(at conf.Pos) bool {
	return slices.ContainsFunc(r.problems, func(p conf.Problem) bool { return p.Pos == at })
}

// settleNames fills in connection and owner from the DAG and checks that they exist.
func (r *reader) settleNames(n *Node, key, merged conf.Value) {
	if n.Connection != "" {
		r.knows(merged.Get("connection"), UnknownConnection, "connection", r.known.Connections)
	}
	if n.Owner != "" {
		r.knows(merged.Get("owner"), UnknownOwner, "owner", r.known.Owners)
	}
	if n.Connection == "" {
		n.Connection = r.dag.Connection
	}
	if n.Owner == "" {
		n.Owner = r.dag.Owner
	}
	if n.Connection == "" && n.Type != Job && n.Type != External {
		r.problems.Add(key.Problem("the node has no connection").WithCode(UnknownConnection).
			WithHint("write connection: at the top of the file or in the node"))
	}
}

// checks reads every check block of a node.
func (r *reader) checks(n *Node, merged conf.Value, above inherited) {
	for key, why := range laterKinds {
		if v := merged.Get(key); v.Exists() {
			r.problems.Add(v.KeyProblem("not available yet (%s)", why).WithHint("remove the key"))
		}
	}
	above.Severity = cmp.Or(above.Severity, Error)
	// Parsed once for the node, so that a mistake in it is reported once.
	schedules := r.parseSchedules(above.Schedule, r.schedules)
	c := checkReader{reader: r, node: n, merged: merged, above: above, schedules: schedules}
	for _, kind := range checkKinds {
		block := merged.Get(kind.key)
		switch {
		case !block.Exists():
		case block.Kind() == conf.List && kind.listedBy != "":
			for item := range block.Items() {
				c.add(kind.kind, c.listedName(kind.key, item.Get(kind.listedBy), block.Len()), item)
			}
		default:
			c.add(kind.kind, kind.key, block)
		}
	}
	switch list := merged.Get("checks"); list.Kind() {
	case conf.Absent:
	case conf.List:
		for item := range list.Items() {
			if item.Kind() == conf.Map && !item.Get("name").Exists() {
				r.problems.Add(item.Problem("name is missing").WithHint("it becomes the last part of the check's id"))
				continue
			}
			c.add("sql", "", item)
		}
	default:
		r.problems.Add(list.KeyProblem("checks is a list, not %s", list.Kind()).WithHint("begin each check with a dash: - {name: …, sql: …, expect: …}"))
	}
}

// checkReader reads the check blocks of one node.
type checkReader struct {
	*reader
	node      *Node
	merged    conf.Value
	above     inherited
	schedules []Schedule
}

// listedName is the id of one of several blocks: joins_airports, version_content.
func (c *checkReader) listedName(kind string, by conf.Value, siblings int) string {
	text := by.Text()
	if kind == "version" && text == "" {
		text = "content" // what a version is of where nothing is said
	}
	if siblings == 1 || text == "" {
		return kind
	}
	return kind + "_" + strings.ReplaceAll(text, "/", "_")
}

// add reads one block: the common keys here, the rest left to package checks.
func (c *checkReader) add(kind, name string, block conf.Value) {
	if block.Kind() != conf.Map {
		c.problems.Add(block.KeyProblem("a check is a map of keys, not %s", block.Kind()))
		return
	}
	own := commonKeys{inherited: c.above}
	own.Schedule = nil
	if problems := block.Only(commonKeyNames...).Decode(&own); len(problems) > 0 {
		c.problems.Merge(problems)
		return
	}
	if own.Name != "" {
		name = own.Name
	}
	if n := len(name); n > maxName && own.Name != "" {
		c.problems.Add(block.Get("name").Problem("the name has %d characters; the limit is %d", n, maxName))
		return
	}
	if !checkShape.MatchString(name) {
		c.problems.Add(block.Problem("%q cannot be the id of a check", name).WithHint("give it a name: of lower-case letters, digits and _"))
		return
	}
	spec := CheckSpec{
		ID: CheckID(string(c.node.ID) + "/" + name), Kind: kind, Severity: own.Severity,
		Schedules: c.parseSchedules(own.Schedule, c.schedules), Timeout: own.Timeout.Std(), For: own.For.Std(),
		Shadow: own.Mode == "shadow", Where: own.Where, Params: block.Without(commonKeyNames...), Block: block, Above: c.merged,
		Pos: block.KeyPos(),
	}
	for _, other := range c.node.Checks {
		if other.ID == spec.ID {
			c.problems.Add(block.Problem("check id %q is used twice; the first is at line %d", name, other.Pos.Line).
				WithCode(DuplicateCheck).WithHint("give one of them a name:"))
			return
		}
	}
	c.node.Checks = append(c.node.Checks, spec)
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
