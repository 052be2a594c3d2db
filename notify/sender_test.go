package notify_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

var errNet = errors.New("connection reset")

// classes are all that can go wrong with one attempt.
var classes = map[string]effect{
	"never left":                  {err: notify.Unsent(errNet)},
	"broke and was not stored":    {err: errNet},
	"broke and was stored":        {err: errNet, store: true},
	"hung and was not stored":     {hang: true},
	"hung and was stored":         {hang: true, store: true},
	"hung and was stored late":    {hang: true, late: 25 * time.Second},
	"was limited":                 {err: notify.RetryAfter(7*time.Second, errors.New("ratelimited"))},
	"was limited for an hour":     {err: notify.RetryAfter(time.Hour, errors.New("ratelimited"))},
	"met a dead destination":      {err: notify.Dead(errors.New("invalid_auth"))},
	"was refused for its form":    {err: notify.Unrenderable(errors.New("invalid_blocks"))},
	"was wrapped in other errors": {err: fmt.Errorf("slack: %w", notify.Unsent(errNet))},
}

func TestNothingIsLostOrDoubledWhateverAnAttemptMeets(t *testing.T) {
	for name, e := range classes {
		for _, op := range []string{"post", "edit"} {
			for n := 1; n <= 4; n++ {
				t.Run(fmt.Sprintf("%s that %s, %d times", op, name, n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { sweep(t, op, n, e) })
				})
			}
		}
	}
}

// sweep tells an incident whose first n attempts of a kind go wrong, lets
// something happen, and closes it.
func sweep(t *testing.T, op string, n int, e effect) {
	box, slack := &notify.MemOutbox{}, &service{script: times(n, op, e)}
	s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
	i := fresh("inc-1", time.Now())
	for _, kind := range []incident.LineKind{"", incident.Joined, incident.Closed} {
		if kind != "" {
			i = then(i, kind, time.Now())
		}
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Duration(n)*2*time.Minute)
	}
	want := map[string]int{"inc-1/0": i.Seq, "inc-1/2": i.Seq, "inc-1/3": i.Seq}
	for id := range want {
		got := slack.of(id)
		if len(got) != 1 {
			t.Fatalf("%s is told %d times, want once; calls:\n%v", id, len(got), slack.ops(""))
		}
	}
	if root := slack.of("inc-1/0")[0]; root.seq != i.Seq {
		t.Errorf("the root message shows seq %d, want %d", root.seq, i.Seq)
	}
	if slack.most > 1 {
		t.Errorf("%d attempts at once for one incident", slack.most)
	}
	gaps(t, slack.ops(""))
}

// gaps demands a try at least every minute (and the time an attempt may take).
func gaps(t *testing.T, calls []call) {
	t.Helper()
	for k := 1; k < len(calls); k++ {
		if gap := calls[k].at.Sub(calls[k-1].at); gap > 71*time.Second {
			t.Errorf("%v between %s and %s", gap, calls[k-1].op, calls[k].op)
		}
	}
}

func TestAmbiguousAttemptIsSettledWithinItsBound(t *testing.T) {
	for name, e := range map[string]effect{
		"stored": {hang: true, store: true}, "not stored": {hang: true}, "stored while quiet": {hang: true, late: 29 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, slack := &notify.MemOutbox{}, &service{script: times(1, "post", e)}
				box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
				s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
				if took := settle(t, s, 2*time.Minute); took > 50*time.Second {
					t.Errorf("settled after %v, want at most time-out + quiet + 10 s", took)
				}
				if got := slack.of("inc-1/0"); len(got) != 1 {
					t.Errorf("told %d times, want once", len(got))
				}
			})
		})
	}
}

// The control for the test above: a service that stores later than the quiet
// period doubles, so the quiet period is what prevents it.
func TestWithoutQuietALateStoreDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: times(1, "post", effect{hang: true, late: 29 * time.Second})}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Quiet: -1})
		settle(t, s, 2*time.Minute)
		time.Sleep(time.Minute)
		if got := slack.of("inc-1/0"); len(got) != 2 {
			t.Errorf("told %d times: the control must double", len(got))
		}
	})
}

