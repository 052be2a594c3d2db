// Package warehouse answers probe's questions with SQL.
//
// It decides which statements a run needs, sends few of them, and turns rows
// into answers. It is not a driver: a sub-package for each engine opens the
// database, runs a statement and says which columns a table has. It is not a
// judge either: it knows no threshold and no verdict.
//
// # Data model
//
// A [Source] is one connection of pipewatch.yaml. A run is one call of
// [Source.Ask]:
//
//	questions ── equal ones once ──► vetted ──► columns known ──► statements ──► answers
//	             (map key)           (engine's   (one metadata     (fused by
//	                                  parser)     statement)        table, where, window)
//
// What a person wrote (a query, a condition) is vetted by the engine's own parser
// before it is sent. The columns of all tables of a run are read before anything
// else, in one statement a connection, and a question about an absent table or column
// is answered from that, so it never reaches, and never spoils, a statement of others.
// Questions over the same table, condition and window share one SELECT; if that fails,
// each of them is asked again alone, once. Scans of small tables share one statement
// in turn, which is taken apart in the same way. Of a small table the SELECT asks for the
// least that tells whether all is well (are there orphans?), and only what is not is
// asked again in full (how many keys have they?).
//
// A [Dialect] holds how one engine writes SQL: it is data and small functions, and
// everything that renders a question takes it as an argument. A new engine is a
// Dialect here and a package that implements [DB].
//
// # Values
//
// Rows come back from [Session.Query] in a few Go types only: nil, bool, int64,
// *big.Int (integers beyond int64), float64, string and time.Time. Moments leave
// the engine as microseconds since 1970, days as midnight UTC of that day.
package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// DB is one database, as an engine's package opens it. Its methods may be called
// from several goroutines.
type DB interface {
	// Session hands out a connection for part of one run, on which the moment of
	// the run is at. The caller closes it. An error is a *probe.Error.
	Session(ctx context.Context, at time.Time) (Session, error)
	// Dialect is how the database writes SQL; it is asked for after the first
	// Session, when the version of the server is known.
	Dialect() Dialect
	// Close releases everything; sessions must have been closed before.
	Close() error
}

// Session is one connection, used by one goroutine at a time. Errors are
// *probe.Error with the engine's own words.
type Session interface {
	// Vet parses what a person wrote and refuses everything but one SELECT or one
	// expression that reads no file and changes nothing.
	Vet(ctx context.Context, kind Text, sql string) error
	// Describe tells the columns of relations, in the same order and number.
	Describe(ctx context.Context, of []probe.Relation) []Description
	// Query runs one SELECT; see the package comment for the types of cells. It
	// gives up with BadAnswer beyond [MaxRows] or [MaxBytes].
	Query(ctx context.Context, sql string) ([][]any, error)
	Close() error
}

// Laned is a Session of several connections, each of which takes many statements at
// once.
type Laned interface {
	Session
	// Lanes are the connections, at least one. Each may be used by one goroutine.
	Lanes() []Lane
}

// Lane is one connection of a Laned session. It is not closed by itself.
type Lane interface {
	Session
	// Pipe sends SELECTs without waiting for each answer, and hands the answers to got
	// in order, each exactly once. A statement that fails spoils no other.
	Pipe(ctx context.Context, sql []string, got func(i int, rows [][]any, err error))
}

// Text is what a piece of SQL that a person wrote must be.
type Text string

// The kinds of text.
const (
	Select    Text = "SELECT"    // exactly one, whole
	Condition Text = "condition" // one expression, as after where
)

// Description is what a relation looks like, or why that is not known.
type Description struct {
	Columns   []probe.Column
	Statement string // what a person can run to see the same
	// Keys lists sets of column names that the engine keeps unique. Only what it
	// enforces on every row stands here: questions are answered by it without a look.
	Keys [][]string
	// NotNull says that the engine enforces on every row what Columns say of NULLs.
	NotNull bool
	// Rows is how many rows the catalog believes there are; 0 where it does not say.
	Rows int64
	Err  error
}

// Limits bound a Source.
type Limits struct {
	MaxQueries       int           // statements in flight at once over all runs, at least 1
	StatementTimeout time.Duration // 0: none
	FreeSQL          bool          // scalars, queries and control tables are allowed
	// Now is the wall clock for Answer.Started and Took. Without one they stay
	// zero.
	Now func() time.Time
}

