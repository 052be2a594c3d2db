package conf

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Render prints an error for a person: each [Problem] in it with its source line, a
// caret under the place and its hint, and anything else as it is. source returns the
// text of a file, or false where it is not at hand; nil shows no source lines. What
// looks like a secret in a source line is printed as ***.
func Render(w io.Writer, err error, source func(file string) ([]byte, bool)) {
	var out strings.Builder
	for _, e := range flatten(err) {
		p, ok := e.(Problem)
		if !ok {
			fmt.Fprintf(&out, "%s\n", clean(e.Error()))
			continue
		}
		fmt.Fprintf(&out, "%s\n", p.Error())
		if source != nil && p.Pos.Line > 0 && !p.Hidden {
			if src, ok := source(p.Pos.File); ok {
				excerpt(&out, src, p)
			}
		}
		if p.Hint != "" {
			fmt.Fprintf(&out, "    hint: %s\n", clean(p.Hint))
		}
	}
	_, _ = io.WriteString(w, out.String())
}

// flatten lists the leaves of a tree of errors in order. A wrapper with text of its
// own stays whole unless it wraps problems.
func flatten(err error) []error {
	switch e := err.(type) {
	case nil:
		return nil
	case Problem:
		return []error{e}
	case interface{ Unwrap() []error }:
		var all []error
		for _, inner := range e.Unwrap() {
			all = append(all, flatten(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		for _, inner := range flatten(e.Unwrap()) {
			if _, ok := inner.(Problem); ok {
				return flatten(e.Unwrap())
			}
		}
	}
	return []error{err}
}

// excerpt prints the source line and the caret. Long lines are cut around the place.
func excerpt(out *strings.Builder, src []byte, p Problem) {
	const around = 100
	line := []rune(maskLine(sourceLine(src, p.Pos.Line)))
	start := min(max(p.Pos.Col, 1)-1, len(line))
	width := max(min(p.Width, len(line)-start), 1)
	if start > around {
		cut := start - around/2
		line, start = append([]rune("…"), line[cut:]...), start-cut+1
	}
	if len(line) > 2*around {
		line = append(line[:2*around-1:2*around-1], '…')
	}
	width = max(min(width, len(line)-start), 1)
	number := fmt.Sprintf("%5d", p.Pos.Line)
	fmt.Fprintf(out, "%s | %s\n", number, clean(string(line)))
	fmt.Fprintf(out, "%s | %s%s\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", start), strings.Repeat("^", width))
}

var (
	keyInLine = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_-]*)["']?\s*:\s*`)
	// An interpolation without a default of its own shows where a secret is, not what.
	plainReference = regexp.MustCompile(`^\$\{(\w+(:-)?|file:[^}]*)\}$`)
	// Shapes of well-known secrets, wherever they stand.
	secretShape = regexp.MustCompile(`xox[a-z]-[\w-]+|xapp-[\w-]+|hooks\.slack\.com/services/[\w/]+|AKIA[0-9A-Z]{16}|-----BEGIN.*|(://[^/\s:@"']*:)[^@\s"']+@`)
)

// maskLine hides values that stand under a key named like a secret, and text shaped
// like one. Hidden text keeps its length, so that carets stay where they belong; a
// plain interpolation is no secret and stays readable.
func maskLine(line string) string {
	b := []byte(line)
	for _, m := range keyInLine.FindAllStringSubmatchIndex(line, -1) {
		if !secretName(line[m[2]:m[3]]) {
			continue
		}
		value := line[m[1]:]
		end := len(value)
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			if close := strings.IndexByte(value[1:], value[0]); close >= 0 {
				end = close + 2
			}
		} else if i := strings.IndexAny(value, ",}]"); i >= 0 && !strings.HasPrefix(value, "${") {
			end = i
		}
		if plainReference.MatchString(strings.Trim(value[:end], `"' `)) {
			continue
		}
		star(b[m[1] : m[1]+end])
	}
	return maskShapes(string(b))
}

// maskShapes hides what has the shape of a well-known secret.
func maskShapes(text string) string {
	b := []byte(text)
	for _, m := range secretShape.FindAllIndex(b, -1) {
		star(b[m[0]:m[1]])
	}
	return string(b)
}

// shapesBegin is a part of every text that secretShape finds: looking for these first
// spares large files the pattern.
var shapesBegin = []string{"xox", "xapp-", "hooks.slack.com", "AKIA", "-----BEGIN", "://"}

// Secrets finds what has the shape of a well-known secret in a file that others
// may read. No problem shows it.
func Secrets(file string, src []byte) Problems {
	text := string(src)
	if !slices.ContainsFunc(shapesBegin, func(s string) bool { return strings.Contains(text, s) }) {
		return nil
	}
	var problems Problems
	n := 0
	for line := range strings.Lines(text) {
		n++
		for _, m := range secretShape.FindAllStringIndex(line, -1) {
			problems.Add(Problem{
				Pos: Pos{file, n, utf8.RuneCountInString(line[:m[0]]) + 1}, Width: utf8.RuneCountInString(line[m[0]:m[1]]), Hidden: true,
				Msg: "this looks like a secret", Hint: "take it out and make it invalid, as others have seen it; secrets belong to pipewatch.yaml, as ${NAME} or ${file:/path}",
			})
		}
	}
	return problems
}

func star(b []byte) {
	for i, c := range b {
		if c != '"' && c != '\'' && c != ' ' {
			b[i] = '*'
		}
	}
}
