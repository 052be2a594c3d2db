package warehouse

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// clock is a time column as SQL. It compares in the column's own type wherever that
// is exact, so that the engine can use its statistics and indexes, and turns only
// what an aggregate gives into a moment.
type clock struct {
	d      Dialect
	column probe.Column
	zone   string // never empty
	loc    *time.Location
	plain  bool // naive values in UTC
}

// newClock finds a time column among the columns of a relation.
func newClock(d Dialect, t table, of probe.TimeColumn) (clock, error) {
	column, err := t.column(of.Name)
	if err != nil {
		return clock{}, err
	}
	c := clock{d: d, column: column, zone: "UTC", loc: time.UTC}
	if of.Zone != "" {
		if c.loc, err = time.LoadLocation(of.Zone); err != nil {
			return clock{}, refuse(probe.Statement, "read column %q in zone %q: %v", of.Name, of.Zone, err)
		}
		c.zone = of.Zone
	}
	switch column.Class {
	case probe.Date, probe.Naive, probe.Zoned:
	default:
		return clock{}, refuse(probe.Statement, "column %q of %s is %s; a time must be a date or a timestamp: cast it in a query node or a view",
			column.Name, t.name, column.Type)
	}
	c.plain = column.Class == probe.Naive && c.loc.String() == "UTC"
	return c, nil
}

// newDayClock is newClock for a column that is grouped by the days of a zone: a
// date without a zone of its own is a day of that zone.
func newDayClock(d Dialect, t table, of probe.TimeColumn, days string) (clock, error) {
	c, err := newClock(d, t, of)
	if err == nil && c.column.Class == probe.Date && of.Zone == "" && days != "" {
		return newClock(d, t, probe.TimeColumn{Name: of.Name, Zone: days})
	}
	return c, err
}

// native is the column in the type that cond compares.
func (c clock) native() string { return c.of(c.d.Quote(c.column.Name)) }

// of does the same for an expression of the column's type.
func (c clock) of(expr string) string {
	if c.column.Class == probe.Naive {
		expr = c.d.Plain(c.column, expr)
		if !c.plain {
			expr = c.d.InZone(expr, c.zone)
		}
	}
	return expr
}

// moment turns a native expression into a moment.
func (c clock) moment(native string) string {
	switch {
	case c.column.Class == probe.Date:
		return c.d.FirstOf(native, c.zone)
	case c.plain:
		return c.d.InZone(native, c.zone)
	}
	return native
}

// micros turns a native expression, such as an aggregate, into what instant reads.
func (c clock) micros(native string) string {
	if c.plain {
		return c.d.Micros(native)
	}
	return c.d.Micros(c.moment(native))
}

// stamp makes of a native expression, at the least cost, what cells.stamp reads.
func (c clock) stamp(name, native string) expr {
	if c.d.Times && (c.column.Class == probe.Zoned || c.plain) {
		return expr{name, native, moment}
	}
	return expr{name, c.micros(native), number}
}

// cond compares a native expression with an instant. A day stands for its first
// moment, so op on moments becomes op on days.
func (c clock) cond(native, op string, at probe.Instant) string {
	t := at.Time()
	up := op == ">=" || op == "<"
	if up { // engines keep microseconds: only a whole one at or after t will do
		t = t.Add(time.Microsecond - 1)
	}
	t = t.Truncate(time.Microsecond)
	switch {
	case c.column.Class == probe.Date:
		day := civil(t, c.loc)
		if up && firstMoment(day, c.loc).Before(t) {
			day = day.AddDate(0, 0, 1)
		}
		return native + " " + op + " " + c.d.Day(day)
	case c.plain:
		return native + " " + op + " " + c.d.Naive(t.UTC())
	}
	return native + " " + op + " " + c.d.Moment(t)
}

// within is the conditions of [from, to) on the column; a zero end is open.
func (c clock) within(from, to probe.Instant) []string {
	var conds []string
	if !from.IsZero() {
		conds = append(conds, c.cond(c.native(), ">=", from))
	}
	if !to.IsZero() {
		conds = append(conds, c.cond(c.native(), "<", to))
	}
	return conds
}

// upTo is the condition that a value counts for a watermark: finite, and not
// beyond the horizon.
func (c clock) upTo(horizon probe.Instant) string {
	if horizon.IsZero() {
		return c.d.Finite(c.native())
	}
	return c.cond(c.native(), "<=", horizon)
}

// future counts the values beyond the horizon.
func (c clock) future(horizon probe.Instant) string {
	if horizon.IsZero() {
		return "0"
	}
	return countWhen(c.cond(c.native(), ">", horizon))
}

// bucketing groups the rows of a time column by hours, or by days, weeks or months
// of a zone.
type bucketing struct {
	clock
	per  probe.Per
	loc  *time.Location
	zone string
	from probe.Instant // only buckets that start at or after
	to   probe.Instant // and before; zero is open
}

