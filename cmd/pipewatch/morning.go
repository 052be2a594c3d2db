package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// morningFor is how late a morning's digest still is of use.
const morningFor = 2 * time.Hour

// slowest is how many checks a morning's digest names, and recent how many
// incidents it looks through.
const (
	slowest = 5
	recent  = 1000
)

// morning puts the digest of today into the outbox when it is time, once.
func (s *service) morning(now time.Time) error {
	p := s.projectNow()
	at := p.config.Alerts.Digest
	if at == nil {
		return nil
	}
	now = now.In(s.zone())
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	// By the clock on the wall, as an hour need not exist on the day that clocks change.
	late := time.Duration(now.Hour()-at.Hour)*time.Hour + time.Duration(now.Minute()-at.Minute)*time.Minute
	if late < 0 || late > morningFor {
		return nil
	}
	post := notify.BulletinPost("morning", p.config.home(), midnight, notify.Bulletin{})
	if _, sent, err := s.store.Root(post.Incident, ""); sent || err != nil {
		return err
	}
	day, err := s.day(midnight, now)
	if err != nil {
		return err
	}
	b := s.deskNow().MorningDigest(day)
	post.Bulletin = &b
	if err := s.store.Save(post); err != nil {
		return err
	}
	s.sender.Kick()
	return nil
}

// day gathers what a morning's digest tells.
func (s *service) day(midnight, now time.Time) (notify.Day, error) {
	day := notify.Day{Name: now.Format("Monday, 2 January"), Broken: map[dag.NodeID]int{}}
	all, err := s.store.Incidents("", recent, false)
	if err != nil {
		return day, err
	}
	for _, i := range s.store.Book().Incidents {
		if !slices.ContainsFunc(all, func(o incident.Incident) bool { return o.ID == i.ID }) {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, func(a, b incident.Incident) int { return a.OpenedAt.Compare(b.OpenedAt) })
	yesterday := midnight.AddDate(0, 0, -1)
	for _, i := range all {
		if i.Status == incident.Open {
			day.Open = append(day.Open, i)
			if i.Muted.Set() && i.Muted.Until.Before(midnight.AddDate(0, 0, 1)) {
				day.Expiring = append(day.Expiring, i)
			}
		}
		if minutes := brokenWithin(i, yesterday, midnight); i.Kind == incident.Data && minutes > 0 {
			day.Broken[i.Root] += minutes
		}
	}
	day.Slow = s.slowChecks()
	return day, nil
}

// brokenWithin is how many minutes of a stretch an incident was true.
func brokenWithin(i incident.Incident, from, to time.Time) int {
	if i.Onset.After(from) {
		from = i.Onset
	}
	if i.Status != incident.Open && i.ResolvedAt.Before(to) {
		to = i.ResolvedAt
	}
	return int(to.Sub(from).Minutes())
}

// slowChecks are the slowest of each check's last evaluations.
func (s *service) slowChecks() []notify.SlowCheck {
	var last []checks.Result
	for _, l := range s.latest.all() {
		last = append(last, l.Result)
	}
	slices.SortFunc(last, func(a, b checks.Result) int {
		return cmp.Or(cmp.Compare(b.Took, a.Took), cmp.Compare(a.Check, b.Check))
	})
	var out []notify.SlowCheck
	for _, r := range last[:min(len(last), slowest)] {
		if r.Took >= time.Second {
			out = append(out, notify.SlowCheck{Check: r.Check, Took: r.Took.Round(100 * time.Millisecond).String()})
		}
	}
	return out
}
