package checks

import "time"

// announcedSince finds planned work that was under way at some time after since: a
// change that was first seen now can be its doing.
func announcedSince(at Moment, since time.Time) *Announcement {
	for _, a := range at.Announced {
		if !a.From.After(at.Now) && (a.Until.IsZero() || a.Until.After(since)) {
			return &a
		}
	}
	return nil
}

// words says who announced what.
func (a Announcement) words() string {
	text := ", as announced"
	if a.By != "" {
		text += " by " + a.By
	}
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}
