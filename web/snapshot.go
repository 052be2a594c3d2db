package web

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Snapshot is all that is known at one moment. Slices and maps in it belong to
// nobody any more and are not changed.
type Snapshot struct {
	At      time.Time // the moment; ages on the page are taken against it
	Version string    // of pipewatch
	Started time.Time // when the service started

	Suite  *checks.Suite
	Nodes  []incident.NodeStatus // in topological order
	Book   incident.Book
	Latest map[dag.CheckID]Latest // checks without an evaluation are missing
	DAGs   map[string]DAGTimes    // by name

	Explainer incident.Explainer // why all this is so

	Broken       []BrokenFile  // DAG files of which the last good version is in use, or none
	Reload       Reload        // how the last reload went
	Destinations []Destination // where messages go
	StateBytes   int64         // size of the state file
	StateErr     error         // why nothing can be written; nil while all is well
	SchedulerErr error         // why no slots are met; nil while all is well
	Late         int           // checks that were not evaluated for two of their slots
	Skipped      int64         // slots that came while the run before was still asking, since the start
	DeadMan      *DeadMan      // the switch outside; nil where there is none
	Canary       time.Time     // when the last test of the alarm came through; zero for never
}

// Latest is the last evaluation of a check.
type Latest struct {
	Moment time.Time
	Result checks.Result
}

// DAGTimes are the slots of a DAG; a zero time is never.
type DAGTimes struct {
	LastSlot time.Time // of the last run
	LastRun  time.Time // its moment
	NextSlot time.Time // when any of its checks is due next
}

// BrokenFile is a DAG file that cannot be taken up as it is.
type BrokenFile struct {
	File    string
	Problem string // what is wrong with it, with its place
}

// Reload is how the configuration was last read.
type Reload struct {
	Succeeded time.Time // when it was last taken up
	Err       error     // why the last attempt was not; nil when it was
}

// Destination is one place that messages are sent to.
type Destination struct {
	Channel   string
	Dead      bool      // it takes nothing until somebody mends it
	Trouble   string    // what went wrong last; empty while all is well
	Waiting   int       // messages not delivered yet
	Oldest    time.Time // the moment of the oldest of those that are new; zero for none
	Delivered int64     // messages since the start
	Failed    int64     // attempts that failed since the start
	Limited   int64     // times that it asked to be left alone since the start
	MayRepeat int64     // messages sent again although the first may have arrived, since the start
	Expired   int64     // messages that came too late to be of use since the start
	Collapsed int64     // changes that were left to their incidents' own messages since the start
}

// DeadMan is the switch that raises the alarm when it is not called.
type DeadMan struct {
	Err error // why the last call did not get through; nil when it did
}

// node is a node's status; false when there is no such node. Another name of a
// node finds the node itself.
func (s Snapshot) node(id dag.NodeID) (incident.NodeStatus, bool) {
	if n := s.Suite.Graph.Index(id); n >= 0 && n < len(s.Nodes) {
		return s.Nodes[n], true
	}
	return incident.NodeStatus{}, false
}

// heartbeat tells whether some job of some DAG reports under a name.
func (s Snapshot) heartbeat(name string) bool {
	for c := range s.Suite.All() {
		if v := c.Spec.Params.Get("heartbeat"); c.Spec.Kind == "job" && v.Exists() && v.Text() == name {
			return true
		}
	}
	return false
}
