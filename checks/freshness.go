package checks

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// freshness is the kind that asks how new the newest row is.
var freshness = define("freshness", "the newest row is new enough, or was there by a deadline", behaviour[freshnessParams]{
	settle: settleFreshness, ask: askFreshness, judge: judgeFreshness,
})

type freshnessParams struct {
	Column        string         `yaml:"column" jsonschema:"required,minLength=1" jsonschema_description:"time column whose newest value is judged"`
	ColumnTZ      string         `yaml:"column_tz" jsonschema_description:"IANA zone of values without one; default UTC, for a DATE the DAG's zone"`
	Granularity   conf.Duration  `yaml:"granularity" jsonschema_description:"what the column is truncated to: a value stands for everything up to value + granularity"`
	DateSemantics string         `yaml:"date_semantics" jsonschema:"enum=start,enum=complete" jsonschema_description:"what a DATE says: that its day has begun, or that it is whole; required for a DATE column"`
	MaxSkew       *conf.Duration `yaml:"max_skew" jsonschema_description:"how far beyond now a row may be dated; default 5m"`
	OnEmpty       string         `yaml:"on_empty" jsonschema:"enum=nodata,enum=fail,enum=pass" jsonschema_description:"verdict without rows; default nodata until rows were ever seen, then fail"`
	WarnAfter     *conf.Duration `yaml:"warn_after" jsonschema_description:"age above which it warns"`
	ErrorAfter    *conf.Duration `yaml:"error_after" jsonschema_description:"age above which it fails"`

	By       *conf.ClockTime `yaml:"by" jsonschema_description:"clock time of the deadline in the DAG's zone"`
	Every    string          `yaml:"every" jsonschema_description:"day, weekday, week (Monday), month (the 1st) or a cron line; default day"`
	Covers   covers          `yaml:"covers" jsonschema_description:"what must be there by the deadline: previous_day, same_day, or up to a duration before it; default previous_day"`
	Grace    conf.Duration   `yaml:"grace" jsonschema_description:"for so long after the deadline it only warns"`
	Calendar closedDays      `yaml:"calendar" jsonschema_description:"local days, or the name of a calendar of the operator's, on which there is no deadline and which make nothing older"`
	Shift    string          `yaml:"shift" json:",omitzero" jsonschema:"enum=skip,enum=next,enum=previous" jsonschema_description:"where a deadline goes that falls on a day of the calendar: it does not exist (skip), or moves to the next or the previous open day; default skip"`
	Segment  string          `yaml:"segment" later:"judging each segment's newest row"`

	Zone     string     `yaml:"-"` // whose days and clock times By, Every and Covers mean
	deadline *deadlines // nil without By and Every
}

// defaultMaxSkew is how far beyond now a row may be dated.
const defaultMaxSkew = conf.Duration(5 * time.Minute)

func settleFreshness(s Site, p *freshnessParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := append(needRows(s), badZone(params.Get("column_tz"))...)
	if p.WarnAfter != nil && p.ErrorAfter != nil && *p.WarnAfter >= *p.ErrorAfter {
		problems.Add(params.Get("warn_after").Problem("warn_after %s is not less than error_after %s, so it could never only warn", p.WarnAfter, p.ErrorAfter).WithCode("PW111"))
	}
	problems.Merge(p.Calendar.settle(s, params.Get("calendar")))
	problems.Merge(p.settleDeadline(s))
	if p.Covers == (covers{}) && !params.Get("covers").Exists() {
		p.Covers.Word = previousDay
	}
	p.Zone = zoneName(s.Node.Zone)
	p.settleDates(s.Node.Zone)
	return nil, problems
}

// settleDeadline reads what is promised, and refuses keys that would mean nothing.
func (p *freshnessParams) settleDeadline(s Site) (problems conf.Problems) {
	params := s.Spec.Params
	p.deadline, problems = settleDeadlines(s, p.By, p.Every)
	if p.By == nil && p.Every == "" {
		for _, key := range []string{"covers", "grace", "shift"} {
			if v := params.Get(key); v.Exists() {
				problems.Add(v.KeyProblem("%s belongs to a deadline, and there is none", key).WithCode("PW113").WithHint(`add by: "07:00", or remove it`))
			}
		}
		if v := params.Get("calendar"); v.Exists() && p.WarnAfter == nil && p.ErrorAfter == nil {
			problems.Add(v.KeyProblem("calendar belongs to a deadline or a limit on the age, and there is none").WithCode("PW113").WithHint(`add by: "07:00" or error_after: 6h, or remove it`))
		}
		return problems
	}
	if v := params.Get("shift"); v.Exists() && !params.Get("calendar").Exists() {
		problems.Add(v.KeyProblem("shift is about days of a calendar, and there is none").WithCode("PW113").WithHint("add calendar, or remove it"))
	}
	if p.deadline == nil {
		return problems
	}
	p.deadline.closed, p.deadline.shift = p.Calendar, p.Shift
	if p.Calendar.zone != nil && p.deadline.never() {
		problems.Add(params.Get("calendar").KeyProblem("every deadline falls on a day of the calendar, so there is none").WithCode("PW114").WithHint("use other days, or shift: next"))
	}
	return problems
}

