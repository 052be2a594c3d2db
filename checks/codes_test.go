package checks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// A code that is reported must be explained, and one that is explained must be
// reported somewhere.
func TestEveryCodeIsExplainedAndUsed(t *testing.T) {
	explained := map[string]bool{}
	before := ""
	for _, c := range checks.Codes() {
		if c.Code <= before {
			t.Errorf("%s does not come after %s", c.Code, before)
		}
		before = c.Code
		if c.Title == "" || !strings.HasSuffix(c.Text, ".") {
			t.Errorf("%s is explained without a title or a full sentence", c.Code)
		}
		explained[c.Code] = true
	}
	for _, c := range dag.Codes() {
		if explained[c.Code] {
			t.Errorf("%s is also a code of package dag", c.Code)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	code := regexp.MustCompile(`"PW\d{3}"`)
	for _, name := range files {
		if name == "codes.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, quoted := range code.FindAllString(string(src), -1) {
			c := strings.Trim(quoted, `"`)
			if !explained[c] {
				t.Errorf("%s reports %s, which is not explained", name, c)
			}
			used[c] = true
		}
	}
	for c := range explained {
		if !used[c] {
			t.Errorf("%s is explained and never reported", c)
		}
	}
}
