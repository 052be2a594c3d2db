package checks

import (
	"fmt"
	"time"
)

// rowCountMemory is the last number of all rows and when it was first seen, the
// greatest that the table may not fall below, and the one that it must grow from.
type rowCountMemory struct {
	Rows  int64     `json:"rows"`
	Since time.Time `json:"since"`
	Most  int64     `json:"most,omitempty"`
	Set   time.Time `json:"set,omitzero"` // when Most was first seen
	Base  countBase `json:"base,omitzero"`
}

// judgePast holds the number of all rows against the numbers before.
func (p rowCountParams) judgePast(s Site, rows int64, m Memory, at Moment, observed *rowCountObserved, expected *rowCountExpected) ([]judgement, Memory) {
	past, known := recall[rowCountMemory](m, 1)
	if !known {
		now := at.Now.UTC()
		first := rowCountMemory{Rows: rows, Since: now, Most: rows, Set: now}
		if p.Delta != nil {
			first.Base = countBase{Rows: rows, At: now, First: true}
		}
		return []judgement{{outcome: Pending, reason: NoHistory, message: "no past yet to tell whether the number of rows changes"}},
			remember(1, first)
	}
	next := past
	if past.Rows != rows {
		next.Rows, next.Since = rows, at.Now.UTC()
	}
	found := []judgement{p.judgeFallen(rows, &next, s.Node.Zone, at)}
	if p.Delta != nil {
		j, limits := p.Delta.judge(s, rows, &next.Base, at)
		observed.Delta, observed.DeltaSince = new(rows-past.Base.Rows), &past.Base.At
		expected.MinDelta, expected.MaxDelta = limits.Min, limits.Max
		found = append(found, j)
	}
	if p.FrozenAfter != nil {
		found = append(found, p.judgeFrozen(next, at))
	}
	if next == past {
		return found, nil
	}
	return found, remember(1, next)
}

// judgeFallen fails a number of rows below the greatest that was seen, until the rows
// are back: the next run would otherwise forget what was lost. What was announced may
// delete.
func (p rowCountParams) judgeFallen(rows int64, m *rowCountMemory, zone *time.Location, at Moment) judgement {
	if rows >= m.Most || announcedSince(at, time.Time{}) != nil {
		if rows != m.Most {
			m.Most, m.Set = rows, at.Now.UTC()
		}
		return judgement{outcome: Pass}
	}
	if !p.NonDecreasing {
		return judgement{outcome: Pass}
	}
	return judgement{outcome: Fail, reason: Dropped, goodUntil: m.Set,
		message: fmt.Sprintf("there %s, %s fewer than the %s of %s", are(rows), thousands(m.Most-rows), thousands(m.Most), clock(m.Set, zone))}
}

// judgeFrozen fails a number of rows that has been the same for too long.
func (p rowCountParams) judgeFrozen(m rowCountMemory, at Moment) judgement {
	still := at.Now.Sub(m.Since)
	if still <= p.FrozenAfter.Std() {
		return judgement{outcome: Pass}
	}
	return judgement{
		outcome: Fail, reason: Frozen, onset: m.Since.Add(p.FrozenAfter.Std()), goodUntil: m.Since,
		message: fmt.Sprintf("the number of rows has been %s for %s, limit %s", thousands(m.Rows), spoken(still), spoken(p.FrozenAfter.Std())),
	}
}
