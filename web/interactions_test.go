package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/web"
)

func TestInteractionsMayBeLargerThanOtherRequests(t *testing.T) {
	got := 0
	take := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if got = len(body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	s := story(t)
	site := web.New(web.Config{Source: s, Control: s, Interactions: take, Hosts: []string{"pipewatch.internal"}})
	for _, c := range []struct {
		name string
		size int
		want int
	}{
		{"a message with all that it may hold", 1 << 20, 200},
		{"more than a mebibyte", 1<<20 + 1, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := call(site, "POST", "/slack/interactions", strings.Repeat("x", c.size), "Host", "pipewatch.internal")
			if w.Code != c.want || c.want == 200 && got != c.size {
				t.Errorf("got %d after %d bytes, want %d", w.Code, got, c.want)
			}
		})
	}
	if w := call(serve(t, s), "POST", "/slack/interactions", "x"); w.Code != 404 {
		t.Errorf("where nobody listens: %d", w.Code)
	}
}
