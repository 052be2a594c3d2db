package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// Bulletin is a message about no single incident. Its words are plain text, of
// which a channel makes its own form.
type Bulletin struct {
	Kind     BulletinKind `json:"kind"`
	Title    string       `json:"title"` // one line
	Sections []Section    `json:"sections,omitempty"`
	// Members are the incidents that a storm's digest tells, or the
	// destinations that are in trouble.
	Members []string     `json:"members,omitempty"`
	Why     string       `json:"why,omitempty"` // what a destination in trouble answered
	State   BulletinTone `json:"state"`
}

// BulletinKind is what a bulletin is about.
type BulletinKind string

// The kinds.
const (
	Storm    BulletinKind = "storm"    // many incidents at once
	Trouble  BulletinKind = "trouble"  // destinations that take no messages
	Morning  BulletinKind = "morning"  // what the day begins with
	Overflow BulletinKind = "overflow" // more waits than can be told one by one
	Removal  BulletinKind = "removal"  // changed files have taken nodes away
)

// BulletinTone is how a bulletin looks.
type BulletinTone string

// The tones. Only what is over is green.
const (
	Alarming BulletinTone = "alarming"
	Warning  BulletinTone = "warning"
	Calm     BulletinTone = "calm"
	Ended    BulletinTone = "ended"
)

// Section is a part of a bulletin.
type Section struct {
	Title string   `json:"title"`
	Items []string `json:"items"`
}

// named are how many nodes a line of a digest names.
const namedInDigest = 6

// digest words a storm: what its incidents are, by DAG and by what is wrong,
// the largest group first. Label gives what people call a node.
func digest(members []incident.Incident, label func(incident.Incident) string) Bulletin {
	b := Bulletin{Kind: Storm, State: Warning}
	type group struct {
		about, what string
		open        []incident.Incident
		over        int
	}
	groups := map[string]*group{}
	open := 0
	for _, i := range members {
		about, what := aboutWhat(i)
		g := groups[about+"\x00"+what]
		if g == nil {
			g = &group{about: about, what: what}
			groups[about+"\x00"+what] = g
		}
		if i.Status != incident.Open {
			g.over++
			continue
		}
		open++
		g.open = append(g.open, i)
		if i.Severity == dag.Error {
			b.State = Alarming
		}
	}
	sorted := slices.SortedFunc(maps.Values(groups), func(x, y *group) int {
		return cmp.Or(cmp.Compare(len(y.open), len(x.open)), cmp.Compare(y.over, x.over), cmp.Compare(x.about+x.what, y.about+y.what))
	})
	var items []string
	for _, g := range sorted {
		items = append(items, groupLine(g.about, g.what, g.open, g.over, label))
	}
	b.Title = fmt.Sprintf("digest: %s opened in a short time, %d open", Count(len(members), "incident"), open)
	if open == 0 {
		b.State = Ended
		b.Title = fmt.Sprintf("digest: all of %s that opened in a short time are over", Count(len(members), "incident"))
	}
	b.Sections = []Section{{Title: "By what is wrong, each a root cause of its own", Items: items}}
	return b
}

// aboutWhat is the group of an incident.
func aboutWhat(i incident.Incident) (about, what string) {
	switch i.Kind {
	case incident.Data:
		lead := Notice{Incident: i}.Lead()
		return "DAG " + i.Root.DAG(), Predicate(lead)
	case incident.BrokenFile:
		return "DAG files", "are broken"
	}
	return "connections", strings.ReplaceAll(string(i.Kind), "_", " ")
}

// groupLine says one group: "DAG shop: 300 is stale — orders, customers, … 298 more; 12 over".
func groupLine(about, what string, open []incident.Incident, over int, label func(incident.Incident) string) string {
	s := fmt.Sprintf("%s, %s: %d open", about, what, len(open))
	if over > 0 {
		s += fmt.Sprintf(", %d over", over)
	}
	var names []string
	for k, i := range open {
		if k == namedInDigest {
			names = append(names, fmt.Sprintf("… %d more", len(open)-k))
			break
		}
		names = append(names, label(i))
	}
	if len(names) > 0 {
		s += " — " + strings.Join(names, ", ")
	}
	return s
}

// ailment words destinations that take no messages, and that they do again.
func ailment(members []string, why string) Bulletin {
	b := Bulletin{Kind: Trouble, Members: members, Why: why, State: Alarming}
	if len(members) == 0 {
		b.State, b.Title = Ended, "All destinations take messages again"
		b.Sections = []Section{{Title: "What was kept for them", Items: []string{"is being sent now"}}}
		return b
	}
	b.Title = fmt.Sprintf("%s cannot be reached: %s", strings.Join(members, ", "), why)
	b.Sections = []Section{{Title: "What follows", Items: []string{
		"alerts for it come here meanwhile, and are kept and sent there once it takes them again",
		"it is tried again every minute; pipewatch doctor says what to mend",
	}}}
	return b
}

// overflow words that lines were not told one by one.
func overflow(channel string, lines int) Bulletin {
	return Bulletin{Kind: Overflow, State: Warning,
		Title: fmt.Sprintf("digest: %s for %s could not be told one by one", Count(lines, "change"), channel),
		Sections: []Section{{Title: "What follows", Items: []string{
			"too many messages were waiting; each incident's own message shows it as it is now, and the page lists every change",
		}}},
	}
}

// Day is what a morning's digest tells.
type Day struct {
	Name     string // "Tuesday, 24 November"
	Open     []incident.Incident
	Expiring []incident.Incident // muted, and the mute ends today
	Broken   map[dag.NodeID]int  // minutes that a node was broken yesterday
	Slow     []SlowCheck         // the slowest first
}

// SlowCheck is how long a check took.
type SlowCheck struct {
	Check dag.CheckID
	Took  string
}

// MorningDigest words a morning.
func (d Desk) MorningDigest(day Day) Bulletin {
	b := Bulletin{Kind: Morning, State: Calm, Title: fmt.Sprintf("Morning digest of %s: nothing is open", day.Name)}
	if n := len(day.Open); n > 0 {
		b.Title = fmt.Sprintf("Morning digest of %s: %s open", day.Name, Count(n, "incident"))
	}
	add := func(title string, items []string) {
		if len(items) > 0 {
			b.Sections = append(b.Sections, Section{Title: title, Items: items})
		}
	}
	add("Open", collect(day.Open, func(i incident.Incident) string {
		return fmt.Sprintf("%s, since %s", Headline(d.Compose(i, nil), Plainly), Plainly.Time(i.Onset))
	}))
	add("Mutes that end today", collect(day.Expiring, func(i incident.Incident) string {
		return fmt.Sprintf("%s, muted by %s until %s", Headline(d.Compose(i, nil), Plainly), cmp.Or(i.Muted.By, "pipewatch"), Plainly.Time(i.Muted.Until))
	}))
	ids := slices.SortedFunc(maps.Keys(day.Broken), func(a, b dag.NodeID) int {
		return cmp.Or(cmp.Compare(day.Broken[b], day.Broken[a]), cmp.Compare(a, b))
	})
	add("Broken yesterday", collect(ids, func(id dag.NodeID) string {
		return fmt.Sprintf("%s: %d min", d.view(id).Label, day.Broken[id])
	}))
	add("Slowest checks", collect(day.Slow, func(s SlowCheck) string { return fmt.Sprintf("%s: %s", s.Check, s.Took) }))
	return b
}

func collect[T any](from []T, word func(T) string) []string {
	var out []string
	for _, v := range from {
		out = append(out, word(v))
	}
	return out
}
