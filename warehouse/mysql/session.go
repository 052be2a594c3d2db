package mysql

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// session implements warehouse.Session on one connection at a time.
type session struct {
	db    *database
	conn  *sql.Conn       // nil: broken, to be opened anew
	id    int64           // the server's number of it
	folds int             // lower_case_table_names: 0 tells Orders from orders
	zones map[string]bool // those that the server was found to know
}

// Query implements warehouse.Session.
func (s *session) Query(ctx context.Context, text string) ([][]any, error) {
	if err := s.knows(ctx, text); err != nil {
		return nil, err
	}
	var rows [][]any
	err := s.use(ctx, func(conn *sql.Conn) (err error) {
		rows, err = query(ctx, conn, text)
		return err
	})
	return rows, err
}

// zone is a zone in a conversion as the dialect writes it.
var zone = regexp.MustCompile(`, '([^']+)', '\+00:00'\)|, '\+00:00', '([^']+)'\)`)

// knows makes sure of the zones that a statement names: a server to which they were
// never loaded converts every time to NULL, which would read as "no rows".
func (s *session) knows(ctx context.Context, text string) error {
	for _, found := range zone.FindAllStringSubmatch(text, -1) {
		name := found[1] + found[2]
		if s.zones[name] {
			continue
		}
		var rows [][]any
		err := s.use(ctx, func(conn *sql.Conn) (err error) {
			rows, err = query(ctx, conn, "select convert_tz(timestamp'2013-06-15 12:00:00', '"+name+"', '+00:00') is not null")
			return err
		})
		if err != nil {
			return err
		}
		if rows[0][0] != int64(1) {
			return &probe.Error{Class: probe.Statement, Msg: fmt.Sprintf("the server does not know time zone %s: its administrator loads the zones once with "+
				"mariadb-tzinfo-to-sql /usr/share/zoneinfo | mariadb mysql (mysql_tzinfo_to_sql on MySQL)", name)}
		}
		s.zones[name] = true
	}
	return nil
}

// use lends the connection, opened anew where it is broken, and sees to what an
// error leaves behind: a statement that still runs, a connection that is gone.
func (s *session) use(ctx context.Context, do func(conn *sql.Conn) error) error {
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	err := do(s.conn)
	if err == nil {
		return nil
	}
	known := classify(ctx, err)
	if e, ok := errors.AsType[*probe.Error](known); ok && (ctx.Err() != nil || e.Class == probe.Connection) {
		_ = s.conn.Close() // it is of no use any more, whatever it says
		s.conn = nil
		if ctx.Err() != nil {
			if killed := s.db.kill(s.id); killed != nil {
				e.Msg += fmt.Sprintf("; ending it on the server, as connection %d: %v", s.id, killed)
			}
		}
	}
	return known
}

// Close implements warehouse.Session.
func (s *session) Close() error {
	if s.conn == nil {
		return nil
	}
	if err := s.conn.Close(); err != nil && !errors.Is(err, sqldriver.ErrBadConn) {
		return classify(context.Background(), err)
	}
	return nil
}

// query reads all rows of a statement, cell by cell in the types that package
// warehouse expects.
func query(ctx context.Context, conn *sql.Conn, text string) ([][]any, error) {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	all, budget := [][]any{}, warehouse.Budget{}
	cells, into := make([]sql.NullString, len(types)), make([]any, len(types))
	for i := range cells {
		into[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row, size := make([]any, len(types)), 0
		for i, c := range cells {
			size += len(c.String)
			if c.Valid {
				if row[i], err = cell(types[i], c.String); err != nil {
					return nil, err
				}
			}
		}
		if err := budget.Take(size); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// cell reads the server's text of a value by the type of its column.
func cell(typ *sql.ColumnType, s string) (any, error) {
	switch name := strings.TrimPrefix(typ.DatabaseTypeName(), "UNSIGNED "); name {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT", "YEAR", "DECIMAL":
		if _, scale, ok := typ.DecimalSize(); name == "DECIMAL" && ok && scale > 0 {
			return strconv.ParseFloat(s, 64)
		}
		n, ok := new(big.Int).SetString(s, 10)
		switch {
		case !ok:
			return strconv.ParseFloat(s, 64)
		case n.IsInt64():
			return n.Int64(), nil
		}
		return n, nil
	case "FLOAT", "DOUBLE":
		return strconv.ParseFloat(s, 64)
	case "DATE", "DATETIME", "TIMESTAMP":
		if strings.HasPrefix(s, "0000-") {
			return nil, nil // what old applications write for "never"
		}
		layout := "2006-01-02 15:04:05.999999"
		return time.Parse(layout[:min(len(layout), len(s))], s)
	}
	return s, nil
}

// Numbers of the server's errors.
const (
	accessDenied    = 1045
	noDatabase      = 1049
	ambiguousColumn = 1052
	shutdown        = 1053
	noColumn        = 1054
	syntaxError     = 1064
	noThread        = 1094
	noTable         = 1146
	noFunction      = 1305
	interrupted     = 1317
	brokenView      = 1356
	readOnly        = 1792
	wasKilled       = 1927
	timeMariaDB     = 1969
	timeMySQL       = 3024
)

// classify says what kind of trouble an error is.
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
	e, ok := errors.AsType[*driver.MySQLError](err)
	if !ok {
		class := probe.Statement
		if _, network := errors.AsType[net.Error](err); network || errors.Is(err, driver.ErrInvalidConn) || errors.Is(err, sqldriver.ErrBadConn) {
			class = probe.Connection
		}
		return &probe.Error{Class: class, Msg: err.Error(), Cause: err}
	}
	class := probe.Statement
	switch e.Number {
	case noTable:
		class = probe.NoTable
	case noColumn:
		class = probe.NoColumn
	case interrupted, timeMariaDB, timeMySQL:
		class = probe.Timeout
	case 1044, 1142, 1143, 1227, 1370, readOnly: // access to a database, table, column, …
		class = probe.Refused
	case 1040, accessDenied, noDatabase, shutdown, 1129, 1130, 1203, 1226, wasKilled: // too many, blocked, not from here, …
		class = probe.Connection
	}
	return &probe.Error{Class: class, Msg: fmt.Sprintf("%s (error %d)", e.Message, e.Number), Cause: err}
}
