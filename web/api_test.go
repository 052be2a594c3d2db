package web_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

// serve is a site on a stage.
func serve(t testing.TB, s *stage) http.Handler {
	return web.New(web.Config{Source: s, Control: s, Hosts: []string{"pipewatch.internal"}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// call sends a request as a program on the same machine would.
func call(h http.Handler, method, path string, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:8642"
	for pair := range slices.Chunk(header, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
		} else {
			r.Header.Set(pair[0], pair[1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// get gives the JSON of an answer, which must be 200.
func get(t *testing.T, h http.Handler, path string) map[string]any {
	t.Helper()
	w := call(h, "GET", path, "")
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d, %v\n%s", path, w.Code, err, w.Body)
	}
	return v
}

// dig follows keys and indexes into JSON.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func TestDAGsTellSlotsHealthAndBrokenFiles(t *testing.T) {
	s := story(t)
	s.snapshot.Broken = []web.BrokenFile{{File: "dags/1.yaml", Problem: "dags/1.yaml:13:15: no"}}
	got := get(t, serve(t, s), "/api/v1/dags")
	want := map[string]any{
		"name": "flight_delay", "description": "Training set for the arrival-delay model", "owner": "ml-data", "tags": []any{"ml"},
		"file": "dags/0.yaml", "timezone": "UTC",
		"health": map[string]any{"healthy": 3., "failing": 1., "blocked": 2.},
		"nodes": []any{
			"flight_delay/airports", "flight_delay/load_flights", "flight_delay/weather", "flight_delay/flights",
			"flight_delay/delay_labels", "flight_delay/training_set",
		},
		"last_slot": "2013-02-08T12:00:00Z", "last_run": "2013-02-08T12:00:00Z", "next_slot": "2013-02-08T12:15:00Z",
	}
	if diff := cmp.Diff(want, dig(got, "dags", 0)); diff != "" {
		t.Errorf("flight_delay:\n%s", diff)
	}
	if dig(got, "dags", 1, "broken") != true || dig(got, "broken", 0, "problem") != "dags/1.yaml:13:15: no" {
		t.Errorf("the broken file is not told: %v", got)
	}
}

func TestNodeHasTheShapeOfTheContract(t *testing.T) {
	h := serve(t, story(t))
	got := get(t, h, "/api/v1/nodes/flight_delay/flights")
	for _, tt := range []struct {
		path []any
		want any
	}{
		{[]any{"id"}, "flight_delay/flights"},
		{[]any{"table"}, "nyc.flights"},
		{[]any{"health"}, "failing"},
		{[]any{"root_cause"}, true},
		{[]any{"caused_by"}, []any{}},
		{[]any{"blocks"}, []any{"flight_delay/delay_labels", "flight_delay/training_set"}},
		{[]any{"checks", 0, "id"}, "flight_delay/flights/freshness"},
		{[]any{"checks", 0, "kind"}, "freshness"},
		{[]any{"checks", 0, "state"}, "failing"},
		{[]any{"checks", 0, "verdict"}, "fail"},
		{[]any{"checks", 0, "reason"}, "stale"},
		{[]any{"checks", 0, "severity"}, "error"},
		{[]any{"checks", 0, "observed", "age_seconds"}, 118800.},
		{[]any{"checks", 0, "expected", "error_after_seconds"}, 21600.},
		{[]any{"checks", 0, "message"}, "newest time_hour is 33h old, limit 6h"},
		{[]any{"checks", 0, "took_ms"}, 4.},
		{[]any{"checks", 0, "sql"}, []any{"select max(x)\nfrom flights"}},
	} {
		if diff := cmp.Diff(tt.want, dig(got, tt.path...)); diff != "" {
			t.Errorf("%v:\n%s", tt.path, diff)
		}
	}
	blocked := get(t, h, "/api/v1/nodes/flight_delay/training_set")
	if diff := cmp.Diff([]any{"flight_delay/flights"}, dig(blocked, "caused_by")); diff != "" {
		t.Errorf("causes of training_set:\n%s", diff)
	}
}

func TestNodesAreFilteredAndWithoutStatements(t *testing.T) {
	h := serve(t, story(t))
	ids := func(path string) []any {
		var out []any
		list, _ := dig(get(t, h, path), "nodes").([]any)
		for _, n := range list {
			out = append(out, dig(n, "id"))
		}
		return out
	}
	if diff := cmp.Diff([]any{"flight_delay/flights"}, ids("/api/v1/nodes?health=failing")); diff != "" {
		t.Errorf("failing nodes:\n%s", diff)
	}
	if diff := cmp.Diff([]any{"tower/notes", "tower/radar", "tower/strips"}, ids("/api/v1/nodes?dag=tower")); diff != "" {
		t.Errorf("nodes of tower:\n%s", diff)
	}
	if w := call(h, "GET", "/api/v1/nodes", ""); strings.Contains(w.Body.String(), "select max") {
		t.Error("the list carries every statement")
	}
}

func TestCheckThatNeverRanIsUnknown(t *testing.T) {
	got := get(t, serve(t, newStage(suite(t, tower))), "/api/v1/nodes/tower/radar")
	if dig(got, "health") != "unknown" || dig(got, "checks", 0, "state") != "unknown" || dig(got, "checks", 0, "verdict") != nil {
		t.Errorf("got %v", got)
	}
}

func TestHistoryIsNewestFirstAndLimited(t *testing.T) {
	h := serve(t, story(t))
	got := get(t, h, "/api/v1/nodes/flight_delay/flights/history?n=3")
	var slots []any
	runs, _ := dig(got, "runs").([]any)
	for _, r := range runs {
		slots = append(slots, dig(r, "slot"), dig(r, "checks", 0, "verdict"))
	}
	want := []any{"2013-02-08T12:00:00Z", "fail", "2013-02-08T11:45:00Z", "fail", "2013-02-08T11:30:00Z", "pass"}
	if diff := cmp.Diff(want, slots); diff != "" {
		t.Error(diff)
	}
}

func TestIncidentsArePagedAndFiltered(t *testing.T) {
	s := story(t)
	h := serve(t, s)
	first := get(t, h, "/api/v1/incidents?limit=1")
	id, _ := dig(first, "incidents", 0, "id").(string)
	next, _ := dig(first, "next").(string)
	if i := s.all[incident.ID(id)]; i.Root != "flight_delay/flights" || next != id {
		t.Fatalf("first page is %v, next %q", first, next)
	}
	rest := get(t, h, "/api/v1/incidents?limit=10&before="+next)
	list, _ := dig(rest, "incidents").([]any)
	if len(list) != len(s.all)-1 || dig(rest, "next") != nil {
		t.Errorf("second page has %d of %d, next %v", len(list), len(s.all), dig(rest, "next"))
	}
	open, _ := dig(get(t, h, "/api/v1/incidents?open=true"), "incidents").([]any)
	if len(open) != 2 {
		t.Errorf("%d open incidents, want those of flights and strips", len(open))
	}
	one := get(t, h, "/api/v1/incidents/"+id)
	if dig(one, "root") != "flight_delay/flights" || dig(one, "findings", 0, "reason") != "stale" {
		t.Errorf("incident: %v", one)
	}
}

func TestErrorsAreProblemDetails(t *testing.T) {
	broken := story(t)
	broken.err = errors.New("page 7 of /var/lib/secret is torn")
	tests := []struct {
		name, method, path string
		stage              *stage
		status             int
	}{
		{"a node that is not there", "GET", "/api/v1/nodes/flight_delay/trains", story(t), 404},
		{"the history of a node that is not there", "GET", "/api/v1/nodes/no/no/history", story(t), 404},
		{"an incident that is not there", "GET", "/api/v1/incidents/inc-1", story(t), 404},
		{"a path that is not there", "GET", "/api/v1/trains", story(t), 404},
		{"a limit that is no number", "GET", "/api/v1/incidents?limit=many", story(t), 422},
		{"a limit that is too high", "GET", "/api/v1/incidents?limit=100000", story(t), 422},
		{"a health that is none", "GET", "/api/v1/nodes?health=fine", story(t), 422},
		{"a heartbeat that nobody waits for", "POST", "/api/v1/heartbeats/unknown", story(t), 404},
		{"a heartbeat of a strange kind", "POST", "/api/v1/heartbeats/load_flights/maybe", story(t), 404},
		{"an exit status that is too high", "POST", "/api/v1/heartbeats/load_flights/256", story(t), 404},
		{"a state that cannot be read", "GET", "/api/v1/incidents", broken, 500},
		{"a heartbeat that cannot be kept", "POST", "/api/v1/heartbeats/load_flights", broken, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := call(serve(t, tt.stage), tt.method, tt.path, "")
			var p struct {
				Title, Detail string
				Status        int
			}
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatalf("%v in %s", err, w.Body)
			}
			if w.Code != tt.status || p.Status != tt.status || p.Title == "" || p.Detail == "" || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d %s %+v, want %d", w.Code, w.Header().Get("Content-Type"), p, tt.status)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer tells of the inside: %s", w.Body)
			}
		})
	}
}

func TestHeartbeats(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		want                     string
	}{
		{"a plain call is a success", "POST", "load_flights", "", `load_flights success 0 "" ""`},
		{"a GET counts", "GET", "load_flights?rid=7", "", `load_flights success 0 "7" ""`},
		{"a HEAD counts", "HEAD", "load_flights", "", `load_flights success 0 "" ""`},
		{"a start", "POST", "load_flights/start?rid=a-1", "", `load_flights start 0 "a-1" ""`},
		{"a failure with its last words", "POST", "load_flights/fail", "out of memory", `load_flights fail 0 "" "out of memory"`},
		{"exit status 0 is a success", "POST", "load_flights/0", "", `load_flights success 0 "" ""`},
		{"another exit status is a failure", "POST", "load_flights/137", "", `load_flights fail 137 "" ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := story(t)
			w := call(serve(t, s), tt.method, "/api/v1/heartbeats/"+tt.path, tt.body, "Content-Type", "application/x-www-form-urlencoded")
			if diff := cmp.Diff([]string{tt.want}, s.beats); diff != "" || w.Code != http.StatusOK {
				t.Errorf("%d %s\n%s", w.Code, w.Body, diff)
			}
		})
	}
}

func TestHeartbeatBodyHasALimit(t *testing.T) {
	s := story(t)
	h := serve(t, s)
	if w := call(h, "POST", "/api/v1/heartbeats/load_flights", strings.Repeat("x", 100_001)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("100,001 bytes: %d %s", w.Code, w.Body)
	}
	if w := call(h, "POST", "/api/v1/heartbeats/load_flights", strings.Repeat("x", 100_000)); w.Code != http.StatusOK {
		t.Errorf("100,000 bytes: %d %s", w.Code, w.Body)
	}
	if len(s.beats) != 1 {
		t.Errorf("%d beats were kept, want 1", len(s.beats))
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	got := get(t, serve(t, story(t)), "/api/v1/openapi.json")
	if v, _ := dig(got, "openapi").(string); !strings.HasPrefix(v, "3.1") {
		t.Errorf("version %q", v)
	}
	for path, methods := range map[string][]string{
		"/api/v1/dags": {"get"}, "/api/v1/nodes": {"get"}, "/api/v1/nodes/{dag}/{node}": {"get"},
		"/api/v1/nodes/{dag}/{node}/history": {"get"}, "/api/v1/incidents": {"get"}, "/api/v1/incidents/{id}": {"get"},
		"/api/v1/incidents/{id}/ack": {"post"}, "/api/v1/incidents/{id}/mute": {"post"}, "/api/v1/nodes/{dag}/{node}/check": {"post"},
		"/api/v1/nodes/{dag}/{node}/announce": {"post"}, "/api/v1/announcements/{id}": {"delete"}, "/api/v1/audit": {"get"},
		"/api/v1/heartbeats/{name}": {"get", "post"}, "/api/v1/heartbeats/{name}/{signal}": {"get", "post"},
	} {
		for _, m := range methods {
			if dig(got, "paths", path, m, "summary") == nil {
				t.Errorf("%s %s is not described", m, path)
			}
		}
	}
	raw, err := io.ReadAll(call(serve(t, story(t)), "GET", "/api/v1/openapi.json", "").Body)
	if err != nil || strings.Contains(string(raw), "$schema") {
		t.Errorf("answers are described with $schema (%v)", err)
	}
}
