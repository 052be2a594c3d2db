package postgres

import (
	"context"
	"fmt"
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

// describeTables reads the columns of the tables at places. A name is exactly the
// one that the server would find: it is quoted in every statement.
func (s *session) describeTables(ctx context.Context, of []probe.Relation, places []int, out []warehouse.Description) error {
	if len(places) == 0 {
		return nil
	}
	sent := s.now()
	rows, err := s.Query(ctx, "with "+s.found(of, places)+`,
keyed as materialized (select f.*, case when f.plain then (select string_agg(cast(i.indkey as text), ',') from pg_catalog.pg_index i
  where i.indrelid = f.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null and i.indnatts = i.indnkeyatts) end as keys from found f)
select f.place, cast(a.attname as text), pg_catalog.format_type(a.atttypid, a.atttypmod), `+typeClass+`, not a.attnotnull, a.attnum, f.plain, f.keys, f.guess,
  case when a.attnum = 1 then cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) end
from keyed f left join pg_catalog.pg_attribute a on a.attrelid = f.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_type t on t.oid = a.atttypid left `+ofType+`
order by f.place, a.attnum`)
	if err != nil {
		return err
	}
	s.noteClock(sent, rows)
	numbers := make(map[string]string) // columns of the table at hand, by their numbers
	for i, row := range rows {
		place := int(row[0].(int64))
		out[place].Statement = `\d ` + s.quoted(of[place])
		if out[place].Columns == nil {
			out[place].Columns = []probe.Column{}
		}
		if row[1] != nil {
			out[place].Columns = append(out[place].Columns, column(row[1], row[2], row[3], row[4] == true))
			numbers[fmt.Sprint(row[5])] = fmt.Sprint(row[1])
		}
		if i+1 == len(rows) || rows[i+1][0] != row[0] {
			out[place].NotNull, out[place].Keys, out[place].Rows = row[6] == true, keys(row[7], numbers), row[8].(int64)
			clear(numbers)
		}
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

// found is the common table expressions that find the tables at places as the server
// would, by the search path where no schema is named.
func (s *session) found(of []probe.Relation, places []int) string {
	text := s.db.Dialect().Text
	wanted := make([]string, len(places))
	for n, place := range places {
		catalog, schema, name := "null", "null", ""
		switch parts := of[place].Table.Items(); len(parts) {
		case 1:
			name = parts[0]
		case 2:
			schema, name = text(parts[0]), parts[1]
		case 3:
			catalog, schema, name = text(parts[0]), text(parts[1]), parts[2]
		}
		wanted[n] = fmt.Sprintf("(%d, %s, %s, %s)", place, catalog, schema, text(name))
	}
	return `wanted(place, db, nsp, rel) as (select place, cast(db as text), cast(nsp as text), cast(rel as text) from (values ` + strings.Join(wanted, ", ") + `) as v(place, db, nsp, rel)),
found as (select distinct on (w.place) w.place, c.oid, c.relkind = 'r' and not c.relhassubclass as plain, cast(case when c.relkind = 'r' and not c.relhassubclass then greatest(c.reltuples, 0) else 0 end as bigint) as guess
  from wanted w join pg_catalog.pg_class c on cast(c.relname as text) = w.rel and c.relkind in ('r', 'v', 'm', 'f', 'p')
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where coalesce(w.db, current_database()) = current_database() and case when w.nsp is null then n.nspname = any(current_schemas(true)) else cast(n.nspname as text) = w.nsp end
  order by w.place, array_position(current_schemas(true), n.nspname))`
}

// keys names the columns of unique indexes, which come as "1 3,2". Only plain tables
// have any: an index does not reach the tables that inherit from one.
func keys(list any, numbers map[string]string) (all [][]string) {
	if list == nil {
		return nil
	}
	for index := range strings.SplitSeq(fmt.Sprint(list), ",") {
		var key []string
		for number := range strings.FieldsSeq(index) {
			key = append(key, numbers[number])
		}
		all = append(all, key)
	}
	return all
}

func column(name, typ, class any, nullable bool) probe.Column {
	c := probe.Column{Name: fmt.Sprint(name), Type: fmt.Sprint(typ), Class: probe.TypeClass(fmt.Sprint(class)), Nullable: nullable}
	return c
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
