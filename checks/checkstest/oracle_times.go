package checkstest

import (
	"fmt"
	"slices"
	"time"
)

// checks draws the checks of a round, with what each must say.
func (d *draw) checks() {
	fmt.Fprintf(&d.nodes, "\n  parent: {table: parent%d}\n  examples: {table: child%d}", d.n, d.n)
	d.age()
	d.deadline()
	for range 3 {
		d.counts()
	}
	d.total()
	for range 2 {
		d.joins()
		d.values()
		d.coverage()
	}
}

// some is one of its arguments.
func some[T any](d *draw, from ...T) T { return from[d.IntN(len(from))] }

// said is a verdict in words.
func said(outcome, reason string) string { return outcome + " " + reason }

// minutes are a duration of a file.
func minutes(n time.Duration) string { return fmt.Sprintf("%dm", n/time.Minute) }

// condition is a WHERE on the child, and whether a row meets it.
func (d *draw) condition() (where string, meets func(childRow) bool) {
	switch d.IntN(3) {
	case 0:
		return `, where: "n > 0"`, func(r childRow) bool { return r.n != nil && *r.n > 0 }
	case 1:
		return `, where: "seg = 'a'"`, func(r childRow) bool { return r.seg != nil && *r.seg == "a" }
	}
	return "", func(childRow) bool { return true }
}

// dayStart is the first moment of the local day some days after that of a moment. It
// looks at each minute, as midnight may be missing or come twice.
func dayStart(at time.Time, later int, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	want := time.Date(y, m, d+later, 12, 0, 0, 0, time.UTC).Format(time.DateOnly)
	for t := time.Date(y, m, d+later, 12, 0, 0, 0, time.UTC).Add(-30 * time.Hour).Truncate(time.Hour); ; t = t.Add(30 * time.Minute) {
		if t.In(zone).Format(time.DateOnly) == want {
			return t
		}
	}
}

// timed is how the rows of a time column read, and the keys that say so.
type timed struct {
	keys     string
	at       func(childRow) (time.Time, bool)
	complete func(time.Time) time.Time // up to where a value stands for all
}

// times draws a time column.
func (d *draw) times() timed {
	granularity := some(d, 0, 30*time.Minute, time.Hour)
	t := timed{
		keys:     "ts, granularity: " + minutes(granularity),
		at:       func(r childRow) (time.Time, bool) { return deref(r.ts) },
		complete: func(at time.Time) time.Time { return at.Add(granularity) },
	}
	if d.IntN(2) == 0 {
		t.keys = fmt.Sprintf("wall, column_tz: %s, granularity: %s", d.clocks, minutes(granularity))
	}
	return t
}

// dates is how the rows of the DATE column read: as days of the DAG's zone, of which each
// stands for its beginning, or as whole for its end.
func (d *draw) dates(whole int) timed {
	return timed{
		keys: "day, date_semantics: " + []string{"start", "complete"}[whole],
		at: func(r childRow) (time.Time, bool) {
			if r.day == nil {
				return time.Time{}, false
			}
			return dayStart(time.Date(r.day.Year(), r.day.Month(), r.day.Day(), 12, 0, 0, 0, d.zone), 0, d.zone), true
		},
		complete: func(at time.Time) time.Time { return dayStart(at, whole, d.zone) },
	}
}

func deref(at *time.Time) (time.Time, bool) {
	if at == nil {
		return time.Time{}, false
	}
	return *at, true
}

// watermark is the newest time up to now, and how many rows lie beyond.
func (d *draw) watermark(t timed, meets func(childRow) bool, skew time.Duration) (newest time.Time, rows, future int) {
	for _, r := range d.child {
		if !meets(r) {
			continue
		}
		rows++
		switch at, ok := t.at(r); {
		case !ok:
		case at.After(d.now.Add(skew)):
			future++
		case at.After(newest):
			newest = at
		}
	}
	return newest, rows, future
}

