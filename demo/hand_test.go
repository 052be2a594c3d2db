package demo_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/demo"
)

func TestAKeyAsksForATurnBeforeItDoesAnything(t *testing.T) {
	h := demo.NewHand()
	for range 2 { // asking twice is asking
		if err := h.Press("s"); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-h.Wanted():
	default:
		t.Fatal("nobody was asked")
	}
	h.Turn()
	if err := h.Press("x"); err == nil || !strings.Contains(err.Error(), "s stop the loader") {
		t.Errorf("a key that does nothing is told %v", err)
	}
	if err := h.Press("s"); err != nil {
		t.Errorf("the first deed: %v", err)
	}
	if err := h.Press("r"); err == nil || !strings.Contains(err.Error(), "one thing at a time") {
		t.Errorf("the second before the first was done: %v", err)
	}
}

func TestThePageHasAButtonForEachDeedAndShowsTheStory(t *testing.T) {
	h := demo.NewHand()
	page := h.Page()
	get := func() string {
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hand/", nil))
		return w.Body.String()
	}
	if body := get(); !strings.Contains(body, `action="/hand/begin"`) || strings.Contains(body, `action="/hand/s"`) {
		t.Errorf("before the turn:\n%s", body)
	}
	h.Turn()
	if _, err := h.Write([]byte("weather <is> sta")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Write([]byte("le\nand half a line")); err != nil {
		t.Fatal(err)
	}
	body := get()
	for _, d := range demo.Deeds() {
		if !strings.Contains(body, `action="/hand/`+d.Key+`"`) {
			t.Errorf("no button for %s", d.Label)
		}
	}
	if !strings.Contains(body, "weather &lt;is&gt; stale\n") || strings.Contains(body, "half a line") {
		t.Errorf("the narration:\n%s", body)
	}
}

// Another page that is open in the browser presses nothing here.
func TestAButtonTakesNoPressFromElsewhere(t *testing.T) {
	h := demo.NewHand()
	h.Turn()
	press := func(site string) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hand/s", nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		h.Page().ServeHTTP(w, r)
		return w.Code
	}
	if code := press("cross-site"); code != http.StatusForbidden {
		t.Errorf("from elsewhere: %d", code)
	}
	if code := press("same-origin"); code != http.StatusSeeOther {
		t.Errorf("from the page: %d", code)
	}
	if code := press("same-origin"); code != http.StatusConflict {
		t.Errorf("again, before it was done: %d", code)
	}
}
