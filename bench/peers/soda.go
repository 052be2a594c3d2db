package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// soda3 is the last release of the open Soda Core: one scan over one file of checks.
var soda3 = peer{
	name: "soda3", title: "Soda Core 3.5.6",
	pip: []string{"soda-core-postgres==3.5.6 setuptools<81"},
	write: func(p project) error {
		var checks strings.Builder
		for _, name := range p.names() {
			fmt.Fprintf(&checks, `checks for %s:
  - freshness(ts) < 2d
  - row_count >= 900
  - missing_count(val) = 0
  - duplicate_count(id) = 0
  - values in (dim_id) must exist in dim (id)
`, name)
		}
		if err := p.file("checks.yml", checks.String()); err != nil {
			return err
		}
		return p.file("configuration.yml", fmt.Sprintf(`data_source wh:
  type: postgres
  host: 127.0.0.1
  port: "%d"
  username: postgres
  password: none
  database: postgres
  schema: public
`, p.port))
	},
	steps: [][]string{{"soda", "scan", "-d", "wh", "-c", "configuration.yml", "-srf", "result.json", "checks.yml"}},
	found: func(dir string) (lines []string, err error) {
		text, err := os.ReadFile(filepath.Join(dir, "result.json"))
		if err != nil {
			return nil, err
		}
		var result struct {
			Checks []struct{ Name, Table, Outcome string }
		}
		if err := json.Unmarshal(text, &result); err != nil {
			return nil, err
		}
		for _, c := range result.Checks {
			if c.Outcome == "fail" {
				lines = append(lines, c.Table+" "+string(sodaFault(c.Name)))
			}
		}
		return lines, nil
	},
}

// sodaFault is what a check of Soda 3 looks for, by its name.
func sodaFault(name string) tables.Fault {
	for word, fault := range map[string]tables.Fault{
		"freshness": tables.Stale, "row_count": tables.Few, "missing": tables.Nulls, "duplicate": tables.Duplicates, "must exist": tables.Orphans,
	} {
		if strings.Contains(name, word) {
			return fault
		}
	}
	return tables.Fault(name)
}

//go:embed soda4.py
var soda4Program string

// soda4 is Soda's newer line: a contract a table. Its command takes one contract a
// call; a small program gives it all of them at once, which is to its advantage.
var soda4 = peer{
	name: "soda4", title: "Soda 4.28.0",
	pip: []string{"soda-postgres==4.28.0"},
	write: func(p project) error {
		for _, name := range p.names() {
			if err := p.file("contracts/"+name+".yml", fmt.Sprintf(`dataset: wh/postgres/public/%s
checks:
  - row_count: {threshold: {must_be_greater_than_or_equal: 900}}
  - freshness: {column: ts, threshold: {unit: day, must_be_less_than: 2}}
columns:
  - {name: val, checks: [{missing: null}]}
  - {name: id, checks: [{duplicate: null}]}
  - name: dim_id
    checks:
      - invalid: {valid_reference_data: {dataset: wh/postgres/public/dim, column: id}}
`, name)); err != nil {
				return err
			}
		}
		if err := p.file("wh.yml", fmt.Sprintf(`type: postgres
name: wh
connection: {host: 127.0.0.1, port: %d, user: postgres, password: none, database: postgres}
`, p.port)); err != nil {
			return err
		}
		return p.file("soda4.py", soda4Program)
	},
	steps: [][]string{{"python", "soda4.py"}},
	found: foundInLines,
}

// foundInLines reads the lines that a small program of ours wrote for a peer.
func foundInLines(dir string) ([]string, error) {
	return read(filepath.Join(dir, "found.txt"), tables.ReadLines)
}
