package main

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/demo"
)

// act is the story cut down to the stretch whose title holds a word.
func act(t *testing.T, word string) demo.Story {
	t.Helper()
	whole := demo.Flights()
	n := slices.IndexFunc(whole.Stretches, func(s demo.Stretch) bool { return strings.Contains(s.Title, word) })
	if n < 0 {
		t.Fatalf("no stretch is about %q", word)
	}
	s := whole.Stretches[n]
	story := demo.Story{Stretches: []demo.Stretch{s}}
	for _, f := range whole.Faults {
		if !f.Broke.Before(s.From) && f.Broke.Before(s.Until) {
			story.Faults = append(story.Faults, f)
		}
	}
	return story
}

// tell plays a story as demo --once does; it returns what was printed.
func tell(t *testing.T, story demo.Story) (string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs, log: slog.New(slog.DiscardHandler)}
	err := a.demo(t.Context(), demoOptions{once: true, listen: "127.0.0.1:0", slack: "127.0.0.1:0"}, story)
	code := 0
	if e, ok := err.(exit); ok {
		code = e.code
	} else if err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	return out.String(), code
}

// The whole story is `pipewatch demo --once`; acts of it go through the same service,
// warehouse, store and Slack here.
func TestAnActOfTheDemoIsToldAndScored(t *testing.T) {
	for _, c := range []struct {
		name, act string
		words     []string
	}{
		{"a cause and what it holds back", "weather is lost", []string{"🔴 weather has a gap", "held back, listed in its message: flights/joins_weather", "Resolved: weather"}},
		{"two causes at once have a message each", "Two faults", []string{"🔴 weather has a gap", "🔴 load_flights failed", "Resolved: weather", "Resolved: load_flights"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			told, code := tell(t, act(t, c.act))
			if code != 0 {
				t.Fatalf("exit code %d:\n%s", code, told)
			}
			for _, words := range append(c.words, "nothing else was said") {
				if !strings.Contains(told, words) {
					t.Errorf("it does not say %q:\n%s", words, told)
				}
			}
		})
	}
}

// The control: a fault that the story expects and nobody puts in is missed.
func TestTheDemoIsRedWhenAFaultIsNotFound(t *testing.T) {
	story := act(t, "weather is lost")
	for n := range story.Faults {
		story.Faults[n].Inject = demo.Injection{}
	}
	if told, code := tell(t, story); code != exitFail {
		t.Fatalf("exit code %d:\n%s", code, told)
	}
}
