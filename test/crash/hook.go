package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify/webhook"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// sink is where messages go.
type sink string

const (
	toSlack   sink = "slack"
	toWebhook sink = "webhook" // the signed one: nothing can be looked up or edited
)

// event is a message that the webhook got and kept.
type event struct {
	webhook.Event
	body  []byte
	life  int  // of the process that sent it
	clean bool // the sender was told in time that it was taken
}

// inTime tells whether the sender still waits for the answer to a request: its
// head says in which second it was made, so that this errs by a second at most,
// to the side of doubt.
func inTime(r *http.Request) bool {
	second, err := strconv.ParseInt(r.Header.Get(webhook.HeaderTimestamp), 10, 64)
	return err == nil && time.Since(time.Unix(second, 0)) < hookTimeout-time.Second/2
}

// begin counts a life of the service.
func (w *workspace) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.life++
}

// drain waits until all that a killed process has sent was read, which would
// otherwise count as of the next life: connections are taken in the order in which
// they came, so that those before one of our own are known once that is answered.
func (w *workspace) drain(ctx context.Context) error {
	if _, _, err := rig.Get(ctx, w.url+deadManPath); err != nil {
		return err
	}
	for w.open.Load() > 0 {
		if err := pause(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// hook takes a message, or does to it what the plan says.
func (w *workspace) hook(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, webhook.MaxBody))
	e := event{body: body}
	if err == nil {
		err = json.Unmarshal(body, &e.Event)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	name := hookFaults[0]
	if n := w.random.IntN(100); w.faulty && n < 35 {
		name = hookFaults[1+n%(len(hookFaults)-1)]
		w.played[name]++
	}
	if e.life, e.clean = w.life, name == hookFaults[0] && inTime(r); name == hookFaults[0] || name != "429" && name != "500, not stored" {
		w.hooked = append(w.hooked, e)
	}
	w.mu.Unlock()
	switch name {
	case "429":
		rw.Header().Set("Retry-After", "1")
		rw.WriteHeader(http.StatusTooManyRequests)
	case "500, not stored", "stored, then 500":
		rw.WriteHeader(http.StatusInternalServerError)
	case "stored, then reset":
		panic(http.ErrAbortHandler)
	case "stored, then hung":
		<-r.Context().Done()
	}
}

// hookFaults are what may become of a message to the webhook, first that all is well.
var hookFaults = []string{"", "429", "500, not stored", "stored, then 500", "stored, then reset", "stored, then hung"}

// deadMan answers the calls of the switch, sometimes badly: what is then logged
// must not hold its address.
func (w *workspace) deadMan(rw http.ResponseWriter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.faulty && w.random.IntN(2) == 0 {
		rw.WriteHeader(http.StatusInternalServerError)
	}
}

// events are the messages that the webhook kept.
func (w *workspace) events() []event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.hooked)
}

// judgeHook wants every incident told and its end told, in order, and no more
// repeats than there were attempts of which the sender could not know how they
// went: those without a clean answer, and the last one of a life.
func (l *lived) judgeHook(incidents []incident.Incident) {
	all := l.events()
	last := map[int]int{} // the last message of each life
	for n, e := range all {
		last[e.life] = n
	}
	of := map[incident.ID][]event{}
	stands, doubtful := map[string]int{}, map[string]int{}
	for n, e := range all {
		l.made.messages++
		if e.Incident == nil {
			l.made.violate(4, "a bulletin %s, which nobody asked for", e.ID)
			continue
		}
		of[e.Incident.ID] = append(of[e.Incident.ID], e)
		if stands[e.ID]++; stands[e.ID] > 1 && !e.MayRep {
			l.made.violate(2, "message %s stands there again and does not say so", e.ID)
		}
		if !e.clean || last[e.life] == n {
			doubtful[e.ID]++
			l.made.doubts++
		}
	}
	for id, n := range stands {
		l.made.repeats += n - 1
		if n > 1+doubtful[id] {
			l.made.doubled += n - 1 - doubtful[id]
			l.made.violate(2, "message %s stands there %d times after %d attempts of which nobody knows how they went", id, n, doubtful[id])
		}
	}
	for _, i := range incidents {
		l.judgeEvents(i, of[i.ID])
		delete(of, i.ID)
	}
	for id := range of {
		l.made.violate(4, "incident %s is told and does not exist", id)
	}
}

// judgeEvents holds what the webhook was told of one incident against it.
func (l *lived) judgeEvents(i incident.Incident, told []event) {
	if len(told) == 0 {
		l.made.lost++
		l.made.violate(1, "incident %s (%s, %s) was never told", i.ID, i.Root, i.Status)
		return
	}
	if end := told[len(told)-1].Incident; end.Status != i.Status {
		l.made.lost++
		l.made.violate(1, "incident %s is %s and was told last as %s", i.ID, i.Status, end.Status)
	}
	before := 0
	for _, e := range told {
		if e.Incident.Seq < before {
			l.made.violate(3, "incident %s was told as state %d after %d", i.ID, e.Incident.Seq, before)
		}
		if e.Incident.Seq > i.Seq {
			l.made.violate(4, "incident %s was told as state %d of %d", i.ID, e.Incident.Seq, i.Seq)
		}
		before = e.Incident.Seq
	}
}
