package notify

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// Plan says which posts an incident needs now, given those it has (by line
// number): its root message must show the newest Seq, and every line but the
// opening one, which the root message tells itself, is said once in the thread.
// Only new and changed posts are returned.
func Plan(i incident.Incident, have map[int]Post, channel string, at time.Time) []Post {
	var posts []Post
	root, ok := have[0]
	if !ok {
		root = Post{Incident: i.ID, Channel: channel, At: at}
	}
	if root.Want != i.Seq {
		root.Want = i.Seq
		posts = append(posts, root)
	}
	for _, l := range i.Lines {
		if _, ok := have[l.N]; ok || l.Kind == incident.Opened {
			continue
		}
		posts = append(posts, Post{Incident: i.ID, Line: l.N, Channel: root.Channel, Want: 1, At: at})
	}
	return posts
}