func newBucketing(c clock, per probe.Per, zone string, from, to probe.Instant) (bucketing, error) {
	b := bucketing{clock: c, per: per, loc: time.UTC, zone: "UTC", from: from, to: to}
	switch per {
	case probe.Hour, probe.Day, probe.Week, probe.Month:
	default:
		return b, refuse(probe.Statement, "group by %q: there are hour, day, week and month", per)
	}
	if zone != "" {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return b, refuse(probe.Statement, "group by the %s of zone %q: %v", per, zone, err)
		}
		b.loc, b.zone = loc, zone
	}
	return b, nil
}

// inside is the conditions that a row lies in a bucket that start may keep.
func (b bucketing) inside() []string {
	to := b.to
	if !to.IsZero() {
		to = probe.At(alignUp(b.per, to.Time(), b.loc))
	}
	conds := b.within(b.from, to)
	if b.from.IsZero() || to.IsZero() {
		conds = append(conds, b.d.Finite(b.native()))
	}
	return conds
}

// key is the expression that names a row's bucket: a day, or an hour as
// microseconds. Days of another zone than the bucket's stay days; start folds them.
func (b bucketing) key() string {
	switch {
	case b.column.Class == probe.Date && (b.per == probe.Hour || b.zone != b.clock.zone):
		return b.native()
	case b.column.Class == probe.Date:
		return b.d.Bucket(b.per, b.native())
	case b.per == probe.Hour:
		return b.d.Micros(b.d.Bucket(probe.Hour, b.native()))
	case b.column.Class == probe.Naive && b.zone == b.clock.zone:
		return b.d.Bucket(b.per, b.d.Plain(b.column, b.d.Quote(b.column.Name)))
	}
	return b.d.Bucket(b.per, b.d.Local(b.moment(b.native()), b.zone))
}

// start reads the key of a group; ok is false where the bucket starts outside of
// [from, to), which happens only at an edge that is no start itself.
func (b bucketing) start(key any) (start time.Time, ok bool, err error) {
	switch k := key.(type) {
	case int64:
		start = time.UnixMicro(k).UTC()
	case time.Time:
		if b.column.Class == probe.Date && (b.per == probe.Hour || b.zone != b.clock.zone) {
			start = startOf(b.per, firstMoment(k, b.clock.loc), b.loc)
		} else {
			start = firstMoment(firstDay(b.per, k), b.loc)
		}
	default:
		return start, false, refuse(probe.BadAnswer, "the key of a bucket came back as %T", key)
	}
	at := instantOf(start)
	return start, at >= b.from && (b.to.IsZero() || at < b.to), nil
}

// instantOf keeps dates beyond the range of an Instant (1677 to 2262) at its ends,
// and the first moment of 1970 apart from "none".
func instantOf(t time.Time) probe.Instant {
	switch {
	case t.Year() >= 2262:
		return math.MaxInt64
	case t.Year() <= 1677:
		return math.MinInt64
	}
	return max(probe.Instant(t.UnixNano()), nudge(t))
}

// nudge is 1 for the first moment of 1970 and the least Instant otherwise.
func nudge(t time.Time) probe.Instant {
	if t.UnixNano() == 0 {
		return 1
	}
	return math.MinInt64
}

// cells reads a row from left to right and remembers the first cell that is not
// what it should be.
type cells struct {
	row []any
	err error
}

func (c *cells) next() any {
	if len(c.row) == 0 {
		c.fail(nil, "anything")
		return nil
	}
	cell := c.row[0]
	c.row = c.row[1:]
	return cell
}

func (c *cells) fail(cell any, want string) {
	if c.err == nil {
		c.err = refuse(probe.BadAnswer, "the engine answered %T where %s belongs", cell, want)
	}
}

// count reads a number of rows; the sum over no rows is NULL and counts 0.
func (c *cells) count() int64 {
	switch n := c.next().(type) {
	case nil:
		return 0
	case int64:
		return n
	default:
		c.fail(n, "a count")
		return 0
	}
}

// sum reads an integer of any size; NULL is 0.
func (c *cells) sum() *big.Int {
	switch n := c.next().(type) {
	case nil:
		return new(big.Int)
	case int64:
		return big.NewInt(n)
	case *big.Int:
		return n
	default:
		c.fail(n, "an integer")
		return new(big.Int)
	}
}

// instant reads microseconds; NULL is none.
func (c *cells) instant() probe.Instant {
	switch n := c.next().(type) {
	case nil:
		return 0
	case int64:
		return instantOf(time.UnixMicro(n))
	default:
		c.fail(n, "a moment")
		return 0
	}
}

// stamp reads microseconds or a time; NULL is none, and so is what Go cannot read, such
// as infinity.
func (c *cells) stamp() probe.Instant {
	switch t := c.next().(type) {
	case int64:
		return instantOf(time.UnixMicro(t))
	case time.Time:
		return instantOf(t)
	}
	return 0
}

// text reads a string; NULL is "".
func (c *cells) text() string {
	switch s := c.next().(type) {
	case nil:
		return ""
	case string:
		return s
	default:
		c.fail(s, "text")
		return ""
	}
}

// parseTime reads a time in the first layout that fits.
func parseTime(s string, layouts ...string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// refuse makes an error of a class.
func refuse(class probe.Class, format string, args ...any) *probe.Error {
	return &probe.Error{Class: class, Msg: fmt.Sprintf(format, args...)}
}
