package checkstest

import (
	"fmt"
	"strings"
	"time"
)

// joins draws a join of the child with the parent.
func (d *draw) joins() {
	where, meets := d.condition()
	both, orphan, windowed := d.IntN(2) == 0, d.IntN(3) == 0, d.IntN(2) == 0
	keys := "joins: {to: parent, on: " + some(d, "k", "[k]")
	if both {
		keys = "joins: {to: parent, on: [k, j]"
	}
	if orphan {
		keys += ", nulls: orphan"
	}
	late, last := time.Duration(d.IntN(40))*time.Hour, time.Duration(20+d.IntN(90))*time.Hour
	from, to := d.now.Add(-late-last), d.now.Add(-late)
	if windowed {
		keys += fmt.Sprintf(", by: %s, last: %s, allow_late: %s", "ts", minutes(last), minutes(late))
	}
	key := func(k *int, j *string) string {
		if k == nil || both && j == nil {
			return ""
		}
		if both {
			return fmt.Sprint(*k, " ", *j)
		}
		return fmt.Sprint(*k)
	}
	parents := map[string]int{}
	for _, r := range d.parent {
		if whole := key(r.k, r.j); whole != "" {
			parents[whole]++
		}
	}
	segmented, least := d.IntN(2) == 0, 1+d.IntN(4)
	if keys += fmt.Sprintf(", min_eligible: %d", least); segmented {
		keys += ", segment: seg"
	}
	eligible, matched, nulls, segments := 0, 0, 0, map[string]*[2]int{}
	for _, r := range d.child {
		if !meets(r) || windowed && (r.ts == nil || r.ts.Before(from) || !r.ts.Before(to)) {
			continue
		}
		whole := key(r.k, r.j)
		if whole == "" {
			nulls++
		}
		name := "NULL"
		if r.seg != nil {
			name = *r.seg
		}
		if segments[name] == nil {
			segments[name] = &[2]int{}
		}
		if whole != "" || orphan {
			eligible++
			segments[name][0]++
		}
		if parents[whole] > 0 {
			matched++
			segments[name][1]++
		}
	}
	repeated := 0
	for _, n := range parents {
		repeated += min(n-1, 1)
	}
	share, orphans, without, most := 5*(1+d.IntN(20)), 2+d.IntN(30), d.IntN(12), d.IntN(6)
	short := 100*matched < share*eligible
	for _, of := range segments {
		short = short || segmented && of[0] >= least && 100*of[1] < share*of[0]
	}
	d.expect("child", "joins", keys+fmt.Sprintf(", min_match: %d%%, max_orphans: %d, max_null_keys: %d, max_duplicate_parent_keys: %d%s}", share, orphans, without, most, where),
		func() string {
			switch {
			case eligible >= least && short, eligible-matched > orphans:
				return said("fail", "orphans")
			case nulls > without:
				return said("fail", "null_keys")
			case repeated > most:
				return said("fail", "fan_out")
			case eligible < least:
				return said("nodata", "")
			}
			return said("pass", "")
		}())
}

// values draws the rules about single columns, of which the first that is broken speaks.
func (d *draw) values() {
	where, meets := d.condition()
	var rows []childRow
	for _, r := range d.child {
		if meets(r) {
			rows = append(rows, r)
		}
	}
	nulls, repeated, unexpected, beyond, seen := 0, 0, 0, 0, map[string]bool{}
	low := d.IntN(5)*500 - 1000
	high := low + d.IntN(6)*500
	accepted := []string{"open", "paid", "it's", "Paid", "é"}[:1+d.IntN(5)]
	for _, r := range rows {
		if r.n == nil {
			nulls++
		} else if *r.n < low || *r.n > high {
			beyond++
		}
		if r.k != nil && r.j != nil {
			if whole := fmt.Sprint(*r.k, *r.j); seen[whole] {
				repeated++
			} else {
				seen[whole] = true
			}
		}
		if r.state != nil && !strings.Contains(strings.Join(accepted, "|")+"|", *r.state+"|") {
			unexpected++
		}
	}
	limit := d.IntN(10)
	allowed, exceeded := fmt.Sprint(limit), func(n int) bool { return n > limit }
	if d.IntN(2) == 0 {
		limit *= 5
		allowed, exceeded = fmt.Sprintf("%d%%", limit), func(n int) bool { return 100*n > limit*len(rows) }
	}
	says := said("pass", "")
	switch {
	case exceeded(nulls):
		says = said("fail", "nulls")
	case exceeded(repeated):
		says = said("fail", "duplicates")
	case exceeded(unexpected):
		says = said("fail", "unexpected_values")
	case exceeded(beyond):
		says = said("fail", "out_of_range")
	case len(rows) == 0:
		says = said("nodata", "")
	}
	d.expect("child", "values", fmt.Sprintf(`values: {not_null: [n], unique: [[k, j]], accepted: {state: ["%s"]}, between: {n: {min: %s, max: %s}}, max_bad: %s%s}`,
		strings.Join(accepted, `", "`), number(&low, 1000), number(&high, 1000), allowed, where), says)
}

// coverage draws a check on the labels of the child's rows.
func (d *draw) coverage() {
	per := some(d, "day", "hour")
	delay, share := time.Duration(d.IntN(50))*time.Hour, 5*(1+d.IntN(15))
	const last = 6 * 24 * time.Hour
	type cohort struct{ eligible, labelled, early, conflicting int }
	cohorts := map[time.Time]*cohort{}
	b := buckets{per: per, zone: d.zone}
	for _, r := range d.child {
		if r.ts == nil {
			continue
		}
		start := b.start(*r.ts, 0)
		if start.Before(d.now.Add(-last)) || b.start(start, 1).After(d.now) {
			continue
		}
		if cohorts[start] == nil {
			cohorts[start] = &cohort{}
		}
		labelled, early, conflicting := d.labelled(r)
		c := cohorts[start]
		c.eligible, c.labelled, c.early, c.conflicting = c.eligible+1, c.labelled+labelled, c.early+early, c.conflicting+conflicting
	}
	mature, short, early, conflicting := 0, 0, 0, 0
	for start, c := range cohorts {
		early, conflicting = early+c.early, conflicting+c.conflicting
		if d.now.Sub(b.start(start, 1)) >= delay {
			mature++
			if 100*c.labelled < share*c.eligible {
				short++
			}
		}
	}
	says := said("pass", "")
	switch {
	case short > 0:
		says = said("fail", "under_covered")
	case len(cohorts) == 0:
		says = said("nodata", "")
	case early > 0:
		says = said("warn", "leakage")
	case conflicting > 0:
		says = said("warn", "conflicting")
	case mature == 0:
		says = said("pending", "")
	}
	d.expect("label", "labels", fmt.Sprintf("labels: {of: examples, on: k, event_time: wall, labelled_at: known_at, column_tz: %s, value: value, per: %s, delay: %s, min_coverage: %d%%, last: 6d}",
		d.clocks, per, minutes(delay), share), says)
}

// labelled tells of an example, as 1 or 0, whether it has a label that is known by now,
// whether one is older than the example, and whether those known disagree.
func (d *draw) labelled(r childRow) (labelled, early, conflicting int) {
	values := map[string]bool{}
	for _, l := range d.labels {
		if r.k == nil || l.k == nil || *l.k != *r.k || l.at == nil {
			continue
		}
		if l.at.Before(*r.ts) {
			early = 1
		}
		if l.at.After(d.now) {
			continue
		}
		labelled = 1
		if l.value != nil {
			values[*l.value] = true
		}
	}
	if len(values) > 1 {
		conflicting = 1
	}
	return labelled, early, conflicting
}