// settleDates reads the days of a DATE column, which is one when date_semantics
// is given, as days of the DAG's zone unless column_tz says otherwise: that is
// whose days the deadlines and the buckets are.
func (p *freshnessParams) settleDates(zone *time.Location) {
	if p.DateSemantics != "" && p.ColumnTZ == "" {
		p.ColumnTZ = zoneName(zone)
	}
}

// freshnessOf is the parameters of a node's freshness check, by which its other
// checks know how its rows tell time; false when it names no column. Problems
// in it are reported by its own settling.
func freshnessOf(n *dag.Node) (freshnessParams, bool) {
	for _, spec := range n.Checks {
		if spec.Kind == "freshness" {
			var p freshnessParams
			_ = spec.Params.Decode(&p)
			p.settleDates(n.Zone)
			return p, p.Column != ""
		}
	}
	return freshnessParams{}, false
}

// freshnessColumn is the column of a node's freshness check; the zero value
// when it has none.
func freshnessColumn(n *dag.Node) probe.TimeColumn {
	p, _ := freshnessOf(n)
	return p.time()
}

func (p freshnessParams) time() probe.TimeColumn {
	return probe.TimeColumn{Name: p.Column, Zone: p.ColumnTZ}
}

// horizon is the moment beyond which a row is dated in the future.
func (p freshnessParams) horizon(at Moment) probe.Instant {
	skew := defaultMaxSkew
	if p.MaxSkew != nil {
		skew = *p.MaxSkew
	}
	return probe.At(at.Now.Add(skew.Std()))
}

// watermark is the newest moment as the check means it, and the moment up to
// which the rows are complete. A DATE whose day is whole stands for the day's
// end in the zone of the column.
func (p freshnessParams) watermark(newest probe.Instant, class probe.TypeClass) (newestAt, complete time.Time) {
	t := newest.Time()
	if t.IsZero() {
		return t, t
	}
	if class == probe.Date && p.DateSemantics == "complete" {
		t = addDays(t, 1, p.columnZone())
	}
	return t, t.Add(p.Granularity.Std())
}

// columnZone is the zone of a DATE's days.
func (p freshnessParams) columnZone() *time.Location {
	zone, err := time.LoadLocation(p.ColumnTZ) // "" is UTC
	if err != nil {
		return time.UTC // reported where the zone was written
	}
	return zone
}

// shown is the newest value as one who looks into the table sees it: a day that is
// whole is that day, although it stands for its end.
func (p freshnessParams) shown(newest time.Time, mark probe.Mark) string {
	if mark.Class == probe.Date && p.DateSemantics == "complete" {
		return mark.Max.Time().In(p.columnZone()).Format(time.DateOnly)
	}
	return clock(newest, p.deadline.zone)
}

func askFreshness(s Site, p freshnessParams, _ Memory, at Moment) []probe.Question {
	return []probe.Question{probe.Watermark{Of: s.Relation(), Where: s.Spec.Where, Column: p.time(), Horizon: p.horizon(at)}}
}

type freshnessObserved struct {
	Watermark  *time.Time `json:"watermark"` // null without a row up to now
	AgeSeconds *int64     `json:"age_seconds"`
	// OpenAgeSeconds is the age without the days of the calendar, which is what is judged.
	OpenAgeSeconds *int64 `json:"open_age_seconds,omitempty"`
	FutureRows     int64  `json:"future_rows"`
	Rows           int64  `json:"rows"`
}

type freshnessExpected struct {
	WarnAfterSeconds  *int64 `json:"warn_after_seconds,omitempty"`
	ErrorAfterSeconds *int64 `json:"error_after_seconds,omitempty"`
	// Deadline is the one that was judged: the first that was missed, or else the last
	// that has passed. All data before DueThrough had to be there by then.
	Deadline     *time.Time `json:"deadline,omitempty"`
	DueThrough   *time.Time `json:"due_through,omitempty"`
	NextDeadline *time.Time `json:"next_deadline,omitempty"` // the next to come that needs more data
	GraceSeconds int64      `json:"grace_seconds,omitempty"`
}

// freshnessMemory is kept once rows were seen.
type freshnessMemory struct {
	Seen bool `json:"seen"`
}

