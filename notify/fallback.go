package notify

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// downAfter is how long a destination may take nothing before its messages are
// also told elsewhere; one that is dead is at once.
const downAfter = 5 * time.Minute

// down tells whether messages should be told elsewhere meanwhile.
func (d *destination) down() bool {
	return d.dead || !d.failing.IsZero() && time.Since(d.failing) >= downAfter
}

// elsewhere copies what waits for a destination that takes nothing to the
// fallback of each incident, and says there why. What waits is kept all the
// same.
func (d *destination) elsewhere(posts []Post) ([]Post, error) {
	if !d.down() {
		return nil, nil
	}
	var out []Post
	for _, p := range posts {
		if p.Copy || p.In != "" || p.Line > 0 || p.Recheck && p.Shown >= p.Want || p.Bulletin != nil && p.Bulletin.Kind == Trouble {
			continue
		}
		i := incident.Incident{ID: p.Incident, Kind: incident.Data}
		if p.Bulletin == nil {
			var err error
			if i, err = d.incident(p.Incident); err != nil {
				return nil, err
			}
		}
		r := d.config.Route(i)
		held, _ := r.Held(i, d.config.Moment())
		if r.Fallback == "" || r.Fallback == d.channel || !held.IsZero() && p.New() {
			continue
		}
		c, known, err := d.root(p.Incident, r.Fallback)
		if err != nil {
			return nil, err
		}
		if known && c.Want >= p.Want {
			continue
		}
		if !known {
			c = Post{Incident: p.Incident, Channel: r.Fallback, Copy: true, At: p.At}
		}
		c.Want, c.Bulletin = p.Want, p.Bulletin
		out = append(out, c)
		if t, fresh := d.grieve(r.Fallback); fresh {
			out = append(out, t)
		}
	}
	if len(out) > 0 {
		d.Kick() // the fallback's goroutine may have to be started
	}
	return out, nil
}

// grieve says in a fallback that this destination takes nothing: one bulletin
// for all destinations that are in trouble at a time.
func (d *destination) grieve(fallback string) (Post, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ailing != nil && slices.Contains(d.ailing.Bulletin.Members, d.channel) {
		return Post{}, false
	}
	var members []string
	p := d.announce("trouble", fallback, Bulletin{})
	if d.ailing != nil {
		members, p = d.ailing.Bulletin.Members, *d.ailing
		p.Want++
	}
	b := ailment(append(slices.Clone(members), d.channel), d.health.Trouble)
	p.Bulletin = &b
	d.ailing = &p
	return p, true
}

// relief takes this destination out of the bulletin about trouble.
func (d *destination) relief() error {
	d.mu.Lock()
	t := d.ailing
	if t == nil || !slices.Contains(t.Bulletin.Members, d.channel) {
		d.mu.Unlock()
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(t.Bulletin.Members), func(c string) bool { return c == d.channel })
	p, b := *t, ailment(left, t.Bulletin.Why)
	p.Bulletin, p.Want = &b, p.Want+1
	d.ailing = &p
	if len(left) == 0 {
		d.ailing = nil
	}
	d.mu.Unlock()
	defer d.Kick()
	return d.save(p)
}

// remember finds the bulletin about trouble that an earlier process left open.
func (s *Sender) remember(posts []Post) {
	for _, p := range posts {
		if b := p.Bulletin; b != nil && b.Kind == Trouble && len(b.Members) > 0 && s.ailing == nil {
			s.ailing = &p
		}
	}
}

// escalated posts one more message of each incident that was escalated, where
// whoever comes after the owner reads.
func (d *destination) escalated(posts []Post) ([]Post, error) {
	var out []Post
	looked := map[incident.ID]bool{}
	for _, p := range posts {
		if p.Line == 0 || looked[p.Incident] {
			continue
		}
		looked[p.Incident] = true
		i, err := d.incident(p.Incident)
		if err != nil {
			return nil, err
		}
		to := d.config.Route(i).Escalate.Channel
		if to == "" || to == p.Channel || !slices.ContainsFunc(i.Lines, func(l incident.Line) bool {
			return l.N >= p.Line && l.Kind == incident.Escalated
		}) {
			continue
		}
		_, known, err := d.root(i.ID, to)
		if err != nil {
			return nil, err
		}
		if !known {
			out = append(out, Post{Incident: i.ID, Channel: to, Copy: true, Want: i.Seq, At: p.At})
			d.Kick()
		}
	}
	return out, nil
}