func TestRootTellsWhatHappenedBeforeItWasPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: times(2, "post", effect{err: notify.Unsent(errNet)})}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(time.Millisecond)
		i = then(then(i, incident.Joined, time.Now()), incident.Closed, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if got := slack.of("inc-1/0"); len(got) != 1 || got[0].seq != 3 || len(slack.all()) != 1 {
			t.Errorf("messages: %+v, want one root that shows the newest state", slack.all())
		}
		for _, p := range box.Posts() {
			if p.Line > 0 && !p.Covered {
				t.Errorf("line %d is not covered", p.Line)
			}
		}
	})
}

func TestChangesDuringAnAttemptAreToldInOrderAndCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		settle(t, s, time.Minute)
		slack.change(func() { slack.script = times(1, "edit", effect{hang: true, store: true}) })
		for _, kind := range []incident.LineKind{incident.Joined, incident.Raised, incident.Recovered, incident.Closed} {
			i = then(i, kind, time.Now())
			box.Commit(i, "#a", time.Now())
			s.Kick()
			time.Sleep(time.Second)
		}
		settle(t, s, time.Minute)
		var order []string
		for _, c := range slack.ops("") {
			order = append(order, c.op+" "+c.id)
		}
		want := []string{"post inc-1/0", "edit inc-1/0", "edit inc-1/0", "post inc-1/2", "post inc-1/3", "post inc-1/4", "post inc-1/5", "edit inc-1/0"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLimitPausesItsWholeDestinationAndNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			return effect{err: notify.RetryAfter(20*time.Second, errors.New("ratelimited"))}, c.channel == "#a" && time.Now().Equal(begun)
		}}
		for n := range 3 {
			box.Commit(fresh(fmt.Sprint("inc-a", n), begun), "#a", begun)
			box.Commit(fresh(fmt.Sprint("inc-b", n), begun), "#b", begun)
		}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		settle(t, s, time.Minute)
		after := map[string][]time.Duration{}
		for _, c := range slack.ops("post") {
			after[c.channel] = append(after[c.channel], c.at.Sub(begun))
		}
		const rested = 20 * time.Second
		if diff := cmp.Diff(map[string][]time.Duration{"#a": {0, rested, rested, rested}, "#b": {0, 0, 0}}, after); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatHappenedSinceAnAttemptThatArrivedIsToldAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: times(1, "post", effect{hang: true, store: true})}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(12 * time.Second)
		box.Commit(then(i, incident.Joined, time.Now()), "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if root := slack.of("inc-1/0"); len(root) != 1 || root[0].seq != 2 {
			t.Errorf("root %+v, want one that was brought up to date", root)
		}
		if len(slack.of("inc-1/2")) != 1 {
			t.Error("the line is not told, although the message that arrived does not tell it")
		}
	})
}

func TestOneLookUpThatFindsNothingIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost, lag := times(1, "post", effect{hang: true, store: true}), times(1, "find", effect{})
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			if c.op == "find" {
				return lag(c)
			}
			return lost(c)
		}}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		settle(t, s, time.Minute)
		finds := slack.ops("find")
		if len(slack.of("inc-1/0")) != 1 || len(finds) != 2 || finds[1].at.Sub(finds[0].at) != 5*time.Second {
			t.Errorf("told %d times after look-ups %v", len(slack.of("inc-1/0")), finds)
		}
	})
}

