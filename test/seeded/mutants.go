package seeded

import (
	"fmt"
	"slices"
)

// Mutant is a bug that somebody could make, and the tests that must notice.
type Mutant struct {
	Name string
	Does string // what goes wrong with it, in words
	Bug
	// Suite is the package whose tests must turn red, Run which of them ("" for
	// all). Where only the whole service shows the bug, Strain is the command
	// line of test/strain that must find a promise broken. A mutant with neither
	// is for the control of a harness.
	Suite, Run string
	Strain     []string
	Short      bool // is compiled and run by every make test
}

// Mutants are all of them; those that were promised by name (G5) come first.
func Mutants() []Mutant {
	return slices.Concat(promised, delivery, file, states, timers, schedules, verdicts, forHarnesses)
}

// Named gives one; a name that is not known is a mistake of the caller.
func Named(name string) Mutant {
	all := Mutants()
	k := slices.IndexFunc(all, func(m Mutant) bool { return m.Name == name })
	if k < 0 {
		panic(fmt.Sprintf("no seeded bug %q", name))
	}
	return all[k]
}

// promised are the twelve of which it is said in docs/reliability.md that they
// are found.
var promised = []Mutant{
	{
		Name: "mark-first", Does: "a message is marked as sent, then sent", Suite: "notify",
		Bug: Bug{
			"notify", "attempt.go", "if err := d.save(append([]Post{p}, tells...)...)",
			"marked := p\n\tmarked.Shown, marked.Intent = p.Want, Intent{}\n\tif err := d.save(append([]Post{marked}, tells...)...)",
		},
	},
	{
		Name: "split-transaction", Does: "states and incidents are two transactions", Suite: "store",
		Bug: Bug{
			"store", "record.go", "		posts, err = r.write(before.book.States, route, fingerprint)\n		return err\n	})\n",
			`		r.change.Incidents = nil
		_, err = r.write(before.book.States, route, fingerprint)
		return err
	})
	if err == nil {
		err = d.update("record incidents", func(tx *writeTx) error {
			r := recording{tx, run, change}
			if err := r.incidents(); err != nil {
				return err
			}
			posts, err = r.posts(route)
			return err
		})
	}
`,
		},
	},
	{
		Name: "no-sync", Does: "a commit does not wait for the disk", Suite: "test/power", Run: "WhatWasSafe",
		Bug: Bug{"store", "store.go", "MaxSize: size,\n", "MaxSize: size, NoSync: true,\n"},
	},
	{
		Name: "no-quiet", Does: "an attempt without an answer is looked up at once", Suite: "notify", Run: "Ambiguous|WhateverAnAttempt", Short: true,
		Bug: Bug{"notify", "destination.go", "latest(started.Add(d.config.Timeout+d.config.Quiet), t.next, d.paused)", "latest(started, t.next, d.paused)"},
	},
	{
		Name: "commit-error-ignored", Does: "a write that failed counts as done", Suite: "store",
		Bug: Bug{"store", "store.go", "	lost := &CommitError{Path: d.path, Doing: doing, Cause: err}\n", "	if err != nil {\n		return nil\n	}\n	lost := &CommitError{Path: d.path, Doing: doing, Cause: err}\n"},
	},
	{
		Name: "no-deadline", Does: "a call to Slack may take for ever", Suite: "notify",
		Bug: Bug{
			"notify", "attempt.go", `return context.WithTimeoutCause(ctx, d.config.Timeout, fmt.Errorf("no answer within %v", d.config.Timeout))`,
			"return context.WithCancel(ctx)",
		},
	},
	{
		Name: "wrong-dst", Does: "a fixed hour follows elapsed time when the clocks change", Suite: "dag", Run: "SchedulesCome", Short: true,
		Bug: Bug{"dag", "schedule.go", "	if c.elapsed {\n", "	if true {\n"},
	},
	{
		Name: "cosmetic-edit-resets", Does: "an edit of a severity forgets what a check knows", Suite: "checks",
		Bug: Bug{"checks", "check.go", "}{s.Spec.Kind, s.Spec.Where, s.Relation(), p})", "}{s.Spec.Kind, s.Spec.Where + string(s.Spec.Severity), s.Relation(), p})"},
	},
	{
		Name: "error-is-ok", Does: "a check that cannot be answered is taken for well", Suite: "incident", Run: "ErrorAndNoData", Short: true,
		Bug: Bug{"incident", "state.go", "	case v.Outcome == checks.Pass:\n", "	case v.Outcome == checks.Pass || v.Outcome == checks.Error:\n"},
	},
	{
		Name: "no-checksums", Does: "records are read whatever their checksum", Suite: "store",
		Bug: Bug{
			"store", "frame.go", "binary.BigEndian.Uint32(frame[1:]) != checksum(key, version, payload)",
			"checksum(key, version, payload) == 0 && binary.BigEndian.Uint32(frame) == 0",
		},
	},
	{
		Name: "reload-leaks", Does: "every reload leaves something running", Strain: []string{"reload", "-n", "40"},
		Bug: Bug{
			"cmd/pipewatch", "reload.go", "	old := r.service.projectNow()\n",
			"	old := r.service.projectNow()\n	go func() { select {} }()\n",
		},
	},
	{
		Name: "owner-unescaped", Does: "an owner's name can ping everybody", Suite: "notify/slack", Run: "Words", Short: true,
		Bug: Bug{"notify/slack", "render.go", `owner = "owner " + code(n.Owner)`, `owner = "owner " + n.Owner`},
	},
}

