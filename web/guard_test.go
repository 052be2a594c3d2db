package web_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/web"
)

func TestWhoMayCall(t *testing.T) {
	const reload, beat = "/-/reload", "/api/v1/heartbeats/load_flights"
	tests := []struct {
		name         string
		method, path string
		header       []string
		want         int
	}{
		{"a program on the machine", "GET", "/", nil, 200},
		{"the machine's name", "GET", "/", []string{"Host", "localhost:8642"}, 200},
		{"its address of version 6", "GET", "/", []string{"Host", "[::1]:8642"}, 200},
		{"the name that the operator gave", "GET", "/", []string{"Host", "Pipewatch.Internal"}, 200},
		{"a name that a hostile page pointed here", "GET", "/", []string{"Host", "evil.example"}, 421},
		{"such a name for the API", "GET", "/api/v1/nodes", []string{"Host", "evil.example:8642"}, 421},
		{"such a name for the metrics", "GET", "/metrics", []string{"Host", "evil.example"}, 421},
		{"a probe that calls by address", "GET", "/healthz", []string{"Host", "10.0.0.7:8642"}, 200},
		{"a reload by a program", "POST", reload, nil, 200},
		{"a reload from our own page", "POST", reload, []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a reload from another site's page", "POST", reload, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a reload from another origin", "POST", reload, []string{"Origin", "https://evil.example"}, 403},
		{"a reload by GET", "GET", reload, nil, 404},
		{"a heartbeat by a program", "GET", beat, nil, 200},
		{"a heartbeat by an image in another site's page", "GET", beat, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a page linked from another site", "GET", "/", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := story(t)
			w := call(serve(t, s), tt.method, tt.path, "", tt.header...)
			if w.Code != tt.want {
				t.Errorf("got %d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if w.Code >= 400 && (s.reloads > 0 || len(s.beats) > 0) {
				t.Error("what was refused was done")
			}
			h := w.Header()
			if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(h.Get("Content-Security-Policy"), "unsafe") ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers: %v", h)
			}
		})
	}
}

// slow holds every snapshot back until it is let go.
type slow struct {
	*stage
	entered, release chan struct{}
}

func (s slow) Snapshot() web.Snapshot {
	if s.entered != nil {
		s.entered <- struct{}{}
		<-s.release
	}
	return s.stage.Snapshot()
}

func TestTooManyRequestsAtOnceAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slow{story(t), make(chan struct{}, 100), make(chan struct{})}
		h := web.New(web.Config{Source: s, Control: s})
		codes := make(chan int, 100)
		for range 64 {
			go func() { codes <- call(h, "GET", "/", "").Code }()
		}
		synctest.Wait()
		w := call(h, "GET", "/", "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("the 65th got %d", w.Code)
		}
		close(s.release)
		for range 64 {
			if code := <-codes; code != http.StatusOK {
				t.Errorf("one of the 64 got %d", code)
			}
		}
		if w := call(h, "GET", "/", ""); w.Code != http.StatusOK {
			t.Errorf("after they were done: %d", w.Code)
		}
	})
}

func TestSlowClientIsCutOff(t *testing.T) {
	server := web.Server("", serve(t, story(t)))
	for name, limit := range map[string]time.Duration{
		"header": server.ReadHeaderTimeout, "request": server.ReadTimeout, "answer": server.WriteTimeout, "idle": server.IdleTimeout,
	} {
		if limit <= 0 || limit > time.Minute {
			t.Errorf("%s may take %s", name, limit)
		}
	}
	// The same server with less patience, as the test has none.
	server.ReadHeaderTimeout = 20 * time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A machine that is busy may cut it off before it has written or read: that is a
	// reset and no end.
	cut := func(err error) bool {
		return err == nil || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: local"); !cut(err) {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); !cut(err) || len(b) > 0 && !strings.Contains(string(b), "408") {
		t.Errorf("got %q, %v, want the connection closed", b, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.Server("", serve(t, story(t)))
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", resp.Status)
	}
}
