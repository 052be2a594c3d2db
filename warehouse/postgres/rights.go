package postgres

import (
	"context"
	"fmt"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// rights asks for the user's rights in one row. What a role is a member of counts,
// as the functions say; a sequence that can be advanced counts as a table.
const rights = `select cast(current_user as text),
  (select rolsuper from pg_catalog.pg_roles where rolname = current_user),
  (select pg_catalog.string_agg(r.what, ' and ' order by r.what) from (
     select 'make roles' as what from pg_catalog.pg_roles where rolname = current_user and rolcreaterole
     union all select 'make databases' from pg_catalog.pg_roles where rolname = current_user and rolcreatedb
     union all select 'replicate' from pg_catalog.pg_roles where rolname = current_user and rolreplication) as r),
  (select pg_catalog.string_agg(cast(rolname as text), ', ' order by rolname) from pg_catalog.pg_roles where rolname in ('pg_write_all_data',
     'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend', 'pg_maintain', 'pg_checkpoint', 'pg_create_subscription')
     and pg_catalog.pg_has_role(oid, 'usage')),
  (select pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', ' order by nspname) from pg_catalog.pg_namespace
     where nspname !~ '^pg_' and nspname <> 'information_schema' and pg_catalog.has_schema_privilege(oid, 'create')),
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create'),
  t.writable, t.example
from (select count(*) as writable, min(pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)) as example
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and case when c.relkind in ('r', 'p', 'v', 'm', 'f') then pg_catalog.has_table_privilege(c.oid, 'insert, update, delete, truncate')
          or pg_catalog.has_any_column_privilege(c.oid, 'insert, update')
        when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'usage, update') end) as t`

// attempt would delete no row, if a session let it.
const attempt = "delete from pg_catalog.pg_class where false"

// Rights implements warehouse.Entitled.
func (s *session) Rights(ctx context.Context) (warehouse.Rights, error) {
	rows, err := s.Query(ctx, rights)
	if err != nil {
		return warehouse.Rights{}, err
	}
	row := rows[0]
	r := warehouse.Rights{User: fmt.Sprint(row[0])}
	_, r.Fence = s.Query(ctx, attempt)
	if row[1] == true {
		r.Beyond = []string{"is a superuser"}
		return r, nil
	}
	for i, words := range map[int]string{2: "may %v", 3: "is a member of %v", 4: "may make tables in schema %v"} {
		if row[i] != nil {
			r.Beyond = append(r.Beyond, fmt.Sprintf(words, row[i]))
		}
	}
	if row[5] == true {
		r.Beyond = append(r.Beyond, "may make schemas in the database")
	}
	if row[6] != int64(0) {
		r.Beyond = append(r.Beyond, fmt.Sprintf("may write to tables (%v, such as %v)", row[6], row[7]))
	}
	return r, nil
}
