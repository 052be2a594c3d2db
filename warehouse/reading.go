package warehouse

import "github.com/pipewatch-dev/pipewatch/probe"

// Reading is how a statement reads a time column.
type Reading struct {
	Column string    `json:"column"`
	Type   string    `json:"type"`           // in the engine's word
	Zone   string    `json:"zone,omitempty"` // whose clock its values are; empty: they have a zone of their own
	Per    probe.Per `json:"per,omitempty"`  // what rows are counted by
	Days   string    `json:"days,omitempty"` // whose days that means
}

// timed is a time column of a question.
type timed struct {
	of   probe.Relation
	by   probe.TimeColumn
	per  probe.Per
	days string
}

// timesOf lists the time columns that a question reads.
func timesOf(q probe.Question) []timed {
	switch q := q.(type) {
	case probe.Watermark:
		return []timed{{of: q.Of, by: q.Column}}
	case probe.Rows:
		return []timed{{of: q.Of, by: q.Window.By}}
	case probe.BadRows:
		return []timed{{of: q.Of, by: q.Window.By}}
	case probe.Buckets:
		return []timed{{q.Of, q.By, q.Per, q.Zone}}
	case probe.Coverage:
		return []timed{{q.Child, q.Window.By, q.Per, q.Zone}}
	case probe.Keys:
		return []timed{{q.Of, q.Window.By, q.Per, q.Zone}}
	case probe.Digest:
		return []timed{{q.Of, q.By, q.Per, q.Zone}}
	case probe.Cohorts:
		return []timed{{q.Of, q.EventTime, q.Per, q.Zone}, {of: q.Labels, by: q.LabelledAt}}
	case probe.LastRuns:
		of := first(q)
		return []timed{{of: of, by: probe.TimeColumn{Name: "started_at", Zone: q.Zone}}, {of: of, by: probe.TimeColumn{Name: "ended_at", Zone: q.Zone}}}
	}
	return nil
}

// readings tells how the time columns of a question are read, as it was planned.
func (p *planner) readings(q probe.Question) (list []Reading) {
	for _, c := range timesOf(q) {
		t, known := p.known[c.of]
		if c.by.Name == "" || !known {
			continue
		}
		days := ""
		if c.per != "" {
			days = c.days
			if days == "" {
				days = "UTC"
			}
		}
		at, err := newDayClock(p.d, t, c.by, days)
		if err != nil {
			continue // the question's answer says so
		}
		r := Reading{Column: at.column.Name, Type: at.column.Type, Zone: at.zone, Per: c.per, Days: days}
		if at.column.Class == probe.Zoned {
			r.Zone = ""
		}
		list = append(list, r)
	}
	return list
}
