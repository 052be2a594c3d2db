package checks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// settleBuckets checks the keys of `per` and finds how the rows tell time.
func settleBuckets(s Site, p *rowCountParams) conf.Problems {
	var problems conf.Problems
	params := s.Spec.Params
	p.Time = freshnessParams{Column: p.By}
	of, known := freshnessOf(s.Node)
	if known = known && (p.By == "" || p.By == of.Column); known {
		p.Time = freshnessParams{Column: of.Column, ColumnTZ: of.ColumnTZ, Granularity: of.Granularity, DateSemantics: of.DateSemantics, MaxSkew: of.MaxSkew}
	}
	problems.Merge(badZone(params.Get("column_tz")))
	if p.ColumnTZ != "" {
		p.Time.ColumnTZ = p.ColumnTZ
	}
	p.MayBeDate = p.Time.ColumnTZ == "" && p.Zone != "" && p.Time.Column == p.By && !known
	if p.Granularity != nil {
		p.Time.Granularity = *p.Granularity
	}
	if p.Time.Column == "" {
		problems.Add(params.Get("per").KeyProblem("buckets need a time column").WithCode("PW122").WithHint("add by: <column>, or give the node a freshness check"))
	}
	if p.Last != nil && *p.Last == 0 {
		problems.Add(params.Get("last").Problem("last: 0s holds no bucket").WithCode("PW123"))
	}
	problems.Merge(p.Calendar.settle(s, params.Get("calendar")))
	if p.Calendar.given() && (p.Per == probe.Week || p.Per == probe.Month) {
		problems.Add(params.Get("calendar").KeyProblem("a %s cannot leave out days", p.Per).WithCode("PW126").WithHint("use per: day, or remove calendar"))
	}
	if p.Compare != nil {
		problems.Merge(p.Compare.problems(params.Get("compare"), p.Per))
	}
	return problems
}

// leastBaseline is how many buckets make a usual number.
const leastBaseline = 3

const week = 7 * 24 * time.Hour

// problems finds comparisons that could never be made or never fail.
func (c comparison) problems(v conf.Value, per probe.Per) conf.Problems {
	var problems conf.Problems
	add := func(key, hint, format string, args ...any) {
		problems.Add(v.Get(key).Problem(format, args...).WithCode("PW124").WithHint("%s", hint))
	}
	if c.MaxDrop != nil && c.MaxDrop.Cmp(1, 1) <= 0 {
		add("max_drop", "use less than 100%", "a bucket cannot drop by more than %s", c.MaxDrop)
	}
	if c.MinScore != nil {
		switch {
		case c.To == "previous":
			add("min_score", "compare to median or same_weekday, or remove it", "one bucket has no spread to count in")
		case c.MaxDrop == nil && c.MaxRise == nil:
			add("min_score", "add max_drop or max_rise", "min_score narrows max_drop and max_rise, and there is neither")
		}
	}
	switch {
	case c.To == "same_weekday" && per != probe.Day && per != probe.Hour:
		add("to", "use per: day, or compare to median", "a %s has no weekday", per)
	case c.To == "previous" && c.Over != nil:
		add("over", "remove it, or compare to median", "previous is the one bucket before, so over has no meaning")
	case c.To != "previous" && c.Over == nil:
		add("over", "such as over: 6w", "%s needs to know how far back to look", c.To)
	case c.To == "same_weekday" && c.Over.Std() < leastBaseline*week, c.To == "median" && bucketsIn(c.Over.Std(), per) < leastBaseline:
		add("over", "look further back", "over %s has fewer than %d buckets to compare with, so it could never be judged", c.Over, leastBaseline)
	}
	return problems
}

// compared are the starts of the buckets that a bucket is held against,
// newest first. The one before a holiday's morrow is the last one before the holiday:
// a Monday would otherwise never be judged where weekends are closed.
func (c comparison) compared(start time.Time, per probe.Per, zone *time.Location, closed closedDays) []time.Time {
	var starts []time.Time
	switch c.To {
	case "previous":
		before := bucketAfter(start, per, -1, zone)
		for closed.has(before) {
			before = bucketAfter(before, per, -1, zone)
		}
		starts = append(starts, before)
	case "median":
		for n := range bucketsIn(c.Over.Std(), per) {
			starts = append(starts, bucketAfter(start, per, -n-1, zone))
		}
	case "same_weekday":
		for n := range int(c.Over.Std() / week) {
			if per == probe.Day {
				starts = append(starts, bucketAfter(start, per, -7*(n+1), zone))
			} else { // the hour that the clock showed then
				starts = append(starts, bucketStart(start.In(zone).AddDate(0, 0, -7*(n+1)), per, zone))
			}
		}
	}
	return starts
}

