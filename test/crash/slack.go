package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

var token = secrets["alerts.slack.token"]

// plan draws what goes wrong with one call, and names it.
type plan func(r *rand.Rand, q strictslack.Request) (strictslack.Fault, string)

// plans are the ways in which Slack behaves, by name. In the last two nobody
// could keep the promise, so that a trial must turn red.
var plans = map[string]plan{
	"well":   func(r *rand.Rand, _ strictslack.Request) (strictslack.Fault, string) { return brief(r), "" },
	"faulty": faulty,
	// Answers get lost so often that kills meet a message of which nobody knows.
	"silent": func(r *rand.Rand, q strictslack.Request) (strictslack.Fault, string) {
		if writes(q) && r.IntN(2) == 0 {
			return strictslack.Fault{Store: true, Hang: true}, "stored, then hung"
		}
		return brief(r), ""
	},
	// Messages show in the history much later than timeout and quiet allow, and
	// every other attempt ends in doubt.
	"lagging": func(r *rand.Rand, q strictslack.Request) (strictslack.Fault, string) {
		if writes(q) && r.IntN(2) == 0 {
			return strictslack.Fault{Status: http.StatusInternalServerError, Store: true, Lag: time.Hour}, "stored, then 500"
		}
		return brief(r), ""
	},
	lying: func(r *rand.Rand, q strictslack.Request) (strictslack.Fault, string) {
		if thread, _ := q.Args["thread_ts"].(string); q.Method == "chat.postMessage" && thread != "" {
			return strictslack.Fault{Body: fmt.Sprintf(`{"ok":true,"channel":%q,"ts":"%d.%06d"}`, q.Args["channel"], time.Now().Unix(), r.IntN(1e6))}, "lied"
		}
		return brief(r), ""
	},
}

// lying is the Slack that says ok to lines of a thread and stores none of them,
// to the very end.
const lying = "lying"

func planNames() []string { return slices.Sorted(maps.Keys(plans)) }

// writes tells whether a call posts or edits.
func writes(q strictslack.Request) bool { return strings.HasPrefix(q.Method, "chat.") }

// brief is a call that goes well after a moment.
func brief(r *rand.Rand) strictslack.Fault {
	return strictslack.Fault{Delay: time.Duration(r.IntN(20)) * time.Millisecond}
}

// faulty is a Slack at its worst: of all posts and edits 35 % go wrong, and 30 %
// so that the sender cannot know whether they are stored (25 % are); of look-ups
// 10 % fail.
func faulty(r *rand.Rand, q strictslack.Request) (strictslack.Fault, string) {
	n := r.IntN(100)
	switch {
	case n < 5:
		return strictslack.Fault{Status: http.StatusTooManyRequests, RetryAfter: time.Second}, "429"
	case n < 10:
		return strictslack.Fault{Status: http.StatusInternalServerError}, "500, not stored"
	case !writes(q):
	case n < 20:
		return strictslack.Fault{Status: http.StatusInternalServerError, Store: true}, "stored, then 500"
	case n < 30:
		return strictslack.Fault{Reset: true, Store: true}, "stored, then reset"
	case n < 35:
		return strictslack.Fault{Hang: true, Store: true}, "stored, then hung"
	}
	return brief(r), ""
}

// workspace is the strict Slack over real connections. It lives in the driver,
// so that it survives every kill and its ledger can be read.
type workspace struct {
	*strictslack.Server
	url     string
	server  *http.Server
	arrived chan struct{} // signalled when a post or an edit comes in
	open    atomic.Int64  // connections
	liar    bool

	mu      sync.Mutex
	random  *rand.Rand
	plan    plan
	played  map[string]int // faults by name
	running int            // calls that write and have no answer yet
	hooked  []event        // what the webhook got
	life    int            // of the process that runs
	faulty  bool           // the webhook and the dead man's switch go wrong at times
}

func openWorkspace(seed uint64, p plan) (*workspace, error) {
	w := &workspace{
		arrived: make(chan struct{}, 1), random: rand.New(rand.NewPCG(seed, 2)), plan: p, played: map[string]int{}, faulty: true,
	}
	config := strictslack.Config{Token: token, Faults: w.fault}
	for _, o := range owners {
		config.Channels = append(config.Channels, strictslack.Channel{Name: "crash-" + o})
	}
	w.Server = strictslack.New(config)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.url = "http://" + l.Addr().String()
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: 5 * time.Second, ConnState: w.count}
	go func() { _ = w.server.Serve(l) }() // ends with close
	return w, nil
}

// count counts the connections that are open.
func (w *workspace) count(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		w.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		w.open.Add(-1)
	}
}

// ServeHTTP answers a call and counts it while it lasts.
func (w *workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	answer := w.Server.ServeHTTP
	switch {
	case r.URL.Path == hookPath:
		answer = w.hook
	case strings.HasPrefix(r.URL.Path, deadManPath):
		w.deadMan(rw)
		return
	case !strings.HasPrefix(r.URL.Path, "/api/chat."):
		w.Server.ServeHTTP(rw, r)
		return
	}
	count := func(n int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running += n
	}
	count(1)
	defer count(-1)
	select {
	case w.arrived <- struct{}{}:
	default:
	}
	answer(rw, r)
}

// fault draws what goes wrong with a call.
func (w *workspace) fault(q strictslack.Request) strictslack.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, name := w.plan(w.random, q)
	if name != "" && writes(q) {
		w.played[name]++
	}
	return f
}

// recover has Slack behave from now on, unless it is a liar.
func (w *workspace) recover() {
	if w.liar {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan, w.faulty = plans["well"], false
}

// busy counts the posts and edits under way.
func (w *workspace) busy() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}

// ambiguous counts the posts and edits of which the sender could not know how
// they went, those cut by a kill not among them.
func (w *workspace) ambiguous() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for name, k := range w.played {
		if name != "429" && name != "lied" {
			n += k
		}
	}
	return n
}

func (w *workspace) close() { _ = w.server.Close() }