// Source is one connection that answers questions. It implements probe.Source.
type Source struct {
	db     DB
	limits Limits
	slots  chan struct{} // one for each session in use
}

// New makes a Source of a database. The Source owns db from now on.
func New(db DB, limits Limits) *Source {
	limits.MaxQueries = max(limits.MaxQueries, 1)
	if limits.Now == nil {
		limits.Now = func() time.Time { return time.Time{} }
	}
	return &Source{db: db, limits: limits, slots: make(chan struct{}, limits.MaxQueries)}
}

// Close releases the database. Runs must have ended.
func (s *Source) Close() error { return s.db.Close() }

// Ping tells whether questions can be asked now, and if not, why.
func (s *Source) Ping(ctx context.Context, at time.Time) error {
	session, err := s.session(ctx, at)
	if err != nil {
		return err
	}
	_, err = s.query(ctx, session, "select 1")
	return errors.Join(err, s.release(session))
}

// Ask answers all questions of a run, in their order. Equal questions are asked
// once and get the same answer.
func (s *Source) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	unique, places := distinct(qs)
	answers := make([]probe.Answer, len(unique))
	session, err := s.session(ctx, at)
	if err != nil {
		for i := range answers {
			answers[i].Err = err
		}
	} else {
		s.run(ctx, at, session, unique, answers)
		noteSkew(session, answers)
	}
	all := make([]probe.Answer, len(qs))
	for i := range qs {
		all[i] = answers[places[i]]
	}
	return all
}

// Planned is one statement of a run and the questions that it answers.
type Planned struct {
	Statement string
	Questions []probe.Question
	Times     []Reading // how its time columns are read
	Estimate  *Estimate // nil until [Source.Estimate] was asked

	sql   []string
	place int // of its first question
}

