package notify_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// failing is an incident of a table of its own.
func failing(n int, at time.Time) incident.Incident {
	i := fresh(fmt.Sprintf("inc-%05d", n), at)
	i.Root = dag.NodeID(fmt.Sprintf("shop/t%05d", n))
	i.Findings = []incident.Finding{{Check: dag.CheckID(i.Root) + "/freshness", Outcome: checks.Fail, Reason: checks.Stale, Severity: dag.Error}}
	return i
}

func TestStormIsOneDigestThatGrowsAndEnds(t *testing.T) {
	for _, n := range []int{21, 10_000} {
		t.Run(fmt.Sprint(n, " incidents"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box, slack := &notify.MemOutbox{}, &service{}
				for k := range n { // all at once: a sender at work could begin before the rest is there
					box.Commit(failing(k, time.Now()), "#a", time.Now())
				}
				s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
				settle(t, s, 10*time.Second)
				all := slack.all()
				if len(all) != 1 || all[0].notice.Bulletin == nil {
					t.Fatalf("%d messages, want one digest", len(all))
				}
				b := all[0].notice.Bulletin
				if !strings.Contains(b.Title, "digest") || !strings.Contains(b.Title, fmt.Sprintf("%d incidents", n)) || len(b.Members) != n {
					t.Errorf("digest %q of %d", b.Title, len(b.Members))
				}
				if item := b.Sections[0].Items[0]; !strings.Contains(item, fmt.Sprintf("DAG shop, is stale: %d open", n)) {
					t.Errorf("grouped as %q", item)
				}
				box.Commit(failing(n, time.Now()), "#a", time.Now())
				for k := range n + 1 {
					box.Commit(then(failing(k, time.Now()), incident.Closed, time.Now()), "#a", time.Now())
				}
				s.Kick()
				settle(t, s, 30*time.Second)
				if all = slack.all(); len(all) != 1 || all[0].notice.Bulletin.State != notify.Ended {
					t.Errorf("%d messages, the first %+v; want the digest ended", len(all), all[0].notice.Bulletin.Title)
				}
				if posts, _ := box.Pending(); len(posts) > 0 {
					t.Errorf("%d posts left", len(posts))
				}
			})
		})
	}
}

func TestManyIncidentsSpreadOverTimeAreNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		for k := range 40 {
			box.Commit(failing(k, time.Now()), "#a", time.Now())
			s.Kick()
			time.Sleep(4 * time.Second) // fifteen a minute
		}
		settle(t, s, time.Minute)
		if n := len(slack.all()); n != 40 {
			t.Errorf("%d messages, want one each", n)
		}
	})
}

func TestTooManyLinesAreLeftToTheirRootMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, slack := &notify.MemOutbox{}, &service{}
		s, _ := start(t, notify.Config{Outbox: box, Channel: slack})
		i := failing(1, time.Now())
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		for n := range 10_001 {
			i.Lines = append(i.Lines, incident.Line{N: n + 2, At: i.Refreshed, Kind: incident.Joined, Seq: n + 2})
		}
		i.Seq = 10_002
		box.Commit(i, "#a", time.Now())
		s.Kick()
		settle(t, s, time.Minute)
		if n := len(slack.all()); n != 2 || slack.all()[0].seq != i.Seq {
			t.Errorf("%d messages; want the root as it is now and a digest", n)
		}
		if h := s.Destinations()[0]; h.Collapsed != 10_001 {
			t.Errorf("%d lines counted", h.Collapsed)
		}
	})
}
