package notify

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// This file is what becomes of posts that need no message of their own.

// mostWaiting is how many posts may wait for a destination, and mostBytes how
// much they may weigh, before the lines among them are told by their root
// messages alone.
const (
	mostWaiting = 10_000
	mostBytes   = 64 << 20
)

// fold settles the posts of this destination that need no sending, and tells
// whether there were any: the outbox is to be read again then.
func (d *destination) fold(posts []Post) (bool, error) {
	for _, settle := range []func([]Post) ([]Post, error){d.mutedOver, d.storm, d.members, d.escalated, d.newsless, d.overflow, d.elsewhere} {
		settled, err := settle(posts)
		if err != nil {
			return false, err
		}
		if len(settled) > 0 {
			return true, d.save(settled...)
		}
	}
	return false, nil
}

// newsless settles, for a destination that cannot edit, the lines (a root
// message that is posted again tells them) and the changes that are not worth
// another message.
func (d *destination) newsless(posts []Post) ([]Post, error) {
	if !d.oneWay {
		return nil, nil
	}
	var out []Post
	for _, p := range posts {
		if p.Line > 0 {
			p.Covered = true
			out = append(out, p)
			continue
		}
		if p.Shown == 0 || !p.Intent.IsZero() || p.Bulletin != nil && p.Shown < p.Want {
			continue
		}
		if p.Shown >= p.Want { // there is nothing to be looked at again
			p.Recheck = false
			out = append(out, p)
			continue
		}
		i, err := d.incident(p.Incident)
		if err != nil {
			return nil, err
		}
		if len(news(i, p)) == 0 {
			p.Shown, p.Recheck = p.Want, false
			out = append(out, p)
		}
	}
	return out, nil
}

// incident is one as it is now.
func (d *destination) incident(id incident.ID) (incident.Incident, error) {
	i, err := d.config.Outbox.Incident(id)
	if err != nil {
		return i, fmt.Errorf("read incident %s: %w", id, err)
	}
	return i, nil
}

// small are the kinds of lines that are not worth a message of their own.
var small = map[incident.LineKind]bool{
	incident.Joined: true, incident.Recovered: true, incident.Redefined: true, incident.Unacked: true, incident.Unmuted: true,
}

// news are the lines since what a post has shown that are worth a message where
// nothing can be edited.
func news(i incident.Incident, p Post) []incident.Line {
	var out []incident.Line
	for _, l := range i.Lines {
		if l.Seq > p.Shown && !small[l.Kind] {
			out = append(out, l)
		}
	}
	return out
}

// mutedOver gives up what began and ended within a mute window.
func (d *destination) mutedOver(posts []Post) ([]Post, error) {
	var out []Post
	for _, p := range posts {
		if !p.New() || p.Bulletin != nil || p.Copy {
			continue
		}
		i, err := d.incident(p.Incident)
		if err != nil {
			return nil, err
		}
		if i.Status == incident.Open || p.Want != i.Seq {
			continue // the incident has moved on since the posts were read: its last line is not among them
		}
		if _, muted := d.config.Route(i).Held(i, d.config.Moment()); muted {
			p.Expired, p.Trouble = true, "it began and ended within a mute window"
			out = append(out, p)
			for _, l := range posts {
				if l.Incident == p.Incident && l.Line > 0 {
					l.Covered = true
					out = append(out, l)
				}
			}
		}
	}
	return out, nil
}

// overflow leaves lines to their root messages when too much waits.
func (d *destination) overflow(posts []Post) ([]Post, error) {
	weight := 0
	for _, p := range posts {
		weight += 300 + len(p.Trouble)
		if p.Bulletin != nil {
			weight += 40 * len(p.Bulletin.Members)
		}
	}
	if len(posts) <= mostWaiting && weight <= mostBytes {
		return nil, nil
	}
	var out []Post
	for _, p := range posts {
		if p.Line > 0 && p.Intent.IsZero() {
			p.Covered = true
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	d.config.Log.Error("too many messages wait; changes are told by the incidents' own messages only", "channel", d.channel, "lines", len(out))
	lines := len(out)
	d.note(func(h *DestinationHealth) { h.Collapsed += lines })
	b := overflow(d.channel, lines)
	return append(out, d.announce("overflow", d.channel, b)), nil
}

// announce is a new bulletin.
func (d *destination) announce(what, channel string, b Bulletin) Post {
	return BulletinPost(what, channel, d.config.Moment(), b)
}

// BulletinPost is a new bulletin for an outbox. The same words, channel and
// moment give the same post.
func BulletinPost(what, channel string, at time.Time, b Bulletin) Post {
	return Post{Incident: bulletinID(what, channel, at), Channel: channel, Want: 1, At: at, Bulletin: &b}
}
