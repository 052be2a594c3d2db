package checks

import (
	"fmt"
	"reflect"
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
	Segment  string          `yaml:"segment" jsonschema_description:"column by whose values the rows are judged apart; the worst decides"`

	CompleteWhen *completeWhen `yaml:"complete_when" json:",omitzero" jsonschema_description:"how one knows that a load is complete; until it is, the table is judged as it was after the last one"`

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
	if p.CompleteWhen == nil {
		return nil, problems
	}
	upstream, ps := p.CompleteWhen.settle(s, *p)
	problems.Merge(ps)
	return upstream, problems
}

// settleDeadline reads what is promised, and refuses keys that would mean nothing.
func (p *freshnessParams) settleDeadline(s Site) (problems conf.Problems) {
	params := s.Spec.Params
	p.deadline, problems = settleDeadlines(s, p.By, p.Every)
	if !params.Get("by").Exists() && p.Every == "" {
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

// skew is how far beyond now a row may be dated.
func (p freshnessParams) skew() time.Duration {
	if p.MaxSkew != nil {
		return p.MaxSkew.Std()
	}
	return defaultMaxSkew.Std()
}

// horizon is the moment beyond which a row is dated in the future.
func (p freshnessParams) horizon(at Moment) probe.Instant { return probe.At(at.Now.Add(p.skew())) }

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
	mark := probe.Watermark{Of: s.Relation(), Where: s.Spec.Where, Column: p.time(), Horizon: p.horizon(at), Segment: p.Segment}
	return append([]probe.Question{mark}, p.CompleteWhen.ask(s)...)
}

type freshnessObserved struct {
	Watermark  *time.Time `json:"watermark"` // null without a row up to now
	AgeSeconds *int64     `json:"age_seconds"`
	// OpenAgeSeconds is the age without the days of the calendar, which is what is judged.
	OpenAgeSeconds *int64 `json:"open_age_seconds,omitempty"`
	FutureRows     int64  `json:"future_rows"`
	Rows           int64  `json:"rows"`

	Segments []segmentFresh `json:"segments,omitempty"` // worst first, at most 10
	Load     *loadObserved  `json:"load,omitempty"`     // of complete_when
	// LatenessSeconds is said once, when a deadline that was missed is first seen met:
	// how long after it.
	LatenessSeconds *int64 `json:"lateness_seconds,omitempty"`
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

// freshnessMemory is kept once rows were seen, or a load is followed.
type freshnessMemory struct {
	Seen bool       `json:"seen"`
	Load loadMemory `json:"load,omitzero"`
	Late time.Time  `json:"late,omitzero"` // the deadline that is missed
}

func judgeFreshness(_ Site, p freshnessParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	mark, err := probe.Value[probe.Mark](as[0])
	if err != nil {
		return couldNot(err), nil
	}
	if problem := p.misread(mark.Class); problem != "" {
		return Verdict{Outcome: Error, Message: problem}, nil
	}
	past, _ := recall[freshnessMemory](m, 1)
	next := past
	next.Seen = past.Seen || mark.Rows > 0
	observed := p.observe(mark, at)
	expected := freshnessExpected{WarnAfterSeconds: seconds(p.WarnAfter), ErrorAfterSeconds: seconds(p.ErrorAfter)}
	var decided judgement
	switch {
	case len(mark.Segments) > 0:
		decided = p.judgeSegments(mark, past.Seen, at, &observed, &expected)
	case p.CompleteWhen != nil:
		var now load
		if now, next.Load, err = p.CompleteWhen.look(as[1:], mark, past.Load, at); err != nil {
			return couldNot(err), nil
		}
		observed.Load = now.observed(next.Load)
		judged := now.judged(mark, next.Load)
		p.expectDeadline(judged, at, &expected)
		decided = now.temper(p.judgeRows(judged, past.Seen, at))
	default:
		p.expectDeadline(mark, at, &expected)
		decided = p.judgeRows(mark, past.Seen, at)
	}
	if p.deadline != nil {
		decided, next.Late = p.lateness(decided, past.Late, expected, at, &observed)
	}
	good := decided.goodUntil
	decided = worst(decided, p.ahead(mark))
	decided.goodUntil = good
	var memory Memory
	if !reflect.DeepEqual(next, past) {
		memory = remember(1, next)
	}
	return decided.verdict(observed, expected), memory
}

// misread says what is wrong between date_semantics and the type of the column, if
// anything.
func (p freshnessParams) misread(class probe.TypeClass) string {
	switch isDate := class == probe.Date; {
	case isDate && p.DateSemantics == "":
		return p.Column + " is a DATE: say date_semantics: complete if a day is loaded when it is over, start if a row only says that its day has begun"
	case !isDate && p.DateSemantics != "":
		return p.Column + " is no DATE, so date_semantics says nothing about it: remove it"
	}
	return ""
}

// observe tells what is there.
func (p freshnessParams) observe(mark probe.Mark, at Moment) freshnessObserved {
	o := freshnessObserved{FutureRows: mark.Future, Rows: mark.Rows}
	newest, _ := p.watermark(mark.Max, mark.Class)
	o.Watermark, o.AgeSeconds = aged(newest, at)
	if p.Calendar.given() && !newest.IsZero() {
		o.OpenAgeSeconds = new(int64(p.openAge(newest, at) / time.Second))
	}
	return o
}

// aged is a watermark and its age for JSON; null where there is none.
func aged(newest time.Time, at Moment) (*time.Time, *int64) {
	if newest.IsZero() {
		return nil, nil
	}
	return new(newest.UTC()), new(int64(max(0, at.Now.Sub(newest)) / time.Second))
}

// judgeRows judges the rows of a table, or of a segment.
func (p freshnessParams) judgeRows(mark probe.Mark, seen bool, at Moment) judgement {
	newest, complete := p.watermark(mark.Max, mark.Class)
	if newest.IsZero() {
		return p.noWatermark(mark, seen)
	}
	j := p.judgeAge(newest, at)
	if p.deadline != nil {
		j = worst(j, p.judgeDeadline(p.shown(newest, mark), complete, at))
	}
	j.goodUntil = newest
	return j
}

// noWatermark judges a node without a row that is dated up to now.
func (p freshnessParams) noWatermark(mark probe.Mark, seen bool) judgement {
	j := judgement{outcome: NoData, reason: Empty, message: "there are no rows"}
	switch {
	case mark.Future > 0: // all beyond now: the rows are there, their dates are wrong
		return judgement{outcome: Pass, message: "no " + p.Column + " is in the past"}
	case mark.Timed > 0: // -infinity, 0000-00-00
		j.message = fmt.Sprintf("no %s in %s is a time that ever was", p.Column, counted(mark.Rows, "row"))
	case mark.Rows == 1:
		j.message = p.Column + " is NULL in its only row"
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
	return judgement{outcome: Warn, reason: FutureTimestamps, message: fmt.Sprintf("%s dated more than %s in the future by %s", counted(mark.Future, "row"), conf.Duration(p.skew()), p.Column)}
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
func (p freshnessParams) judgeDeadline(newest string, complete time.Time, at Moment) judgement {
	zone := p.deadline.zone
	due := p.deadline.due(p.Covers, complete)
	if due.at.After(at.Now) {
		return judgement{outcome: Pass}
	}
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

// lateness remembers the deadline that is missed, and says how late it was met once it
// is: at most so late, as nobody looked in between.
func (p freshnessParams) lateness(j judgement, missed time.Time, expected freshnessExpected, at Moment, o *freshnessObserved) (judgement, time.Time) {
	switch {
	case expected.Deadline == nil:
		return j, missed // nothing there to tell by
	case expected.NextDeadline == nil:
		return j, *expected.Deadline
	case missed.IsZero():
		return j, missed
	}
	late := at.Now.Sub(missed)
	o.LatenessSeconds = new(int64(late / time.Second))
	j.message += fmt.Sprintf("; what was due at %s came %s late", clock(missed, p.deadline.zone), spoken(late))
	return j, time.Time{}
}

// expectDeadline tells by which deadline rows are judged.
func (p freshnessParams) expectDeadline(mark probe.Mark, at Moment, expected *freshnessExpected) {
	newest, complete := p.watermark(mark.Max, mark.Class)
	if p.deadline == nil || newest.IsZero() {
		return
	}
	expected.GraceSeconds = int64(p.Grace.Std() / time.Second)
	judged := p.deadline.due(p.Covers, complete)
	if judged.at.After(at.Now) {
		expected.NextDeadline = new(judged.at.UTC())
		met, ok := p.deadline.last(p.Covers, at.Now)
		if !ok {
			return
		}
		judged = met
	}
	expected.Deadline, expected.DueThrough = new(judged.at.UTC()), new(judged.through.UTC())
}
