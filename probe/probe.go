// Package probe is the vocabulary between checks and the world: what can be
// asked of a warehouse or an orchestrator, what the answer looks like, and the
// one door ([Source]) through which questions go out and answers come back.
//
// It is not a query language and it holds no SQL but what a person wrote in a
// DAG file: a [Question] says what must be known ("rows of T per New York day
// since January"), and each engine decides how to find out. It knows no
// thresholds either; judging an answer is the business of package checks.
//
// # Data model
//
// A Question is a small comparable value, so that equal questions of different
// checks and DAGs are one map key and are asked once. It therefore holds no
// slice, map, pointer, float or time.Time: lists are [Names], instants are
// [Instant]. A Question names the connection it goes to. An [Answer] carries
// its own error: one missing table spoils its own questions and no others.
//
//	Question   Answer.Value
//	Columns    []Column
//	Watermark  Mark
//	Rows       int64
//	Buckets    BucketRows
//	Coverage   Covered
//	Keys       KeySet
//	Digest     Digests
//	Cohorts    CohortList
//	BadRows    Bad
//	Scalar     ScalarValue
//	LastRuns   []JobRun
package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Question is one thing to be known. Its dynamic type is comparable.
type Question interface {
	// On names the connection that can answer.
	On() string
	question()
}

// Answer is what came back for one Question.
type Answer struct {
	// Value has the type that the package comment lists for the question;
	// nil when Err is set.
	Value any
	// Err says why there is no value; an *Error where the class is known.
	Err error
	// Statement is the text that was sent, for people to read.
	Statement string
	// Started is the wall time of the statement, Took how long it lasted.
	Started time.Time
	Took    time.Duration
	// Skew is the source's clock minus ours at the query; 0 for engines in
	// our own process.
	Skew time.Duration
}

// Source is the only door to the outside world. Ask answers every question, in
// the same order, and equal ones with one look; it never fails as a whole, each Answer
// carries its own error.
// The moment at is what "now" means for the run: engines that can show the past
// (DuckDB's as_of variable) show it as of then.
type Source interface {
	Ask(ctx context.Context, at time.Time, qs []Question) []Answer
}

// Value takes the typed value out of an answer.
func Value[T any](a Answer) (T, error) {
	v, ok := a.Value.(T)
	if a.Err != nil {
		return v, a.Err
	}
	if !ok {
		return v, fmt.Errorf("answer holds %T where %T belongs", a.Value, v)
	}
	return v, nil
}

// Class says what kind of trouble kept a question from being answered.
type Class string

// The classes of errors.
const (
	NoTable    Class = "no_table"   // the table or view does not exist
	NoColumn   Class = "no_column"  // a named column does not exist
	KeyTypes   Class = "key_types"  // two sides of a join have types that do not compare
	Timeout    Class = "timeout"    // the deadline of the statement passed
	Connection Class = "connection" // the server could not be reached or went away
	Refused    Class = "refused"    // the sandbox or the server's permissions said no
	BadAnswer  Class = "bad_answer" // the answer had a shape the question does not allow
	Statement  Class = "statement"  // the engine refused the statement
)

// Error is why a question has no answer, in the engine's own words.
type Error struct {
	Class Class
	Msg   string
	Cause error // may be nil
}

func (e *Error) Error() string { return e.Msg }

// Unwrap gives the driver's error.
func (e *Error) Unwrap() error { return e.Cause }

// Names is a list of strings as one comparable value: a JSON array. The zero
// value is the empty list.
type Names string

// List makes Names; an empty list is the zero value.
func List(items ...string) Names {
	if len(items) == 0 {
		return ""
	}
	b, err := json.Marshal(items)
	if err != nil {
		panic("names: " + err.Error()) // unreachable: strings always marshal
	}
	return Names(b)
}

// Items gives the list back.
func (n Names) Items() []string {
	if n == "" {
		return nil
	}
	// Without an escape in it every quote is the end of an item. That is nearly every
	// list, and lists are read for every question of every run.
	if s, whole := strings.CutSuffix(string(n), `"]`); whole && strings.HasPrefix(s, `["`) && !strings.Contains(s, `\`) {
		return strings.Split(s[2:], `","`)
	}
	var items []string
	if err := json.Unmarshal([]byte(n), &items); err != nil {
		panic("names: " + err.Error()) // unreachable unless Names was made by hand
	}
	return items
}

// Instant is a moment as nanoseconds since 1970 in UTC. Unlike time.Time one
// moment has one value. The zero Instant means "none".
type Instant int64

// At gives t as an Instant; the zero time is the zero Instant.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixNano())
}

// IsZero tells whether there is no moment.
func (i Instant) IsZero() bool { return i == 0 }

// Time gives the Instant as a time in UTC; the zero time for the zero Instant.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(i)).UTC()
}
