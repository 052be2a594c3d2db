package postgres

import (
	"context"
	"fmt"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// ownTypes is the least number of a type that the server does not bring along. Values
// of such a type can change without a write: a word of an enum is renamed.
const ownTypes = 16384

// serverCounts is one row: what must stay the same for counters to go on, and why they
// do not count, if so. A crash loses them, a restart may have been one.
const serverCounts = `server as materialized (select concat_ws(' ', pg_postmaster_start_time(),
    pg_stat_get_bgwriter_stat_reset_time(), pg_stat_get_db_stat_reset_time((select oid from pg_catalog.pg_database where datname = current_database()))) as epoch,
  case when pg_is_in_recovery() then 'the server is a standby, which counts no writes'
    when current_setting('track_counts') <> 'on' then 'track_counts is off'
    when exists (select from pg_catalog.pg_db_role_setting, unnest(setconfig) as s where s like 'track\_counts=%') then 'track_counts is set for a role or a database'
  end as why)`

// tableCounts is the counters of a table and where its rows are; t.oid is the table. A
// partitioned table has those of its leaves.
const tableCounts = `concat_ws(' ', t.oid, pg_relation_filenode(t.oid), pg_stat_get_tuples_inserted(t.oid), pg_stat_get_tuples_updated(t.oid), pg_stat_get_tuples_deleted(t.oid))`

// Tokens implements warehouse.Tokens: rows inserted, updated and deleted, as the server
// counts them for its own ends; a new file is another table, and other columns are too.
// A transaction is counted when its session goes idle, at most a minute later.
func (s *session) Tokens(ctx context.Context, of []probe.Relation) []warehouse.Token {
	out := make([]warehouse.Token, len(of))
	places := make([]int, len(of))
	for i, relation := range of {
		places[i] = i
		out[i] = warehouse.Token{Why: "it is not there", Statement: "select * from pg_stat_all_tables where relid = " + s.db.Dialect().Text(s.quoted(relation)) + "::regclass"}
	}
	rows, err := s.Query(ctx, "with "+s.found(of, places)+`,
`+serverCounts+`,
shape as (select a.attrelid, md5(string_agg(concat_ws(' ', a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attisdropped), ',' order by a.attnum)) as columns,
  max(case when a.attisdropped then 0 else cast(a.atttypid as bigint) end) as newest_type
  from found f join pg_catalog.pg_attribute a on a.attrelid = f.oid and a.attnum > 0 group by 1)
select f.place, case
    when c.relkind = 'v' then 'it is a view'
    when c.relkind = 'f' then 'it is a foreign table'
    when c.relkind = 'r' and c.relhassubclass then 'other tables inherit from it'
    when c.relkind = 'p' and p.foreign_leaf then 'a partition is a foreign table'
    else server.why end as none,
  case when c.relrowsecurity then 'row security decides which rows are seen'
    when h.newest_type >= `+fmt.Sprint(ownTypes)+` then 'a column has a type of the database''s own' end as unsound,
  concat_ws(' ', server.epoch, h.columns, case when c.relkind = 'p' then p.leaves else (select `+tableCounts+` from (values (c.oid)) as t(oid)) end)
from found f join pg_catalog.pg_class c on c.oid = f.oid cross join server left join shape h on h.attrelid = f.oid
left join lateral (select bool_or(l.relkind = 'f') as foreign_leaf, md5(string_agg(`+tableCounts+`, ',' order by t.oid)) as leaves
  from pg_partition_tree(case when c.relkind = 'p' then c.oid end) as tree join pg_catalog.pg_class l on l.oid = tree.relid join lateral (values (l.oid)) as t(oid) on true
  where tree.isleaf) p on c.relkind = 'p'`)
	for i := range out {
		out[i].Err = err
	}
	for _, row := range rows {
		token := &out[row[0].(int64)]
		switch {
		case row[1] != nil:
			token.Why = fmt.Sprint(row[1])
		case row[2] != nil:
			token.Value, token.Why = fmt.Sprint(row[3]), fmt.Sprint(row[2])
		default:
			token.Value, token.Why, token.Sound = fmt.Sprint(row[3]), "", true
		}
	}
	return out
}
