package demo

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Deed is something that people may do to the warehouse by hand.
type Deed struct {
	Key   string // what is typed for it, one letter
	Label string // what its button says
	Told  string // how the narration tells it, in a sentence
	// breaks is what is written to the warehouse at a moment; nil breaks nothing.
	breaks func(now time.Time) Injection
	mends  bool // puts right all that is broken
}

// Deeds are all that people may do, in the order of their buttons.
func Deeds() []Deed {
	return []Deed{
		{Key: "s", Label: "stop the loader", Told: "the loader of flights stops: its runs fail from now on",
			breaks: func(now time.Time) Injection { return Injection{Kind: "loader_fails", Since: now} }},
		{Key: "d", Label: "drop a partition", Told: "yesterday's partition is dropped from weather",
			breaks: func(now time.Time) Injection {
				year, month, day := now.In(newYork).Date()
				today := time.Date(year, month, day, 0, 0, 0, 0, newYork)
				return Injection{Kind: "weather_lost", Since: today.AddDate(0, 0, -1), Until: today}
			}},
		{Key: "t", Label: "load keys twice", Told: "Atlanta is loaded into airports a second time",
			breaks: func(now time.Time) Injection { return Injection{Kind: "keys_twice", What: "ATL", Since: now} }},
		{Key: "r", Label: "repair", Told: "everything is put right", mends: true},
		{Key: "w", Label: "wait", Told: "let time pass"},
	}
}

// ByHand is the story in which people break things themselves: a few hours of an
// ordinary day, after which it is their turn.
func ByHand() Story {
	return Story{Stretches: []Stretch{{"Your turn, on a day on which nothing is wrong", at(9, 10, 9, 30), at(9, 10, 12, 30)}}}
}

// Lapse is how much time of the story passes after each deed: enough to be noticed,
// and to be seen to be well again.
const Lapse = 6 * time.Hour

// Hand takes what people do by hand, from the terminal and from a page, which
// also shows the narration that is written to it. Before it is people's turn, any
// key asks for that.
type Hand struct {
	begin chan struct{}
	deeds chan Deed

	mu    sync.Mutex
	turn  bool // people's
	lines []string
	part  []byte // the last line, which is not whole yet
}

// NewHand makes a hand that has nothing to do yet.
func NewHand() *Hand {
	return &Hand{begin: make(chan struct{}, 1), deeds: make(chan Deed, 1)}
}

// Wanted receives when somebody wants to break things by hand.
func (h *Hand) Wanted() <-chan struct{} { return h.begin }

// Turn says that it is people's turn from now on.
func (h *Hand) Turn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn, h.lines, h.part = true, nil, nil
}

// Press does what a key stands for. One that stands for nothing, or comes before
// the last has been seen to the end, is an error for people.
func (h *Hand) Press(key string) error {
	h.mu.Lock()
	turn := h.turn
	h.mu.Unlock()
	if !turn {
		select {
		case h.begin <- struct{}{}:
		default: // somebody has asked already
		}
		return nil
	}
	all := Deeds()
	n := slices.IndexFunc(all, func(d Deed) bool { return d.Key == key })
	if n < 0 {
		return fmt.Errorf("%q does nothing; %s", key, keys())
	}
	select {
	case h.deeds <- all[n]:
		return nil
	default:
		return fmt.Errorf("one thing at a time: %s of the story pass after each", span(Lapse))
	}
}

// keys lists what can be typed.
func keys() string {
	var all []string
	for _, d := range Deeds() {
		all = append(all, d.Key+" "+d.Label)
	}
	return "type a letter and Enter: " + strings.Join(all, " · ")
}

// shown is how many lines of the narration the page shows.
const shown = 60

// Write takes the narration, see io.Writer. It never fails.
func (h *Hand) Write(text []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.part = append(h.part, text...)
	for {
		line, rest, whole := bytes.Cut(h.part, []byte("\n"))
		if !whole {
			break
		}
		h.lines, h.part = append(h.lines, string(line)), bytes.Clone(rest)
	}
	h.lines = h.lines[max(0, len(h.lines)-shown):]
	return len(text), nil
}

//go:embed hand
var handFiles embed.FS

var handPage = template.Must(template.ParseFS(handFiles, "hand/page.tmpl"))

// Page serves the buttons and the narration under /hand/.
func (h *Hand) Page() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hand/{$}", h.draw)
	mux.HandleFunc("GET /hand/page.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, handFiles, "hand/page.css") })
	mux.HandleFunc("POST /hand/{key}", func(w http.ResponseWriter, r *http.Request) {
		if err := h.Press(r.PathValue("key")); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		http.Redirect(w, r, "/hand/", http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// draw writes the page. It has no script: it loads itself anew.
func (h *Hand) draw(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	view := struct {
		Turn  bool
		Deeds []Deed
		Lines []string
		Lapse string
	}{h.turn, Deeds(), slices.Clone(h.lines), span(Lapse)}
	h.mu.Unlock()
	slices.Reverse(view.Lines)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	_ = handPage.Execute(w, view) // the browser has gone
}
