package web_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// text is what a person reads on a page: no markup, single blanks.
func text(html string) string {
	html = regexp.MustCompile(`(?s)<head>.*</head>|<svg.*?</svg>|<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(html), " ")
}

func page(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := call(h, "GET", path, "")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatalf("GET %s: %d %s\n%s", path, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return w.Body.String()
}

// inOrder demands that words stand on a page one after the other.
func inOrder(t *testing.T, page string, words ...string) {
	t.Helper()
	rest := text(page)
	for _, w := range words {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Errorf("%q does not come where it should in:\n%s", w, text(page))
			return
		}
		rest = after
	}
}

func TestHomeShowsIncidentsFirstThenNodesInOrder(t *testing.T) {
	inOrder(t, page(t, serve(t, story(t)), "/"),
		"2 open incidents", "1 failing", "2 blocked",
		"flights flight_delay open freshness stale newest time_hour is 33h old, limit 6h",
		"since Thu 7 Feb 2013 09:00 UTC", "last good Thu 7 Feb 2013 03:00 UTC", "holds up", "delay_labels", "training_set",
		"strips tower open, warning", "flight is NULL in 3 rows",
		"flight_delay", "Training set for the arrival-delay model. Owner ml-data · last run 40 s ago · next in 14 min",
		"airports table healthy", "weather table healthy", "flights table failing freshness: newest time_hour is 33h old, limit 6h",
		"delay_labels table blocked", "because of failing: flights", "training_set table blocked",
		"tower", "was due", "notes table unknown nobody watches it never",
	)
}

func TestHomeWithoutIncidentsSaysSo(t *testing.T) {
	s := newStage(suite(t, tower))
	inOrder(t, page(t, serve(t, s), "/"), "No open incidents", "3 unknown")
	s.snapshot.Suite, s.snapshot.Nodes = suite(t), nil
	inOrder(t, page(t, serve(t, s), "/"), "No open incidents", "Nothing is watched yet")
}

func TestHomeSaysWhatIsWrongWithTheServiceItself(t *testing.T) {
	s := story(t)
	s.snapshot.StateErr = errors.New("no space left on device")
	inOrder(t, page(t, serve(t, s), "/"), "state no space left on device", "2 open incidents")
}

func TestIncidentPageTellsItFromBeginningToEnd(t *testing.T) {
	s := story(t)
	var id incident.ID
	for _, i := range s.all {
		if i.Root == "flight_delay/flights" {
			id = i.ID
		}
	}
	path := "/incidents/" + string(id)
	inOrder(t, page(t, serve(t, s), path),
		"flights: newest time_hour is 33h old, limit 6h (and 1 more)", "open", "root cause",
		"lasts for 1 d 3 h", "What is wrong", "joins_airports orphans 98.7% of 6,112 rows",
		"Held back", "delay_labels freshness stale newest label_time is 26h old", "held back because flights freshness is stale",
		"Holds up", "training_set", "Timeline", "Opened. Fri 8 Feb 2013 12:00 UTC",
	)
	s.run("flight_delay", 15, map[dag.CheckID]checks.Verdict{"flight_delay/flights/joins_airports": orphans})
	s.run("flight_delay", 30, map[dag.CheckID]checks.Verdict{"flight_delay/flights/joins_airports": orphans})
	inOrder(t, page(t, serve(t, s), path), "What is wrong", "joins_airports", "Was wrong", "freshness", "(passes again)", "Timeline", "flights freshness", "passes again.")
	s.run("flight_delay", 45, nil)
	s.run("flight_delay", 60, nil)
	inOrder(t, page(t, serve(t, s), path), "resolved", "resolved Fri 8 Feb 2013 13:00 UTC", "What was wrong", "Held up", "Resolved: everything passes again.")
	inOrder(t, page(t, serve(t, s), "/incidents"), "Incidents", "flights flight_delay resolved", "lasted 1 d 4 h")
}

func TestNodePageShowsChecksFiguresPastAndStatements(t *testing.T) {
	html := page(t, serve(t, story(t)), "/nodes/flight_delay/flights")
	inOrder(t, html, "flights", "failing", "Departures from New York", "table nyc.flights", "owner ml-data", "runbook https://runbooks.example/flights",
		"needs", "airports", "weather", "needed by", "delay_labels",
		"freshness", "fail", "stale newest time_hour is 33h old", "age 1 d 9 h", "rows 336 776", "error after 6 h",
		"checked 40 s ago in 4 ms · state failing", "select max(x) from flights",
		"joins_airports joins", "match 98.7 %", "no_negative_distance sql",
	)
	if n := strings.Count(html, `class="cell fail"`); n != 4 {
		t.Errorf("%d failed cells, want two of two checks", n)
	}
	if !strings.Contains(html, `title="Fri 8 Feb 2013 11:45 UTC: fail, newest time_hour is 33h old, limit 6h"`) {
		t.Error("a cell does not say what it was")
	}
}

func TestPagesThatAreNotThereSaySo(t *testing.T) {
	h := serve(t, story(t))
	for _, path := range []string{"/nodes/flight_delay/trains", "/incidents/inc-none", "/anything"} {
		w := call(h, "GET", path, "")
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "To the overview") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	broken := story(t)
	broken.err = errors.New("page 7 of /var/lib/secret is torn")
	for _, path := range []string{"/nodes/flight_delay/flights", "/incidents", "/incidents/inc-none"} {
		w := call(serve(t, broken), "GET", path, "")
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	const evil = `<script>alert(1)</script><img src=x onerror=alert(1)>"'` + "`javascript:alert(1)"
	s := newStage(suite(t, strings.NewReplacer("description: Training set", `description: "<script>alert(1)</script>"`+"\nx-was: Training set",
		"runbook: https://runbooks.example/flights", `runbook: 'https://runbooks.example/"><script>alert(1)</script>'`).Replace(flightDelay)))
	bad := stale
	bad.Message = evil
	bad.Observed = map[string]any{evil: evil}
	for _, minute := range []int{0, 15} {
		s.run("flight_delay", minute, map[dag.CheckID]checks.Verdict{"flight_delay/flights/freshness": bad})
	}
	s.snapshot.StateErr = errors.New(evil)
	h := serve(t, s)
	for id := range s.all {
		for _, path := range []string{"/", "/incidents", "/incidents/" + string(id), "/nodes/flight_delay/flights"} {
			html := page(t, h, path)
			for _, never := range []string{"<script", "<img", "onerror=alert(1)>", `href="javascript`, " style=", "<style"} {
				if strings.Contains(html, never) {
					t.Errorf("%s holds %q", path, never)
				}
			}
			if !strings.Contains(html, "&lt;script&gt;") {
				t.Errorf("%s does not show the text at all", path)
			}
		}
	}
}

