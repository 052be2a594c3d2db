package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/demo"
)

// People break something from the page, are told, repair it, and are told so.
func TestWhatIsBrokenByHandIsToldAndSoIsItsRepair(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, printed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		a := &app{stdout: printed, stderr: io.Discard, log: slog.New(slog.DiscardHandler)}
		ended <- a.demo(ctx, demoOptions{hand: true, listen: "127.0.0.1:0", slack: "127.0.0.1:0"}, demo.Story{})
		printed.Close()
	}()
	lines := bufio.NewScanner(out)
	until := func(words string) string {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), words) {
				return lines.Text()
			}
		}
		t.Fatalf("it ended before it said %q", words)
		return ""
	}
	slack := regexp.MustCompile(`http://\S+/`).FindString(until("Slack  http://"))
	press := func(key string) {
		t.Helper()
		until("clock stands still")
		r, err := http.Post(slack+"hand/"+key, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", key, r.Status)
		}
	}
	press("d")
	until("🔴 weather has a gap")
	press("r")
	until("Resolved: weather")
	stop()
	go io.Copy(io.Discard, out) //nolint:errcheck // what it still says is of no interest
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
