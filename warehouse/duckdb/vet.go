package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// tableFunctions are those that a person's text may call after FROM: they make rows
// from their arguments. All others read files, run text as SQL or tell about the
// engine. Macros that init made are the operator's and may be called too.
var tableFunctions = []string{"generate_series", "range", "unnest", "repeat", "json_each", "json_tree"}

// changing are functions that leave a trace, or tell settings.
var changing = []string{"nextval", "setseed", "write_log", "current_setting", "sleep_ms"}

// Vet implements warehouse.Session. The engine parses the text and gives its tree,
// which exists for SELECT only; the tree is then walked.
func (s *session) Vet(ctx context.Context, kind warehouse.Text, text string) error {
	whole := text
	if kind == warehouse.Condition {
		// Not in parentheses here: "1 = 1) or (2 = 2" must not pass.
		whole = "select\n" + text + "\n"
	}
	rows, err := s.Query(ctx, "select cast(json_serialize_sql("+s.db.dialect.Text(whole)+") as varchar)")
	if err != nil {
		return err
	}
	var parsed struct {
		Error      bool             `json:"error"`
		Message    string           `json:"error_message"`
		Type       string           `json:"error_type"`
		Statements []map[string]any `json:"statements"`
	}
	if err := json.Unmarshal(fmt.Append(nil, rows[0][0]), &parsed); err != nil {
		return refuse("%s: the engine's parser answered no tree: %v", kind, err)
	}
	switch {
	case parsed.Error && parsed.Type == "parser":
		return &probe.Error{Class: probe.Statement, Msg: fmt.Sprintf("%s: %s", kind, parsed.Message)}
	case parsed.Error:
		return refuse("only SELECT may be asked, and this is something else (%s)", parsed.Message)
	case len(parsed.Statements) != 1:
		return refuse("a %s must be one statement, and this is %d", kind, len(parsed.Statements))
	}
	if kind == warehouse.Condition {
		if err := expression(parsed.Statements[0]); err != nil {
			return err
		}
	}
	var w walk
	w.visit(parsed.Statements[0])
	if w.refused != nil {
		return w.refused
	}
	return s.vetNames(ctx, w)
}

// expression refuses a "select <text>" that is more than one expression.
func expression(statement map[string]any) error {
	node, _ := statement["node"].(map[string]any)
	list, _ := node["select_list"].([]any)
	from, _ := node["from_table"].(map[string]any)
	plain := node["type"] == "SELECT_NODE" && len(list) == 1 && from["type"] == "EMPTY"
	for key, value := range node {
		switch key {
		case "where_clause", "having", "qualify", "sample":
			plain = plain && value == nil
		case "modifiers", "group_expressions", "group_sets":
			parts, _ := value.([]any)
			plain = plain && len(parts) == 0
		}
	}
	if plain {
		item, _ := list[0].(map[string]any)
		plain = item["alias"] == "" && item["class"] != "STAR"
	}
	if !plain {
		return refuse("where must be one condition, such as: status = 'paid' and amount > 0")
	}
	return nil
}

// walk collects what a tree names.
type walk struct {
	functions []string // after FROM, not among tableFunctions
	tables    []string // with a dot in the full name, so maybe a file
	refused   error
}

// visit looks at every object of the tree, whatever it belongs to: a new kind of
// node in a later engine is walked too.
func (w *walk) visit(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			w.visit(item)
		}
	case map[string]any:
		w.object(v)
		for _, item := range v {
			w.visit(item)
		}
	}
}

func (w *walk) object(o map[string]any) {
	word := func(key string) string { s, _ := o[key].(string); return s }
	switch o["type"] {
	case "TABLE_FUNCTION":
		function, _ := o["function"].(map[string]any)
		name, _ := function["function_name"].(string)
		if !slices.Contains(tableFunctions, strings.ToLower(name)) {
			w.functions = append(w.functions, strings.ToLower(name))
		}
	case "BASE_TABLE":
		parts := slices.DeleteFunc([]string{word("catalog_name"), word("schema_name"), word("table_name")}, func(s string) bool { return s == "" })
		if full := strings.Join(parts, "."); strings.ContainsAny(full, `./\:*`) {
			w.tables = append(w.tables, full)
		}
	case "SHOW_REF":
		w.refused = refuse("only SELECT may be asked; describe, show and summarize are something else")
	case "VALUE_PARAMETER":
		w.refused = refuse("a parameter has no value here; the moment of the run is {{ as_of }}")
	case "FUNCTION":
		if name := strings.ToLower(word("function_name")); slices.Contains(changing, name) {
			w.refused = refuse("function %s is not allowed: a check only reads tables", name)
		}
	}
}

// vetNames refuses functions and tables that the catalog does not have: a name with
// a dot that is no table is one that the engine would open as a file.
func (s *session) vetNames(ctx context.Context, w walk) error {
	text := s.db.dialect.Text
	for _, name := range w.functions {
		rows, err := s.Query(ctx, "select count(*) from duckdb_functions() where not internal and function_type = 'table_macro' and lower(function_name) = "+text(name))
		if err != nil {
			return err
		}
		if rows[0][0] == int64(0) {
			return refuse("function %s is not allowed after FROM: files and settings are reached through init only", name)
		}
	}
	if len(w.tables) == 0 {
		return nil
	}
	const list = "select database_name as d, schema_name as s, table_name as t from duckdb_tables() union all select database_name, schema_name, view_name from duckdb_views()"
	for _, name := range w.tables {
		rows, err := s.Query(ctx, "select count(*) from ("+list+") where lower("+text(name)+") in (lower(t), lower(s || '.' || t), lower(d || '.' || t), lower(d || '.' || s || '.' || t))")
		if err != nil {
			return err
		}
		if rows[0][0] == int64(0) {
			return &probe.Error{Class: probe.Refused, Msg: fmt.Sprintf("there is no table %q, and files are reached through init only", name)}
		}
	}
	return nil
}

func refuse(format string, args ...any) error {
	return &probe.Error{Class: probe.Refused, Msg: fmt.Sprintf(format, args...)}
}
