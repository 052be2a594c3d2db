package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// entry is a table or view of the catalog.
type entry struct {
	database, schema, name string
	view                   bool
	columns                []probe.Column
	keys                   [][]string // enforced
	rows                   int64      // estimated, 0 of a view
}

// Describe implements warehouse.Session. Tables are read from the catalog in one
// statement. What the catalog says about a view is what it was when the view was
// last used, so views and queries are bound, many in one more, which reads a file's
// footer at most.
func (s *session) Describe(ctx context.Context, of []probe.Relation) []warehouse.Description {
	out := make([]warehouse.Description, len(of))
	var tables []int
	var bound []binding
	for i, relation := range of {
		if relation.Query != "" {
			bound = append(bound, binding{i, "(\n" + relation.Query + "\n) as q"})
		} else {
			tables = append(tables, i)
		}
	}
	if len(tables) > 0 {
		bound = append(bound, s.describeTables(ctx, of, tables, out)...)
	}
	for some := range slices.Chunk(bound, boundTogether) {
		s.bind(ctx, some, out)
	}
	return out
}

// describeTables reads the tables at places from the catalog and gives the views among
// them.
func (s *session) describeTables(ctx context.Context, of []probe.Relation, tables []int, out []warehouse.Description) (views []binding) {
	catalog, err := s.catalog(ctx)
	byName := make(map[string][]entry, len(catalog))
	for _, e := range catalog {
		name := strings.ToLower(e.name)
		byName[name] = append(byName[name], e)
	}
	for _, i := range tables {
		parts := of[i].Table.Items()
		out[i].Statement = "describe " + s.quoted(parts)
		if err != nil {
			out[i].Err = err
			continue
		}
		found, ok := resolve(byName, parts)
		switch {
		case !ok:
			out[i].Err = absent(catalog, parts)
		case found.view:
			views = append(views, binding{i, s.quoted(parts)})
		default:
			out[i].Columns, out[i].Keys, out[i].NotNull, out[i].Rows = found.columns, found.keys, true, found.rows
		}
	}
	return views
}

// binding is a FROM item whose columns only binding it tells, and its place.
type binding struct {
	place int
	from  string
}

func (b binding) statement() string { return "describe select * from " + b.from }

// boundTogether is how many are bound by one statement. If one of them fails so does
// the statement, and each is bound alone.
const boundTogether = 50

// bind asks the engine for the columns of FROM items.
func (s *session) bind(ctx context.Context, items []binding, out []warehouse.Description) {
	texts := make([]string, len(items))
	for i, b := range items {
		out[b.place].Statement = b.statement()
		texts[i] = fmt.Sprintf("select %d as place, row_number() over () as number, column_name, column_type, \"null\" from (%s)", i, b.statement())
	}
	rows, err := s.Query(ctx, strings.Join(texts, "\nunion all\n")+"\norder by 1, 2")
	if err != nil {
		for _, b := range items {
			out[b.place] = s.bindAlone(ctx, b)
		}
		return
	}
	for _, row := range rows {
		d := &out[items[row[0].(int64)].place]
		d.Columns = append(d.Columns, column(row[2], row[3], row[4] == "YES"))
	}
}

// bindAlone is bind for one, so that an error is in words about nothing else.
func (s *session) bindAlone(ctx context.Context, b binding) warehouse.Description {
	d := warehouse.Description{Statement: b.statement()}
	rows, err := s.Query(ctx, d.Statement)
	if err != nil {
		d.Err = err
		return d
	}
	for _, row := range rows {
		d.Columns = append(d.Columns, column(row[0], row[1], row[2] == "YES"))
	}
	return d
}

func (s *session) quoted(parts []string) string {
	var q []string
	for _, part := range parts {
		q = append(q, s.db.dialect.Quote(part))
	}
	return strings.Join(q, ".")
}

