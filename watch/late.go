package watch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// A check is late when two of its slots have gone by since it was last
// evaluated: what is shown of it is old. When more than a tenth of all checks
// are, that is a trouble of pipewatch itself.

// lateShare is one over the share of late checks that is a trouble.
const lateShare = 10

// Late lists the checks that are late now.
func (s *Service) Late() []dag.CheckID {
	s.mu.Lock()
	defer s.mu.Unlock()
	late, _ := s.agenda.late(s.cfg.Now())
	var ids []dag.CheckID
	for _, g := range late {
		for _, c := range g.checks {
			ids = append(ids, c.ID())
		}
	}
	slices.Sort(ids)
	return ids
}

// lateness is what the loop knows of late checks.
type lateness struct {
	trouble []incident.Trouble // too many of them, or none
	since   time.Time          // too many are late since then; zero is not
	last    time.Time          // when too many last were
	next    time.Time          // when the answer may be another; zero is never
}

// A trouble begins after a minute, which it takes to catch up after a machine has
// slept, and ends after a quarter of an hour without: runs that are always a
// little too slow are one trouble and not many.
const (
	lateBegins = time.Minute
	lateEnds   = 15 * time.Minute
)

// at is the lateness at a moment, given what it was.
func (l lateness) at(now time.Time, a *agenda, all int) lateness {
	late, next := a.late(now)
	n := 0
	var dags []string
	for _, g := range late {
		n += len(g.checks)
		dags = append(dags, g.dag)
	}
	l.next = next
	switch {
	case n*lateShare > all:
		if l.since.IsZero() {
			l.since = now
		}
		l.last = now
		if begins := l.since.Add(lateBegins); len(l.trouble) > 0 || !now.Before(begins) {
			l.trouble = []incident.Trouble{{Name: "evaluation", Problem: lateProblem(dags)}}
		} else {
			l.next = sooner(l.next, begins)
		}
	case len(l.trouble) > 0 && now.Before(l.last.Add(lateEnds)):
		l.since = time.Time{}
		l.next = sooner(l.next, l.last.Add(lateEnds))
	default:
		l.since, l.trouble = time.Time{}, nil
	}
	return l
}

func lateProblem(dags []string) string {
	slices.Sort(dags)
	dags = slices.Compact(dags)
	const most = 5
	names := strings.Join(dags[:min(len(dags), most)], ", ")
	if more := len(dags) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("more than a tenth of all checks were not evaluated for two of their slots (DAGs %s): what is shown of them is old. "+
		"Their runs never end or end too slowly: look at the connections' max_queries and statement_timeout, or give the checks more time between slots", names)
}

// sooner is the earlier of two moments, of which either may be zero (never).
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
