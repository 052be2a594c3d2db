package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Describe implements warehouse.Session: one statement for all tables, whatever
// their number, and one round trip more for all queries together.
func (s *session) Describe(ctx context.Context, of []probe.Relation) []warehouse.Description {
	out := make([]warehouse.Description, len(of))
	var tables, queries []int
	for i, relation := range of {
		if relation.Query != "" {
			queries = append(queries, i)
		} else {
			tables = append(tables, i)
		}
	}
	if err := s.describeTables(ctx, of, tables, out); err != nil {
		for _, i := range tables {
			out[i] = warehouse.Description{Err: err}
		}
	}
	if err := s.describeQueries(ctx, of, queries, out); err != nil {
		for _, i := range queries {
			out[i] = warehouse.Description{Err: err}
		}
	}
	return out
}

// typeClass groups types by the name of the type, or of the one that a domain is
// made from.
const typeClass = `case
  when e.typtype = 'e' or e.typname in ('text', 'varchar', 'bpchar', 'name', 'citext') then 'text'
  when e.typname in ('int2', 'int4', 'int8') then 'integer'
  when e.typname = 'numeric' then 'decimal'
  when e.typname in ('float4', 'float8') then 'float'
  when e.typname = 'bool' then 'boolean'
  when e.typname in ('date', 'timestamp', 'timestamptz') then e.typname
  else 'other' end`

// ofType joins the type of a domain's values.
const ofType = "join pg_catalog.pg_type e on e.oid = coalesce(nullif(t.typbasetype, 0), t.oid)"

// describing answers, for each table that was found, a row with its keys and its size
// and, below, a row a column.
const describing = `, listed as materialized (
select f.place, a.attnum, a.attname, a.attnotnull and not exists (select 1 from pg_catalog.pg_constraint n
  where n.conrelid = f.oid and n.contype = 'n' and n.conkey[1] = a.attnum and not n.convalidated) as attnotnull, a.atttypid, a.atttypmod
from found f cross join lateral (select * from pg_catalog.pg_attribute a where a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped offset 0) as a
), types as materialized (
select d.atttypid, d.atttypmod, pg_catalog.format_type(d.atttypid, d.atttypmod) as name, k.class from (select distinct atttypid, atttypmod from listed) as d
cross join lateral (select ` + typeClass + ` as class from pg_catalog.pg_type t ` + ofType + ` where t.oid = d.atttypid limit 1) as k
)
select place, cast(attnum as integer) as number, not attnotnull, cast(attname as text), name, class, null, null, null from listed join types using (atttypid, atttypmod)
union all
select place, 0, plain, null, null, null, case when plain and relhasindex then (select string_agg(cast(i.indkey as text), ',') from pg_catalog.pg_index i
  where i.indrelid = f.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null and i.indnatts = i.indnkeyatts) end,
  case when plain then cast(greatest(reltuples, 0) as bigint) end, cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) from found f
order by place, number`

// describeTables reads the columns of the tables at places.
func (s *session) describeTables(ctx context.Context, of []probe.Relation, places []int, out []warehouse.Description) error {
	if len(places) == 0 {
		return nil
	}
	sent := s.now()
	rows, err := s.Query(ctx, "with "+s.found(of, places)+describing)
	if err != nil {
		return err
	}
	s.noteClock(sent, rows)
	for len(rows) > 0 {
		n := slices.IndexFunc(rows[1:], func(row []any) bool { return row[0] != rows[0][0] }) + 1
		if n == 0 {
			n = len(rows)
		}
		place := rows[0][0].(int64)
		out[place] = s.described(of[place], rows[:n])
		rows = rows[n:]
	}
	return s.absent(ctx, of, places, out)
}

// now is our clock; the zero time where there is none.
func (s *session) now() time.Time {
	if s.db.now == nil {
		return time.Time{}
	}
	return s.db.now()
}

// noteClock holds the server's clock, which is the last column of what describes tables
// so that it costs no statement of its own, against ours.
func (s *session) noteClock(sent time.Time, rows [][]any) {
	received := s.now()
	if sent.IsZero() {
		return
	}
	for _, row := range rows {
		if clock, ok := row[len(row)-1].(int64); ok {
			s.db.mu.Lock()
			defer s.db.mu.Unlock()
			s.db.skew = warehouse.Skew(sent, clock, received)
			return
		}
	}
}

// described makes the description of one table from its rows.
func (s *session) described(of probe.Relation, rows [][]any) warehouse.Description {
	d := warehouse.Description{Statement: `\d ` + s.quoted(of), NotNull: rows[0][2] == true, Columns: make([]probe.Column, 0, len(rows)-1)}
	d.Rows, _ = rows[0][7].(int64) // NULL for what is no plain table
	for _, row := range rows[1:] {
		d.Columns = append(d.Columns, column(row[3], row[4], row[5], row[2] == true))
	}
	if list, ok := rows[0][6].(string); ok {
		names := make(map[string]string, len(rows))
		for i, row := range rows[1:] {
			names[strconv.FormatInt(row[1].(int64), 10)] = d.Columns[i].Name
		}
		d.Keys = keys(list, names)
	}
	return d
}

