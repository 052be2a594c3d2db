package incident

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Decide folds one run into the book: states move, causes are found anew over
// the whole graph, and incidents open, change and close. It is deterministic:
// replaying the stored runs rebuilds the book.
func Decide(s *checks.Suite, b Book, r Run, p Policy) Change {
	d := &decision{
		suite: s, book: b, run: r, policy: p, now: r.Moment,
		change: Change{
			States: make(map[dag.CheckID]State, len(r.Results)), Incidents: map[ID]Incident{}, Announcements: map[AnnouncementID]Announcement{}, suite: s,
		},
		redefined: map[dag.CheckID]bool{}, byRoot: map[dag.NodeID]ID{}, renamed: map[ID]bool{},
		above: kin{graph: s.Graph},
	}
	d.index()
	d.act()
	d.announce()
	for i := range d.open(Data) {
		d.byRoot[i.Root] = i.ID
	}
	d.evaluate()
	d.forget()
	d.entries = causes(s, d.notWell(), d.notice)
	d.sort()
	d.excuse()
	d.dataIncidents()
	d.blindness()
	d.brokenFiles()
	d.ownTroubles()
	d.clocks()
	d.silence()
	d.timers()
	d.finish()
	return d.change
}

// decision is one call of Decide under way.
type decision struct {
	suite     *checks.Suite
	book      Book
	run       Run
	policy    Policy
	now       time.Time
	change    Change
	entries   []*entry
	unsure    []*checks.Check // those without an answer, or without anything to judge
	redefined map[dag.CheckID]bool
	byRoot    map[dag.NodeID]ID // open data incidents by their root, as they are by now
	renamed   map[ID]bool       // moved or reopened: that line says enough
	above     kin
	looks     []looked       // by rank, once looked at; nil before the first is
	sights    []looked       // the same of all above
	opened    map[Kind][]age // incidents that are open in the book, oldest first
	at        map[dag.NodeID][]*entry
	holds     map[ID][]*entry     // those that an incident holds, by their states
	held      map[*entry][]*entry // what an unexplained finding explains, in order
	past      map[dag.NodeID][]ID // data incidents of the book by their root, once asked for
}

// state is a check's state as it is by now.
func (d *decision) state(id dag.CheckID) State {
	if s, ok := d.change.States[id]; ok {
		return s
	}
	s := d.book.States.Of(id)
	if s.At.Before(d.run.Since) {
		s.At = time.Time{}
	}
	return s
}

// notice gives the state of a check, of which all are asked for once, and keeps
// the few that others want to look at again.
func (d *decision) notice(id dag.CheckID) State {
	s := d.state(id)
	if s.Troubles > 0 || s.Silences > 0 {
		d.unsure = append(d.unsure, d.suite.Check(id))
	}
	return s
}

// evaluate moves the states of the checks that ran.
func (d *decision) evaluate() {
	for _, r := range d.run.Results {
		c := d.suite.Check(r.Check)
		if c == nil {
			continue // removed while the run was under way
		}
		old := d.state(r.Check)
		if old.Fingerprint != "" && old.Fingerprint != c.Fingerprint {
			d.redefined[r.Check] = true
		}
		s := step(old, c, r.Verdict, d.now, d.policy)
		if s.Event, s.Edited = old.Event, old.Edited; !r.Verdict.Event.At.IsZero() {
			s.Event = r.Verdict.Event
		}
		if d.redefined[r.Check] {
			s.Edited = d.now
		}
		d.change.States[r.Check] = s
	}
}

// notWell lists the checks that need to be looked at, in the order of the suite.
func (d *decision) notWell() []*checks.Check {
	var out []*checks.Check
	note := func(id dag.CheckID) {
		if c := d.suite.Check(id); c != nil {
			out = append(out, c)
		}
	}
	for id := range d.book.States.notWell() {
		if _, changed := d.change.States[id]; !changed {
			note(id)
		}
	}
	for id, s := range d.change.States {
		if !s.well() {
			note(id)
		}
	}
	slices.SortFunc(out, func(a, b *checks.Check) int {
		if a.Node == b.Node {
			all := d.suite.Of(a.Node.ID)
			return cmp.Compare(slices.Index(all, a), slices.Index(all, b))
		}
		return cmp.Compare(d.suite.Graph.Index(a.Node.ID), d.suite.Graph.Index(b.Node.ID))
	})
	return out
}

// age is an incident and when it opened.
type age struct {
	opened time.Time
	id     ID
}

// compare puts the oldest first.
func (a age) compare(b age) int { return cmp.Or(a.opened.Compare(b.opened), cmp.Compare(a.id, b.id)) }

// index sorts the incidents of the book that are open by kind, oldest first.
func (d *decision) index() {
	d.opened = map[Kind][]age{}
	for id, i := range d.book.Incidents {
		if i.Status == Open {
			d.opened[i.Kind] = append(d.opened[i.Kind], age{i.OpenedAt, id})
		}
	}
	for _, ages := range d.opened {
		slices.SortFunc(ages, age.compare)
	}
}

