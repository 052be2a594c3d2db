package notify

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Plan says which posts an incident needs now, given those it has: its root
// message and the copies of it must show the newest Seq, and every line but the
// opening one, which the root message tells itself, is said once in the thread.
// Only new and changed posts are returned.
func Plan(i incident.Incident, have []Post, channel string, at time.Time) []Post {
	var posts []Post
	root := Post{Incident: i.ID, Channel: channel, At: at}
	told := map[int]bool{}
	for _, p := range have {
		switch {
		case p.Copy:
			if p.Want != i.Seq {
				posts = append(posts, p.wants(i, at))
			}
		case p.Line == 0:
			root = p
		default:
			told[p.Line] = true
		}
	}
	if root.Want != i.Seq {
		posts = append(posts, root.wants(i, at))
	}
	for _, l := range i.Lines {
		if told[l.N] || l.Kind == incident.Opened {
			continue
		}
		posts = append(posts, Post{Incident: i.ID, Line: l.N, Channel: root.Channel, Want: 1, At: at})
	}
	return posts
}

// wants is a root message that has to show an incident as it is now. One that
// was given up, as the incident was over before anybody had to know, is needed
// after all when that is open again.
func (p Post) wants(i incident.Incident, at time.Time) Post {
	p.Want, p.Recheck = i.Seq, false // an edit shows anyway whether the message is there
	if p.Expired && i.Status == incident.Open {
		p.Expired, p.Trouble, p.At = false, "", at
	}
	return p
}