// catalog reads all tables and views with their columns, in the order in which
// unqualified names are looked up.
func (s *session) catalog(ctx context.Context) ([]entry, error) {
	rows, err := s.Query(ctx, `select c.database_name, c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable, v.view_name is not null, t.estimated_size
from duckdb_columns() c left join duckdb_tables() t on t.database_oid = c.database_oid and t.schema_oid = c.schema_oid and t.table_oid = c.table_oid left join duckdb_views() v on v.database_oid = c.database_oid and v.schema_oid = c.schema_oid and v.view_name = c.table_name
where not c.internal
order by c.database_name <> 'memory', c.database_name, c.schema_name <> 'main', c.schema_name, c.table_name, c.column_index`)
	if err != nil {
		return nil, err
	}
	var catalog []entry
	for _, row := range rows {
		e := entry{database: fmt.Sprint(row[0]), schema: fmt.Sprint(row[1]), name: fmt.Sprint(row[2]), view: row[6] == true}
		if n := len(catalog); n == 0 || catalog[n-1].database != e.database || catalog[n-1].schema != e.schema || catalog[n-1].name != e.name {
			if n, ok := row[7].(int64); ok {
				e.rows = n
			}
			catalog = append(catalog, e)
		}
		last := &catalog[len(catalog)-1]
		last.columns = append(last.columns, column(row[3], row[4], row[5] == true))
	}
	return catalog, s.keys(ctx, catalog)
}

// keys adds to the tables which sets of their columns the engine keeps unique.
func (s *session) keys(ctx context.Context, catalog []entry) error {
	rows, err := s.Query(ctx, `select database_name, schema_name, table_name, cast(to_json(constraint_column_names) as varchar)
from duckdb_constraints() where constraint_type in ('PRIMARY KEY', 'UNIQUE')`)
	if err != nil {
		return err
	}
	enforced := make(map[[3]any][][]string, len(rows))
	for _, row := range rows {
		var key []string
		if err := json.Unmarshal(fmt.Append(nil, row[3]), &key); err != nil {
			return &probe.Error{Class: probe.BadAnswer, Msg: "read the constraints: " + err.Error(), Cause: err}
		}
		table := [3]any(row[:3])
		enforced[table] = append(enforced[table], key)
	}
	for i := range catalog {
		catalog[i].keys = enforced[[3]any{catalog[i].database, catalog[i].schema, catalog[i].name}]
	}
	return nil
}

// resolve finds a table as the engine does: without regard to case, the first in
// the search path, and one qualifier is a schema or a database.
func resolve(catalog map[string][]entry, parts []string) (entry, bool) {
	named := catalog[strings.ToLower(parts[len(parts)-1])]
	i := slices.IndexFunc(named, func(e entry) bool {
		is := strings.EqualFold
		switch len(parts) {
		case 1:
			return true
		case 2:
			return is(e.schema, parts[0]) || is(e.database, parts[0]) && e.schema == "main"
		case 3:
			return is(e.schema, parts[1]) && is(e.database, parts[0])
		}
		return false
	})
	if i < 0 {
		return entry{}, false
	}
	return named[i], true
}

// absent says that a table is not there, and which are.
func absent(catalog []entry, parts []string) error {
	var names []string
	for _, e := range catalog {
		if len(parts) > 1 {
			names = append(names, e.schema+"."+e.name)
		} else {
			names = append(names, e.name)
		}
	}
	name := strings.Join(parts, ".")
	msg := fmt.Sprintf("table %q does not exist", name)
	switch near := conf.Nearest(name, names); {
	case near != "":
		msg += fmt.Sprintf("; did you mean %q?", near)
	case len(names) == 0:
		msg += "; the connection has no tables: check path and init"
	case len(names) > 12:
		msg += fmt.Sprintf("; there are %d, such as %s", len(names), strings.Join(names[:3], ", "))
	default:
		msg += "; there is " + strings.Join(names, ", ")
	}
	return &probe.Error{Class: probe.NoTable, Msg: msg}
}

func column(name, typ any, nullable bool) probe.Column {
	c := probe.Column{Name: fmt.Sprint(name), Type: fmt.Sprint(typ), Nullable: nullable}
	c.Class = class(c.Type)
	return c
}

// class groups DuckDB's types. An enum is text: it compares with text by its words.
func class(typ string) probe.TypeClass {
	if strings.HasSuffix(typ, "]") {
		return probe.Other
	}
	switch base, _, _ := strings.Cut(typ, "("); base {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM":
		return probe.Integer
	case "DECIMAL":
		return probe.Decimal
	case "FLOAT", "DOUBLE":
		return probe.Float
	case "VARCHAR", "ENUM":
		return probe.Text
	case "BOOLEAN":
		return probe.Boolean
	case "DATE":
		return probe.Date
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS":
		return probe.Naive
	case "TIMESTAMP WITH TIME ZONE":
		return probe.Zoned
	}
	return probe.Other
}
