package conf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/pipewatch-dev/pipewatch/conf"
)

func TestHostileTextIsRefused(t *testing.T) {
	cases := []struct{ name, src, want string }{
		{"a bomb of aliases", bomb(), "aliases"},
		{"a bomb within the number of aliases", smallBomb(), "multiply"},
		{"200 kB of brackets", strings.Repeat("[", 200_000), "nested deeper than 64 levels"},
		{"200 kB of braces", strings.Repeat("{a: ", 50_000), "nested deeper than 64 levels"},
		{"200 kB of dashes", strings.Repeat("- ", 100_000), "nested deeper than 64 levels"},
		{"flow inside block, together too deep", strings.Repeat("- ", 40) + strings.Repeat("[", 40) + strings.Repeat("]", 40), "nested deeper than 64 levels"},
		{"a scalar over 256 KiB", "a: " + strings.Repeat("x", conf.MaxScalar+1), "the limit is 256 KiB"},
		{"a file over 1 MiB", strings.Repeat("# comment\n", 200_000), "the limit is 1 MiB"},
		{"not UTF-8", "a: \xff\xfe\n", "not UTF-8"},
		{"UTF-16", "\xff\xfea\x00:\x00", "not UTF-8"},
		{"a NUL byte", "a: b\nc: \x00\n", "U+0000 is not allowed"},
		{"an escape sequence", "a: \x1b[31mred\n", "U+001B is not allowed"},
		{"a second document", "a: b\n---\nc: d\n", "second document"},
		{"a foreign tag", "a: !!binary aGk=\n", "tag"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, problems := conf.Parse("f.yaml", []byte(c.src))
			if len(problems) == 0 || !strings.Contains(problems.Error(), c.want) {
				t.Fatalf("want %q among the problems, got %.300v", c.want, problems)
			}
			if len(problems) > 3 {
				t.Errorf("%d problems for one fault", len(problems))
			}
			for _, p := range problems {
				if strings.ContainsAny(p.Error(), "\x00\x1b\n") || len(p.Error()) > 300 {
					t.Errorf("the message repeats the file: %.300q", p.Error())
				}
			}
			var s shop
			v.Decode(&s) // whatever is left can be decoded without harm
		})
	}
}

// bomb is ten levels of ten aliases each.
func bomb() string {
	var b strings.Builder
	b.WriteString("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i <= 12; i++ {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 10), ", "))
	}
	return b.String()
}

// smallBomb doubles 49 times with 98 aliases.
func smallBomb() string {
	var b strings.Builder
	b.WriteString("l0: &l0 [x]\n")
	for i := 1; i <= 49; i++ {
		fmt.Fprintf(&b, "l%d: &l%d [*l%d, *l%d]\n", i, i, i-1, i-1)
	}
	return b.String()
}

func TestAliasesWithinTheLimitsAreFine(t *testing.T) {
	src := "x: &x {a: 1, b: [1, 2]}\nl: [" + strings.TrimSuffix(strings.Repeat("*x, ", conf.MaxAliases), ", ") + "]\n"
	if v := parse(t, src); v.Get("l").Len() != conf.MaxAliases {
		t.Errorf("%d items", v.Get("l").Len())
	}
}

func TestDepthWithinTheLimitIsFine(t *testing.T) {
	const lists = conf.MaxDepth - 1 // the last level is the scalar
	parse(t, strings.Repeat("[", lists)+"x"+strings.Repeat("]", lists))
}

func TestAByteOrderMarkIsSkipped(t *testing.T) {
	v := parse(t, "\uFEFFa: b\n")
	if b := v.Get("a"); b.Text() != "b" || b.Pos().Col != 4 {
		t.Errorf("%q at %s", b.Text(), b.Pos())
	}
}

// read gives the problems of reading one file of a folder, both ways.
func read(t *testing.T, dir, name string) []string {
	t.Helper()
	_, err := conf.ReadFile(filepath.Join(dir, name))
	if err == nil {
		t.Error("ReadFile accepts it")
		err = conf.Problem{}
	}
	_, problems := conf.ReadGlob(dir, "*.yaml")
	if len(problems) == 0 {
		t.Error("ReadGlob accepts it")
	}
	return []string{err.Error(), problems.Error()}
}

func TestHostileFilesAreRefusedUnread(t *testing.T) {
	t.Run("a pipe does not block", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, "f.yaml"), 0o600); err != nil {
			t.Skip(err)
		}
		for _, got := range read(t, dir, "f.yaml") {
			if !strings.Contains(got, "not a regular file but a named pipe") {
				t.Errorf("got %q", got)
			}
		}
	})
	t.Run("300 MB are not read", func(t *testing.T) {
		dir := t.TempDir()
		name := filepath.Join(dir, "f.yaml")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, 300_000_000); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, got := range read(t, dir, "f.yaml") {
			if !strings.Contains(got, "300000000 bytes; the limit is 1 MiB") {
				t.Errorf("got %q", got)
			}
		}
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
			t.Errorf("%d bytes were allocated to refuse the file", grown)
		}
	})
	t.Run("a folder is no file", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "f.yaml"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, got := range read(t, dir, "f.yaml") {
			if !strings.Contains(got, "not a regular file but a folder") {
				t.Errorf("got %q", got)
			}
		}
	})
}

