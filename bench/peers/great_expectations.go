package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed great_expectations.py
var greatExpectationsProgram string

// greatExpectations has no command: it is a library, and a program of the user's
// makes suites and runs checkpoints.
var greatExpectations = peer{
	name: "gx", title: "Great Expectations 1.24.1",
	pip: []string{"great-expectations==1.24.1 psycopg2-binary sqlalchemy"},
	write: func(p project) error {
		if err := p.file("dsn.txt", fmt.Sprintf("postgresql+psycopg2://postgres:none@127.0.0.1:%d/postgres", p.port)); err != nil {
			return err
		}
		if err := p.file("tables.txt", strings.Join(p.names(), "\n")+"\n"); err != nil {
			return err
		}
		return p.file("great_expectations_pass.py", greatExpectationsProgram)
	},
	steps: [][]string{{"python", "great_expectations_pass.py"}},
	found: foundInLines,
}
