package conf

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// syntaxProblem words an error of the YAML library for the person who wrote the
// file. The library's own text is the fall-back, cleaned, as it may cite the file.
func syntaxProblem(file string, src []byte, err error) Problem {
	p := Problem{Pos: Pos{File: file, Line: 1, Col: 1}, Msg: "not valid YAML: " + err.Error()}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return p
	}
	if le.Mark.Line > 0 {
		p.Pos.Line, p.Pos.Col = le.Mark.Line, max(le.Mark.Column, 1)
	}
	p.Msg = "not valid YAML: " + le.Message
	line := sourceLine(src, p.Pos.Line)
	// The place where an open bracket or quote began says more than the place where
	// the reader gave up.
	opened := le.ContextMark.Line > 0 && le.ContextMsg != "" &&
		(strings.Contains(le.ContextMsg, "flow") || strings.Contains(le.ContextMsg, "quoted"))
	if opened && le.ContextMark.Line != le.Mark.Line {
		p.Pos.Line, p.Pos.Col = le.ContextMark.Line, max(le.ContextMark.Column, 1)
	}
	if strings.Contains(le.ContextMsg, "simple key") && le.ContextMark.Line > 0 {
		p.Pos.Line, p.Pos.Col = le.ContextMark.Line, max(le.ContextMark.Column, 1)
	}
	switch {
	case conflict.Match(src):
		p.Pos.Line, p.Pos.Col = 1+strings.Count(string(src[:conflict.FindIndex(src)[0]]), "\n"), 1
		p.Msg, p.Hint = "a merge conflict of git begins here", "keep one side of it and remove the lines <<<<<<<, ======= and >>>>>>>"
	case strings.Contains(le.Message, "could not find expected ':'"):
		p.Msg, p.Hint = "a line without a ':'", "write key: value, or quote a text that goes over lines"
	case strings.Contains(le.Message, "max depth"):
		p.Msg = "nested deeper than 64 levels"
	case opened && bareInterpolation.MatchString(line):
		p.Msg, p.Hint = "an interpolation inside { } or [ ] must be quoted", `quote it, as in "${VAR}"`
		if i := bareInterpolation.FindStringSubmatchIndex(line)[2]; p.Pos.Line == le.Mark.Line {
			p.Pos.Col, p.Width = utf8.RuneCountInString(line[:i])+1, interpolationWidth(line[i:])
		}
	case strings.Contains(le.ContextMsg, "flow"):
		p.Msg, p.Hint = "a bracket that opens here is not closed, or a comma is missing", "check the brackets and the commas between the values"
	case strings.Contains(le.ContextMsg, "quoted"):
		p.Msg, p.Hint = "a quote that opens here is not closed", ""
	case strings.Contains(le.Message, "cannot start any token"):
		if strings.HasPrefix(strings.TrimLeft(line, " "), "\t") {
			p.Msg, p.Hint = "a tab cannot indent YAML", "indent with spaces"
		} else {
			p.Msg, p.Hint = "a plain value cannot start with this character", "quote the value"
		}
	case strings.Contains(le.Message, "mapping values are not allowed"):
		p.Msg, p.Hint = "a second ':' on this line, or wrong indentation", "quote a value that holds ': '"
	case strings.Contains(le.Message, "unknown anchor"):
		p.Msg, p.Hint = "this alias refers to an anchor that is not defined above it", "quote the value if the * is meant literally"
	case strings.Contains(le.Message, "did not find expected key"):
		p.Msg, p.Hint = "this line does not line up with the keys above it", "give the keys of one map the same indentation"
	}
	return p
}

// conflict finds what git leaves in a file of which two people changed a place.
var conflict = regexp.MustCompile(`(?m)^<<<<<<< `)

// bareInterpolation finds a ${ that begins a value without a quote before it.
var bareInterpolation = regexp.MustCompile(`[:,\[]\s*(\$\{)`)

func interpolationWidth(s string) int {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return 1
	}
	return utf8.RuneCountInString(s[:end+1])
}

// sourceLine returns the line with number n, counted from 1, without its line break.
func sourceLine(src []byte, n int) string {
	rest := string(src)
	for ; n > 1; n-- {
		_, after, found := strings.Cut(rest, "\n")
		if !found {
			return ""
		}
		rest = after
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "\uFEFF")
}
