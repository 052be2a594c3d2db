package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Tokens implements warehouse.Tokens. The engine keeps nothing of the writes to a
// table, so the token is that of the file: any table in it may be what was written, and
// a file that was put back with its old time seems untouched.
func (s *session) Tokens(ctx context.Context, of []probe.Relation) []warehouse.Token {
	out := make([]warehouse.Token, len(of))
	catalog, err := s.catalog(ctx)
	byName := make(map[string][]entry, len(catalog))
	for _, e := range catalog {
		byName[strings.ToLower(e.name)] = append(byName[strings.ToLower(e.name)], e)
	}
	file, statErr := s.db.stamp()
	err = errors.Join(err, statErr)
	for i, relation := range of {
		out[i] = warehouse.Token{Err: err, Statement: "-- size and time of " + s.db.path + " and its .wal"}
		found, ok := resolve(byName, relation.Table.Items())
		switch {
		case !ok:
			out[i].Why = "it is not there"
		case found.view:
			out[i].Why = "it is a view"
		case found.database != s.db.alias:
			out[i].Why = "init made it, in memory"
		default:
			out[i].Value, out[i].Why = file, "the engine keeps nothing of the writes to one table, so it is the time and size of the whole file"
		}
	}
	return out
}

// stamp is the time and size of the file and of its log. No other process writes the
// file while it is attached.
func (db *database) stamp() (string, error) {
	if db.path == "" {
		return "", nil
	}
	var b strings.Builder
	for _, path := range []string{db.path, db.path + ".wal"} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // an empty log is none
		}
		if err != nil {
			return "", &probe.Error{Class: probe.Connection, Msg: "look at the database file: " + err.Error(), Cause: err}
		}
		fmt.Fprintf(&b, "%d %d ", info.ModTime().UnixNano(), info.Size())
	}
	return b.String(), nil
}