func TestStyleIsServedAndMayBeKept(t *testing.T) {
	h := serve(t, story(t))
	refs := regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page(t, h, "/"), -1)
	if len(refs) != 2 {
		t.Fatalf("the page refers to %v, want its style and its icon", refs)
	}
	for _, ref := range refs {
		w := call(h, "GET", ref[1], "")
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "max-age") || !regexp.MustCompile("^(text/css|image/svg)").MatchString(w.Header().Get("Content-Type")) {
			t.Errorf("%s: %d %v", ref[1], w.Code, w.Header())
		}
	}
	if w := call(h, "GET", "/static/none.css", ""); w.Code != 404 {
		t.Errorf("a file that is not there: %d", w.Code)
	}
}

func TestManyChecksThatSayTheSameSayItOnce(t *testing.T) {
	s := story(t)
	lost := map[dag.CheckID]checks.Verdict{}
	for c := range s.snapshot.Suite.All() {
		lost[c.ID()] = checks.Verdict{Outcome: checks.Error, Message: "connection refused", Broken: "connection"}
	}
	for minute := 15; minute <= 60; minute += 15 {
		s.run("flight_delay", minute, lost)
	}
	html := page(t, serve(t, s), "/")
	inOrder(t, html, "Cannot check local open", "airports row_count connection refused", "and 8 more",
		"airports table unknown", "freshness, row_count, joins_airports, joins_weather, no_negative_distance: connection refused")
	if n := strings.Count(text(html), "connection refused"); n != 4+6 {
		t.Errorf("said %d times, want once for each of six nodes and of four checks on the card", n)
	}
}

func TestIconTellsWhetherSomethingIsWrong(t *testing.T) {
	if html := page(t, serve(t, story(t)), "/"); !strings.Contains(html, "/static/alarm.svg") {
		t.Error("calm during incidents")
	}
	if html := page(t, serve(t, newStage(suite(t, tower))), "/"); !strings.Contains(html, "/static/calm.svg") {
		t.Error("alarmed without one")
	}
}
