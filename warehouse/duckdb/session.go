package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// session implements warehouse.Session on one connection.
type session struct {
	db    *database
	conn  *sql.Conn
	fatal bool // the instance gave up
}

// Query implements warehouse.Session.
func (s *session) Query(ctx context.Context, text string) ([][]any, error) {
	rows, err := query(ctx, s.conn, text)
	if err == nil {
		return rows, nil
	}
	if e, ok := errors.AsType[*driver.Error](err); ok && (e.Type == driver.ErrorTypeFatal || e.Type == driver.ErrorTypeInternal) {
		s.fatal = true
	}
	return nil, classify(ctx, err)
}

// Close implements warehouse.Session.
func (s *session) Close() error {
	return errors.Join(s.conn.Close(), s.db.done(s.fatal))
}

// query reads all rows of a statement, cell by cell in the types that package
// warehouse expects.
func query(ctx context.Context, conn *sql.Conn, text string) ([][]any, error) {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	all, budget := [][]any{}, warehouse.Budget{}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		size := 0
		for i := range row {
			row[i] = cell(row[i])
			if text, ok := row[i].(string); ok {
				size += len(text)
			}
		}
		if err := budget.Take(size); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// cell narrows the driver's types.
func cell(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, time.Time:
		return v
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
		return new(big.Int).SetUint64(v)
	case *big.Int:
		if v.IsInt64() {
			return v.Int64()
		}
		return v
	case float32:
		return float64(v)
	case driver.Decimal:
		return v.Float64()
	}
	return fmt.Sprint(v)
}

// classify says what kind of trouble an error of the engine is.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*probe.Error](err); ok {
		return known
	}
	if ctx.Err() != nil {
		return &probe.Error{Class: probe.Timeout, Cause: context.Cause(ctx), Msg: "the statement was ended: " + context.Cause(ctx).Error()}
	}
	class := probe.Statement
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return &probe.Error{Class: class, Msg: err.Error(), Cause: err}
	}
	switch e.Type {
	case driver.ErrorTypeCatalog:
		if strings.Contains(e.Msg, "Table with name") {
			class = probe.NoTable
		}
	case driver.ErrorTypeBinder:
		if strings.Contains(e.Msg, "Referenced column") || strings.Contains(e.Msg, "does not have a column named") {
			class = probe.NoColumn
		}
	case driver.ErrorTypeIO, driver.ErrorTypeConnection, driver.ErrorTypeFatal, driver.ErrorTypeInternal:
		class = probe.Connection
	case driver.ErrorTypePermission:
		class = probe.Refused
	case driver.ErrorTypeInterrupt:
		class = probe.Timeout
	}
	return &probe.Error{Class: class, Msg: e.Msg, Cause: err}
}

// locked explains why a file could not be attached.
func locked(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return classify(ctx, err)
	}
	msg := "open database file " + path + ": " + err.Error()
	if strings.Contains(err.Error(), "lock") {
		msg = "open database file " + path + ": another process is writing it and holds its lock; it is tried again at the next run: " + err.Error()
	}
	return &probe.Error{Class: probe.Connection, Msg: msg, Cause: err}
}
