package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// name is a table of a database.
type name struct{ schema, table string }

// Describe implements warehouse.Session. The columns of all tables and views come
// in one statement a database; a query is bound, without reading a row.
func (s *session) Describe(ctx context.Context, of []probe.Relation) []warehouse.Description {
	out := make([]warehouse.Description, len(of))
	var names []name
	at := make(map[int]name)
	for i, relation := range of {
		if relation.Query != "" {
			out[i] = s.bind(ctx, relation.Query)
			continue
		}
		n, err := s.named(relation.Table.Items())
		if out[i].Err = err; err == nil {
			at[i], names = n, append(names, n)
			out[i].Statement = "show columns from " + s.quoted(n)
		}
	}
	if len(names) == 0 {
		return out
	}
	columns, err := s.columns(ctx, names)
	for i, n := range at {
		switch known := columns[s.folded(n)]; {
		case err != nil:
			out[i].Err = err
		case known == nil:
			out[i].Err = s.absent(ctx, of[i].Table.Items(), n)
		default:
			out[i].Columns = known
		}
	}
	return out
}

// named is the table that parts of a name mean.
func (s *session) named(parts []string) (name, error) {
	switch {
	case len(parts) == 1 && s.db.schema == "":
		return name{}, &probe.Error{Class: probe.NoTable, Msg: fmt.Sprintf("table %q does not exist: the dsn names no database; write database.%s or add one to it", parts[0], parts[0])}
	case len(parts) == 1:
		return name{s.db.schema, parts[0]}, nil
	case len(parts) == 2:
		return name{parts[0], parts[1]}, nil
	}
	return name{}, &probe.Error{Class: probe.NoTable, Msg: fmt.Sprintf("table %q does not exist: a table is named database.table here", strings.Join(parts, "."))}
}

// folded is a name as this server compares it.
func (s *session) folded(n name) name {
	if s.folds != 0 {
		return name{strings.ToLower(n.schema), strings.ToLower(n.table)}
	}
	return n
}

func (s *session) quoted(n name) string {
	d := s.db.Dialect()
	return d.Quote(n.schema) + "." + d.Quote(n.table)
}

// columns reads what the server tells of the columns of tables.
func (s *session) columns(ctx context.Context, names []name) (map[name][]probe.Column, error) {
	d := s.db.Dialect()
	tables := make(map[string][]string)
	for _, n := range names {
		tables[n.schema] = append(tables[n.schema], d.Text(n.table))
	}
	all := make(map[name][]probe.Column)
	for _, schema := range slices.Sorted(maps.Keys(tables)) {
		// The equal sign matters: MariaDB opens all tables of the server otherwise.
		rows, err := s.Query(ctx, "select table_name, column_name, column_type, is_nullable\nfrom information_schema.columns\nwhere table_schema = "+d.Text(schema)+
			" and table_name in ("+strings.Join(tables[schema], ", ")+")\norder by table_name, ordinal_position")
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			n, typ := s.folded(name{schema, fmt.Sprint(row[0])}), fmt.Sprint(row[2])
			all[n] = append(all[n], probe.Column{Name: fmt.Sprint(row[1]), Type: typ, Class: class(typ), Nullable: row[3] == "YES"})
		}
	}
	return all, nil
}

// absent says that a table is not there, or not to be seen by this user, and
// which are; a view that cannot be read says why itself.
func (s *session) absent(ctx context.Context, parts []string, n name) error {
	rows, err := s.Query(ctx, "select table_name from information_schema.tables where table_schema = "+s.db.Dialect().Text(n.schema)+" order by table_name limit 10000")
	if err != nil {
		return err
	}
	var names []string
	for _, row := range rows {
		if row[0] == n.table {
			_, err := s.Query(ctx, "select * from "+s.quoted(n)+" limit 0")
			return err
		}
		names = append(names, strings.Join(append(parts[:len(parts)-1:len(parts)-1], fmt.Sprint(row[0])), "."))
	}
	full := strings.Join(parts, ".")
	msg := fmt.Sprintf("table %q does not exist", full)
	switch near := conf.Nearest(full, names); {
	case near != "":
		msg += fmt.Sprintf("; did you mean %q?", near)
	case len(names) == 0:
		msg += fmt.Sprintf(", and this user sees no table of database %s: is select granted?", n.schema)
	case len(names) > 12:
		msg += fmt.Sprintf(", or select is not granted; there are %d, such as %s", len(names), strings.Join(names[:3], ", "))
	default:
		msg += ", or select is not granted; there is " + strings.Join(names, ", ")
	}
	return &probe.Error{Class: probe.NoTable, Msg: msg}
}

// bind asks the server for the columns of a query.
func (s *session) bind(ctx context.Context, text string) warehouse.Description {
	d := warehouse.Description{Statement: "select * from (\n" + text + "\n) as q\nlimit 0"}
	d.Err = s.use(ctx, func(conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, d.Statement)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // rows.Err tells
		types, err := rows.ColumnTypes()
		if err != nil {
			return err
		}
		for _, t := range types {
			typ := strings.ToLower(t.DatabaseTypeName())
			if unsigned, ok := strings.CutPrefix(typ, "unsigned "); ok {
				typ = unsigned + " unsigned"
			}
			nullable, _ := t.Nullable()
			d.Columns = append(d.Columns, probe.Column{Name: t.Name(), Type: typ, Class: class(typ), Nullable: nullable})
		}
		return rows.Err()
	})
	return d
}

// class groups the types. A boolean is a tinyint(1) here, and nothing else is; in
// the columns of a query the server does not tell it from other integers.
func class(typ string) probe.TypeClass {
	if typ == "tinyint(1)" {
		return probe.Boolean
	}
	base, _, _ := strings.Cut(typ, "(")
	base, _, _ = strings.Cut(base, " ")
	switch base {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year":
		return probe.Integer
	case "decimal":
		return probe.Decimal
	case "float", "double":
		return probe.Float
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return probe.Text
	case "date":
		return probe.Date
	case "datetime":
		return probe.Naive
	case "timestamp":
		return probe.Zoned
	}
	return probe.Other
}
