package duckdb

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// literals are comments, which are kept, and what stands in quotes.
var literals = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"`)

// absolute makes the relative file names of an init statement absolute. The engine
// would look for them in the working directory first (file_search_path comes
// second), and a watcher must read the same file wherever it was started. A literal
// is a file name when it has a dot or a slash and what stands before its first
// wildcard exists in the folder.
func absolute(dir, statement string) string {
	return literals.ReplaceAllStringFunc(statement, func(literal string) string {
		quote := literal[:1]
		if quote != "'" && quote != `"` {
			return literal
		}
		name := strings.ReplaceAll(literal[1:len(literal)-1], quote+quote, quote)
		if !strings.ContainsAny(name, "./") || filepath.IsAbs(name) || strings.Contains(name, "://") || strings.Contains(name, "\n") {
			return literal
		}
		fixed := name
		if i := strings.IndexAny(name, "*?["); i >= 0 {
			fixed = name[:strings.LastIndexByte(name[:i], '/')+1]
		}
		if _, err := os.Stat(filepath.Join(dir, fixed)); err != nil {
			return literal
		}
		return quote + strings.ReplaceAll(filepath.Join(dir, name), quote, quote+quote) + quote
	})
}
