package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Estimate is what an engine thinks of a statement before it runs it.
type Estimate struct {
	Rows int64   `json:"rows"`           // that the scans of its tables give
	Cost float64 `json:"cost,omitempty"` // in the engine's own units; 0 where it tells none
}

// explained is how an engine is asked for an Estimate.
type explained struct {
	prefix string // before the statement; the answer is JSON in the last cell of its first row
	read   func(plan any) Estimate
}

// Estimate asks the engine for what it thinks of the statements of a plan, and sets it
// in each. No row is read.
func (s *Source) Estimate(ctx context.Context, at time.Time, planned []Planned) error {
	session, err := s.session(ctx, at)
	if err != nil {
		return err
	}
	for i := range planned {
		sum := Estimate{}
		for _, sql := range planned[i].sql {
			one, err := s.estimate(ctx, session, sql)
			if err != nil {
				_ = s.release(session) // the error above is the one to tell
				return err
			}
			sum.Rows, sum.Cost = sum.Rows+one.Rows, sum.Cost+one.Cost
		}
		planned[i].Estimate = &sum
	}
	return s.release(session)
}

func (s *Source) estimate(ctx context.Context, session Session, sql string) (Estimate, error) {
	e := s.db.Dialect().explained
	rows, err := s.query(ctx, session, e.prefix+sql)
	if err != nil {
		return Estimate{}, err
	}
	var plan any
	if len(rows) == 0 || len(rows[0]) == 0 {
		return Estimate{}, refuse(probe.BadAnswer, "explain came back empty")
	}
	if err := json.Unmarshal(fmt.Append(nil, rows[0][len(rows[0])-1]), &plan); err != nil {
		return Estimate{}, refuse(probe.BadAnswer, "explain came back as no JSON: %v", err)
	}
	return e.read(plan), nil
}

// each visits the objects of a plan, outer ones first.
func each(plan any, visit func(map[string]any)) {
	switch p := plan.(type) {
	case []any:
		for _, inner := range p {
			each(inner, visit)
		}
	case map[string]any:
		visit(p)
		for _, inner := range p {
			each(inner, visit)
		}
	}
}

// figure reads a number of a plan, which some engines write as text.
func figure(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		f, _ := strconv.ParseFloat(strings.TrimPrefix(v, "~"), 64) // what is no number counts nothing
		return f
	}
	return 0
}

// postgresExplained reads the cost of the outermost node, which holds that of all others.
var postgresExplained = explained{"explain (format json) ", func(plan any) (e Estimate) {
	each(plan, func(node map[string]any) {
		if outermost, ok := node["Plan"].(map[string]any); ok {
			e.Cost += figure(outermost["Total Cost"])
		}
		if node["Relation Name"] != nil {
			e.Rows += int64(figure(node["Plan Rows"]))
		}
	})
	return e
}}

// mysqlExplained reads what MariaDB and MySQL write, each by words of its own. MariaDB
// tells a cost from version 11 on.
var mysqlExplained = explained{"explain format=json ", func(plan any) (e Estimate) {
	each(plan, func(node map[string]any) {
		if info, ok := node["cost_info"].(map[string]any); ok {
			e.Cost += figure(info["query_cost"])
		}
		if block, ok := node["query_block"].(map[string]any); ok {
			e.Cost += figure(block["cost"])
		}
		if name, ok := node["table_name"].(string); ok && !strings.HasPrefix(name, "<") {
			e.Rows += int64(figure(node["rows"]) + figure(node["rows_examined_per_scan"]))
		}
	})
	return e
}}

// duckExplained reads how many rows the scans give; the engine tells no cost.
var duckExplained = explained{"explain (format json) ", func(plan any) (e Estimate) {
	each(plan, func(node map[string]any) {
		info, _ := node["extra_info"].(map[string]any)
		if info["Table"] != nil || info["Function"] != nil { // of a file
			e.Rows += int64(figure(info["Estimated Cardinality"]))
		}
	})
	return e
}}
