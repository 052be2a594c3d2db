package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/store"
)

// judge holds the state file, Slack and the ledgers against each other.
// Opening the state file and reading all of it checks every record's checksum
// (I8): a bad one is an error and ends the trial.
func (l *lived) judge() error {
	l.judgeFile()
	db, err := store.Open(l.state(), store.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := l.judgeRuns(db); err != nil {
		return err
	}
	if err := l.judgeBeats(db); err != nil {
		return err
	}
	incidents, err := db.Incidents("", math.MaxInt, false)
	if err != nil {
		return err
	}
	waiting, err := db.Pending()
	if err != nil {
		return err
	}
	for _, p := range waiting {
		l.made.violate(1, "message %s still waits: %s", p.ID(), p.Trouble)
	}
	if l.to == toWebhook {
		l.judgeHook(incidents)
	} else {
		l.judgeMessages(incidents)
	}
	if err := l.judgeSecrets(db); err != nil {
		return err
	}
	l.made.breaks, l.made.ambiguous, l.made.incidents = l.breaks(), l.workspace.ambiguous(), len(incidents)
	for _, q := range l.Requests() {
		l.made.requests++
		if strings.HasPrefix(q.Method, "conversations.") {
			l.made.looks++
		}
	}
	return nil
}

// judgeFile has the state file checked, pages and records, by a process of its
// own, as a damaged one can end its reader; none may have been put aside (I8).
func (l *lived) judgeFile() {
	if out, err := exec.Command(l.binary, "state", "check", l.state()).CombinedOutput(); err != nil {
		l.made.violate(8, "the state file is damaged: %v: %s", err, out)
	}
	if aside, err := filepath.Glob(l.state() + ".corrupt-*"); err != nil || len(aside) > 0 {
		l.made.violate(8, "a state file was found damaged: %v %v", aside, err)
	}
}

// judgeRuns replays the stored runs, which must lead to the stored states and
// incidents (I6), with no slot used twice (I7) and every verdict as the tables
// were (I6).
func (l *lived) judgeRuns(db *store.DB) error {
	s, err := suite()
	if err != nil {
		return err
	}
	book, last := incident.Book{}, time.Time{}
	err = db.Replay(func(run incident.Run) error {
		if run.DAG != "" {
			l.made.runs++
			switch {
			case run.Slot.IsZero():
				l.made.rechecks++ // somebody asked for it; it uses no slot
			case !run.Slot.After(last):
				l.made.violate(7, "slot %v was recorded after slot %v", run.Slot, last)
			default:
				last = run.Slot
			}
		}
		for _, r := range run.Results {
			l.judgeVerdict(run.Moment, r)
		}
		book = book.Apply(incident.Decide(s, book, run, policy()))
		return nil
	})
	if err != nil {
		return err
	}
	l.compare(book, db.Book())
	return nil
}

// judgeVerdict holds a verdict against what the table was while it was asked.
// One that was changed meanwhile may be either.
func (l *lived) judgeVerdict(moment time.Time, r checks.Result) {
	if n := r.Check.Node(); n == "crash/loader" || n == "crash/legacy" {
		return // heartbeats come when they like, and nobody answers for the other
	}
	is, certain := l.during(r.Check.Node().Name(), moment, r.StartedAt.Add(r.Took+50*time.Millisecond))
	if !certain {
		return
	}
	want := checks.Pass
	if is == empty && strings.HasSuffix(string(r.Check), "/row_count") || is == badRow && strings.HasSuffix(string(r.Check), "/no_bad_rows") {
		want = checks.Fail
	}
	if l.made.verdicts++; r.Verdict.Outcome != want {
		l.made.violate(6, "%s was %s at %v, the table was %s: %s", r.Check, r.Verdict.Outcome, moment, is, r.Verdict.Message)
	}
}

// compare holds what a replay gives against what is stored, and both against
// the end of the story: all is mended.
func (l *lived) compare(replayed, stored incident.Book) {
	for id, s := range replayed.States.All() {
		s.At = time.Time{} // in memory only
		if was := stored.States.Of(id); !alike(was, s) {
			l.made.violate(6, "state of %s is stored as %+v and replayed as %+v", id, was, s)
		}
		if n := id.Node(); n != "crash/loader" && n != "crash/legacy" && s.Phase != incident.OK {
			l.made.violate(6, "%s is %s although all is mended", id, s.Phase)
		}
	}
	if stored.States.Len() != replayed.States.Len() {
		l.made.violate(6, "%d states are stored and %d replayed", stored.States.Len(), replayed.States.Len())
	}
	ids := maps.Clone(stored.Incidents)
	maps.Copy(ids, replayed.Incidents)
	for id := range ids {
		was, is := stored.Incidents[id], replayed.Incidents[id]
		if !alike(was, is) {
			l.made.violate(6, "incident %s is stored as %+v and replayed as %+v", id, was, is)
		}
		if was.Status == incident.Open {
			l.made.violate(6, "incident %s is open although all is mended", id)
		}
	}
}

// alike compares as the state file does: by what is written.
func alike[T any](a, b T) bool {
	x, err := json.Marshal(a)
	y, more := json.Marshal(b)
	return err == nil && more == nil && string(x) == string(y)
}

// judgeBeats looks for the heartbeats that were taken (I5); the newest hundred
// are kept.
func (l *lived) judgeBeats(db *store.DB) error {
	kept, err := db.Beats("loader")
	if err != nil {
		return err
	}
	l.made.beats = len(l.beats)
	have, oldest := map[int]bool{}, math.MaxInt
	for _, b := range kept {
		n, err := strconv.Atoi(b.Run)
		if err != nil {
			return fmt.Errorf("heartbeat of run %q: %w", b.Run, err)
		}
		have[n], oldest = true, min(oldest, n)
	}
	if len(kept) < 100 {
		oldest = 0
	}
	for _, n := range l.beats {
		if n >= oldest && !have[n] {
			l.made.violate(5, "heartbeat %d was taken and is gone", n)
		}
	}
	return nil
}

// told is the messages of one incident as they stand in Slack.
type told struct {
	roots []strictslack.Message
	lines map[int][]strictslack.Message
}

// judgeMessages holds what stands in Slack against the incidents.
func (l *lived) judgeMessages(incidents []incident.Incident) {
	said := map[incident.ID]*told{}
	for _, i := range incidents {
		said[i.ID] = &told{lines: map[int][]strictslack.Message{}}
	}
	for _, o := range owners {
		for _, m := range l.Messages("#crash-" + o) {
			l.made.messages++
			id, n := identity(m)
			of := said[id]
			switch {
			case of == nil:
				l.made.violate(4, "message %q is about no incident: %q", m.TS, m.Text)
			case n == 0:
				of.roots = append(of.roots, m)
			default:
				of.lines[n] = append(of.lines[n], m)
			}
		}
	}
	for _, i := range incidents {
		l.judgeRoot(i, said[i.ID])
		l.judgeThread(i, said[i.ID])
	}
}

// identity is the incident and the line that a message's metadata names.
func identity(m strictslack.Message) (incident.ID, int) {
	if m.Metadata == nil || m.Metadata.EventType != "pipewatch_delivery" {
		return "", 0
	}
	whole, _ := m.Metadata.EventPayload["id"].(string)
	id, line, _ := strings.Cut(whole, "/")
	n, err := strconv.Atoi(line)
	if err != nil {
		return "", 0
	}
	return incident.ID(id), n
}

// seq is the state of its incident that a content shows.
func seq(c strictslack.Content) int {
	if c.Metadata == nil {
		return -1
	}
	n, err := strconv.Atoi(fmt.Sprint(c.Metadata.EventPayload["seq"]))
	if err != nil {
		return -1
	}
	return n
}

// green is the colour of what is resolved, and of nothing else.
const green = "#2eb886"

// judgeRoot wants one root message that shows the incident as it is.
func (l *lived) judgeRoot(i incident.Incident, t *told) {
	if len(t.roots) == 0 {
		l.made.lost++
		l.made.violate(1, "incident %s (%s, %s) was never told", i.ID, i.Root, i.Status)
		return
	}
	if n := len(t.roots) - 1; n > 0 {
		l.made.doubled += n
		l.made.violate(2, "incident %s is told by %d root messages", i.ID, n+1)
	}
	m := t.roots[0]
	if shows := seq(m.Content); shows < i.Seq {
		l.made.lost++
		l.made.violate(1, "the message of %s shows state %d of %d", i.ID, shows, i.Seq)
	}
	if coloured := len(m.Attachments) == 1 && m.Attachments[0]["color"] == green; coloured != (i.Status == incident.Resolved) {
		l.made.violate(1, "the message of %s, which is %s, has colour %v", i.ID, i.Status, m.Attachments[0]["color"])
	}
	before := 0
	for _, v := range append(slices.Clone(m.History), strictslack.Version{Content: m.Content}) {
		now := seq(v.Content)
		if now < before {
			l.made.violate(3, "the message of %s went back from state %d to %d", i.ID, before, now)
		}
		if now > i.Seq {
			l.made.violate(4, "the message of %s showed state %d of %d", i.ID, now, i.Seq)
		}
		before = now
	}
}

// first is the state that a message showed when it was posted.
func first(m strictslack.Message) int {
	if len(m.History) > 0 {
		return seq(m.History[0].Content)
	}
	return seq(m.Content)
}

// judgeThread wants every line once and in order, but for those that the root
// message told already when it was posted.
func (l *lived) judgeThread(i incident.Incident, t *told) {
	if len(t.roots) == 0 {
		return
	}
	root, last := t.roots[0], t.roots[0].TS
	for _, line := range i.Lines {
		want := 1
		if line.Kind == incident.Opened || line.Seq <= first(root) {
			want = 0
		}
		l.made.lines += want
		said := t.lines[line.N]
		delete(t.lines, line.N)
		switch {
		case len(said) < want:
			l.made.lost++
			l.made.violate(1, "line %d (%s) of %s is missing", line.N, line.Kind, i.ID)
		case len(said) > want:
			l.made.doubled += len(said) - want
			l.made.violate(2, "line %d (%s) of %s stands there %d times, want %d", line.N, line.Kind, i.ID, len(said), want)
		}
		for _, m := range said {
			if m.ThreadTS != root.TS && len(t.roots) == 1 {
				l.made.violate(3, "line %d of %s is not in its thread", line.N, i.ID)
			}
			if m.TS < last {
				l.made.violate(3, "line %d of %s came before what happened earlier", line.N, i.ID)
			}
			last = m.TS
		}
	}
	for n := range t.lines {
		l.made.violate(4, "line %d of %s never happened", n, i.ID)
	}
}
