package mysql

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Tokens implements warehouse.Tokens: when the server saw the last write to each
// table. It knows that to the second, and forgets it when it starts.
func (s *session) Tokens(ctx context.Context, of []probe.Relation) []warehouse.Token {
	out := make([]warehouse.Token, len(of))
	d := s.db.Dialect()
	at := make(map[name][]int)
	tables := make(map[string][]string)
	for i, relation := range of {
		n, err := s.named(relation.Table.Items())
		if err != nil {
			out[i].Err = err
			continue
		}
		out[i].Why = "it is not there"
		out[i].Statement = "select create_time, update_time from information_schema.tables where table_schema = " + d.Text(n.schema) + " and table_name = " + d.Text(n.table)
		at[s.folded(n)] = append(at[s.folded(n)], i)
		tables[n.schema] = append(tables[n.schema], d.Text(n.table))
	}
	for _, schema := range slices.Sorted(maps.Keys(tables)) {
		rows, err := s.Query(ctx, "select table_name, table_type, create_time, update_time\nfrom information_schema.tables\nwhere table_schema = "+d.Text(schema)+
			" and table_name in ("+strings.Join(tables[schema], ", ")+")")
		for n, places := range at {
			for _, i := range places {
				if n.schema == s.folded(name{schema: schema}).schema {
					out[i].Err = err
				}
			}
		}
		for _, row := range rows {
			for _, i := range at[s.folded(name{schema, fmt.Sprint(row[0])})] {
				switch {
				case row[1] == "VIEW":
					out[i].Why = "it is a view"
				case row[3] == nil:
					out[i].Why = "the server has seen no write to it since it started, and forgets what was before"
				default:
					out[i].Value = fmt.Sprint(row[2], " ", row[3])
					out[i].Why = "the server tells the time of the last write to the second, and forgets it when it starts"
				}
			}
		}
	}
	return out
}
