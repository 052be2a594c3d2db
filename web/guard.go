package web

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

const (
	maxBody    = 100_000 // bytes of any request but
	maxPress   = 1 << 20 // those of Slack, which holds the whole message that was pressed
	maxAtOnce  = 64      // requests in the handlers at a time
	heartbeats = "/api/v1/heartbeats/"

	interactions = "/slack/interactions"
)

// policy is what a browser may do with our pages: show them, with our style.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// guard stands in front of every handler. A hostile page cannot make a browser
// act here (the browser says where it comes from) and cannot read anything by
// pointing a name of its own at this machine (it would be called by that name).
func guard(next http.Handler, hosts []string) http.Handler {
	hosts = append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)
	next = http.NewCrossOriginProtection().Handler(next)
	room := make(chan struct{}, maxAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if r.URL.Path != "/healthz" && !slices.Contains(hosts, hostname(r.Host)) {
			http.Error(w, fmt.Sprintf("%q is not a name of this service: add it as http: external_url", hostname(r.Host)), http.StatusMisdirectedRequest)
			return
		}
		// A heartbeat may be a GET, which the protection above lets pass.
		if strings.HasPrefix(r.URL.Path, heartbeats) && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
			http.Error(w, "heartbeats are not taken from other sites' pages", http.StatusForbidden)
			return
		}
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
			return
		}
		most := int64(maxBody)
		if r.URL.Path == interactions {
			most = maxPress
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// hostname is a Host header without its port, lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}