// sort puts the entries where they are looked for.
func (d *decision) sort() {
	d.at, d.holds = map[dag.NodeID][]*entry{}, map[ID][]*entry{}
	for _, e := range d.entries {
		d.at[e.node()] = append(d.at[e.node()], e)
		if by := e.state.HeldBy; by != "" {
			d.holds[by] = append(d.holds[by], e)
		}
	}
}

// forget drops the states of checks that are no longer in the suite.
func (d *decision) forget() {
	if d.book.States.suite == d.suite {
		return // done when it was last decided
	}
	for id := range d.book.States.All() {
		if d.suite.Check(id) == nil {
			d.change.Removed = append(d.change.Removed, id)
		}
	}
	slices.Sort(d.change.Removed)
}

// open yields the incidents of a kind that are open by now, oldest first.
func (d *decision) open(kind Kind) iter.Seq[Incident] {
	ages := slices.Clip(d.opened[kind])
	for id, i := range d.change.Incidents {
		if i.Kind == kind && i.Status == Open && d.book.Incidents[id].Status != Open {
			ages = append(ages, age{i.OpenedAt, id})
		}
	}
	if len(ages) > len(d.opened[kind]) { // reopened ones can be older than others
		slices.SortFunc(ages, age.compare)
	}
	return func(yield func(Incident) bool) {
		for _, a := range ages {
			i, changed := d.change.Incidents[a.id]
			if !changed {
				i = d.book.Incidents[a.id]
			}
			if i.Status == Open && !yield(i) {
				return
			}
		}
	}
}

func oldest(a, b Incident) int { return age{a.OpenedAt, a.ID}.compare(age{b.OpenedAt, b.ID}) }

