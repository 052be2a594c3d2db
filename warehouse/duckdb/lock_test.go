package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
)

// hold opens a database file for writing, says so, and writes and closes it when its
// input ends.
func hold(file string) int {
	db, err := sql.Open("duckdb", file)
	if err == nil {
		_, err = db.ExecContext(context.Background(), "insert into t values (2)")
	}
	if err == nil {
		fmt.Print("!")
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
