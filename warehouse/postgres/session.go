package postgres

import (
	"context"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// session implements warehouse.Laned over all lanes, and warehouse.Lane over its own.
type session struct {
	db   *database
	lane int
}

// window is how many statements are under way on a lane before any answer is read.
const window = 50

// with lends the connection of the lane.
func (s *session) with(ctx context.Context, use func(*pgconn.PgConn) error) error {
	l := s.db.lanes[s.lane]
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	return use(l.conn)
}

// Query implements warehouse.Session.
func (s *session) Query(ctx context.Context, sql string) (rows [][]any, err error) {
	s.Pipe(ctx, []string{sql}, func(_ int, answer [][]any, e error) { rows, err = answer, e })
	return rows, err
}

// Close implements warehouse.Session: a session holds nothing.
func (s *session) Close() error { return nil }

// Skew implements warehouse.Clocked.
func (s *session) Skew() time.Duration {
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	return s.db.skew
}

// Lanes implements warehouse.Laned.
func (s *session) Lanes() []warehouse.Lane {
	lanes := make([]warehouse.Lane, len(s.db.lanes))
	for i := range lanes {
		lanes[i] = &session{s.db, i}
	}
	return lanes
}

// Pipe implements warehouse.Lane. Statements that were not sent when the connection
// broke, or that waited behind one that cost the connection, are sent on a new one.
func (s *session) Pipe(ctx context.Context, sql []string, got func(i int, rows [][]any, err error)) {
	for from := 0; from < len(sql); {
		part := sql[from:min(from+window, len(sql))]
		done := 0
		err := s.with(ctx, func(conn *pgconn.PgConn) error {
			return s.pipe(ctx, conn, part, func(rows [][]any, err error) {
				got(from+done, rows, err)
				done++
			})
		})
		if err != nil || done == 0 {
			for ; done < len(part); done++ {
				got(from+done, nil, classify(ctx, err))
			}
		}
		from += done
	}
}

// pipe sends a window and reads its answers in order. An error of a statement is
// that statement's; an error that is returned is that of all without an answer. Where
// a statement costs the connection, those behind it stay without an answer.
func (s *session) pipe(outer context.Context, conn *pgconn.PgConn, sql []string, got func([][]any, error)) (broken error) {
	ctx, giveUp := context.WithCancelCause(outer)
	defer giveUp(nil)
	guard := &guard{db: s.db, pid: conn.PID(), giveUp: giveUp}
	pipeline := conn.StartPipeline(ctx)
	defer func() {
		if err := pipeline.Close(); !conn.IsClosed() {
			broken = errors.Join(broken, fatal(err))
		}
	}()
	for _, text := range sql {
		pipeline.SendQueryParams(text, nil, nil, nil, nil)
		pipeline.SendPipelineSync()
	}
	guard.begin()
	if err := pipeline.Flush(); err != nil {
		guard.end()
		return err
	}
	for i := range sql {
		if i > 0 {
			guard.begin()
		}
		rows, err := answer(pipeline)
		if guard.end() && outer.Err() == nil {
			<-ctx.Done()
			if fatal(err) != nil {
				rows, err = nil, s.db.overtime(context.Cause(ctx))
			}
			got(rows, classify(outer, err))
			closeConn(conn)
			return nil
		}
		if _, large := errors.AsType[*pgproto3.ExceededMaxBodyLenErr](err); large {
			got(nil, warehouse.ErrTooLarge)
			closeConn(conn)
			return nil
		}
		if fatal(err) != nil || outer.Err() != nil && i < len(sql)-1 {
			if outer.Err() != nil {
				err = errors.Join(err, outer.Err(), s.db.terminate(conn.PID()))
			}
			closeConn(conn)
			return err
		}
		got(rows, classify(outer, err))
	}
	return nil
}

// fatal keeps an error that the connection does not survive.
func fatal(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Severity != "FATAL" && e.Severity != "PANIC" {
		return nil
	}
	if _, ok := errors.AsType[*probe.Error](err); ok {
		return nil
	}
	return err
}

// answer reads up to the next Sync: a result, or the error in its place.
func answer(pipeline *pgconn.Pipeline) (rows [][]any, err error) {
	for {
		result, e := pipeline.GetResults()
		switch r := result.(type) {
		case *pgconn.ResultReader:
			rows, e = read(r)
		case *pgconn.PipelineSync:
			return rows, err
		case nil:
			if e == nil {
				return nil, errors.New("the server closed the connection")
			}
		}
		if fatal(e) != nil {
			return nil, e
		}
		if e != nil {
			rows, err = nil, e
		}
	}
}

func read(r *pgconn.ResultReader) ([][]any, error) {
	rows, budget := [][]any{}, warehouse.Budget{}
	var trouble error
	for r.NextRow() {
		values := r.Values()
		if trouble != nil {
			continue // the rest is read to reach the next answer
		}
		row, size := make([]any, len(values)), 0
		for _, v := range values {
			size += len(v)
		}
		if trouble = budget.Take(size); trouble != nil {
			rows = nil
			continue
		}
		for i, v := range values {
			row[i] = cell(r.FieldDescriptions()[i].DataTypeOID, v)
		}
		rows = append(rows, row)
	}
	if _, err := r.Close(); err != nil {
		return nil, err
	}
	return rows, trouble
}

// The types whose values come back as something else than text.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidOID         = 26
	oidFloat4      = 700
	oidFloat8      = 701
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidNumeric     = 1700
)

// cell turns the text of a value into the types of package warehouse. A time that Go
// cannot read (infinity, a year before Christ) stays text.
func cell(oid uint32, v []byte) any {
	if v == nil {
		return nil
	}
	text := string(v)
	switch oid {
	case oidBool:
		return text == "t"
	case oidInt2, oidInt4, oidInt8, oidOID:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case oidNumeric:
		return number(text)
	case oidFloat4, oidFloat8:
		f, _ := strconv.ParseFloat(text, 64) // beyond the range it is infinite, and said so
		return f
	case oidDate:
		if t, err := time.Parse(time.DateOnly, text); err == nil {
			return t
		}
	case oidTimestamp, oidTimestamptz:
		if t, err := time.Parse("2006-01-02 15:04:05.999999", strings.TrimSuffix(text, "+00")); err == nil {
			return t
		}
	}
	return text
}

// number reads a numeric: whole where it has no fraction.
func number(text string) any {
	if whole, ok := new(big.Int).SetString(text, 10); ok {
		if whole.IsInt64() {
			return whole.Int64()
		}
		return whole
	}
	f, _ := strconv.ParseFloat(text, 64)
	return f
}

// classify says what kind of trouble an error of the server is, in its words.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*probe.Error](err); ok {
		return known
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return &probe.Error{Class: probe.Connection, Msg: "the connection was lost: " + err.Error(), Cause: err}
	}
	class := probe.Statement
	switch {
	case e.Code == "42P01":
		class = probe.NoTable
	case e.Code == "42703":
		class = probe.NoColumn
	case e.Code == "57014", e.Code == "55P03": // cancelled; a lock is not to be had
		class = probe.Timeout
	case e.Code == "42501", e.Code == "25006": // no permission; read-only
		class = probe.Refused
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), strings.HasPrefix(e.Code, "28"), strings.HasPrefix(e.Code, "53"):
		class = probe.Connection
	}
	return &probe.Error{Class: class, Msg: e.Message, Cause: err}
}
