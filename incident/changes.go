package incident

import (
	"cmp"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// Upstream is something that became another above an incident's root, or there,
// before it opened: where to look first. It explains nothing by itself.
type Upstream struct {
	Check dag.CheckID `json:"check"`
	At    time.Time   `json:"at"`
	What  string      `json:"what"` // of the check's node, as in "has other content"; empty for an edited check
}

// Words says it of the check's node: "has other content".
func (u Upstream) Words() string {
	if u.What == "" {
		return "is judged anew: its check " + u.Check.Name() + " was edited"
	}
	return u.What
}

// mostChanges is how many changes an incident keeps.
const mostChanges = 5

// lookBack is how far changes are looked for where nobody knows when the root
// was good.
const lookBack = 24 * time.Hour

// changes lists what became another in the checks of a root and of all that it
// needs since its findings were last good, newest first. What the findings
// themselves say is left out.
func (d *decision) changes(root dag.NodeID, own []*entry) []Upstream {
	var since time.Time
	for _, e := range own {
		if good := e.state.GoodUntil; since.IsZero() || good.Before(since) && !good.IsZero() {
			since = good
		}
	}
	if since.IsZero() {
		since = d.now.Add(-lookBack)
	}
	failing := func(id dag.CheckID) bool {
		return slices.ContainsFunc(own, func(e *entry) bool { return e.check.ID() == id })
	}
	var out []Upstream
	for _, at := range d.near(root) {
		for _, c := range d.suite.Of(d.suite.Graph.Order()[at].ID) {
			s := d.state(c.ID())
			if s.Event.At.After(since) && !failing(c.ID()) {
				out = append(out, Upstream{c.ID(), s.Event.At, s.Event.What})
			}
			if s.Edited.After(since) {
				out = append(out, Upstream{Check: c.ID(), At: s.Edited})
			}
		}
	}
	slices.SortFunc(out, func(a, b Upstream) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Check, b.Check)) })
	return out[:min(len(out), mostChanges)]
}

// mostNear is how many nodes are looked at for changes. Incidents can be many,
// and what changed far above is of no use in a message.
const mostNear = 50

// near lists a root and what it needs, nearest first, as positions of the order.
func (d *decision) near(root dag.NodeID) []int32 {
	out := []int32{int32(d.suite.Graph.Index(root))}
	for n := 0; n < len(out) && len(out) < mostNear; n++ {
		for _, above := range d.suite.Graph.Parents(int(out[n])) {
			if !slices.Contains(out, above) {
				out = append(out, above)
			}
		}
	}
	return out
}