func judgeFreshness(s Site, p freshnessParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	mark, err := probe.Value[probe.Mark](as[0])
	if err != nil {
		return couldNot(err), nil
	}
	if isDate := mark.Class == probe.Date; isDate && p.DateSemantics == "" {
		return Verdict{Outcome: Error, Message: fmt.Sprintf("%s is a DATE: say date_semantics: complete if a day is loaded when it is over, start if a row only says that its day has begun", p.Column)}, nil
	} else if !isDate && p.DateSemantics != "" {
		return Verdict{Outcome: Error, Message: fmt.Sprintf("%s is no DATE, so date_semantics says nothing about it: remove it", p.Column)}, nil
	}
	past, _ := recall[freshnessMemory](m, 1)
	var next Memory
	if mark.Rows > 0 && !past.Seen {
		next = remember(1, freshnessMemory{Seen: true})
	}
	newest, complete := p.watermark(mark.Max, mark.Class)
	observed := freshnessObserved{FutureRows: mark.Future, Rows: mark.Rows}
	expected := freshnessExpected{WarnAfterSeconds: seconds(p.WarnAfter), ErrorAfterSeconds: seconds(p.ErrorAfter)}
	if newest.IsZero() {
		return worst(p.noWatermark(mark, past.Seen), p.ahead(mark)).verdict(observed, expected), next
	}
	age := max(0, at.Now.Sub(newest))
	observed.Watermark, observed.AgeSeconds = new(newest.UTC()), new(int64(age/time.Second))
	if p.Calendar.given() {
		observed.OpenAgeSeconds = new(int64(p.openAge(newest, at) / time.Second))
	}
	found := []judgement{p.judgeAge(newest, at)}
	if p.deadline != nil {
		found = append(found, p.judgeDeadline(p.shown(newest, mark), complete, at, &expected))
	}
	decided := worst(found[0], append(found[1:], p.ahead(mark))...)
	decided.goodUntil = newest
	return decided.verdict(observed, expected), next
}

// noWatermark judges a node without a row that is dated up to now.
func (p freshnessParams) noWatermark(mark probe.Mark, seen bool) judgement {
	j := judgement{outcome: NoData, reason: Empty, message: "there are no rows"}
	switch {
	case mark.Timed > 0: // all beyond now: the rows are there, their dates are wrong
		return judgement{outcome: Pass, message: "no " + p.Column + " is in the past"}
	case mark.Rows > 0:
		j.message = fmt.Sprintf("%s is NULL in all %s", p.Column, counted(mark.Rows, "row"))
	case p.OnEmpty == "pass":
		return judgement{outcome: Pass, message: j.message}
	case p.OnEmpty == "fail":
		j.outcome = Fail
	case p.OnEmpty == "" && seen:
		j.outcome, j.message = Fail, "there are no rows any more"
	}
	return j
}

// ahead warns of rows that are dated beyond now.
func (p freshnessParams) ahead(mark probe.Mark) judgement {
	if mark.Future == 0 {
		return judgement{outcome: Pass}
	}
	skew := defaultMaxSkew
	if p.MaxSkew != nil {
		skew = *p.MaxSkew
	}
	return judgement{outcome: Warn, reason: FutureTimestamps, message: fmt.Sprintf("%s dated more than %s in the future by %s", counted(mark.Future, "row"), skew, p.Column)}
}

// openAge is how much time on open days the newest row is old.
func (p freshnessParams) openAge(newest time.Time, at Moment) time.Duration {
	return max(0, p.Calendar.open(newest, at.Now))
}

// judgeAge holds the newest row's age against the limits; days of the calendar make
// nothing older.
func (p freshnessParams) judgeAge(newest time.Time, at Moment) judgement {
	age, open := max(0, at.Now.Sub(newest)), p.openAge(newest, at)
	j := judgement{outcome: Pass, message: fmt.Sprintf("newest %s is %s old", p.Column, spoken(age))}
	if open < age {
		j.message += fmt.Sprintf(", %s without closed days", spoken(open))
	}
	for _, limit := range []struct {
		after   *conf.Duration
		outcome Outcome
	}{{p.ErrorAfter, Fail}, {p.WarnAfter, Warn}} {
		if limit.after == nil {
			continue
		}
		if open > limit.after.Std() {
			j.outcome, j.reason, j.onset = limit.outcome, Stale, p.Calendar.add(newest, limit.after.Std(), at.Now)
			j.message += ", limit " + spoken(limit.after.Std())
			return j
		}
	}
	return j
}

// judgeDeadline holds the moment against the first deadline that promises more
// than is there. When several were missed the oldest decides, so that a new
// deadline's grace does not make an old failure milder.
func (p freshnessParams) judgeDeadline(newest string, complete time.Time, at Moment, expected *freshnessExpected) judgement {
	zone := p.deadline.zone
	due := p.deadline.due(p.Covers, complete)
	expected.GraceSeconds = int64(p.Grace.Std() / time.Second)
	if due.at.After(at.Now) {
		expected.NextDeadline = new(due.at.UTC())
		if met, ok := p.deadline.last(p.Covers, at.Now); ok {
			expected.Deadline, expected.DueThrough = new(met.at.UTC()), new(met.through.UTC())
		}
		return judgement{outcome: Pass}
	}
	expected.Deadline, expected.DueThrough = new(due.at.UTC()), new(due.through.UTC())
	j := judgement{outcome: Fail, reason: Late, onset: due.at, message: fmt.Sprintf("newest %s is %s; all before %s was due at %s, %s ago",
		p.Column, newest, clock(due.through, zone), clock(due.at, zone), spoken(at.Now.Sub(due.at)))}
	if end := due.at.Add(p.Grace.Std()); !at.Now.After(end) {
		j.outcome = Warn
		if p.Grace > 0 {
			j.message += ", grace until " + clock(end, zone)
		}
	}
	return j
}
