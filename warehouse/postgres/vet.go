package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// harmless are functions that the server counts as volatile although they leave no
// trace and run no text.
var harmless = []string{"random", "clock_timestamp", "timeofday", "gen_random_uuid"}

// indirect are functions that run text as SQL, or tell of the server, although the
// server does not count them as volatile.
var indirect = []string{"crosstab", "crosstab2", "crosstab3", "crosstab4", "connectby", "current_setting",
	"table_to_xml", "schema_to_xml", "database_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "cursor_to_xml"}

// called finds every word, quoted or not, that may be called as a function. It does
// not care whether it stands in a text or a comment: it may see too much, and then
// refuse the name of a function, but never too little.
var (
	word   = regexp.MustCompile(`([\pL_\x{80}-\x{10ffff}][\w$\x{80}-\x{10ffff}]*)"?[\s\v]*(?:\(|/\*|--)`)
	quoted = regexp.MustCompile(`^"((?:[^"]|"")+)"[\s\v]*(?:\(|/\*|--)`)
	escape = regexp.MustCompile(`(?i)u&"`)
)

func called(text string) []string {
	var names []string
	for _, found := range word.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1], strings.ToLower(found[1]))
	}
	for i := range text {
		if text[i] == '"' {
			if found := quoted.FindStringSubmatch(text[i:]); found != nil {
				names = append(names, strings.ReplaceAll(found[1], `""`, `"`))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Vet implements warehouse.Session. The server parses the text twice and executes
// nothing: alone, where it must be one statement, and in the place where it will
// stand, where only a SELECT or an expression can. A text that is both cannot leave
// that place.
func (s *session) Vet(ctx context.Context, kind warehouse.Text, text string) error {
	alone, inside := text, "select * from (\n"+text+"\n) as q"
	if kind == warehouse.Condition {
		alone, inside = "select\n"+text+"\n", "select case when\n"+text+"\nthen 1 end"
	}
	if escape.MatchString(text) {
		return refuse("names written as U&\"…\" are not allowed")
	}
	parsed, err := s.parse(ctx, alone, inside)
	if err != nil {
		return err
	}
	if err := verdict(ctx, kind, parsed[0], parsed[1]); err != nil {
		return err
	}
	return s.vetCalls(ctx, called(text))
}

// verdict says what two attempts to parse mean. That a column is missing is no
// trouble of a condition here: its table comes later.
func verdict(ctx context.Context, kind warehouse.Text, alone, inside parsed) error {
	one, other := code(alone.err), code(inside.err)
	switch {
	case one == "42601" && strings.Contains(alone.err.Error(), "multiple commands"):
		return refuse("a %s must be one statement, and this is 2 or more", kind)
	case one == "42601":
		return &probe.Error{Class: probe.Statement, Msg: fmt.Sprintf("%s: %s", kind, message(alone.err)), Cause: alone.err}
	case len(alone.params) > 0 || one == "42P02":
		return refuse("a parameter has no value here; the moment of the run is {{ as_of }}")
	case kind == warehouse.Condition && other == "42601":
		return refuse("where must be one condition, such as: status = 'paid' and amount > 0")
	case kind == warehouse.Condition:
		return nil
	case alone.empty:
		return refuse("a SELECT must be one statement, and this is 0")
	case other == "42601" || other == "0A000":
		return refuse("only SELECT may be asked, and this is something else (%s)", message(inside.err))
	case alone.err != nil:
		return classify(ctx, alone.err)
	case inside.err == nil && len(inside.columns) == 0:
		return refuse("a SELECT must answer something, and this has no columns")
	}
	return classify(ctx, inside.err)
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func message(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	return err.Error()
}

// vetCalls refuses functions that may change something. The server knows: a
// function that is not declared stable or immutable may.
func (s *session) vetCalls(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	text := s.db.Dialect().Text
	var list []string
	for _, name := range names {
		if slices.Contains(indirect, name) {
			return refuse("function %s is not allowed: a check only reads tables", name)
		}
		if !slices.Contains(harmless, name) {
			list = append(list, text(name))
		}
	}
	if len(list) == 0 {
		return nil
	}
	rows, err := s.Query(ctx, "select min(cast(proname as text)) from pg_catalog.pg_proc where provolatile = 'v' and proname in ("+strings.Join(list, ", ")+")")
	if err != nil {
		return err
	}
	if name := rows[0][0]; name != nil {
		return refuse("function %s is not allowed: it may change something (the server counts it as volatile), and a check only reads", name)
	}
	return nil
}

// parsed is what the server says about a text that it has only parsed.
type parsed struct {
	columns []pgconn.FieldDescription
	params  []uint32
	empty   bool
	err     error
}

// parse lets the server parse texts, in one round trip, and executes none of them.
func (s *session) parse(ctx context.Context, texts ...string) ([]parsed, error) {
	all := make([]parsed, len(texts))
	err := s.with(ctx, func(conn *pgconn.PgConn) error {
		pipeline := conn.StartPipeline(ctx)
		for _, text := range texts {
			pipeline.SendPrepare("", text, nil)
			pipeline.SendPipelineSync()
		}
		err := pipeline.Flush()
		for i := 0; err == nil && i < len(all); {
			result, e := pipeline.GetResults()
			switch r := result.(type) {
			case *pgconn.StatementDescription:
				all[i] = parsed{columns: r.Fields, params: r.ParamOIDs, empty: len(r.Fields) == 0 && blank(texts[i])}
			case *pgconn.PipelineSync:
				i++
			case nil:
				if e == nil {
					e = errors.New("the server closed the connection")
				}
			}
			if err = fatal(e); err == nil && e != nil {
				all[i].err = e
			}
		}
		return errors.Join(err, fatal(pipeline.Close()))
	})
	return all, classify(ctx, err)
}

// blank tells of a text without fields whether it is nothing but comments: those
// are no statement to the server, as the empty text is none.
func blank(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			return false
		}
	}
	return true
}

func refuse(format string, args ...any) error {
	return &probe.Error{Class: probe.Refused, Msg: fmt.Sprintf(format, args...)}
}
