package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Pos is a place in a file. Line and Col count from 1, Col in characters; a Line of
// 0 means the file as a whole.
type Pos struct {
	File string
	Line int
	Col  int
}

// String formats the position as file:line:col, or only the file when the line is
// not known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// IsZero reports whether the position says nothing.
func (p Pos) IsZero() bool { return p == Pos{} }

// Problem is one thing that is wrong in a file, worded for the person who wrote it.
// It is an error.
type Problem struct {
	Pos    Pos
	Width  int    // characters to underline from Pos; 0 is treated as 1
	Path   string // where in the document, as in nodes.orders.severity; may be empty
	Code   string // a stable code such as PW101 for semantic problems; may be empty
	Msg    string // lower case, without position, path or code
	Hint   string // what to do about it; may be empty
	Hidden bool   // the source line may show a secret and is not printed
}

// Error formats the problem on one line: "file:line:col: CODE path: message".
func (p Problem) Error() string {
	var b strings.Builder
	if !p.Pos.IsZero() {
		b.WriteString(p.Pos.String())
		b.WriteString(": ")
	}
	if p.Code != "" {
		b.WriteString(p.Code)
		b.WriteString(" ")
	}
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Msg)
	return clean(b.String())
}

// WithCode returns the problem carrying a stable code.
func (p Problem) WithCode(code string) Problem {
	p.Code = code
	return p
}

// WithHint returns the problem with a hint, formatted as by fmt.Sprintf.
func (p Problem) WithHint(format string, args ...any) Problem {
	p.Hint = fmt.Sprintf(format, args...)
	return p
}

// Problems is a list of problems and, when not empty, an error. Return it through
// [Problems.Err], never as a bare error: an empty list is not nil.
type Problems []Problem

// Add appends one problem.
func (ps *Problems) Add(p Problem) { *ps = append(*ps, p) }

// Merge appends all problems of another list.
func (ps *Problems) Merge(other Problems) { *ps = append(*ps, other...) }

// Error formats the problems one on a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns nil for an empty list, and otherwise the problems sorted by file and
// position with duplicates dropped. The list itself is not changed.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Msg, b.Msg),
		)
	})
	return slices.Compact(sorted)
}

// Unwrap lets errors.Is and errors.As look at each problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// clean replaces what a terminal or a log could act on: control characters, and the
// invisible formatting characters that can reorder text. Line breaks inside a
// message become spaces.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// quote is how messages cite text of a file: cleaned, cut and in double quotes,
// without what looks like a secret.
func quote(s string) string {
	const most = 60
	runes := []rune(clean(maskShapes(s)))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return strconv.Quote(string(runes))
}
