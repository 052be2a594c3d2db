package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// green is the colour of what is resolved, and of nothing else.
const green = "#2eb886"

// story is the first life, as far as it comes: it returns when the process has ended,
// or at the end of the story.
func (t *trial) story(ctx context.Context, p *rig.Process) error {
	var page string
	select {
	case page = <-p.Page():
	case <-p.Over():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	steps := []func() error{
		func() error { return t.fill(false) },
		func() error {
			return t.until(ctx, p, "a message", func() bool { return len(t.told()) > 0 })
		},
		func() error { return t.fill(true) },
		func() error { return t.until(ctx, p, "green", t.isGreen) },
	}
	for _, step := range append([]func() error{func() error { return nil }}, steps...) {
		if err := step(); err != nil {
			return err
		}
		for range burst {
			t.beat(ctx, page)
		}
	}
	return nil
}

// beat sends a heartbeat and keeps its id when it was taken.
func (t *trial) beat(ctx context.Context, page string) {
	t.rid++
	id := fmt.Sprint(t.rid)
	if code, _, err := rig.Post(ctx, page+"/api/v1/heartbeats/load?rid="+id); err == nil && code == 200 {
		t.beats = append(t.beats, id)
	}
}

// until waits for something, or for the end of the process.
func (t *trial) until(ctx context.Context, p *rig.Process, what string, holds func() bool) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if holds() {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.Over():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.WithLog(fmt.Errorf("%s did not come within %v", what, patience))
}

// lastWords is the id of the message that a service leaves which cannot go on; it is
// past the outbox, and about no incident of the state.
var lastWords = regexp.MustCompile(`^inc-\d{8}T\d{2}-[a-z]+/0$`)

// told is what stands in Slack but for last words.
func (t *trial) told() []strictslack.Message {
	return slices.DeleteFunc(t.slack.Messages(channel), func(m strictslack.Message) bool { return lastWords.MatchString(identity(m)) })
}

// identity is the id of a message, by which it is found again.
func identity(m strictslack.Message) string {
	if m.Metadata == nil {
		return ""
	}
	id, _ := m.Metadata.EventPayload["id"].(string)
	return id
}

// isGreen tells whether people were told that something is over.
func (t *trial) isGreen() bool { return slices.ContainsFunc(t.told(), over) }

// over tells whether a message shows the end of its incident.
func over(m strictslack.Message) bool {
	return m.ThreadTS == "" && len(m.Attachments) > 0 && m.Attachments[0]["color"] == green
}

// settle is the second life: the story is told to its end, whatever was missing.
func (t *trial) settle(ctx context.Context, p *rig.Process) error {
	var page string
	select {
	case page = <-p.Page():
	case <-p.Over():
		return p.WithLog(rig.ErrEnded)
	}
	if len(t.told()) == 0 {
		if err := t.fill(false); err != nil {
			return err
		}
		if err := t.until(ctx, p, "a message", func() bool { return len(t.told()) > 0 }); err != nil {
			return err
		}
	}
	if err := t.fill(true); err != nil {
		return err
	}
	// At the start nothing has been looked at yet, so that all seems calm.
	var since time.Time
	return t.until(ctx, p, "the end of the story", func() bool {
		if since.IsZero() || !t.isGreen() || !calm(ctx, page) {
			since = time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
}

// calm tells whether nothing is open and nothing waits.
func calm(ctx context.Context, page string) bool {
	all, err := rig.Metrics(ctx, page)
	if err != nil {
		return false
	}
	total, seen := 0.0, false
	for name, v := range all {
		if strings.HasPrefix(name, "pipewatch_notification_queue_length{") || strings.HasPrefix(name, "pipewatch_incidents_open{") {
			total, seen = total+v, true
		}
	}
	return seen && total == 0
}

// judge holds what stands in Slack and what was answered against the state file.
func (t *trial) judge() []string {
	var wrong []string
	if out, err := exec.Command(t.binary, "state", "check", t.file("state.db")).CombinedOutput(); err != nil {
		wrong = append(wrong, fmt.Sprintf("damaged: %v: %s", err, out))
	}
	if aside, _ := filepath.Glob(t.file("state.db.corrupt-*")); len(aside) > 0 {
		wrong = append(wrong, fmt.Sprintf("damaged: %v", aside))
	}
	db, err := store.Open(t.file("state.db"), store.Options{})
	if err != nil {
		return append(wrong, err.Error())
	}
	defer db.Close()
	wrong = append(wrong, t.judgeBeats(db)...)
	wrong = append(wrong, judgeSlots(db)...)
	incidents, err := db.Incidents("", math.MaxInt, false)
	pending, more := db.Pending()
	if err := errors.Join(err, more); err != nil {
		return append(wrong, err.Error())
	}
	for _, p := range pending {
		wrong = append(wrong, fmt.Sprintf("lost: message %s still waits", p.ID()))
	}
	return append(wrong, judgeMessages(incidents, t.told())...)
}

func (t *trial) judgeBeats(db *store.DB) []string {
	kept, err := db.Beats("load")
	if err != nil {
		return []string{err.Error()}
	}
	times := map[string]int{}
	for _, b := range kept {
		times[b.Run]++
	}
	var wrong []string
	for _, id := range t.beats {
		if times[id] != 1 {
			wrong = append(wrong, fmt.Sprintf("lost: heartbeat %s was taken and is there %d times", id, times[id]))
		}
	}
	return wrong
}

// judgeSlots wants each slot once and in order.
func judgeSlots(db *store.DB) []string {
	var wrong []string
	last := time.Time{}
	err := db.Replay(func(r incident.Run) error {
		if r.DAG == "" || r.Slot.IsZero() {
			return nil
		}
		if !r.Slot.After(last) {
			wrong = append(wrong, fmt.Sprintf("doubled: slot %v came after slot %v", r.Slot, last))
		}
		last = r.Slot
		return nil
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

// judgeMessages wants every incident told once, in green, and every line at most
// once; and nothing said that is not in the state.
func judgeMessages(incidents []incident.Incident, messages []strictslack.Message) []string {
	var wrong []string
	times, known, ends := map[string]int{}, map[string]bool{}, map[string]bool{}
	for _, m := range messages {
		times[identity(m)]++
		ends[identity(m)] = ends[identity(m)] || over(m)
	}
	for _, i := range incidents {
		root := string(i.ID) + "/0"
		known[root] = true
		if i.Status != incident.Resolved {
			wrong = append(wrong, fmt.Sprintf("%s is %s at the end", i.ID, i.Status))
		}
		if times[root] == 0 || !ends[root] {
			wrong = append(wrong, fmt.Sprintf("lost: %s is told %d times, its end: %v", i.ID, times[root], ends[root]))
		}
		for _, l := range i.Lines {
			known[fmt.Sprintf("%s/%d", i.ID, l.N)] = true
		}
	}
	for id, n := range times {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("doubled: message %s stands there %d times", id, n))
		}
		if !known[id] {
			wrong = append(wrong, fmt.Sprintf("message %q is about nothing in the state", id))
		}
	}
	return wrong
}