// mark judges what age and deadline share: no rows, and rows in the future.
func mark(newest time.Time, rows, future int, judge func() string) string {
	switch {
	case newest.IsZero() && future == 0:
		return said("nodata", "empty")
	case newest.IsZero():
		return said("warn", "future_timestamps")
	}
	if says := judge(); says != said("pass", "") {
		return says
	}
	if future > 0 {
		return said("warn", "future_timestamps")
	}
	return said("pass", "")
}

func (d *draw) age() {
	t, skew := d.times(), some(d, 0, 5*time.Minute, 10*time.Minute)
	where, meets := d.condition()
	t.complete = func(at time.Time) time.Time { return at }
	if d.IntN(3) == 0 {
		t = d.dates(d.IntN(2))
	}
	warn := time.Duration(d.IntN(40)) * time.Hour
	fails := warn + time.Duration(1+d.IntN(40))*time.Hour
	newest, rows, future := d.watermark(t, meets, skew)
	d.expect("child", "freshness", fmt.Sprintf("freshness: {column: %s, max_skew: %s, warn_after: %s, error_after: %s%s}", t.keys, minutes(skew), minutes(warn), minutes(fails), where),
		mark(newest, rows, future, func() string {
			switch age := d.now.Sub(t.complete(newest)); {
			case age > fails:
				return said("fail", "stale")
			case age > warn:
				return said("warn", "stale")
			}
			return said("pass", "")
		}))
}

func (d *draw) deadline() {
	t := d.times()
	where, meets := d.condition()
	covers, grace := some(d, "previous_day", "same_day", "90m"), time.Duration(d.IntN(3))*4*time.Hour
	newest, rows, future := d.watermark(t, meets, 5*time.Minute)
	d.expect("child", "freshness", fmt.Sprintf(`freshness: {column: %s, by: "07:00", covers: %s, grace: %s%s}`, t.keys, covers, minutes(grace), where),
		mark(newest, rows, future, func() string {
			for day := -20; day < 2; day++ { // the oldest that was missed
				y, m, date := d.now.In(d.zone).Date()
				due := time.Date(y, m, date+day, 7, 0, 0, 0, d.zone)
				through := map[string]time.Time{"previous_day": dayStart(due, 0, d.zone), "same_day": dayStart(due, 1, d.zone), "90m": due.Add(-90 * time.Minute)}[covers]
				switch {
				case due.After(d.now) || !t.complete(newest).Before(through):
				case d.now.After(due.Add(grace)):
					return said("fail", "late")
				default:
					return said("warn", "late")
				}
			}
			return said("pass", "")
		}))
}

// total draws a check on the number of all rows.
func (d *draw) total() {
	where, meets := d.condition()
	rows := 0
	for _, r := range d.child {
		if meets(r) {
			rows++
		}
	}
	low := d.IntN(30)
	high := low + d.IntN(20)
	says := said("pass", "")
	switch {
	case rows < low:
		says = said("fail", "below_min")
	case rows > high:
		says = said("fail", "above_max")
	}
	d.expect("child", "row_count", fmt.Sprintf("row_count: {min: %d, max: %d%s}", low, high, where), says)
}

// counts draws a check on the rows of buckets.
func (d *draw) counts() {
	t := d.times()
	where, meets := d.condition()
	per, last := some(d, "hour", "day", "day", "week"), 1+d.IntN(4)
	grace := time.Duration(d.IntN(4)) * 45 * time.Minute
	prefix := ""
	if per != "hour" && d.IntN(3) == 0 {
		t = d.dates(d.IntN(2))
		prefix, t.keys = "freshness: {column: "+t.keys+"}, ", "day"
	}
	length := map[string]string{"hour": "h", "day": "d", "week": "w"}[per]
	keys := prefix + fmt.Sprintf("row_count: {per: %s, by: %s, last: %d%s, grace: %s%s", per, t.keys, last, length, minutes(grace), where)
	var times []time.Time
	for _, r := range d.child {
		if at, ok := t.at(r); ok && meets(r) {
			times = append(times, at)
		}
	}
	newest, _, _ := d.watermark(t, meets, 5*time.Minute)
	b := buckets{per, d.zone, d.now, times, t.complete(newest), -1, -1, ""}
	if newest.IsZero() {
		b.complete = time.Time{}
	}
	switch d.IntN(4) {
	case 0:
		b.least = 1 + d.IntN(4)
		keys += fmt.Sprintf(", min: %d", b.least)
	case 1:
		b.drop, b.to = 10*d.IntN(10), "previous"
		keys += fmt.Sprintf(", compare: {to: previous, max_drop: %d%%, max_rise: 300%%}", b.drop)
	case 2:
		b.drop, b.to = 10*d.IntN(10), "median"
		keys += fmt.Sprintf(", compare: {to: median, over: 4%s, max_drop: %d%%, max_rise: 300%%}", length, b.drop)
	}
	d.expect("child", "row_count", keys+"}", b.judge(grace, last))
}

