package incident

import "time"

// timers does what time alone brings to open incidents, and asks to be woken
// for the next of it.
func (d *decision) timers() {
	for _, kind := range []Kind{Data, CannotCheck, BrokenFile} {
		for _, i := range d.open(kind) {
			d.endMute(i)
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
func (d *decision) endMute(i Incident) {
	if !i.Muted.Set() || !d.due(i.Muted.Until) {
		return
	}
	i.Muted = Mark{}
	i.say(d.now, Line{Kind: Unmuted})
	d.change.Incidents[i.ID] = i
}
