package web_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestExplanationsSayWhatIsHeldBackAndWhy(t *testing.T) {
	s := story(t)
	h := serve(t, s)
	n := get(t, h, "/api/v1/nodes/flight_delay/delay_labels/explain")
	if dig(n, "health") != "blocked" || dig(n, "caused_by", 0) != "flight_delay/flights" || dig(n, "checks", 0, "causes", 0, "taken") != true {
		t.Errorf("%v", n)
	}
	for _, id := range slices.Sorted(maps.Keys(s.all)) {
		i := get(t, h, "/api/v1/incidents/"+string(id)+"/explain")
		if s.all[id].Root == "flight_delay/flights" && (dig(i, "held", 0, "check") != "flight_delay/delay_labels/freshness" || dig(i, "next", 0) == nil) {
			t.Errorf("%v", i)
		}
	}
	for _, path := range []string{"/api/v1/nodes/flight_delay/nosuch/explain", "/api/v1/incidents/inc-nosuch/explain"} {
		if w := call(h, "GET", path, ""); w.Code != 404 || !strings.Contains(w.Body.String(), "nosuch") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	s.err = errors.New("disk on fire")
	if w := call(h, "GET", "/api/v1/incidents/inc-nosuch/explain", ""); w.Code != 500 || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("an unreadable state: %d %s", w.Code, w.Body)
	}
}

func TestCoverageListsWhatNobodyWatches(t *testing.T) {
	got := get(t, serve(t, story(t)), "/api/v1/coverage")
	if dig(got, "nodes") != 9. || dig(got, "checks") != 14. || len(dig(got, "gaps").([]any)) != 0 {
		t.Errorf("all is watched: %v", got)
	}
	got = get(t, serve(t, newStage(suite(t, tower))), "/api/v1/coverage")
	if dig(got, "gaps", 0, "kind") != "never_evaluated" || dig(got, "gaps", 0, "node") != "tower/radar" {
		t.Errorf("nothing was evaluated yet: %v", got)
	}
}