// judged are the starts of the buckets to judge, oldest first: the newest
// whose end and grace have passed, and those before it within `last`.
func (p rowCountParams) judged(at Moment, zone *time.Location) []time.Time {
	n := 1
	if p.Last != nil {
		n = bucketsIn(p.Last.Std(), p.Per)
	}
	var starts []time.Time
	for i := range n {
		starts = append(starts, bucketAfter(at.Now.Add(-p.Grace.Std()), p.Per, i-n, zone))
	}
	return starts
}

// askBuckets asks for rows per bucket. Of a column that may be a DATE it asks
// twice, as only the answer tells: a DATE is a day of the DAG's zone, a time
// without a zone is UTC.
func (p rowCountParams) askBuckets(s Site, at Moment) []probe.Question {
	zone := s.Node.Zone
	starts := p.judged(at, zone)
	from := starts[0]
	if p.Compare != nil {
		past := p.Compare.compared(from, p.Per, zone, p.Calendar)
		from = past[len(past)-1]
	}
	q := probe.Buckets{
		Of: s.Relation(), Where: s.Spec.Where, By: p.Time.time(), Per: p.Per, Zone: p.Zone,
		From: probe.At(from), To: probe.At(bucketAfter(starts[len(starts)-1], p.Per, 1, zone)),
		Horizon: p.Time.horizon(at), Segment: p.Segment,
	}
	if !p.MayBeDate {
		return []probe.Question{q}
	}
	local := q
	local.By.Zone = p.Zone
	return []probe.Question{q, local}
}

// answered picks the answer that reads the column as it is meant.
func (p rowCountParams) answered(as []probe.Answer) (probe.BucketRows, error) {
	last := len(as) - 1
	if !p.MayBeDate {
		return probe.Value[probe.BucketRows](as[last])
	}
	answer, err := probe.Value[probe.BucketRows](as[last])
	if err == nil && answer.Class != probe.Date {
		return probe.Value[probe.BucketRows](as[last-1])
	}
	return answer, err
}

// bucketCount is one bucket and what it is held against.
type bucketCount struct {
	start, end time.Time
	rows       int64
	past       []int64 // rows of the buckets it is compared with, ascending
}

// series is the rows of a segment by start of bucket. Buckets before the
// table's first row do not exist; later ones without rows are empty.
type series struct {
	segment  string
	rows     map[probe.Instant]int64
	complete time.Time // rows of the table have come up to here
	first    time.Time // start of the first bucket that exists
}

func (b series) exists(start time.Time) bool { return !start.Before(b.first) }

// progress says how far rows have come.
func (b series) progress(zone *time.Location) string {
	if b.complete.IsZero() {
		return "no row up to now"
	}
	return "come to " + clock(b.complete, zone)
}

// read splits an answer into its segments, in their order; one when there are
// no segments.
func (p rowCountParams) read(s Site, answer probe.BucketRows) []series {
	first := bucketStart(answer.First.Time(), p.Per, s.Node.Zone)
	_, complete := p.Time.watermark(answer.Watermark, answer.Class)
	var all []series
	for _, bucket := range answer.Buckets {
		if len(all) == 0 || all[len(all)-1].segment != bucket.Segment {
			all = append(all, series{bucket.Segment, map[probe.Instant]int64{}, complete, first})
		}
		all[len(all)-1].rows[bucket.Start] += bucket.Rows
	}
	if len(all) == 0 {
		all = append(all, series{"", nil, complete, first})
	}
	return all
}

// finding is what came out of one segment.
type finding struct {
	judgement
	segment string
	bucket  bucketCount      // that decided
	buckets []bucketObserved // all that were looked at
}

