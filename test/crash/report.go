package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// violation is one invariant that did not hold once.
type violation struct {
	invariant int // its number in docs/reliability.md; 0 for the process itself
	what      string
}

// report is what came of a trial.
type report struct {
	profile profile
	plan    string
	seed    uint64
	took    time.Duration

	cycles, midway   int // kills, and those that struck while Slack had a post or an edit
	breaks           int // tables broken
	runs, verdicts   int // stored, and held against the ledger of tables
	incidents, lines int // in the state file; lines that had to be told
	messages         int // in Slack
	requests, looks  int // to Slack; look-ups among them
	ambiguous        int // posts and edits of which nobody could know how they went
	beats            int // heartbeats taken
	repeats, doubts  int // of the webhook: messages that stand there again, attempts that allow one
	rechecks         int // runs that somebody had asked for
	searched         int // KiB of files, answers and messages in which no secret may be
	lost, doubled    int // messages

	violations []violation
}

func (r *report) violate(invariant int, format string, args ...any) {
	r.violations = append(r.violations, violation{invariant, fmt.Sprintf(format, args...)})
}

// add counts another trial in.
func (r *report) add(o report) {
	r.took = max(r.took, o.took)
	for _, n := range []struct {
		to *int
		by int
	}{
		{&r.cycles, o.cycles}, {&r.midway, o.midway}, {&r.breaks, o.breaks}, {&r.runs, o.runs}, {&r.verdicts, o.verdicts},
		{&r.incidents, o.incidents}, {&r.lines, o.lines}, {&r.messages, o.messages}, {&r.requests, o.requests}, {&r.looks, o.looks},
		{&r.ambiguous, o.ambiguous}, {&r.beats, o.beats}, {&r.lost, o.lost}, {&r.doubled, o.doubled}, {&r.rechecks, o.rechecks}, {&r.searched, o.searched},
		{&r.repeats, o.repeats}, {&r.doubts, o.doubts},
	} {
		*n.to += n.by
	}
	r.violations = append(r.violations, o.violations...)
}

// shown is how many violations are printed.
const shown = 30

// print writes the figures and what went wrong.
func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%s, Slack %s, seed %d: %d kills in %v, %d of them while a message was under way\n",
		r.profile, r.plan, r.seed, r.cycles, r.took.Round(time.Second), r.midway)
	fmt.Fprintf(w, "  %d tables broken, %d runs stored, %d of them asked for, %d verdicts right, %d heartbeats kept\n", r.breaks, r.runs, r.rechecks, r.verdicts, r.beats)
	fmt.Fprintf(w, "  %d incidents with %d lines; %d messages in Slack after %d calls (%d look-ups, %d ambiguous attempts)\n",
		r.incidents, r.lines, r.messages, r.requests, r.looks, r.ambiguous)
	fmt.Fprintf(w, "  lost %d, doubled %d, violations %d; no secret in %d KiB\n", r.lost, r.doubled, len(r.violations), r.searched)
	if r.doubts > 0 {
		fmt.Fprintf(w, "  webhook: %d repeats, all marked unless said below, after %d attempts of which nobody knows how they went\n", r.repeats, r.doubts)
	}
	slices.SortStableFunc(r.violations, func(a, b violation) int { return a.invariant - b.invariant })
	for n, v := range r.violations {
		if n == shown {
			fmt.Fprintf(w, "  … and %d more\n", len(r.violations)-shown)
			break
		}
		fmt.Fprintf(w, "  I%d: %s\n", v.invariant, v.what)
	}
}
