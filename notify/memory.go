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
	posts     map[incident.ID]map[int]Post
}

// Commit stores an incident as it is now together with the posts that it
// needs, as one run does.
func (m *MemOutbox) Commit(i incident.Incident, channel string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.incidents == nil {
		m.incidents, m.posts = map[incident.ID]incident.Incident{}, map[incident.ID]map[int]Post{}
	}
	if m.posts[i.ID] == nil {
		m.posts[i.ID] = map[int]Post{}
	}
	m.incidents[i.ID] = i
	for _, p := range Plan(i, m.posts[i.ID], channel, at) {
		m.posts[i.ID][p.Line] = p
	}
}

// Posts lists all posts, done or not, in the order of Pending.
func (m *MemOutbox) Posts() []Post {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Post
	for _, i := range slices.SortedFunc(maps.Values(m.incidents), func(a, b incident.Incident) int {
		return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
	}) {
		for _, line := range slices.Sorted(maps.Keys(m.posts[i.ID])) {
			out = append(out, m.posts[i.ID][line])
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

// Root is the root post of an incident.
func (m *MemOutbox) Root(id incident.ID) (Post, error) {
	if err := m.fault("Root"); err != nil {
		return Post{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.posts[id][0]
	if !ok {
		return p, fmt.Errorf("no root message of incident %s", id)
	}
	return p, nil
}

// Save writes posts that were planned, all but their Want.
func (m *MemOutbox) Save(posts ...Post) error {
	if err := m.fault("Save"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range posts {
		old, ok := m.posts[p.Incident][p.Line]
		if !ok {
			return fmt.Errorf("save message %s: it was not planned", p.ID())
		}
		p.Want = old.Want
		m.posts[p.Incident][p.Line] = p
	}
	return nil
}

func (m *MemOutbox) fault(method string) error {
	if m.Fault == nil {
		return nil
	}
	return m.Fault(method)
}