// delivery are bugs of the sender and of what it keeps.
var delivery = []Mutant{
	{
		Name: "mark-after", Does: "a message is sent, then marked", Suite: "notify",
		Bug: Bug{
			"notify", "attempt.go", "if err := d.save(append([]Post{p}, tells...)...); err != nil {\n\t\treturn err\n\t}",
			"_ = tells",
		},
	},
	{
		Name: "no-look-up", Does: "after an attempt of which nobody knows, the message is sent again", Suite: "notify",
		Bug: Bug{"notify", "destination.go", "if p.Intent.IsZero() || d.oneWay {", "if true {"},
	},
	{
		Name: "one-look", Does: "one look-up that finds nothing is taken for proof", Suite: "notify",
		Bug: Bug{"notify", "attempt.go", "	case !t.absent:\n", "	case t.absent && found:\n"},
	},
	{
		Name: "edit-settled", Does: "an edit without an answer is not made once more", Suite: "notify/slack", Run: "Sweep",
		Bug: Bug{"notify", "attempt.go", "		t.again = settled\n", "		t.again = settled.Add(-time.Hour)\n"},
	},
	{
		Name: "retry-after-ignored", Does: "Slack's Retry-After is not kept", Suite: "notify",
		Bug: Bug{"notify", "destination.go", "min(max(after, firstBackoff), maxWait)", "min(max(0*after, firstBackoff), maxWait)"},
	},
	{
		Name: "never-expires", Does: "what is a day late is still sent", Suite: "notify",
		Bug: Bug{"notify", "attempt.go", "return d.config.Moment().Sub(at) > after", "return d.config.Moment().Sub(at) > 1000*after"},
	},
	{
		Name: "repeat-unmarked", Does: "a webhook's repeat after a kill is not marked", Suite: "notify",
		Bug: Bug{"notify", "attempt.go", "		n.Repeat = true\n", ""},
	},
	{
		Name: "newer-file-read", Does: "a state of a newer version is written over", Suite: "store", Run: "Newer",
		Bug: Bug{"store", "store.go", "	case known > Schema:\n", "	case known > Schema+1000:\n"},
	},
	{
		Name: "memory-of-another", Does: "a check remembers what another definition learnt", Suite: "store", Run: "Memory",
		Bug: Bug{"store", "record.go", `if fingerprint == "" || m.Fingerprint == fingerprint {`, `if fingerprint == "" || m.Fingerprint != "" {`},
	},
}

// forHarnesses are bugs that only a whole service under test can show.
var forHarnesses = []Mutant{
	{
		Name: "last-good-forgotten", Does: "a broken DAG file takes its last good version along",
		Bug: Bug{"cmd/pipewatch", "takeup.go", "			text, known := good[file]\n", "			text, known := good[\"\"]\n"},
	},
	{
		Name: "secret-logged", Does: "a token is in the log",
		Bug: Bug{"cmd/pipewatch", "deliver.go", "		w.slack = w.client\n", "		w.slack = w.client\n		println(\"the token is\", s.Token.Reveal())\n"},
	},
}

// file are bugs of what is said of a spoilt state file.
var file = []Mutant{
	{
		Name: "check-unbounded", Does: "the check of a suspect state file may grow for ever", Suite: "store/suspect",
		Bug: Bug{"store/suspect", "check.go", "inUse() > b.memory", "inUse() > 1<<60"},
	},
	{
		Name: "no-tallies", Does: "what is missing from a file is not missed", Suite: "store", Run: "Missing",
		Bug: Bug{"store", "tally.go", "err != nil || schema < 3", "err != nil || schema < 300"},
	},
}