func TestNewIncidentsAreToldBeforeOldOnesAreEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		var old []incident.Incident
		for n := range 15 {
			old = append(old, fresh(fmt.Sprintf("inc-%02d", n), time.Now()))
			box.Commit(old[n], "#a", time.Now())
		}
		s.Kick()
		settle(t, s, time.Minute)
		for _, i := range old {
			box.Commit(then(i, incident.Joined, time.Now()), "#a", time.Now())
		}
		box.Commit(fresh("inc-new", time.Now()), "#a", time.Now())
		begun := time.Now()
		s.Kick()
		time.Sleep(2 * time.Second)
		if got := slack.of("inc-new/0"); len(got) != 1 {
			t.Errorf("the new incident waits behind edits for over %v", time.Since(begun))
		}
	})
}

func TestDeadDestinationKeepsItsMessagesAndIsTriedEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			return effect{err: notify.Dead(errors.New("invalid_auth"))}, c.channel == "#a" && time.Since(begun) < 10*time.Minute
		}}
		for n := range 3 {
			box.Commit(fresh(fmt.Sprint("inc-a", n), begun), "#a", begun)
		}
		box.Commit(fresh("inc-b", begun), "#b", begun)
		s, stop := start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(5*time.Minute + time.Second)
		want := []notify.DestinationHealth{
			{Channel: "#a", Dead: true, Since: begun, Trouble: "invalid_auth", Pending: 3, Oldest: begun, Failed: 6},
			{Channel: "#b", Delivered: 1},
		}
		if diff := cmp.Diff(want, s.Destinations()); diff != "" {
			t.Error(diff)
		}
		if n := len(slack.ops("post")) - 1; n != 6 {
			t.Errorf("%d tries in five minutes, want one at once and one a minute", n)
		}
		// At start it is tried at once.
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		before := len(slack.ops("post"))
		s, _ = start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(time.Millisecond)
		if len(slack.ops("post")) == before {
			t.Error("not tried at start")
		}
		settle(t, s, 10*time.Minute)
		for n := range 3 {
			if got := slack.of(fmt.Sprintf("inc-a%d/0", n)); len(got) != 1 {
				t.Errorf("inc-a%d told %d times", n, len(got))
			}
		}
		if h := s.Destinations()[0]; h.Dead {
			t.Errorf("still dead: %+v", h)
		}
	})
}

func TestRefusedFormIsSentPlainOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			return effect{err: notify.Unrenderable(errors.New("invalid_blocks"))}, !c.n.Plain && c.op != "find"
		}}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		if took := settle(t, s, time.Minute); took > time.Second {
			t.Errorf("took %v, want at once", took)
		}
		box.Commit(then(i, incident.Closed, time.Now()), "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if len(slack.all()) != 2 || !slack.all()[0].notice.Plain || slack.all()[0].seq != 2 {
			t.Errorf("messages %+v, want a plain root that is up to date and a plain line", slack.all())
		}
	})
}

func TestHopelessMessageHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			return effect{err: notify.Unrenderable(errors.New("invalid_blocks"))}, c.id == "inc-1/0"
		}}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		box.Commit(fresh("inc-2", time.Now()), "#a", time.Now())
		start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(time.Second)
		if len(slack.of("inc-2/0")) != 1 {
			t.Error("inc-2 was not told")
		}
		time.Sleep(5 * time.Minute)
		if n := len(slack.ops("post")); n > 14 {
			t.Errorf("%d attempts in five minutes, want two a minute", n)
		}
	})
}

func TestDeletedRootIsPostedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		settle(t, s, time.Minute)
		slack.change(func() { slack.deleted = map[string]bool{"1": true} })
		i = then(i, incident.Joined, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		got := slack.of("inc-1/0")
		if len(got) != 2 || got[1].seq != 2 {
			t.Fatalf("root messages %+v, want a second one that shows seq 2", got)
		}
		i = then(i, incident.Closed, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if line := slack.of("inc-1/3"); len(line) != 1 || line[0].thread != got[1].ts {
			t.Errorf("closing line %+v, want one in the new thread", line)
		}
	})
}

func TestThreadThatIsGoneGetsANewRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		i := fresh("inc-1", time.Now())
		box.Commit(i, "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		settle(t, s, time.Minute)
		slack.change(func() { slack.script = times(1, "post", effect{err: notify.Gone(errors.New("thread_not_found"))}) })
		box.Commit(then(i, incident.Joined, time.Now()), "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if got := slack.of("inc-1/0"); len(got) != 2 || got[1].seq != 2 {
			t.Errorf("root messages %+v, want a second one that tells the line", got)
		}
	})
}

func TestUnreadableHistoryEndsInAMarkedRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := times(1, "post", effect{hang: true, store: true})
		box, slack := &notify.MemOutbox{}, &service{script: func(c call) (effect, bool) {
			if c.op == "find" {
				return effect{err: notify.Dead(errors.New("missing_scope"))}, true
			}
			return lost(c)
		}}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		box.Commit(fresh("inc-2", time.Now().Add(1)), "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		took := settle(t, s, 20*time.Minute)
		if took < 10*time.Minute || took > 12*time.Minute+40*time.Second {
			t.Errorf("took %v, want 10 minutes of look-ups after the quiet period", took)
		}
		got := slack.of("inc-1/0")
		if len(got) != 2 || !got[1].notice.Repeat || box.Posts()[0].MayRepeat != 1 {
			t.Errorf("messages %+v, want a repeat that is marked and counted", got)
		}
		if second := slack.of("inc-2/0"); len(second) != 1 || second[0].at.Sub(got[0].at) > time.Minute {
			t.Errorf("the other incident had to wait: %+v", second)
		}
		gaps(t, slack.ops(""))
	})
}

func TestWhatIsTooLateToHelpExpiresVisibly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{script: func(call) (effect, bool) {
			return effect{err: notify.Unsent(errNet)}, true
		}}
		begun := time.Now()
		over := then(fresh("inc-over", begun), incident.Closed, begun.Add(time.Minute))
		open := then(fresh("inc-open", begun), incident.Joined, begun.Add(time.Minute))
		long := then(fresh("inc-long", begun), incident.Closed, begun.Add(20*time.Hour))
		box.Commit(over, "#a", begun)
		box.Commit(open, "#a", begun)
		box.Commit(long, "#a", begun)
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		time.Sleep(25 * time.Hour)
		slack.change(func() { slack.script = nil })
		settle(t, s, 2*time.Minute)
		if len(slack.of("inc-over/0")) != 0 || len(slack.of("inc-open/0")) != 1 || len(slack.of("inc-long/0")) != 1 {
			t.Errorf("messages %+v, want the open incident and the one that ended lately", slack.all())
		}
		for _, p := range box.Posts() {
			if p.Expired != (p.Incident == "inc-over") {
				t.Errorf("message %s: expired %v", p.ID(), p.Expired)
			}
		}
	})
}

func TestExpiryGoesByMomentsNotByWallTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		past := time.Date(2013, 2, 8, 14, 15, 0, 0, time.UTC)
		box, slack := &notify.MemOutbox{}, &service{}
		box.Commit(then(fresh("inc-1", past), incident.Closed, past), "#a", past)
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Moment: func() time.Time { return past.Add(time.Hour) }})
		settle(t, s, time.Minute)
		if len(slack.of("inc-1/0")) != 1 {
			t.Error("a replay of the past was not told")
		}
	})
}

func TestRateKeepsToWhatTheServiceAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		box, slack := &notify.MemOutbox{}, &service{}
		for n := range 20 {
			box.Commit(fresh(fmt.Sprintf("inc-%02d", n), begun), "#a", begun)
		}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		if took := settle(t, s, 2*time.Minute); took < 18*time.Second || took > 20*time.Second {
			t.Errorf("20 messages took %v, want five at once and 0.8 a second after", took)
		}
		if at := slack.ops("post")[4].at; at != begun {
			t.Errorf("the fifth came after %v, want at once", at.Sub(begun))
		}
	})
}
