package checks

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// joinsCurve compares a young cohort (the rows of one day, say) with what other
// cohorts had at the same age. No column tells when a parent came, so what each had
// is seen when it passes a step of age, and remembered.
type joinsCurve struct {
	Per       probe.Per    `yaml:"per" jsonschema:"enum=day,enum=hour,enum=week" jsonschema_description:"length of a cohort; default day, local to the DAG's zone"`
	Over      int          `yaml:"over" jsonschema:"minimum=3,maximum=30" jsonschema_description:"how many cohorts make the usual; default 14"`
	Tolerance conf.Percent `yaml:"tolerance" jsonschema_description:"percentage points below the usual that are fine; default 5%"`
}

// DecodeConf reads a curve over its defaults.
func (c *joinsCurve) DecodeConf(v conf.Value) conf.Problems {
	type plain joinsCurve
	d := plain{Per: probe.Day, Over: 14}
	d.Tolerance, _ = conf.ParsePercent("5%")
	problems := v.Decode(&d)
	*c = joinsCurve(d)
	return problems
}

// curveSteps are the ages at which cohorts are compared: one that ended 4 hours ago
// with what others had when they were first seen at 3 to 6 hours, and no older.
var curveSteps = []time.Duration{0, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 72 * time.Hour}

// curveReach is the age at which a cohort is young no more.
const curveReach = 7 * 24 * time.Hour

// curveMemory is, for each of curveSteps, what cohorts had at their first sight in
// it, by start.
type curveMemory [][]firstSight

// firstSight is the start of a cohort (Unix time), its age then (seconds since its
// end), and its match in millionths.
type firstSight [3]int64

func (s firstSight) start() int64   { return s[0] }
func (s firstSight) age() int64     { return s[1] }
func (s firstSight) match() float64 { return float64(s[2]) / 1e6 }

// joinsCohort is a young cohort for people.
type joinsCohort struct {
	Start      time.Time `json:"start"`
	AgeSeconds int64     `json:"age_seconds"` // since its end
	Eligible   int64     `json:"eligible"`
	Matched    int64     `json:"matched"`
	MatchRatio float64   `json:"match_ratio"`
	Usual      *float64  `json:"usual_match_ratio"` // at that age; null: not known yet
}

func (c joinsCohort) behind() float64 {
	if c.Usual == nil {
		return 0
	}
	return *c.Usual - c.MatchRatio
}

// reach is the age up to which cohorts are watched.
func (p joinsParams) reach() time.Duration {
	if p.Last == nil {
		return curveReach
	}
	return min(curveReach, p.Last.Std())
}

// perCohort asks the join's question for each young cohort that has ended.
func (p joinsParams) perCohort(s Site, q probe.Coverage, at Moment) probe.Coverage {
	oldest := bucketStart(at.Now.Add(-p.reach()), p.Curve.Per, s.Node.Zone)
	q.Window = probe.Window{By: p.Time, From: probe.At(oldest), To: probe.At(bucketStart(at.Now, p.Curve.Per, s.Node.Zone))}
	q.Per, q.Zone, q.Segment, q.Parents, q.KeySample = p.Curve.Per, zoneName(s.Node.Zone), "", false, 0
	return q
}

type curveTurn struct {
	judgement
	shown   []joinsCohort
	next    curveMemory
	changed bool
}

// judgeCurve holds each young cohort against the median of what at least three
// others had at that age. What is behind is not remembered, so that a lasting fault
// does not become usual; what is older than 2 x over cohorts is forgotten, so that a
// lasting change does.
func (p joinsParams) judgeCurve(cohorts []probe.CohortJoined, past curveMemory, at Moment, zone *time.Location) curveTurn {
	t := curveTurn{next: p.Curve.current(past, at, zone)}
	var behind []joinsCohort
	judged := 0
	for _, c := range cohorts {
		age := at.Now.Sub(c.End.Time())
		if c.Eligible == 0 || age < 0 || age >= p.reach() {
			continue
		}
		step := stepOf(age)
		seen := firstSight{c.Start.Time().Unix(), int64(age / time.Second), c.Matched * 1_000_000 / c.Eligible}
		shown := joinsCohort{c.Start.Time(), seen.age(), c.Eligible, c.Matched, float64(c.Matched) / float64(c.Eligible), usualAt(t.next[step], seen)}
		t.shown = append(t.shown, shown)
		if shown.Usual != nil {
			judged++
		}
		const rounding = 1e-6 // of what is remembered: a cohort exactly at the limit is fine
		if shown.behind() > p.Curve.Tolerance.Float()+rounding {
			behind = append(behind, shown)
		} else if of := t.next[step]; len(of) == 0 || of[len(of)-1].start() < seen.start() {
			t.next[step], t.changed = append(of, seen), true
		}
	}
	for i, of := range t.next {
		t.next[i] = of[max(0, len(of)-p.Curve.Over):]
	}
	furthest := func(a, b joinsCohort) int { return cmp.Compare(b.behind(), a.behind()) }
	slices.SortStableFunc(behind, furthest)
	slices.SortStableFunc(t.shown, furthest)
	young := len(t.shown)
	t.shown = t.shown[:min(young, shownSegments)]
	t.judgement = p.curveFinding(behind, young, judged, zone)
	return t
}

// curveFinding is the judgement on young cohorts, of which some are behind.
func (p joinsParams) curveFinding(behind []joinsCohort, young, judged int, zone *time.Location) judgement {
	switch {
	case len(behind) > 0:
		c := behind[0]
		j := judgement{outcome: Warn, reason: BehindCurve, message: fmt.Sprintf("%s: %s of %s match %s %s after its end, usually %.1f%% at that age (tolerance %s)",
			bucketName(c.Start.In(zone), p.Curve.Per), share(c.Matched, c.Eligible), counted(c.Eligible, "row"), p.To,
			spoken(time.Duration(c.AgeSeconds)*time.Second), 100**c.Usual, p.Curve.Tolerance)}
		if more := len(behind) - 1; more > 0 {
			j.message += fmt.Sprintf("; %s more behind", counted(int64(more), string(p.Curve.Per)))
		}
		return j
	case young > 0 && judged == 0:
		return judgement{outcome: Pending, reason: NoHistory, message: fmt.Sprintf("no %d earlier %ss were seen at an age that one has now", leastHistory, p.Curve.Per)}
	}
	return judgement{outcome: Pass}
}

// current is a copy of what is remembered, without what is too old.
func (c joinsCurve) current(past curveMemory, at Moment, zone *time.Location) curveMemory {
	oldest := bucketAfter(at.Now.Add(-curveReach), c.Per, -2*c.Over, zone).Unix()
	next := make(curveMemory, len(curveSteps))
	for i := range min(len(past), len(next)) {
		next[i] = slices.DeleteFunc(slices.Clone(past[i]), func(s firstSight) bool { return s.start() < oldest })
	}
	return next
}

// stepOf is the last of curveSteps that an age has reached.
func stepOf(age time.Duration) int {
	step := 0
	for i, from := range curveSteps {
		if age >= from {
			step = i
		}
	}
	return step
}

// usualAt is the median of what other cohorts had when they were at most as old as
// one is; nil when fewer than three were seen. As matches only grow with age, that
// is never more than what they had when they were just as old.
func usualAt(seen []firstSight, one firstSight) *float64 {
	var matches []float64
	for _, s := range seen {
		if s.start() != one.start() && s.age() <= one.age() {
			matches = append(matches, s.match())
		}
	}
	n := len(matches)
	if n < leastHistory {
		return nil
	}
	slices.Sort(matches)
	return new((matches[(n-1)/2] + matches[n/2]) / 2)
}
