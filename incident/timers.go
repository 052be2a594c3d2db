package incident

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// timers does what time alone brings to open incidents, and asks to be woken
// for the next of it.
func (d *decision) timers() {
	for _, kind := range []Kind{Data, CannotCheck, BrokenFile, Self, ClockSkew, NoData} {
		for i := range d.open(kind) {
			was := i.Seq
			d.endMute(&i)
			d.callAgain(&i)
			if i.Seq != was {
				d.change.Incidents[i.ID] = i
			}
		}
	}
}

// due tells whether a moment has come; otherwise it asks to be woken then.
func (d *decision) due(at time.Time) bool {
	if at.After(d.now) {
		d.change.Wake = soonest(d.change.Wake, at)
		return false
	}
	return true
}

// endMute gives an incident its voice back when its mute is over.
func (d *decision) endMute(i *Incident) {
	if i.Muted.Set() && d.due(i.Muted.Until) {
		i.Muted = Mark{}
		i.say(d.now, Line{Kind: Unmuted, Node: i.Root})
	}
}

// callAgain calls people again for an error that nobody has taken on, and calls
// others once nobody has for too long. Of both at the same moment the escalation
// is enough.
func (d *decision) callAgain(i *Incident) {
	if i.Severity != dag.Error || i.Acked.Set() || i.Muted.Set() {
		return
	}
	if after := d.policy.EscalateAfter; after > 0 && !i.Escalated.Set() && d.due(i.neglected().Add(after)) {
		i.Escalated = Mark{At: d.now}
		i.say(d.now, Line{Kind: Escalated, Node: i.Root})
	}
	if every := d.policy.RepeatEvery; every > 0 && d.due(i.Called.Add(every)) {
		i.say(d.now, Line{Kind: Reminded, Node: i.Root})
		d.due(d.now.Add(every))
	}
}

// neglected is since when an incident waits for somebody to take it on.
func (i Incident) neglected() time.Time {
	since := i.OpenedAt
	for _, l := range i.Lines {
		switch l.Kind {
		case Reopened, Raised, Unacked, Unmuted:
			since = l.At
		}
	}
	return since
}