// buckets are the times of rows to be counted in stretches.
type buckets struct {
	per         string
	zone        *time.Location
	now         time.Time
	times       []time.Time
	complete    time.Time
	least, drop int // -1: not judged
	to          string
}

// start is the first moment of the bucket some after that of a moment.
func (b buckets) start(at time.Time, later int) time.Time {
	switch b.per {
	case "hour":
		return at.UTC().Truncate(time.Hour).Add(time.Duration(later) * time.Hour)
	case "week":
		return dayStart(at, 7*later-(int(at.In(b.zone).Weekday())+6)%7, b.zone)
	}
	return dayStart(at, later, b.zone)
}

func (b buckets) rows(start time.Time) (n int) {
	end := b.start(start, 1)
	for _, at := range b.times {
		if !at.Before(start) && at.Before(end) && !at.After(b.now.Add(5*time.Minute)) {
			n++
		}
	}
	return n
}

func (b buckets) judge(grace time.Duration, last int) string {
	if len(b.times) == 0 {
		return said("nodata", "")
	}
	first := b.start(slices.MinFunc(b.times, time.Time.Compare), 0)
	worst := said("pending", "")
	rank := map[string]int{"pass ": 1, "pass from_zero": 1, "pending ": 2, "pending no_history": 2}
	judged := 0
	for n := -last; n < 0; n++ {
		start := b.start(b.now.Add(-grace), n)
		if start.Before(first) {
			continue
		}
		says := said("pending", "")
		if !b.complete.Before(b.start(start, 1)) {
			says = b.judgeOne(start, first)
		}
		r := func(s string) int {
			if n, ok := rank[s]; ok {
				return n
			}
			return 3
		}
		if judged++; judged == 1 || r(says) > r(worst) || r(says) == 1 && r(worst) == 1 {
			worst = says
		}
	}
	return worst
}

// judgeOne judges a bucket that is complete.
func (b buckets) judgeOne(start, first time.Time) string {
	n := b.rows(start)
	switch {
	case b.least >= 0 && n < b.least && n > 0:
		return said("fail", "below_min")
	case n == 0 && b.to == "":
		return said("fail", "missing_bucket") // also below min
	case b.to == "":
		return said("pass", "")
	}
	var past []int
	for back := 1; back <= 4 && (back == 1 || b.to == "median"); back++ {
		if before := b.start(start, -back); !before.Before(first) {
			past = append(past, b.rows(before))
		}
	}
	if b.to == "median" && len(past) < 3 || len(past) == 0 {
		return said("pending", "no_history")
	}
	slices.Sort(past)
	doubled := past[(len(past)-1)/2] + past[len(past)/2]
	switch {
	case doubled == 0 && n > 0:
		return said("pass", "from_zero")
	case doubled > 0 && 100*(doubled-2*n) > b.drop*doubled && 2*n < doubled && n == 0:
		return said("fail", "missing_bucket")
	case doubled > 0 && 100*(doubled-2*n) > b.drop*doubled && 2*n < doubled:
		return said("fail", "dropped")
	case doubled > 0 && 2*n-doubled > 3*doubled:
		return said("fail", "rose")
	}
	return said("pass", "")
}
