package notify

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// A storm is more new incidents in a minute than people can read. They are told
// by one digest, grouped by what is wrong and edited as it grows; the page lists
// each.
const (
	stormAfter  = 20 // new incidents …
	stormWithin = time.Minute
	stormGrows  = 10 * time.Minute // how long after its last growth a digest takes more
)

// bulletinID names a bulletin for ever.
func bulletinID(what, channel string, at time.Time) incident.ID {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s|%s|%d", what, channel, at.UnixNano())
	return incident.ID(fmt.Sprintf("%s-%s-%05x", what, at.UTC().Format("20060102T150405"), h.Sum32()&0xfffff))
}

// storm gathers the incidents that were not told yet into a digest when there
// are too many.
func (d *destination) storm(posts []Post) ([]Post, error) {
	now := time.Now()
	var fresh []Post
	for _, p := range posts {
		if !p.New() || p.Copy || p.Bulletin != nil || p.In != "" {
			continue
		}
		i, err := d.incident(p.Incident)
		if err != nil {
			return nil, err
		}
		if until, _ := d.config.Route(i).Held(i, d.config.Moment()); until.IsZero() {
			fresh = append(fresh, p)
		}
	}
	d.told = slices.DeleteFunc(d.told, func(t time.Time) bool { return now.Sub(t) >= stormWithin })
	if len(fresh) == 0 || len(fresh)+len(d.told) <= stormAfter {
		return nil, nil
	}
	root, err := d.gathering(now)
	if err != nil {
		return nil, err
	}
	b := *root.Bulletin
	b.Members = slices.Clone(b.Members)
	for k := range fresh {
		b.Members = append(b.Members, string(fresh[k].Incident))
		fresh[k].In, fresh[k].Shown, fresh[k].Trouble = root.Incident, fresh[k].Want, ""
		d.told = append(d.told, now)
	}
	d.told = d.told[max(0, len(d.told)-stormAfter-1):] // more need not be counted
	gathered := map[incident.ID]bool{}
	for _, p := range fresh {
		gathered[p.Incident] = true
	}
	for _, p := range posts {
		if p.Line > 0 && gathered[p.Incident] {
			p.Covered = true
			fresh = append(fresh, p)
		}
	}
	root.Bulletin, root.Want = &b, root.Want+1
	d.digest, d.grew = root.Incident, now
	d.config.Log.Warn("many incidents at once, told as a digest", "channel", d.channel, "new", len(gathered), "digest", root.Incident)
	return append(fresh, root), nil
}

// gathering is the digest that takes more incidents, or a new one.
func (d *destination) gathering(now time.Time) (Post, error) {
	if d.digest != "" && now.Sub(d.grew) < stormGrows {
		p, known, err := d.root(d.digest, "")
		if err != nil || known {
			return p, err
		}
	}
	p := d.announce("digest", d.channel, Bulletin{Kind: Storm})
	p.Want = 0
	return p, nil
}

// members settles what happened to incidents that a digest tells: the digest
// shows it.
func (d *destination) members(posts []Post) ([]Post, error) {
	var out []Post
	in := map[incident.ID]bool{}
	digests := map[incident.ID]bool{}
	for _, p := range posts {
		switch {
		case p.In != "" && p.Line == 0:
			in[p.Incident], digests[p.In] = true, true
			p.Shown = p.Want
			out = append(out, p)
		case in[p.Incident] && p.Line > 0:
			p.Covered = true
			out = append(out, p)
		}
	}
	for id := range digests {
		root, known, err := d.root(id, "")
		if err != nil {
			return nil, err
		}
		if known {
			root.Want++
			out = append(out, root)
		}
	}
	return out, nil
}

// root is a root message or a copy.
func (s *Sender) root(id incident.ID, copyIn string) (Post, bool, error) {
	p, known, err := s.config.Outbox.Root(id, copyIn)
	if err != nil {
		return p, false, fmt.Errorf("read the message of %s: %w", id, err)
	}
	return p, known, nil
}

// bulletin is what a post that is about no single incident says now, and whom
// it mentions.
func (s *Sender) bulletin(p Post) (Notice, error) {
	b := *p.Bulletin
	n := Notice{ID: p.ID(), Seq: p.Want, Incident: incident.Incident{ID: p.Incident}, Bulletin: &b, Repeat: p.MayRepeat > 0}
	if b.Kind != Storm {
		return n, nil
	}
	var members []incident.Incident
	for _, id := range b.Members {
		i, err := s.config.Outbox.Incident(incident.ID(id))
		if err != nil {
			return n, fmt.Errorf("read incident %s of a digest: %w", id, err)
		}
		members = append(members, i)
	}
	if len(members) > 0 { // the page that lists them all
		n.Link, _ = strings.CutSuffix(s.config.Compose(members[0], nil).Link, "/"+string(members[0].ID))
	}
	b = digest(members, func(i incident.Incident) string { return s.config.Compose(i, nil).Subject(Plainly) })
	b.Members = p.Bulletin.Members
	for _, i := range members {
		if wakes(i, nil) {
			n.Mention = cmp.Or(n.Mention, s.config.Route(i).Mention)
		}
		if n.Mention != "" {
			break
		}
	}
	return n, nil
}
