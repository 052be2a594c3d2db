package notify_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// standing is what stands in a service, in order: "inc-1/0 open 1".
func standing(s *service) []string {
	var out []string
	for _, m := range s.all() {
		state := string(m.notice.Incident.Status)
		if b := m.notice.Bulletin; b != nil {
			state = string(b.State)
		}
		out = append(out, fmt.Sprintf("%s %s %d", m.id, state, m.seq))
	}
	return out
}

// inAnyOrder is what stands, sorted.
func inAnyOrder(s *service) []string { return slices.Sorted(slices.Values(standing(s))) }

func TestOneWayDestinationGetsAMessageForWhatIsWorthOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, hook := &notify.MemOutbox{}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: &service{}, OneWay: map[string]notify.Channel{"webhook": hook}})
		i := fresh("inc-1", time.Now())
		for _, kind := range []incident.LineKind{"", incident.Joined, incident.Raised, incident.Recovered, incident.Closed} {
			if kind != "" {
				i = then(i, kind, time.Now())
			}
			box.Commit(i, "webhook", time.Now())
			s.Kick()
			settle(t, s, time.Minute)
		}
		if diff := cmp.Diff([]string{"inc-1/0 open 1", "inc-1/0 open 3", "inc-1/0 resolved 5"}, standing(hook)); diff != "" {
			t.Error(diff)
		}
		if n := len(hook.ops("edit")) + len(hook.ops("find")); n > 0 {
			t.Errorf("%d edits and look-ups, which it cannot do", n)
		}
		if news := hook.all()[1].notice.News; len(news) != 1 || news[0].Kind != incident.Raised {
			t.Errorf("the second message tells %v", news)
		}
	})
}

func TestOneWayDestinationRepeatsAnAmbiguousAttemptOnce(t *testing.T) {
	for name, e := range classes {
		for n := 1; n <= 4; n++ {
			t.Run(fmt.Sprintf("post that %s, %d times", name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					box, hook := &notify.MemOutbox{}, &service{script: times(n, "post", e)}
					box.Commit(fresh("inc-1", time.Now()), "webhook", time.Now())
					s, _ := start(t, notify.Config{Outbox: box, Channel: &service{}, OneWay: map[string]notify.Channel{"webhook": hook}})
					settle(t, s, time.Duration(n)*2*time.Minute)
					time.Sleep(time.Minute)
					ambiguous := 0
					if class, _ := notify.ClassOf(e.err); e.store || e.late > 0 || e.hang || e.err != nil && class == notify.Ambiguous {
						ambiguous = n
					}
					got := hook.of("inc-1/0")
					if len(got) == 0 || len(got) > 1+ambiguous {
						t.Errorf("told %d times after %d ambiguous attempts", len(got), ambiguous)
					}
					if ambiguous > 0 && !slices.ContainsFunc(got, func(m told) bool { return m.notice.Repeat }) {
						t.Error("a repeat is not marked")
					}
				})
			})
		}
	}
}

