package checks

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// labelsReading is one answer about cohorts, read at a moment.
type labelsReading struct {
	Params labelsParams
	Zone   *time.Location
	Now    time.Time
	All    probe.CohortList // only cohorts that have ended
	Judged []probe.Cohort   // those that start within `last`
}

func (r labelsReading) age(c probe.Cohort) time.Duration { return r.Now.Sub(c.End.Time()) }

func (r labelsReading) mature(c probe.Cohort) bool { return r.age(c) >= r.Params.mature() }

// covered tells whether a mature cohort has the labels that are demanded.
func (r labelsReading) covered(c probe.Cohort) bool {
	switch {
	case r.Params.implicit():
		return r.All.LabelWatermark >= c.End
	case r.Params.MinCoverage == nil:
		return true
	}
	return r.Params.MinCoverage.AtLeast(c.Labelled, c.Eligible)
}

// matureThrough is the end of the last judged cohort up to which all are mature and
// covered; zero when the oldest is not.
func (r labelsReading) matureThrough() probe.Instant {
	var through probe.Instant
	for _, c := range r.Judged {
		if !r.mature(c) || !r.covered(c) {
			break
		}
		through = c.End
	}
	return through
}

// coverage judges the mature cohorts.
func (r labelsReading) coverage() judgement {
	var mature, short []probe.Cohort
	var eligible, labelled int64
	for _, c := range r.Judged {
		if !r.mature(c) {
			continue
		}
		mature, eligible, labelled = append(mature, c), eligible+c.Eligible, labelled+c.Labelled
		if !r.covered(c) {
			short = append(short, c)
		}
	}
	switch p := r.Params; {
	case len(r.Judged) == 0:
		return judgement{outcome: NoData, message: fmt.Sprintf("nothing to judge: no cohort of examples has ended in the last %s", p.Last)}
	case len(mature) == 0:
		oldest := r.Judged[0]
		return judgement{outcome: Pending, message: fmt.Sprintf("no cohort is mature yet: the oldest ended %s ago, labels are due %s after",
			spoken(r.age(oldest)), conf.Duration(p.mature()))}
	case len(short) == 0:
		return judgement{outcome: Pass, message: fmt.Sprintf("%s of %s in %s have a label",
			share(labelled, eligible), counted(eligible, "example"), counted(int64(len(mature)), "mature cohort"))}
	default:
		return r.short(short)
	}
}

// short is the judgement on mature cohorts without the labels demanded of them.
func (r labelsReading) short(short []probe.Cohort) judgement {
	j := judgement{outcome: Fail, reason: UnderCovered, onset: short[0].End.Time().Add(r.Params.mature())}
	if r.Params.implicit() {
		j.reason = StaleFeed
		j.message = fmt.Sprintf("the feed of labels reaches %s, cohort %s needs it to its end", r.feed(), r.name(short[0]))
		return j
	}
	worst := slices.MinFunc(short, func(a, b probe.Cohort) int {
		return cmp.Compare(float64(a.Labelled)/float64(a.Eligible), float64(b.Labelled)/float64(b.Eligible))
	})
	j.message = fmt.Sprintf("cohort %s has %s of its labels %s after its end, limit %s (%s of %s)", r.name(worst), share(worst.Labelled, worst.Eligible),
		spoken(r.age(worst)), r.Params.MinCoverage, thousands(worst.Labelled), thousands(worst.Eligible))
	if more := len(short) - 1; more > 0 {
		j.message += fmt.Sprintf("; %s more below", counted(int64(more), "cohort"))
	}
	return j
}

// flaw judges examples whose labels cannot be right.
func (r labelsReading) flaw(reason Reason) judgement {
	var n int64
	policy, what := r.Params.Leakage, "a label older than the example itself"
	if reason == Conflicting {
		policy, what = r.Params.Conflicting, "labels that disagree"
	}
	for _, c := range r.Judged {
		if reason == Conflicting {
			n += c.Conflicting
		} else {
			n += c.Early
		}
	}
	if n == 0 || policy == "ignore" {
		return judgement{outcome: Pass}
	}
	j := judgement{outcome: Warn, reason: reason, message: fmt.Sprintf("%s with %s", counted(n, "example"), what)}
	if policy == "fail" {
		j.outcome = Fail
	}
	return j
}

