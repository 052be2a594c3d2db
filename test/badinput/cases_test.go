package badinput_test

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is said to each input into testdata")

// spoilt is one paragraph of a file of inputs.
type spoilt struct {
	name  string
	lines []marked
	says  []string
}

// marked is one line of it: its mark, and its text as it is meant.
type marked struct {
	mark byte
	text string
}

// of gives the texts of the lines with a mark.
func (s spoilt) of(mark byte) []string {
	var out []string
	for _, l := range s.lines {
		if l.mark == mark {
			out = append(out, l.text)
		}
	}
	return out
}

// read reads testdata/<door>.txt.
func read(t *testing.T, door string) []spoilt {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", door+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []spoilt
	for p := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		var s spoilt
		for line := range strings.SplitSeq(p, "\n") {
			rest := strings.TrimPrefix(line[1:], " ")
			switch line[0] {
			case '#':
				s.name = rest
			case '>':
				s.says = append(s.says, rest)
			default:
				s.lines = append(s.lines, marked{line[0], meant(t, rest)})
			}
		}
		all = append(all, s)
	}
	return all
}

var (
	escapes = regexp.MustCompile(`\\(n|r|t|\\|u[0-9A-Fa-f]{4})`)
	many    = regexp.MustCompile(`(?s)⟪(\d+) × (.*?)⟫`)
	octets  = regexp.MustCompile(`⟪bytes ([0-9a-f ]+)⟫`)
)

// meant is a line's text with what stands for something else in its place.
func meant(t *testing.T, text string) string {
	text = escapes.ReplaceAllStringFunc(text, func(e string) string {
		s, err := strconv.Unquote(`"` + e + `"`)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	text = many.ReplaceAllStringFunc(text, func(e string) string {
		m := many.FindStringSubmatch(e)
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Repeat(m[2], n)
	})
	return octets.ReplaceAllStringFunc(text, func(e string) string {
		b, err := hex.DecodeString(strings.ReplaceAll(octets.FindStringSubmatch(e)[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	})
}

// file is the sound file with what the paragraph does to it.
func (s spoilt) file(t *testing.T, sound string) string {
	t.Helper()
	if whole := s.of('='); len(whole) > 0 {
		return whole[0]
	}
	right, wrong := s.of('-'), s.of('+')
	if len(right) != 1 || len(wrong) != 1 || strings.Count(sound, right[0]) != 1 {
		t.Fatalf("%s: the sound file has %q in %d places and should in one", s.name, right, strings.Count(sound, strings.Join(right, "\n")))
	}
	return strings.Replace(sound, right[0], wrong[0], 1)
}

// compare holds what was said, by name, against the file, or writes it there.
func compare(t *testing.T, door string, all []spoilt, said map[string][]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range all {
		if seen[s.name] {
			t.Errorf("two inputs are called %q", s.name)
		}
		seen[s.name] = true
		for _, line := range said[s.name] {
			legible(t, s.name, line)
		}
		if !*update {
			if d := cmp.Diff(s.says, said[s.name]); d != "" {
				t.Errorf("%s: what is said became another (-update writes it):\n%s", s.name, d)
			}
		}
	}
	t.Logf("%d inputs", len(all))
	if *update {
		write(t, door, said)
	}
}

// legible wants a message that a person can read in a terminal, and no secret.
func legible(t *testing.T, name, line string) {
	t.Helper()
	if len(line) > 500 {
		t.Errorf("%s: %d bytes are said, a person reads 500: %.200s…", name, len(line), line)
	}
	if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Errorf("%s: it is said with control characters: %q", name, line)
	}
	for _, secret := range []string{"hunter2hunter2", "xoxb-1", "MIIEv"} {
		if strings.Contains(line, secret) {
			t.Errorf("%s: a secret is repeated: %s", name, line)
		}
	}
}

func write(t *testing.T, door string, said map[string][]string) {
	name := filepath.Join("testdata", door+".txt")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for p := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		head, _, _ := strings.Cut(p, "\n>")
		for _, line := range said[strings.TrimPrefix(strings.SplitN(head, "\n", 2)[0], "# ")] {
			head += strings.TrimRight("\n> "+line, " ")
		}
		out = append(out, head)
	}
	if err := os.WriteFile(name, []byte(strings.Join(out, "\n\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
