package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// dbt watches sources: freshness is one command and tests are another. A number of
// rows is a test of the project's own, as dbt has none.
var dbt = peer{
	name: "dbt", title: "dbt-core 1.12.6",
	pip: []string{
		"--no-deps dbt-core==1.12.6 dbt-postgres==1.11.0",
		// Their requirements, but for one that downloads a program while it is built
		// and is not needed to run.
		"dbt-adapters>=1.24.5,<2 dbt-common>=1.37.5,<2 dbt-extractor>=0.5,<=0.6 dbt-protos>=1.0.514,<2 metricflow>=0.213,<1 " +
			"agate>=1.7,<1.15 click>=8.3,<9 daff>=1.3.46 jinja2>=3.1.3,<4 jsonschema>=4.19.1,<5 mashumaro[msgpack]>=3.9,<3.18 networkx>=2.3,<4 " +
			"opentelemetry-api>=1.26,<2 packaging>20.9 pathspec>=0.9,<1.1 protobuf>=6,<8 psycopg2-binary>=2.9,<3 pydantic<3 python-dotenv>=1.2 " +
			"pytz>=2015.7 pyyaml>=6 requests<3 snowplow-tracker>=1.0.2,<2 sqlparse>=0.5.5,<0.7 typing-extensions>=4.4",
	},
	write: writeDBT,
	steps: [][]string{
		{"dbt", "--no-use-colors", "source", "freshness", "--profiles-dir", "."},
		{"dbt", "--no-use-colors", "test", "--profiles-dir", "."},
	},
	found: func(dir string) ([]string, error) {
		stale, err := dbtResults(filepath.Join(dir, "target", "sources.json"), "error")
		if err != nil {
			return nil, err
		}
		other, err := dbtResults(filepath.Join(dir, "target", "run_results.json"), "fail")
		return append(stale, other...), err
	},
}

func writeDBT(p project) error {
	var sources strings.Builder
	sources.WriteString(`version: 2
sources:
  - name: wh
    schema: public
    tables:
      - name: dim
`)
	for _, name := range p.names() {
		fmt.Fprintf(&sources, `      - name: %s
        config: {loaded_at_field: ts, freshness: {error_after: {count: 2, period: day}}}
        data_tests:
          - at_least: {arguments: {rows: 900}}
        columns:
          - {name: val, data_tests: [not_null]}
          - {name: id, data_tests: [unique]}
          - name: dim_id
            data_tests:
              - relationships: {arguments: {to: "source('wh', 'dim')", field: id}}
`, name)
	}
	return errors.Join(
		p.file("models/sources.yml", sources.String()),
		p.file("tests/generic/at_least.sql", `{% test at_least(model, rows) %}
select * from (select count(*) as n from {{ model }}) counted where n < {{ rows }}
{% endtest %}
`),
		p.file("dbt_project.yml", "name: peers\nversion: \"1.0\"\nprofile: wh\nmodel-paths: [models]\ntest-paths: [tests]\nflags: {send_anonymous_usage_stats: false}\n"),
		p.file("profiles.yml", fmt.Sprintf(`wh:
  target: it
  outputs:
    it: {type: postgres, host: 127.0.0.1, port: %d, user: postgres, password: none, dbname: postgres, schema: public, threads: 4}
`, p.port)),
	)
}

// dbtResults reads those of a file of results that have the status. Ids are such as
// source.peers.wh.t00007 and test.peers.source_unique_wh_t00031_id.0123abcdef.
func dbtResults(file, status string) (lines []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all struct {
		Results []struct {
			ID     string `json:"unique_id"`
			Status string
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	for _, r := range all.Results {
		if r.Status == status {
			lines = append(lines, dbtFinding(r.ID))
		}
	}
	return lines, nil
}

func dbtFinding(id string) string {
	fault := tables.Fault(id)
	for word, f := range map[string]tables.Fault{
		"source.": tables.Stale, "source_at_least": tables.Few, "source_not_null": tables.Nulls,
		"source_unique": tables.Duplicates, "source_relationships": tables.Orphans,
	} {
		if strings.HasPrefix(id, word) || strings.Contains(id, "."+word) {
			fault = f
		}
	}
	at := strings.Index(id, "wh_t")
	if fault == tables.Stale {
		at = strings.Index(id, "wh.t")
	}
	if at < 0 {
		return id
	}
	return fmt.Sprintf("%.6s %s", id[at+len("wh_"):], fault)
}