// usual is, for each age in question, the median coverage of the newest mature
// cohorts when they were that old; false when too few are.
func (r labelsReading) usual() (map[time.Duration]float64, bool) {
	ages := r.Params.ages(Moment{Now: r.Now}, r.Zone)
	if len(ages) == 0 {
		return nil, true
	}
	mature := slices.DeleteFunc(slices.Clone(r.All.Cohorts), func(c probe.Cohort) bool { return !r.mature(c) })
	if len(mature) < leastHistory {
		return nil, false
	}
	mature = mature[max(0, len(mature)-r.Params.Curve.Over):]
	usual := map[time.Duration]float64{}
	for i, age := range ages {
		shares := make([]float64, len(mature))
		for k, c := range mature {
			shares[k] = float64(c.AtAge[i]) / float64(c.Eligible)
		}
		slices.Sort(shares)
		usual[age] = (shares[(len(shares)-1)/2] + shares[len(shares)/2]) / 2
	}
	return usual, true
}

// behind holds young cohorts against what is usual at their age.
func (r labelsReading) behind(usual map[time.Duration]float64, known bool) judgement {
	if !known {
		return judgement{outcome: Pending, reason: NoHistory, message: fmt.Sprintf("fewer than %d mature cohorts to compare young ones with", leastHistory)}
	}
	const rounding = 1e-9 // of the arithmetic: a cohort exactly at the limit is fine
	var worst probe.Cohort
	var gap float64
	behind := 0
	for _, c := range r.Judged {
		at, asked := usual[r.age(c).Truncate(time.Second)]
		if r.mature(c) || !asked {
			continue
		}
		below := at - float64(c.Labelled)/float64(c.Eligible)
		if below <= r.Params.Curve.Tolerance.Float()+rounding {
			continue
		}
		if behind++; below > gap {
			worst, gap = c, below
		}
	}
	if behind == 0 {
		return judgement{outcome: Pass}
	}
	j := judgement{outcome: Warn, reason: BehindCurve, message: fmt.Sprintf("cohort %s has %s of its labels %s after its end, usually %.1f%% at that age (tolerance %s)",
		r.name(worst), share(worst.Labelled, worst.Eligible), spoken(r.age(worst)), 100*usual[r.age(worst).Truncate(time.Second)], r.Params.Curve.Tolerance)}
	if behind > 1 {
		j.message += fmt.Sprintf("; %s more behind", counted(int64(behind-1), "cohort"))
	}
	return j
}

func (r labelsReading) observed(usual map[time.Duration]float64) labelsObserved {
	o := labelsObserved{
		Cohorts: []cohortObserved{}, MatureThrough: instant(r.matureThrough()), OrphanLabels: r.All.OrphanLabels,
		FutureLabels: r.All.FutureLabels, LabelWatermark: instant(r.All.LabelWatermark),
	}
	var eligible, labelled int64
	for _, c := range r.Judged {
		shown := cohortObserved{
			Start: c.Start.Time(), Eligible: c.Eligible, Labelled: c.Labelled, Coverage: float64(c.Labelled) / float64(c.Eligible),
			AgeSeconds: int64(r.age(c) / time.Second), Mature: r.mature(c),
		}
		if at, ok := usual[r.age(c).Truncate(time.Second)]; ok && !shown.Mature {
			shown.UsualCoverage = new(at)
		}
		if shown.Mature {
			eligible, labelled = eligible+c.Eligible, labelled+c.Labelled
		}
		o.Cohorts = append(o.Cohorts, shown)
		o.Early += c.Early
		o.Conflicting += c.Conflicting
	}
	o.Coverage = ratio(labelled, eligible)
	return o
}

// name is how people call a cohort.
func (r labelsReading) name(c probe.Cohort) string {
	return bucketName(c.Start.Time().In(r.Zone), r.Params.Per)
}

// feed says how far the labels reach.
func (r labelsReading) feed() string {
	if r.All.LabelWatermark.IsZero() {
		return "nowhere"
	}
	return clock(r.All.LabelWatermark.Time(), r.Zone)
}
