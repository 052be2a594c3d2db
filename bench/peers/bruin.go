package main

import (
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// bruin is a Go program that runs pipelines and their checks. It is built from its
// source and not on PyPI. Checks of a pg.source asset run no query and are reported
// as passed, so the tables are written down as SQL assets whose main task is left out.
var bruin = peer{
	name: "bruin", title: "Bruin",
	write: writeBruin,
	steps: [][]string{{"bruin", "run", "--only", "checks", "--no-log-file", "--minimal-logs", "--no-color", "--config-file", ".bruin.yml", "wh"}},
	found: func(dir string) ([]string, error) { return read(filepath.Join(dir, output), readBruin) },
}

func writeBruin(p project) error {
	if err := p.file(".bruin.yml", fmt.Sprintf(`default_environment: default
environments:
  default:
    connections:
      postgres:
        - {name: wh, username: postgres, password: none, host: 127.0.0.1, port: %d, database: postgres, ssl_mode: disable}
`, p.port)); err != nil {
		return err
	}
	if err := p.file("wh/pipeline.yml", "name: wh\nschedule: \"@daily\"\nstart_date: \"2024-01-01\"\ndefault_connections: {postgres: wh}\n"); err != nil {
		return err
	}
	for _, name := range p.names() {
		if err := p.file("wh/assets/"+name+".sql", fmt.Sprintf(`/* @bruin
name: public.%[1]s
type: pg.sql
columns:
  - {name: val, checks: [{name: not_null}]}
  - {name: id, checks: [{name: unique}]}
custom_checks:
  - {name: stale, query: "select count(*) from (select max(ts) as newest from %[1]s) t where newest < now() - interval '2 days'"}
  - {name: few, query: "select count(*) from (select count(*) as n from %[1]s) t where n < 900"}
  - {name: orphans, query: "select count(*) from %[1]s t where dim_id is not null and not exists (select 1 from dim d where d.id = t.dim_id)"}
@bruin */
select * from %[1]s
`, name)); err != nil {
			return err
		}
	}
	return nil
}

// bruinError is a failed check in what Bruin prints at the end.
var bruinError = regexp.MustCompile(`(?m)^\s*public\.(t\d{5}): (.*)$`)

func readBruin(r io.Reader) (lines []string, err error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	for _, m := range bruinError.FindAllStringSubmatch(string(text), -1) {
		fault := tables.Fault(m[2])
		for word, f := range map[string]tables.Fault{
			"'stale'": tables.Stale, "'few'": tables.Few, "null values": tables.Nulls, "non-unique": tables.Duplicates, "'orphans'": tables.Orphans,
		} {
			if strings.Contains(m[2], word) {
				fault = f
			}
		}
		lines = append(lines, m[1]+" "+string(fault))
	}
	return lines, nil
}
