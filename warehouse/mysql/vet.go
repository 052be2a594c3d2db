package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	driver "github.com/go-sql-driver/mysql"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// forbidden are functions that wait, lock, read files or leave a trace.
var forbidden = []string{
	"sleep", "benchmark", "get_lock", "release_lock", "release_all_locks", "load_file", "nextval", "setval", "last_insert_id",
	"master_pos_wait", "source_pos_wait", "master_gtid_wait", "wait_for_executed_gtid_set", "wait_until_sql_thread_after_gtids",
	"sys_exec", "sys_eval", "sys_set",
}

// inside are databases that hold accounts and what others do.
var inside = []string{"mysql", "performance_schema", "sys"}

// Vet implements warehouse.Session. The server parses the text twice or more, and
// runs nothing: alone, which fails for two statements and for parentheses that do
// not match, and where only what is wanted can stand. It also sees what the server
// would allow although it does more than read: the words of the text decide that.
func (s *session) Vet(ctx context.Context, kind warehouse.Text, text string) error {
	tokens, err := lex(text)
	if err != nil {
		return err
	}
	if err := words(kind, tokens); err != nil {
		return err
	}
	if kind == warehouse.Condition {
		if err := s.parse(ctx, "select\n"+text+"\n"); err != nil {
			return err
		}
		// A text that fits both is one expression: the first cannot close a
		// parenthesis that it did not open, the second stands in one.
		for _, place := range []string{"select case when\n" + text + "\nthen 1 end", "select (\n" + text + "\n)"} {
			if err := s.parse(ctx, place); err != nil {
				return instead(err, "where must be one condition, such as: status = 'paid' and amount > 0")
			}
		}
		return nil
	}
	if err := s.parse(ctx, text); err != nil {
		return err
	}
	if err := s.parse(ctx, "select * from (\n"+text+"\n) as q"); err != nil {
		return instead(err, "only SELECT may be asked, and this is something else: "+err.Error())
	}
	return nil
}

// parse has the server prepare a text, which takes one statement and runs nothing.
// Names that it does not find are no matter here: what is asked will tell.
func (s *session) parse(ctx context.Context, text string) error {
	err := s.use(ctx, func(conn *sql.Conn) error {
		prepared, err := conn.PrepareContext(ctx, text)
		if e, ok := errors.AsType[*driver.MySQLError](err); ok {
			switch e.Number {
			case noTable, noColumn, noFunction, noDatabase, ambiguousColumn, brokenView, 1109, 1142, 1143:
				return nil
			}
		}
		if err != nil {
			return err
		}
		return prepared.Close()
	})
	return err
}

// instead says what a text should have been where it does not fit; that the server
// went away is said as it is.
func instead(err error, msg string) error {
	if e, ok := errors.AsType[*probe.Error](err); ok && e.Class != probe.Statement {
		return err
	}
	return refuse("%s", msg)
}

// words refuses by the words of a text.
func words(kind warehouse.Text, tokens []string) error {
	count := 0
	for i, t := range tokens {
		if t != ";" && (i == 0 || tokens[i-1] == ";") {
			count++
		}
	}
	if count != 1 {
		return refuse("a %s must be one statement, and this is %d", kind, count)
	}
	first := tokens[slices.IndexFunc(tokens, func(t string) bool { return t != "(" })]
	if kind == warehouse.Select && first != "select" && first != "with" {
		return refuse("only SELECT may be asked, and this is something else (%s)", first)
	}
	for i, t := range tokens {
		next := ""
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		before := ""
		if i > 0 {
			before = tokens[i-1]
		}
		switch {
		case t == "?":
			return refuse("a parameter has no value here; the moment of the run is {{ as_of }}")
		case t == "@" || t == ":=":
			return refuse("variables are not allowed: a check only reads tables")
		case t == "into" || t == "procedure":
			return refuse("%s is not allowed: a check only reads tables", t)
		case t == "for" && (next == "update" || next == "share") || t == "lock" && next == "in":
			return refuse("%s %s is not allowed: a check locks no rows", t, next)
		case (t == "next" || t == "previous") && next == "value":
			return refuse("sequences are not allowed: a check only reads tables")
		case next == "(" && slices.Contains(forbidden, unquoted(t)):
			return refuse("function %s is not allowed: a check only reads tables", unquoted(t))
		case next == "." && before != "." && slices.Contains(inside, unquoted(t)):
			return refuse("database %s is not allowed: it belongs to the server", unquoted(t))
		}
	}
	return nil
}

func unquoted(token string) string { return strings.ToLower(strings.Trim(token, "`")) }

// lex cuts a text into words in lower case, `quoted` names, literals as ” and
// signs. It refuses comments that run, and what has no end.
func lex(text string) ([]string, error) {
	var tokens []string
	for i := 0; i < len(text); {
		rest := text[i:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "/*!"), strings.HasPrefix(rest, "/*M!"), strings.HasPrefix(rest, "/*+"):
			return nil, refuse("comments that the server runs are not allowed: a check only reads tables")
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return nil, unended("comment")
			}
			i += end + 4
		case c == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			i += end
		case c == '\'' || c == '"' || c == '`':
			n := quotedLen(rest)
			if n < 0 {
				return nil, unended("quote")
			}
			token := "''"
			if c == '`' {
				token = rest[:n]
			}
			tokens = append(tokens, token)
			i += n
		case letter(c):
			n := 1
			for n < len(rest) && letter(rest[n]) {
				n++
			}
			tokens = append(tokens, strings.ToLower(rest[:n]))
			i += n
		case c <= ' ':
			i++
		case strings.HasPrefix(rest, ":="):
			tokens = append(tokens, ":=")
			i += 2
		default:
			tokens = append(tokens, string(rune(c)))
			i++
		}
	}
	return tokens, nil
}

// quotedLen is the length of a literal or quoted name at the start of s, or -1.
// Within a name the backslash means nothing.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] != '`':
			i++
		case s[i] == s[0] && i+1 < len(s) && s[i+1] == s[0]:
			i++
		case s[i] == s[0]:
			return i + 1
		}
	}
	return -1
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

func unended(what string) error {
	return &probe.Error{Class: probe.Statement, Msg: fmt.Sprintf("syntax error: a %s has no end", what)}
}

func refuse(format string, args ...any) error {
	return &probe.Error{Class: probe.Refused, Msg: fmt.Sprintf(format, args...)}
}