func TestReadGlob(t *testing.T) {
	base := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		full := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(base, name)); err != nil {
			t.Skip(err)
		}
	}
	write("dags/b.yaml", "b")
	write("dags/a.yaml", "a")
	write("dags/team/c.yaml", "c")
	write("dags/notes.txt", "n")
	write("secret/s.yaml", "s")
	link("a.yaml", "dags/inside.yaml")

	names := func(sources []conf.Source) string {
		var all []string
		for _, s := range sources {
			rel, err := filepath.Rel(base, s.File)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rel+"="+string(s.Data))
		}
		return strings.Join(all, " ")
	}
	good := []struct {
		name     string
		patterns []string
		want     string
	}{
		{"files come sorted, links inside the folder are followed", []string{"dags/*.yaml"}, "dags/a.yaml=a dags/b.yaml=b dags/inside.yaml=a"},
		{"a file named twice comes once", []string{"dags/b.yaml", "dags/[ab].yaml"}, "dags/a.yaml=a dags/b.yaml=b"},
		{"a wildcard may stand for a folder", []string{"dags/*/*.yaml"}, "dags/team/c.yaml=c"},
		{"a pattern may be absolute", []string{filepath.Join(base, "dags/team/*")}, "dags/team/c.yaml=c"},
		{"a pattern may go up when the operator says so", []string{"dags/../secret/*.yaml"}, "secret/s.yaml=s"},
	}
	for _, c := range good {
		t.Run(c.name, func(t *testing.T) {
			sources, problems := conf.ReadGlob(base, c.patterns...)
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			if got := names(sources); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	link("../secret/s.yaml", "dags/out.yaml")
	link("out2.yaml", "dags/loop.yaml")
	link("loop.yaml", "dags/out2.yaml")
	bad := []struct{ name, pattern, want string }{
		{"a link out of the folder is refused", "dags/*.yaml", "dags/out.yaml: the link leads out of its folder"},
		{"a link out of the folder is refused when named", "dags/out.yaml", "dags/out.yaml: the link leads out of its folder"},
		{"links in a circle are refused", "dags/loop.yaml", "dags/loop.yaml: "},
		{"a pattern that matches nothing is said", "dags/*.yml", "dags/*.yml: no file matches"},
		{"a folder that does not exist is said", "nowhere/*.yaml", "no such file"},
		{"a file that does not exist is said", "dags/nowhere.yaml", "no such file"},
		{"a malformed pattern is said", "dags/[.yaml", "malformed"},
	}
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			_, problems := conf.ReadGlob(base, c.pattern)
			if !strings.Contains(problems.Error(), c.want) {
				t.Errorf("want %q, got %v", c.want, problems)
			}
		})
	}
	sources, problems := conf.ReadGlob(base, "dags/*.yaml")
	if got := names(sources); !strings.Contains(got, "dags/a.yaml=a dags/b.yaml=b") || len(problems) != 3 {
		t.Errorf("the sound files are not read beside the others: %s, %v", got, problems)
	}
}

func FuzzParseAndDecode(f *testing.F) {
	for _, seed := range []string{"nodes: {a: {severity: warn, timeout: 5s}}\n", "joins: [{to: a, on: {left: x, right: y}, min_match: 99.5%}]\n",
		"x: &x {a: 1}\ny: {<<: *x}\n", "plain: [1, 2.5, true, ~, 2013-07-04, '${LOADED:-x}', \"$${x}\"]\n", "a: |\n  b\n  c\n", "? a\n: b\n", "slack: {token: 'x'}\n", bomb()} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		v, problems := conf.Parse("f.yaml", src)
		if v.Kind() == conf.Absent && len(problems) == 0 {
			t.Fatal("nothing was read and nothing was said")
		}
		v, more := v.Expand(lookup)
		problems.Merge(more)
		var s shop
		problems.Merge(v.Decode(&s))
		conf.Merge(v, v).Without("nodes").Any()
		var out strings.Builder
		conf.Render(&out, problems.Err(), func(string) ([]byte, bool) { return src, true })
		for i, p := range problems {
			if p.Pos.File != "f.yaml" || p.Msg == "" {
				t.Fatalf("problem %d has no place or no text: %+v", i, p)
			}
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }) {
			t.Fatalf("control characters in %q", out.String())
		}
	})
}
