package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheTableTakesThePlaceOfTheOneBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before\n"+tableOpens+"\nstale\n"+tableEnds+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := []row{
		{goal: "G1", command: "./test/crash", figures: "lost 0", took: time.Minute, green: true},
		{goal: "G3", command: "./test/power", figures: "lost 1", took: time.Minute},
	}
	for range 2 { // the second time over the first
		if err := write(path, tableOf(rows, "abc", 1, time.Unix(0, 0))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n", "1 January 1970, commit abc", "| lost 0 | 1m0s | holds |", "| lost 1 | 1m0s | **DOES NOT HOLD** |"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("%q does not stand there once:\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "stale") {
		t.Error("the table before is still there")
	}
	if err := os.WriteFile(path, []byte("no place\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if write(path, "table") == nil {
		t.Error("a page without a place for it took the table")
	}
}

func TestFiguresAreTheLinesOfASummary(t *testing.T) {
	cases := []struct{ name, out, want string }{
		{"of all trials together, not of each", "\nidle, Slack faulty\n  lost 1\nall, Slack faulty: 9 kills\n  x | y\n  lost 0, doubled 0\ncrash: over", "all, Slack faulty: 9 kills; x / y; lost 0, doubled 0"},
		{"nothing where there is no summary", "it broke", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := figures(ofKills, []byte(c.out)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestThePageHasAPlaceForTheTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	if opens, ends := strings.Index(string(text), tableOpens), strings.Index(string(text), tableEnds); opens < 0 || ends < opens {
		t.Errorf("%s lacks %q and %q", page, tableOpens, tableEnds)
	}
}

func TestAShareOfAHarnessIsThatMuchOfIt(t *testing.T) {
	cases := []struct {
		name  string
		h     harness
		share int
		want  string
	}{
		{"all of a number", harness{args: []string{"x"}, n: 10_000}, 1, "x -n 10000"},
		{"a twentieth of a number", harness{args: []string{"x", "-seed", "1"}, n: 10_000}, 20, "x -seed 1 -n 500"},
		{"never nothing", harness{args: []string{"x"}, n: 10}, 20, "x -n 1"},
		{"a twentieth of a duration", harness{args: []string{"x"}, long: 10 * time.Minute}, 20, "x -d 30s"},
		{"all of what is a list", harness{args: []string{"x"}, short: []string{"-only", "a"}}, 1, "x"},
		{"some of what is a list", harness{args: []string{"x"}, short: []string{"-only", "a"}}, 20, "x -only a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(c.h.sized(c.share), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