// judgeBuckets judges every segment and lets the worst decide, the first of
// equals.
func (p rowCountParams) judgeBuckets(s Site, answer probe.BucketRows, at Moment, observed *rowCountObserved, expected *rowCountExpected) judgement {
	if c := p.Compare; c != nil {
		expected.MaxDrop, expected.MaxRise, expected.MinBase = floatOf(c.MaxDrop), floatOf(c.MaxRise), c.MinBase
	}
	if answer.First.IsZero() {
		return judgement{outcome: NoData, message: "there are no rows"}
	}
	var found []finding
	for _, of := range p.read(s, answer) {
		found = append(found, p.judgeSeries(s, of, at))
	}
	slices.SortStableFunc(found, func(a, b finding) int { return cmp.Compare(rank[b.outcome], rank[a.outcome]) })
	decided := found[0]
	observed.Buckets = decided.buckets
	observed.Baseline, observed.ChangeRatio, observed.Score = p.usual(decided.bucket)
	if p.Segment == "" {
		return decided.judgement
	}
	for _, f := range found[:min(len(found), shownSegments)] {
		shown := segmentObserved{Segment: f.segment, Start: f.bucket.start.UTC(), Rows: f.bucket.rows}
		shown.Baseline, shown.ChangeRatio, _ = p.usual(f.bucket)
		observed.Segments = append(observed.Segments, shown)
	}
	if decided.outcome == Pass {
		decided.message = "all of " + counted(int64(len(found)), p.Segment+" value") + " have the rows they should"
	} else {
		decided.message = fmt.Sprintf("%s %q: %s", p.Segment, decided.segment, decided.message)
	}
	return decided.judgement
}

// judgeSeries judges every closed bucket of `last` and lets the worst decide,
// the oldest of equals: a finding began with the first bad bucket. When all
// are good the newest speaks.
func (p rowCountParams) judgeSeries(s Site, of series, at Moment) finding {
	zone := s.Node.Zone
	f := finding{segment: of.segment, judgement: judgement{outcome: Pending, message: "no " + string(p.Per) + " to judge yet"}}
	for _, start := range p.judged(at, zone) {
		if !of.exists(start) || p.Calendar.has(start) {
			continue
		}
		bucket := bucketCount{start: start, end: bucketAfter(start, p.Per, 1, zone), rows: of.rows[probe.At(start)]}
		open := of.complete.Before(bucket.end)
		f.buckets = append(f.buckets, bucketObserved{start.UTC(), bucket.rows, open})
		var j judgement
		if open {
			j = judgement{outcome: Pending, message: fmt.Sprintf("%s is not complete; %s has %s", bucketName(start.In(zone), p.Per), p.Time.Column, of.progress(zone))}
		} else {
			bucket.past = p.pastOf(start, of, zone)
			j = p.judgeBucket(bucket, zone)
		}
		if len(f.buckets) == 1 || j.outcome.Worse(f.outcome) || j.outcome == Pass && f.outcome == Pass {
			f.judgement, f.bucket = j, bucket
		}
	}
	return f
}

func floatOf(p *conf.Percent) *float64 {
	if p == nil {
		return nil
	}
	return new(p.Float())
}

// pastOf is how many rows the buckets have that one is compared with.
func (p rowCountParams) pastOf(start time.Time, of series, zone *time.Location) []int64 {
	if p.Compare == nil {
		return nil
	}
	var past []int64
	for _, before := range p.Compare.compared(start, p.Per, zone, p.Calendar) {
		if of.exists(before) && !p.Calendar.has(before) {
			past = append(past, of.rows[probe.At(before)])
		}
	}
	slices.Sort(past)
	return past
}

// judgeBucket judges one closed bucket. One without any row is missing when
// it breaks a limit, or when `per` is all there is to judge by.
func (p rowCountParams) judgeBucket(b bucketCount, zone *time.Location) judgement {
	name := bucketName(b.start.In(zone), p.Per)
	j := p.within(b.rows, name+" has "+counted(b.rows, "row"))
	if j.outcome == Pass && p.Compare != nil {
		j = p.Compare.judge(b, name)
	}
	if b.rows == 0 {
		onlyPer := p.Min == nil && p.Max == nil && p.Compare == nil
		if onlyPer || j.reason == BelowMin || j.reason == Dropped {
			j = judgement{outcome: Fail, reason: MissingBucket, message: name + " has no rows" + p.usually(b)}
		}
	}
	if j.outcome == Fail {
		j.onset, j.goodUntil = b.end, b.start
	} else {
		j.goodUntil = b.end
	}
	return j
}

