// Package dag holds what is watched: nodes, the edges between them, the checks
// each node carries, and when those are due.
//
// It reads DAG files (strictly, with every problem at its place), builds one
// graph over all of them and answers questions about order and reach. It does
// not know what a check means: the parameters of a check block stay a
// [conf.Value] until package checks compiles them. It opens no connection.
//
// # Data model
//
// A [DAG] is one YAML file. A [Node] is something upstream that can be healthy
// or not; its id is "dag/node". A [CheckSpec] is one expectation on a node; its
// id is "dag/node/check". An [Edge] points from a node to what it depends on. A
// [Graph] holds all DAGs at once; it is immutable, and a reload builds a new
// one. A node of type external is only another name for a node of another DAG:
// the graph resolves it away, so no walk ever meets it.
package dag

import (
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// NodeID is "dag/node".
type NodeID string

// DAG is the part before the slash.
func (id NodeID) DAG() string { d, _, _ := strings.Cut(string(id), "/"); return d }

// Name is the part after the slash.
func (id NodeID) Name() string { _, n, _ := strings.Cut(string(id), "/"); return n }

// CheckID is "dag/node/check".
type CheckID string

// Node is the id of the node that carries the check.
func (id CheckID) Node() NodeID { return NodeID(id[:max(0, strings.LastIndexByte(string(id), '/'))]) }

// Name is the last part.
func (id CheckID) Name() string { return string(id[strings.LastIndexByte(string(id), '/')+1:]) }

// Type says what a node is.
type Type string

// The types of nodes.
const (
	Table    Type = "table"
	View     Type = "view"
	Query    Type = "query"
	Job      Type = "job"
	External Type = "external"
)

// Severity says how bad a violated check is.
type Severity string

// The severities.
const (
	Error Severity = "error"
	Warn  Severity = "warn"
)

// DAG is one file of nodes with one owner.
type DAG struct {
	Name        string
	Description string
	Owner       string
	Tags        []string
	Connection  string         // default connection of its nodes
	Zone        *time.Location // whose days and clock times the file means
	File        string
	Pos         conf.Pos // of its id
	Nodes       []*Node  // in file order
}

// Node is one thing upstream of a model or a dashboard.
type Node struct {
	ID          NodeID
	Type        Type
	Table       []string // parts of the name, for Table and View
	Query       string   // for Query
	External    NodeID   // what an External node stands for
	Description string
	Connection  string
	Owner       string
	Runbook     string // a URL people open when it breaks
	Tags        []string
	Gate        bool // consumers wait for it
	Upstream    []Edge
	Checks      []CheckSpec // in file order
	Zone        *time.Location
	Pos         conf.Pos
}

// Mode says what an edge means when its upstream breaks.
type Mode string

// The modes of edges.
const (
	Blocks  Mode = "blocks"  // the upstream's failure explains the node's
	Informs Mode = "informs" // lineage only
)

// Edge is one entry of depends_on; To is resolved through external nodes.
type Edge struct {
	To   NodeID
	Mode Mode
	// Choice is 0 for an upstream that is needed; those of a node with the same
	// number are alternatives, of which one is enough.
	Choice int
	Pos    conf.Pos
}

// CheckSpec is one expectation on a node, with the keys that all kinds share
// decoded and those of its kind left in Params.
type CheckSpec struct {
	ID        CheckID
	Kind      string // freshness, row_count, joins, version, labels, values, sql, job
	Severity  Severity
	Schedules []Schedule // due at the union of them
	Timeout   time.Duration
	For       time.Duration // how long it must be bad before an incident opens
	Shadow    bool          // evaluated and recorded, never alerts
	Where     string        // one SQL condition on the node's rows, or empty
	Params    conf.Value
	Block     conf.Value // all of it as written, with the defaults of its kind merged in
	Above     conf.Value // its node, with the DAG's defaults merged in: what the block inherits
	Pos       conf.Pos
}

// Key is the value of a key of a check where it was written: in its block, in
// its node, or in the DAG's defaults; absent where nobody wrote it.
func (c CheckSpec) Key(name string) conf.Value {
	if v := c.Block.Get(name); v.Exists() {
		return v
	}
	return c.Above.Only("severity", "schedule", "timeout", "for", "mode").Get(name)
}

// Schedule tells when a check is due. Next is strictly after t; it never
// returns the zero time.
type Schedule interface {
	Next(t time.Time) time.Time
	// String is what was written in the file.
	String() string
}