// element writes a text as an element of an array in quotes.
var element = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// found is the common table expression that finds the tables at places as the server
// would, by the search path where no schema is named: a name is quoted in every
// statement. It is lateral, as are others: joined otherwise, thousands of tables that
// nobody asked about are read.
func (s *session) found(of []probe.Relation, places []int) string {
	text := s.db.Dialect().Text
	list := func(items []string) string { return text("{" + strings.Join(items, ",") + "}") } // one literal: each costs the server
	var at []string
	var wanted [3][]string // databases, schemas, names; null is any
	for _, place := range places {
		at = append(at, strconv.Itoa(place))
		parts := of[place].Table.Items()
		if len(parts) > len(wanted) {
			parts = nil // no such name
		}
		for i := range wanted {
			part := "null"
			if n := i - (len(wanted) - len(parts)); n >= 0 {
				part = `"` + element.Replace(parts[n]) + `"`
			}
			wanted[i] = append(wanted[i], part)
		}
	}
	return "found as materialized (\nselect w.place, f.* from unnest(cast(" + list(at) + " as bigint[]), cast(" + list(wanted[0]) +
		" as text[]), cast(" + list(wanted[1]) + " as text[]), cast(" + list(wanted[2]) + ` as text[])) as w(place, db, nsp, rel)
cross join lateral (select c.oid, c.relkind = 'r' and not c.relhassubclass as plain, c.relhasindex, c.reltuples
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relname = cast(w.rel as name) and c.relkind in ('r', 'v', 'm', 'f', 'p') and (w.db is null or w.db = current_database())
    and case when w.nsp is null then n.nspname = any(current_schemas(true)) else cast(n.nspname as text) = w.nsp end
  order by array_position(current_schemas(true), n.nspname) limit 1) as f
)`
}

// keys names the columns of unique indexes, which come as "1 3,2". Only plain tables
// have any: an index does not reach the tables that inherit from one.
func keys(list string, numbers map[string]string) (all [][]string) {
	for index := range strings.SplitSeq(list, ",") {
		var key []string
		for number := range strings.FieldsSeq(index) {
			key = append(key, numbers[number])
		}
		all = append(all, key)
	}
	return all
}

func column(name, typ, class any, nullable bool) probe.Column {
	return probe.Column{Name: name.(string), Type: typ.(string), Class: probe.TypeClass(class.(string)), Nullable: nullable}
}

func (s *session) quoted(of probe.Relation) string {
	var parts []string
	for _, part := range of.Table.Items() {
		parts = append(parts, s.db.Dialect().Quote(part))
	}
	return strings.Join(parts, ".")
}

// absent explains the tables that were not found by those there are.
func (s *session) absent(ctx context.Context, of []probe.Relation, places []int, out []warehouse.Description) error {
	var names, full []string
	for _, place := range places {
		if out[place].Columns != nil {
			continue
		}
		if full == nil {
			rows, err := s.Query(ctx, `select cast(n.nspname as text), cast(c.relname as text) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'f', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2 limit 20000`)
			if err != nil {
				return err
			}
			full = []string{}
			for _, row := range rows {
				names = append(names, fmt.Sprint(row[1]))
				full = append(full, fmt.Sprint(row[0], ".", row[1]))
			}
		}
		parts := of[place].Table.Items()
		name, known := strings.Join(parts, "."), names
		if len(parts) > 1 {
			known = full
		}
		msg := fmt.Sprintf("table %q does not exist", name)
		if near := conf.Nearest(name, known); near != "" {
			msg += fmt.Sprintf("; did you mean %q?", near)
		} else if len(known) == 0 {
			msg += "; the role sees no tables: check the database and its rights"
		} else {
			msg += fmt.Sprintf("; there are %d, such as %s", len(known), strings.Join(known[:min(len(known), 3)], ", "))
		}
		out[place] = warehouse.Description{Err: &probe.Error{Class: probe.NoTable, Msg: msg}}
	}
	return nil
}

// describeQueries lets the server parse the queries and looks their types up.
func (s *session) describeQueries(ctx context.Context, of []probe.Relation, places []int, out []warehouse.Description) error {
	if len(places) == 0 {
		return nil
	}
	texts := make([]string, len(places))
	for n, place := range places {
		texts[n] = "select * from (\n" + of[place].Query + "\n) as q"
	}
	all, err := s.parse(ctx, texts...)
	if err != nil {
		return err
	}
	type typed struct {
		oid uint32
		mod int32
	}
	types := make(map[typed]probe.Column)
	var list []string
	for _, p := range all {
		for _, field := range p.columns {
			key := typed{field.DataTypeOID, field.TypeModifier}
			if _, known := types[key]; !known {
				types[key] = probe.Column{}
				list = append(list, fmt.Sprintf("(%d, %d)", key.oid, key.mod))
			}
		}
	}
	if len(list) > 0 {
		rows, err := s.Query(ctx, "select cast(v.id as bigint), v.mod, pg_catalog.format_type(cast(v.id as oid), v.mod), "+typeClass+
			"\nfrom (values "+strings.Join(list, ", ")+") as v(id, mod) join pg_catalog.pg_type t on t.oid = cast(v.id as oid) "+ofType)
		if err != nil {
			return err
		}
		for _, row := range rows {
			types[typed{uint32(row[0].(int64)), int32(row[1].(int64))}] = column("", row[2], row[3], true)
		}
	}
	for n, place := range places {
		out[place].Statement = texts[n]
		if all[n].err != nil {
			out[place].Err = classify(ctx, all[n].err)
			continue
		}
		out[place].Columns = []probe.Column{}
		for _, field := range all[n].columns {
			c := types[typed{field.DataTypeOID, field.TypeModifier}]
			c.Name = field.Name
			out[place].Columns = append(out[place].Columns, c)
		}
	}
	return nil
}