// usually adds what is usual to a message, where the past tells.
func (p rowCountParams) usually(b bucketCount) string {
	switch {
	case p.Compare != nil && len(b.past) >= p.Compare.least():
		return ", usual are " + halves(doubledMedian(b.past))
	case p.Min != nil:
		return ", at least " + thousands(*p.Min) + " expected"
	}
	return ""
}

// least is how many buckets a baseline needs.
func (c comparison) least() int {
	if c.To == "previous" {
		return 1
	}
	return leastBaseline
}

// judge holds a bucket against what is usual. Twice the median is a whole
// number, so that limits are exact.
func (c comparison) judge(b bucketCount, name string) judgement {
	if len(b.past) < c.least() {
		found := "only " + counted(int64(len(b.past)), "bucket")
		if len(b.past) == 0 {
			found = "no bucket"
		}
		return judgement{outcome: Pending, reason: NoHistory, message: fmt.Sprintf("%s has %s and %s to compare with, at least %d needed",
			name, counted(b.rows, "row"), found, c.least())}
	}
	usual := doubledMedian(b.past)
	pass := judgement{outcome: Pass, message: fmt.Sprintf("%s has %s, usual are %s", name, counted(b.rows, "row"), halves(usual))}
	switch {
	case usual == 0 && b.rows > 0:
		pass.reason = FromZero
	case usual < 2*c.MinBase:
		pass.message += fmt.Sprintf(", too few to judge by (min_base %s)", thousands(c.MinBase))
	case c.MinScore != nil && c.near(b):
	case c.MaxDrop != nil && 2*b.rows < usual && c.MaxDrop.Cmp(usual-2*b.rows, usual) > 0:
		return judgement{outcome: Fail, reason: Dropped, message: fmt.Sprintf("%s has %s, %s below the usual %s, limit %s",
			name, counted(b.rows, "row"), shareUp(usual-2*b.rows, usual), halves(usual), c.MaxDrop)}
	case c.MaxRise != nil && 2*b.rows > usual && c.MaxRise.Cmp(2*b.rows-usual, usual) > 0:
		return judgement{outcome: Fail, reason: Rose, message: fmt.Sprintf("%s has %s, %s above the usual %s, limit %s",
			name, counted(b.rows, "row"), shareUp(2*b.rows-usual, usual), halves(usual), c.MaxRise)}
	}
	return pass
}

// near tells whether a bucket is within min_score of the usual. Where the past has no
// spread only the share decides.
func (c comparison) near(b bucketCount) bool {
	score := b.score()
	return score != nil && math.Abs(*score) < *c.MinScore
}

// score is the distance from the median in robust standard deviations; null where the
// past tells no spread. The bucket itself is no part of what it is held against, so
// nothing bounds its score: a part of it could not be further than (n-1)/sqrt(n).
func (b bucketCount) score() *float64 {
	if len(b.past) < leastBaseline {
		return nil
	}
	doubled := doubledMedian(b.past)
	var apart []int64
	for _, rows := range b.past {
		apart = append(apart, max(2*rows-doubled, doubled-2*rows))
	}
	slices.Sort(apart)
	spread := doubledMedian(apart)
	if spread == 0 {
		return nil
	}
	return new((float64(b.rows) - float64(doubled)/2) / (1.4826 * float64(spread) / 4))
}

// usual is the numbers about a bucket's past for people.
func (p rowCountParams) usual(b bucketCount) (baseline, change, score *float64) {
	if p.Compare == nil || len(b.past) < p.Compare.least() {
		return nil, nil, nil
	}
	doubled := doubledMedian(b.past)
	median := float64(doubled) / 2
	if median > 0 {
		change = new(float64(b.rows)/median - 1)
	}
	return &median, change, b.score()
}

// doubledMedian is twice the median of ascending numbers.
func doubledMedian(sorted []int64) int64 {
	n := len(sorted)
	return sorted[(n-1)/2] + sorted[n/2]
}

// halves writes half a number: 991.5 for 1983.
func halves(doubled int64) string {
	if doubled%2 == 0 {
		return thousands(doubled / 2)
	}
	return thousands(doubled/2) + ".5"
}