// states are bugs of when an incident opens and closes, and of whose it is.
var states = []Mutant{
	{
		Name: "period-ignored", Does: "what a day's rows show only when it is over explains nothing of that day", Suite: "incident", Run: "Period",
		Bug: Bug{"incident", "state.go", "ofPeriods.has(v.Reason) && !v.Onset.IsZero()", "ofPeriods.has(v.Reason) && v.Onset.IsZero()"},
	},
	{
		Name: "error-opens", Does: "a check that cannot be answered opens a data incident", Suite: "incident",
		Bug: Bug{"incident", "state.go", "	case v.Outcome.Bad():\n", "	case v.Outcome.Bad() || v.Outcome == checks.Error:\n"},
	},
	{
		Name: "nodata-resolves", Does: "nothing to judge is taken for well", Suite: "incident",
		Bug: Bug{"incident", "state.go", "	case v.Outcome == checks.Pass:\n", "	case v.Outcome == checks.Pass || v.Outcome == checks.NoData:\n"},
	},
	{
		Name: "fail-after-ignored", Does: "one bad evaluation opens", Suite: "incident",
		Bug: Bug{"incident", "state.go", "s.Bad >= p.FailAfter && ", ""},
	},
	{
		Name: "for-ignored", Does: "a check's for: is not waited for", Suite: "incident",
		Bug: Bug{"incident", "state.go", " && now.Sub(s.Since) >= c.Spec.For:", ":"},
	},
	{
		Name: "resolve-after-ignored", Does: "one good evaluation resolves", Suite: "incident",
		Bug: Bug{"incident", "state.go", "	if s.Good >= p.ResolveAfter {\n", "	if s.Good >= min(1, p.ResolveAfter) {\n"},
	},
	{
		Name: "gap-counts", Does: "time in which nobody looked counts as bad", Suite: "incident",
		Bug: Bug{"incident", "state.go", "if s.Phase == Pending && gap {", "if s.Phase == Pending && gap && s.Bad < 0 {"},
	},
	{
		Name: "gap-across-start-counts", Does: "time in which pipewatch was down counts as bad", Suite: "incident",
		Bug: Bug{"incident", "state.go", "		last = s.Looked // it was before the start\n", ""},
	},
	{
		Name: "never-reopened", Does: "what breaks again at once is a new incident", Suite: "incident",
		Bug: Bug{"incident", "decide.go", `return found, found.ID != "" && d.policy.ReopenWithin > 0`, "return found, false"},
	},
	{
		Name: "onset-ignored", Does: "a cause may begin after its symptom", Suite: "incident",
		Bug: Bug{"incident", "cause.go", " && before(a.state.Finding, e.state.Finding)\n", "\n"},
	},
	{
		Name: "anything-explains", Does: "every failing ancestor explains every finding", Suite: "incident",
		Bug: Bug{"incident", "matrix.go", "if r.above.has(why.Reason) && r.below.has(what.Reason) {", "if len(r.above) > 0 {"},
	},
	{
		Name: "explained-by-ignored", Does: "a hand-written check takes the blame of any ancestor", Suite: "incident",
		Bug: Bug{"incident", "matrix.go", "slices.Contains(below.ExplainedBy, why.Reason)", `(slices.Contains(below.ExplainedBy, why.Reason) || below.ID() != "")`},
	},
	{
		Name: "released-at-once", Does: "what a cause held opens before it was looked at again", Suite: "incident",
		Bug: Bug{"incident", "cause.go", "fresh: st.Released.IsZero() || st.At.After(st.Released),", "fresh: true,"},
	},
	{
		Name: "mute-never-ends", Does: "a mute has no end", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "if i.Muted.Set() && d.due(i.Muted.Until) {", "if i.Muted.Set() && d.due(i.Muted.Until) && i.ID == \"\" {"},
	},
	{
		Name: "flap-never", Does: "what comes and goes is said every time", Suite: "incident",
		Bug: Bug{"incident", "flap.go", "if f.Transitions == 0 || d.why(i)", "if f.Transitions >= 0 || d.why(i)"},
	},
	{
		Name: "flap-counts-for-ever", Does: "changes of last month make an incident flap", Suite: "incident",
		Bug: Bug{"incident", "flap.go", "if d.now.Sub(l.At) >= d.policy.Flap.Within {", "if d.now.Sub(l.At) >= 1000*d.policy.Flap.Within {"},
	},
	{
		Name: "flap-never-steady", Does: "what stays broken flaps for ever", Suite: "incident",
		Bug: Bug{"incident", "flap.go", "i.say(d.now, Line{Kind: Steady, Node: i.Root})", "_ = Steady"},
	},
}