// Plan tells what Ask would send. It reads columns, which needs the database, and
// no rows. Questions that Ask would answer without a statement of their own stand
// in the answers, by question.
func (s *Source) Plan(ctx context.Context, at time.Time, qs []probe.Question) ([]Planned, map[probe.Question]probe.Answer, error) {
	unique, _ := distinct(qs)
	session, err := s.session(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	sessions := []Session{session}
	if laned, ok := session.(Laned); ok {
		sessions = sessions[:0]
		for _, lane := range laned.Lanes() {
			sessions = append(sessions, lane)
		}
	}
	var planned []Planned
	known := make(map[probe.Question]probe.Answer)
	for n, places := range dealt(unique, len(sessions)) {
		if len(places) > 0 {
			planned = append(planned, s.planShare(ctx, at, sessions[n], unique, places, known)...)
		}
	}
	slices.SortStableFunc(planned, func(a, b Planned) int { return a.place - b.place })
	return planned, known, s.release(session)
}

// planShare plans the questions at places with one session. What is answered without a
// statement goes into known.
func (s *Source) planShare(ctx context.Context, at time.Time, session Session, qs []probe.Question, places []int, known map[probe.Question]probe.Answer) (planned []Planned) {
	own := picked(qs, places)
	answers := make([]probe.Answer, len(own))
	planner, statements := s.planned(ctx, at, session, own, answers)
	for i, q := range own {
		known[q] = answers[i]
	}
	for _, st := range statements {
		p := Planned{Statement: st.text(), sql: st.sql, place: places[st.answers[0]]}
		for _, i := range st.answers {
			p.Questions = append(p.Questions, own[i])
			for _, r := range planner.readings(own[i]) {
				if !slices.Contains(p.Times, r) {
					p.Times = append(p.Times, r)
				}
			}
			delete(known, own[i])
		}
		planned = append(planned, p)
	}
	return planned
}

// distinct drops repeated questions; places tells for each question where its
// answer stands.
func distinct(qs []probe.Question) (unique []probe.Question, places []int) {
	seen := make(map[probe.Question]int, len(qs))
	for _, q := range qs {
		at, ok := seen[q]
		if !ok {
			at = len(unique)
			seen[q] = at
			unique = append(unique, q)
		}
		places = append(places, at)
	}
	return unique, places
}

// run plans with one session and executes with as many as are free.
func (s *Source) run(ctx context.Context, at time.Time, session Session, qs []probe.Question, answers []probe.Answer) {
	if laned, ok := session.(Laned); ok {
		s.runLanes(ctx, at, laned.Lanes(), qs, answers)
		s.end(session, answers)
		return
	}
	statements := s.plan(ctx, at, session, qs, answers)
	work := make(chan statement, len(statements))
	for _, st := range statements {
		work <- st
	}
	close(work)
	// The planning session stays open to the end: it holds what the engine
	// attached for the run. Its own share of the work is done by this goroutine.
	var wg sync.WaitGroup
	for range min(s.limits.MaxQueries, len(statements)) - 1 {
		// More sessions only where slots are free: a run that waited for a second
		// slot while it held its first could wait for ever.
		select {
		case s.slots <- struct{}{}:
		default:
			continue
		}
		wg.Go(func() {
			extra, err := s.open(ctx, at)
			if err != nil {
				return // the work is left to the sessions that could be opened
			}
			defer s.release(extra) //nolint:errcheck // the statements have their answers
			for st := range work {
				s.execute(ctx, extra, st, answers)
			}
		})
	}
	for st := range work {
		s.execute(ctx, session, st, answers)
	}
	wg.Wait()
	s.end(session, answers)
}

// end gives the planning session of a run back.
func (s *Source) end(session Session, answers []probe.Answer) {
	if err := s.release(session); err != nil {
		for i := range answers {
			if answers[i].Err == nil && answers[i].Value == nil {
				answers[i].Err = err
			}
		}
	}
}

// execute sends one statement and puts the answers where they belong. A statement
// that answers several questions and fails is taken apart.
func (s *Source) execute(ctx context.Context, session Session, st statement, answers []probe.Answer) {
	started := s.limits.Now()
	results := make([][][]any, len(st.sql))
	var err error
	for i, sql := range st.sql {
		if results[i], err = s.query(ctx, session, sql); err != nil {
			break
		}
	}
	took := s.limits.Now().Sub(started)
	if err != nil && len(st.answers) > 1 && ctx.Err() == nil {
		for _, less := range st.apart() {
			s.execute(ctx, session, less, answers)
		}
		return
	}
	for _, more := range st.settle(answers, results, err, started, took) {
		s.execute(ctx, session, more, answers)
	}
}

// settle puts what came back for a statement where it belongs, and returns what must
// be asked again in full.
func (st statement) settle(answers []probe.Answer, results [][][]any, err error, started time.Time, took time.Duration) (again []statement) {
	if len(st.parts) > 0 {
		return st.settleParts(answers, results[0], err, started, took)
	}
	var outcomes []outcome
	if err == nil {
		outcomes = st.read(results)
	}
	text := st.text()
	for i, place := range st.answers {
		a := probe.Answer{Err: err, Statement: text, Started: started, Took: took}
		if err == nil {
			if outcomes[i].again {
				again = append(again, st.full(i))
				continue
			}
			a.Value, a.Err = outcomes[i].value, outcomes[i].err
		}
		if a.Err != nil {
			a.Value = nil
		}
		answers[place] = a
	}
	return again
}

// query runs one statement under the statement timeout.
func (s *Source) query(ctx context.Context, session Session, sql string) ([][]any, error) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return session.Query(ctx, sql)
}

// bounded puts the statement timeout on a context.
func (s *Source) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.limits.StatementTimeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, s.limits.StatementTimeout, fmt.Errorf("statement_timeout of %s passed", s.limits.StatementTimeout))
}

// session waits for a free slot and opens a session in it.
func (s *Source) session(ctx context.Context, at time.Time) (Session, error) {
	select {
	case s.slots <- struct{}{}:
		return s.open(ctx, at)
	case <-ctx.Done():
		return nil, &probe.Error{Class: probe.Timeout, Cause: context.Cause(ctx),
			Msg: fmt.Sprintf("wait for one of %d connections: %v; raise max_queries or the check's timeout", cap(s.slots), context.Cause(ctx))}
	}
}

// open opens a session in a slot that the caller has taken.
func (s *Source) open(ctx context.Context, at time.Time) (Session, error) {
	session, err := s.db.Session(ctx, at)
	if err != nil {
		<-s.slots
		return nil, err
	}
	return session, nil
}

func (s *Source) release(session Session) error {
	err := session.Close()
	<-s.slots
	return err
}
