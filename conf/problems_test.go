package conf_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pipewatch-dev/pipewatch/conf"
)

var update = flag.Bool("update", false, "write what conf says now into testdata, for review")

// TestProblemsAreWordedForPeople runs the cases of testdata/problems.txtar, which
// tells how they are built.
func TestProblemsAreWordedForPeople(t *testing.T) {
	file := filepath.Join("testdata", "problems.txtar")
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
			want[name] = string(f.Data)
		}
	}
	var written []txtar.File
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		got := rendered(f.Data)
		written = append(written, f, txtar.File{Name: name + ".want", Data: []byte(got)})
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want[name], got); diff != "" && !*update {
				t.Errorf("rendered problems differ (-want +got):\n%s", diff)
			}
			if got == "" {
				t.Error("the file is wrong and nothing was said")
			}
			for _, secret := range []string{"hunter2", "xoxb-1234", "xoxp-1-2-3", "\a", "\u202e"} {
				if strings.Contains(got, secret) {
					t.Errorf("%q is shown:\n%s", secret, got)
				}
			}
		})
	}
	if *update {
		archive.Files = written
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rendered is what a person sees of a document for the type shop.
func rendered(src []byte) string {
	v, problems := conf.Parse("shop.yaml", src)
	v, more := v.Expand(lookup)
	problems.Merge(more)
	var s shop
	problems.Merge(v.Decode(&s))
	var out bytes.Buffer
	conf.Render(&out, problems.Err(), func(string) ([]byte, bool) { return src, true })
	return out.String()
}

func lookup(name string, _ conf.Value) (string, error) {
	switch name {
	case "LOADED":
		return "12", nil
	case "SECRET":
		return "hunter2", nil
	case "EMPTY":
		return "", nil
	}
	return "", conf.ErrUnset
}
