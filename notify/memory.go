package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// MemOutbox is an Outbox in memory, for tests and for runs that keep nothing.
// It behaves as the durable one does, except that it ends with the process. The
// zero value is ready to use; all methods may be called at any time.
type MemOutbox struct {
	// Fault, where set, is asked before each call of the Outbox's methods, by
	// name; its error is returned and nothing is done.
	Fault func(method string) error

	mu        sync.Mutex
	incidents map[incident.ID]incident.Incident
	posts     map[incident.ID]map[string]Post // by their place among those of the incident
}

// Commit stores an incident as it is now together with the posts that it
// needs, as one run does.
func (m *MemOutbox) Commit(i incident.Incident, channel string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.incidents == nil {
		m.incidents, m.posts = map[incident.ID]incident.Incident{}, map[incident.ID]map[string]Post{}
	}
	m.incidents[i.ID] = i
	for _, p := range Plan(i, slices.Collect(maps.Values(m.posts[i.ID])), channel, at) {
		m.put(p)
	}
}

// Posts lists all posts, done or not, in the order of Pending.
func (m *MemOutbox) Posts() []Post {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Post
	for _, id := range slices.SortedFunc(maps.Keys(m.posts), func(a, b incident.ID) int {
		return cmp.Or(m.incidents[a].OpenedAt.Compare(m.incidents[b].OpenedAt), cmp.Compare(a, b))
	}) {
		for _, place := range slices.Sorted(maps.Keys(m.posts[id])) {
			out = append(out, m.posts[id][place])
		}
	}
	return out
}

// Pending lists the posts that are not done.
func (m *MemOutbox) Pending() ([]Post, error) {
	if err := m.fault("Pending"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(m.Posts(), Post.Done), nil
}

// Incident is the incident as it is now.
func (m *MemOutbox) Incident(id incident.ID) (incident.Incident, error) {
	if err := m.fault("Incident"); err != nil {
		return incident.Incident{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.incidents[id]
	if !ok {
		return i, fmt.Errorf("no incident %s", id)
	}
	return i, nil
}

// Root is the root post of an incident, or its copy in a channel.
func (m *MemOutbox) Root(id incident.ID, copyIn string) (Post, bool, error) {
	if err := m.fault("Root"); err != nil {
		return Post{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.posts[id][Post{Channel: copyIn, Copy: copyIn != ""}.Place()]
	return p, ok, nil
}

// put stores a post; the caller holds the lock.
func (m *MemOutbox) put(p Post) {
	if m.posts == nil {
		m.posts = map[incident.ID]map[string]Post{}
	}
	if m.posts[p.Incident] == nil {
		m.posts[p.Incident] = map[string]Post{}
	}
	m.posts[p.Incident][p.Place()] = p
}

// Save writes posts, see Post.Over.
func (m *MemOutbox) Save(posts ...Post) error {
	if err := m.fault("Save"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range posts {
		old, ok := m.posts[p.Incident][p.Place()]
		switch {
		case ok:
			p = p.Over(old)
		case !p.Copy && p.Bulletin == nil:
			return fmt.Errorf("save message %s: it was not planned", p.ID())
		}
		m.put(p)
	}
	return nil
}

func (m *MemOutbox) fault(method string) error {
	if m.Fault == nil {
		return nil
	}
	return m.Fault(method)
}
