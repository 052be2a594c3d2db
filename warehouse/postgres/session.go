package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// session implements warehouse.Session and warehouse.Piped.
type session struct{ db *database }

// window is how many statements are under way on a lane before any answer is read.
const window = 50

// with lends the connection of a lane.
func (s *session) with(ctx context.Context, at int, use func(*pgconn.PgConn) error) error {
	l := s.db.lanes[at]
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.give()
	return use(l.conn)
}

// Query implements warehouse.Session.
func (s *session) Query(ctx context.Context, sql string) (rows [][]any, err error) {
	s.Pipe(ctx, 0, []string{sql}, func(_ int, answer [][]any, e error) { rows, err = answer, e })
	return rows, err
}

// Close implements warehouse.Session: a session holds nothing.
func (s *session) Close() error { return nil }

// Lanes implements warehouse.Piped.
func (s *session) Lanes() int { return len(s.db.lanes) }

// Pipe implements warehouse.Piped. Statements that were not sent when the connection
// broke are sent on a new one with the next window.
func (s *session) Pipe(ctx context.Context, at int, sql []string, got func(i int, rows [][]any, err error)) {
	for from := 0; from < len(sql); from += window {
		part := sql[from:min(from+window, len(sql))]
		done := 0
		err := s.with(ctx, at, func(conn *pgconn.PgConn) error {
			return s.pipe(ctx, conn, part, func(rows [][]any, err error) {
				got(from+done, rows, err)
				done++
			})
		})
		for ; done < len(part); done++ {
			got(from+done, nil, classify(ctx, err))
		}
	}
}

// pipe sends a window and reads its answers in order. An error of a statement is
// that statement's; an error that is returned is that of all without an answer.
func (s *session) pipe(ctx context.Context, conn *pgconn.PgConn, sql []string, got func([][]any, error)) (broken error) {
	if s.db.timeout > 0 {
		// The server bounds each statement; this bounds a server that is silent.
		limit := s.db.timeout*time.Duration(len(sql)) + 10*time.Second
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the server gave no answer within %s", limit))
		defer cancel()
	}
	pipeline := conn.StartPipeline(ctx)
	defer func() { broken = errors.Join(broken, fatal(pipeline.Close())) }()
	for _, text := range sql {
		pipeline.SendQueryParams(text, nil, nil, nil, nil)
		pipeline.SendPipelineSync()
	}
	if err := pipeline.Flush(); err != nil {
		return err
	}
	for i := range sql {
		rows, err := answer(pipeline)
		if fatal(err) != nil || ctx.Err() != nil && i < len(sql)-1 {
			if ctx.Err() != nil {
				err = errors.Join(err, ctx.Err(), s.db.terminate(conn.PID()))
			}
			closeConn(conn)
			return err
		}
		if err != nil {
			err = classify(ctx, err)
		}
		got(rows, err)
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
	rows := [][]any{}
	var trouble error
	for r.NextRow() {
		values := r.Values()
		if trouble != nil {
			continue // the rest is read to reach the next answer
		}
		if len(rows) == warehouse.MaxRows {
			trouble = &probe.Error{Class: probe.BadAnswer, Msg: fmt.Sprintf("the statement answers more than %d rows; ask about a shorter time or fewer segments", warehouse.MaxRows)}
			rows = nil
			continue
		}
		row := make([]any, len(values))
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
