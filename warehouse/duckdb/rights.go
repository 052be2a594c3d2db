package duckdb

import (
	"context"
	"errors"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// errReadOnly is what a file that is attached read-only answers to all writing.
var errReadOnly = errors.New("the file is attached read-only")

// Rights implements warehouse.Entitled. DuckDB has no users: what stands before a
// write is how the file is attached, and what may run is decided by its shape.
func (s *session) Rights(ctx context.Context) (warehouse.Rights, error) {
	if s.db.path == "" {
		return warehouse.Rights{Fence: errors.New("there is no file; what is in memory goes with this process")}, nil
	}
	rows, err := s.Query(ctx, "select count(*) from duckdb_databases() where not internal and not readonly and path is not null")
	if err != nil || rows[0][0] != int64(0) {
		return warehouse.Rights{}, err
	}
	return warehouse.Rights{Fence: errReadOnly}, nil
}