// dataIncidents brings the incidents about data up to date.
func (d *decision) dataIncidents() {
	roots := d.roots()
	for i := range d.open(Data) {
		d.follow(i, roots)
	}
	d.held = map[*entry][]*entry{}
	for _, e := range d.entries {
		if e.cause != nil {
			d.held[e.owner()] = append(d.held[e.owner()], e)
		}
	}
	for i := range d.open(Data) {
		own := roots[i.Root]
		delete(roots, i.Root)
		switch {
		case !i.Flapping.IsZero():
			d.flap(i, own)
		case len(own) == 0:
			d.end(i)
		default:
			d.update(i, own)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(roots), func(a, b dag.NodeID) int {
		return cmp.Compare(d.suite.Graph.Index(a), d.suite.Graph.Index(b))
	}) {
		d.begin(id, roots[id])
	}
}

// roots groups the findings that nothing explains by their node.
func (d *decision) roots() map[dag.NodeID][]*entry {
	roots := map[dag.NodeID][]*entry{}
	for _, e := range d.entries {
		if e.cause == nil && e.planned == "" && e.state.Active() && e.fresh {
			roots[e.node()] = append(roots[e.node()], e)
		}
	}
	return roots
}

// follow moves an incident whose root turned out to be a symptom to the cause.
// Where the cause has an incident of its own, this one is merged into it; where
// the cause is not sure yet, the incident stays as it is.
func (d *decision) follow(i Incident, roots map[dag.NodeID][]*entry) {
	if len(roots[i.Root]) > 0 {
		return
	}
	var unsure []*entry
	for _, e := range d.at[i.Root] {
		if e.cause == nil || !e.state.Active() {
			continue
		}
		if cause := e.owner(); cause.state.Active() {
			d.move(i, cause.node())
			return
		}
		unsure = append(unsure, e)
	}
	for _, e := range unsure {
		e.cause = nil
		roots[i.Root] = append(roots[i.Root], e)
	}
}

// move gives an incident a new root, or ends it as merged where that root has
// an incident already.
func (d *decision) move(i Incident, root dag.NodeID) {
	was := i.Root
	delete(d.byRoot, was)
	if other, ok := d.byRoot[root]; ok {
		i.Status, i.MergedInto, i.ResolvedAt = Merged, other, d.now
		i.say(d.now, Line{Kind: MergedLine, Node: root, Detail: string(other)})
	} else {
		i.Root, i.Onset = root, time.Time{}
		d.byRoot[root] = i.ID
		i.say(d.now, Line{Kind: Moved, Node: root, Detail: string(was)})
		d.renamed[i.ID] = true
	}
	d.change.Incidents[i.ID] = i
}

// begin opens an incident on a node, or reopens the one it had, once
// everything that could explain it has been looked at.
func (d *decision) begin(root dag.NodeID, own []*entry) {
	own = slices.DeleteFunc(own, func(e *entry) bool { return !e.fresh })
	// One on its way to recovery is not the time to open anything.
	// After a start it takes one evaluation at least.
	ready := slices.ContainsFunc(own, func(e *entry) bool {
		return e.state.Phase == Failing && !e.state.At.IsZero() && d.waited(e)
	})
	if !ready {
		for _, e := range own {
			d.wakeFor(e)
		}
		return
	}
	if last, ok := d.lately(root); ok {
		last.Status, last.ResolvedAt = Open, time.Time{}
		last.Acked, last.Muted, last.Escalated = Mark{}, Mark{}, Mark{}
		last.Changes = d.changes(root, own)
		last.say(d.now, Line{Kind: Reopened, Node: root})
		d.renamed[last.ID] = true
		d.byRoot[root] = last.ID
		d.change.Incidents[last.ID] = last
		d.update(last, own)
		return
	}
	i := Incident{ID: d.newID(string(root)), Kind: Data, Status: Open, Root: root, OpenedAt: d.now, Changes: d.changes(root, own)}
	d.fill(&i, own)
	i.say(d.now, Line{Kind: Opened, Node: root})
	d.byRoot[root] = i.ID
	d.change.Incidents[i.ID] = i
}

// waited tells whether everything that could explain a finding has been looked
// at, or has had its time to be.
func (d *decision) waited(e *entry) bool {
	return !d.patience(e).After(d.now) || d.settled(e)
}

// patience is until when a finding waits for causes that were not looked at.
func (d *decision) patience(e *entry) time.Time {
	until := e.state.FailedAt.Add(d.policy.GroupWait)
	if hold := d.run.Since.Add(d.policy.StartHold); !d.run.Since.IsZero() && hold.After(until) {
		return hold
	}
	return until
}

// wakeFor asks to be woken when a finding has waited long enough.
func (d *decision) wakeFor(e *entry) {
	if e.state.Phase == Failing {
		d.due(d.patience(e))
	}
}

// lately is the incident on a node that was resolved recently enough to be the
// same trouble.
func (d *decision) lately(root dag.NodeID) (Incident, bool) {
	var found Incident
	for _, id := range d.incidentsOf(root) {
		i := d.book.Incidents[id]
		if i.Status != Resolved || d.now.Sub(i.ResolvedAt) > d.policy.ReopenWithin {
			continue
		}
		if found.ID == "" || oldest(found, i) < 0 {
			found = i
		}
	}
	return found, found.ID != "" && d.policy.ReopenWithin > 0
}

// incidentsOf lists the data incidents that the book has on a root.
func (d *decision) incidentsOf(root dag.NodeID) []ID {
	if d.past == nil {
		d.past = map[dag.NodeID][]ID{}
		for id, i := range d.book.Incidents {
			if i.Kind == Data {
				d.past[i.Root] = append(d.past[i.Root], id)
			}
		}
	}
	return d.past[root]
}

// close ends an incident whose root is well again, or gone. What it held and
// still fails is let go: it stands alone after one more evaluation.
func (d *decision) close(i Incident) {
	delete(d.byRoot, i.Root)
	i.Status, i.ResolvedAt = Resolved, d.now
	i.Findings = slices.Clone(i.Findings)
	for n := range i.Findings {
		i.Findings[n].Recovered = d.well(i.Findings[n].Check)
	}
	why := d.why(i)
	if why != "" {
		i.Status = Withdrawn
	}
	i.say(d.now, Line{Kind: Closed, Node: i.Root, Detail: why})
	d.change.Incidents[i.ID] = i
	d.release(i)
}

// release lets go of what an incident held and still fails.
func (d *decision) release(i Incident) {
	for _, e := range d.holds[i.ID] {
		if e.state.HeldBy == i.ID && e.cause == nil {
			s := e.state
			s.HeldBy, s.Released = "", d.now
			e.state, e.fresh = s, false
			d.change.States[e.check.ID()] = s
		}
	}
}

// why says how an incident ended when it was not by passing checks.
func (d *decision) why(i Incident) string {
	for _, e := range d.at[i.Root] {
		if e.planned != "" && e.state.Active() {
			a := with(d.book.Announcements, d.change.Announcements)[e.planned]
			return "announced by " + a.By + ": " + a.Reason
		}
	}
	for _, f := range i.Own() {
		if d.suite.Check(f.Check) != nil {
			return ""
		}
	}
	return "removed from its DAG"
}

// well tells whether a check has no finding any more.
func (d *decision) well(id dag.CheckID) bool {
	s := d.state(id)
	return d.suite.Check(id) == nil || s.Phase == OK
}

// finish notes in every finding's state which incident it belongs to, or which
// announcement explains it.
func (d *decision) finish() {
	holder := map[dag.CheckID]ID{}
	for i := range d.open(Data) {
		for _, f := range i.Findings {
			if !f.Recovered {
				holder[f.Check] = i.ID
			}
		}
	}
	for _, e := range d.entries {
		want, s, planned := holder[e.check.ID()], d.state(e.check.ID()), e.owner().planned
		if s.HeldBy == want && s.Announced == planned {
			continue
		}
		s.HeldBy, s.Announced = want, planned
		if want != "" {
			s.Released = time.Time{}
		}
		d.change.States[e.check.ID()] = s
	}
}