// timers are bugs of what time alone changes.
var timers = []Mutant{
	{
		Name: "group-wait-ignored", Does: "what breaks together is not collected", Suite: "incident",
		Bug: Bug{"incident", "decide.go", "until := e.state.FailedAt.Add(d.policy.GroupWait)", "until := e.state.FailedAt"},
	},
	{
		Name: "no-start-hold", Does: "after a start symptoms open before their causes were looked at", Suite: "incident",
		Bug: Bug{"incident", "decide.go", "		return hold\n", "		return until\n"},
	},
	{
		Name: "opens-unseen", Does: "after a start an incident opens without a fresh evaluation", Suite: "incident",
		Bug: Bug{"incident", "decide.go", "e.state.Phase == Failing && !e.state.At.IsZero() && d.waited(e)", "e.state.Phase == Failing && d.waited(e)"},
	},
	{
		Name: "acked-is-called", Does: "people are called again about what they took on", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "i.Severity != dag.Error || i.Acked.Set() || i.Muted.Set()", "i.Severity != dag.Error || i.Muted.Set()"},
	},
	{
		Name: "called-all-the-time", Does: "after repeat_every people are called at every run", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "d.due(i.Called.Add(every))", "d.due(i.OpenedAt.Add(every))"},
	},
	{
		Name: "warning-calls", Does: "a warning is repeated and escalated", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "i.Severity != dag.Error || i.Acked.Set()", "i.Severity == dag.Severity(\"\") || i.Acked.Set()"},
	},
	{
		Name: "escalated-again", Does: "an incident is escalated again and again", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "after > 0 && !i.Escalated.Set() && d.due", "after > 0 && d.due"},
	},
	{
		Name: "escalated-from-opening", Does: "what somebody had taken on is escalated at once when it gets worse", Suite: "incident",
		Bug: Bug{"incident", "timers.go", "d.due(i.neglected().Add(after))", "d.due(i.OpenedAt.Add(after))"},
	},
	{
		Name: "nodata-timer-ignored", Does: "nothing to judge is an incident after a few runs", Suite: "incident",
		Bug: Bug{"incident", "conditions.go", " || !d.due(s.Silent.Add(d.policy.NoDataFor)) {", " {"},
	},
	{
		Name: "nodata-below-cause", Does: "nothing to judge below what is broken is an incident of its own", Suite: "incident",
		Bug: Bug{"incident", "conditions.go", "		if broken[rank] {\n			return true\n", "		if broken[rank] {\n			break\n"},
	},
	{
		Name: "error-timer-ignored", Does: "a connection that fails for a moment is an incident", Suite: "incident",
		Bug: Bug{"incident", "sight.go", " && d.now.Sub(s.Troubled) >= d.policy.ErrorFor {", " {"},
	},
	{
		Name: "skew-ignored", Does: "a clock that is off is not said", Suite: "incident",
		Bug: Bug{"incident", "conditions.go", "d.policy.MaxSkew > 0 && far > d.policy.MaxSkew", "d.policy.MaxSkew > 0 && far > 1000*d.policy.MaxSkew"},
	},
}

// schedules are bugs of when checks run and of what is late.
var schedules = []Mutant{
	{
		Name: "no-check-timeout", Does: "a warehouse that hangs holds a run for ever", Suite: "watch",
		Bug: Bug{"watch", "evaluate.go", "	if timeout > 0 {\n", "	if timeout > 1<<62 {\n"},
	},
	{
		Name: "late-never-said", Does: "runs that never end are not said", Suite: "watch",
		Bug: Bug{"watch", "late.go", "	case n*lateShare > all:\n", "	case n > all:\n"},
	},
	{
		Name: "late-flickers", Does: "lateness is taken back at the first run in time", Suite: "watch",
		Bug: Bug{"watch", "late.go", "	case len(l.trouble) > 0 && now.Before(l.last.Add(lateEnds)):\n", "	case len(l.trouble) > 0 && now.Before(l.last):\n"},
	},
	{
		Name: "slot-twice", Does: "a reload while a run is under way uses its slot again", Suite: "watch", Run: "SlotTwice",
		Bug: Bug{"watch", "watch.go", "last[name] = later(last[name], run.slot)", "last[name] = later(last[name], last[name])"},
	},
	{
		Name: "first-missed-slot", Does: "after a pause the oldest slot is run, not the latest", Suite: "watch",
		Bug: Bug{"watch", "agenda.go", "		slot = n\n", "		_ = n\n"},
	},
	{
		Name: "judged-by-old-file", Does: "what was asked before an edit is recorded after it", Suite: "watch",
		Bug: Bug{"watch", "watch.go", "return c == nil || c.Fingerprint != meant[r.Check]", "return c == nil"},
	},
	{
		Name: "piles-up", Does: "a slow run is begun again beside itself", Suite: "watch",
		Bug: Bug{"watch", "agenda.go", "		if f == running {\n", "		if f == running && g.overdue {\n"},
	},
}