func TestOpenedAndClosedWhileAwayIsOneMessage(t *testing.T) {
	for _, way := range []string{"#a", "webhook"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				away := func(call) (effect, bool) {
					return effect{err: notify.Unsent(errNet)}, time.Since(begun) < 3*time.Minute
				}
				box, both := &notify.MemOutbox{}, &service{script: away}
				s, _ := start(t, notify.Config{Outbox: box, Channel: both, OneWay: map[string]notify.Channel{"webhook": both}})
				i := fresh("inc-1", begun)
				box.Commit(i, way, begun)
				s.Kick()
				time.Sleep(time.Minute)
				box.Commit(then(i, incident.Closed, time.Now()), way, time.Now())
				s.Kick()
				settle(t, s, 5*time.Minute)
				if diff := cmp.Diff([]string{"inc-1/0 resolved 2"}, standing(both)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// fallback is a route to a webhook for everything.
func fallback(incident.Incident) notify.Route { return notify.Route{Fallback: "webhook"} }

func TestDeadDestinationIsToldThroughItsFallbackAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		dead := func(c call) (effect, bool) {
			return effect{err: notify.Dead(errors.New("invalid_auth"))}, time.Since(begun) < 10*time.Minute
		}
		box, slack, hook := &notify.MemOutbox{}, &service{script: dead}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Route: fallback, OneWay: map[string]notify.Channel{"webhook": hook}})
		i := fresh("inc-1", begun)
		box.Commit(i, "#a", begun)
		box.Commit(fresh("inc-2", begun), "#b", begun)
		s.Kick()
		time.Sleep(3 * time.Minute)
		if len(hook.of("inc-1/0")) != 1 || len(hook.of("inc-2/0")) != 1 {
			t.Errorf("the fallback has %v", standing(hook))
		}
		var trouble *notify.Bulletin
		for _, m := range hook.all() {
			if b := m.notice.Bulletin; b != nil {
				trouble = b
			}
		}
		if trouble == nil || !strings.Contains(trouble.Title, "invalid_auth") {
			t.Errorf("nobody is told why: %v", standing(hook))
		}
		if len(slack.all()) != 0 || s.Idle() {
			t.Error("the messages are not kept for the destination itself")
		}
		i = then(i, incident.Closed, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		time.Sleep(time.Minute)
		if got := hook.of("inc-1/0"); len(got) != 2 || got[1].notice.Incident.Status != incident.Resolved {
			t.Errorf("the end is not told in the fallback: %v", standing(hook))
		}
		settle(t, s, 15*time.Minute)
		if diff := cmp.Diff([]string{"inc-1/0 resolved 2", "inc-2/0 open 1"}, inAnyOrder(slack)); diff != "" {
			t.Errorf("after it was mended: %s", diff)
		}
		last := hook.all()[len(hook.all())-1].notice.Bulletin
		if last == nil || last.State != notify.Ended {
			t.Errorf("that it is mended is not told: %v", standing(hook))
		}
	})
}

// The control for the test above: without a fallback nothing leaves the house.
func TestWithoutAFallbackADeadDestinationTellsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, hook := &notify.MemOutbox{}, &service{}
		slack := &service{script: func(call) (effect, bool) { return effect{err: notify.Dead(errors.New("invalid_auth"))}, true }}
		box.Commit(fresh("inc-1", time.Now()), "#a", time.Now())
		start(t, notify.Config{Outbox: box, Channel: slack, OneWay: map[string]notify.Channel{"webhook": hook}})
		time.Sleep(10 * time.Minute)
		if len(hook.all()) != 0 {
			t.Errorf("told %v", standing(hook))
		}
	})
}

func TestEscalationPostsOneMoreMessageElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		route := func(incident.Incident) notify.Route {
			return notify.Route{Escalate: notify.Escalation{Channel: "#leads", Mention: "@lead"}}
		}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Route: route})
		i := fresh("inc-1", time.Now())
		for _, kind := range []incident.LineKind{"", incident.Escalated, incident.Closed} {
			if kind != "" {
				i = then(i, kind, time.Now())
			}
			box.Commit(i, "#a", time.Now())
			s.Kick()
			settle(t, s, time.Minute)
		}
		var leads []told
		for _, m := range slack.all() {
			if m.channel == "#leads" {
				leads = append(leads, m)
			}
		}
		if len(leads) != 1 || leads[0].seq != 3 || leads[0].thread != "" {
			t.Errorf("in #leads: %+v, want one message that is edited", leads)
		}
		if posted := slack.ops("post"); !hasMention(posted, "#leads", "@lead") {
			t.Error("the lead was not mentioned")
		}
	})
}

func hasMention(calls []call, channel, mention string) bool {
	for _, c := range calls {
		if c.channel == channel && c.n.Mention == mention {
			return true
		}
	}
	return false
}

func TestWarningsWaitForTheMorningAndErrorsDoNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a bubble begins at midnight UTC
		night := notify.Window{From: 22 * time.Hour, To: 7 * time.Hour}
		route := func(incident.Incident) notify.Route { return notify.Route{Quiet: []notify.Window{night}} }
		box, slack := &notify.MemOutbox{}, &service{}
		warn := fresh("inc-warn", time.Now())
		warn.Severity = dag.Warn
		rises := fresh("inc-rises", time.Now())
		rises.Severity = dag.Warn
		box.Commit(warn, "#a", time.Now())
		box.Commit(rises, "#a", time.Now())
		box.Commit(fresh("inc-error", time.Now()), "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Route: route})
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]string{"inc-error/0 open 1"}, standing(slack)); diff != "" {
			t.Errorf("at night: %s", diff)
		}
		rises.Severity = dag.Error
		box.Commit(then(rises, incident.Raised, time.Now()), "#a", time.Now())
		s.Kick()
		time.Sleep(5*time.Hour + 59*time.Minute)
		if diff := cmp.Diff([]string{"inc-error/0 open 1", "inc-rises/0 open 2"}, standing(slack)); diff != "" {
			t.Errorf("one minute to seven: %s", diff)
		}
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]string{"inc-error/0 open 1", "inc-rises/0 open 2", "inc-warn/0 open 1"}, standing(slack)); diff != "" {
			t.Errorf("after seven: %s", diff)
		}
	})
}

func TestMuteWindowKeepsWhatEndsInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		window := notify.Window{From: 0, To: 2 * time.Hour}
		route := func(incident.Incident) notify.Route { return notify.Route{Mute: []notify.Window{window}} }
		box, slack := &notify.MemOutbox{}, &service{}
		over := fresh("inc-over", time.Now())
		box.Commit(over, "#a", time.Now())
		box.Commit(fresh("inc-stays", time.Now()), "#a", time.Now())
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Route: route})
		time.Sleep(time.Hour)
		box.Commit(then(over, incident.Closed, time.Now()), "#a", time.Now())
		s.Kick()
		settle(t, s, 2*time.Hour)
		if diff := cmp.Diff([]string{"inc-stays/0 open 1"}, standing(slack)); diff != "" {
			t.Error(diff)
		}
		if p := box.Posts()[0]; !p.Expired || p.Trouble == "" {
			t.Errorf("what was kept back does not say so: %+v", p)
		}
	})
}

// What was given up in its mute window and breaks again is told: after the window
// where it is still in it, at once where it is over.
func TestWhatBreaksAgainAfterItWasGivenUpIsTold(t *testing.T) {
	for name, again := range map[string]time.Duration{"within the window": 90 * time.Minute, "after it": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				window := notify.Window{From: 0, To: 2 * time.Hour}
				route := func(incident.Incident) notify.Route { return notify.Route{Mute: []notify.Window{window}} }
				box, slack := &notify.MemOutbox{}, &service{}
				i := fresh("inc-1", time.Now())
				box.Commit(i, "#a", time.Now())
				s, _ := start(t, notify.Config{Outbox: box, Channel: slack, Route: route})
				begun := time.Now()
				time.Sleep(time.Hour)
				i = then(i, incident.Closed, time.Now())
				box.Commit(i, "#a", time.Now())
				s.Kick()
				time.Sleep(again - time.Since(begun))
				if p := box.Posts()[0]; !p.Expired || len(slack.all()) > 0 {
					t.Fatalf("not given up: %+v", p)
				}
				i = then(i, incident.Reopened, time.Now())
				i.Status, i.ResolvedAt = incident.Open, time.Time{}
				box.Commit(i, "#a", time.Now())
				s.Kick()
				settle(t, s, 2*time.Hour)
				if diff := cmp.Diff([]string{"inc-1/0 open 3"}, standing(slack)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// The run that opens it again may come between the sender's look and its
// decision to give it up.
func TestGivingUpDoesNotOverwriteThatItIsOpenAgain(t *testing.T) {
	box, now := &notify.MemOutbox{}, time.Now()
	i := then(fresh("inc-1", now), incident.Closed, now)
	box.Commit(i, "#a", now)
	given := box.Posts()[0]
	i = then(i, incident.Reopened, now)
	i.Status = incident.Open
	box.Commit(i, "#a", now)
	given.Expired, given.Trouble = true, "it began and ended within a mute window"
	if err := box.Save(given); err != nil {
		t.Fatal(err)
	}
	if p := box.Posts()[0]; p.Done() || p.Want != 3 {
		t.Errorf("it is lost: %+v", p)
	}
}

func TestReminderIsOfNoUseLongAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		box, slack := &notify.MemOutbox{}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		i := fresh("inc-1", begun)
		box.Commit(i, "#a", begun)
		s.Kick()
		settle(t, s, time.Minute)
		slack.change(func() {
			slack.script = func(call) (effect, bool) { return effect{err: notify.Unsent(errNet)}, time.Since(begun) < 2*time.Hour }
		})
		i = then(then(i, incident.Reminded, time.Now()), incident.Joined, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, 3*time.Hour)
		if len(slack.of("inc-1/2")) != 0 || len(slack.of("inc-1/3")) != 1 {
			t.Errorf("told %v, want the line but not the reminder", standing(slack))
		}
	})
}
