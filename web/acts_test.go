package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

// people notes what it is asked to do and answers err.
type people struct {
	acts []incident.Act
	err  error
}

func (p *people) Act(_ context.Context, a incident.Act) (incident.Incident, error) {
	p.acts = append(p.acts, a)
	return incident.Incident{ID: a.Incident}, p.err
}

func (p *people) CheckNow(context.Context, []dag.NodeID, string, string) error { return p.err }

func (p *people) Announce(_ context.Context, a incident.Announcement) (incident.Announcement, error) {
	return a, p.err
}

func (p *people) Unannounce(context.Context, incident.AnnouncementID, string, string) error {
	return p.err
}

func TestAnActSaysWhoDidItAndAMuteCountsFromTheServicesMoment(t *testing.T) {
	s, p := story(t), &people{}
	h := web.New(web.Config{Source: s, Control: s, People: p})
	w := call(h, "POST", "/api/v1/incidents/inc-1/mute", `{"for":"2h","note":"known"}`, "Content-Type", "application/json", "X-Pipewatch-User", "ana", "X-Pipewatch-Via", "cli")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := call(h, "POST", "/api/v1/incidents/inc-1/ack", ""); w.Code != 200 {
		t.Fatalf("without a body: %d %s", w.Code, w.Body)
	}
	want := []incident.Act{
		{Incident: "inc-1", Kind: incident.Mute, By: "ana", Via: "cli", Note: "known", Until: s.Snapshot().At.Add(2 * time.Hour)},
		{Incident: "inc-1", Kind: incident.Ack, By: "somebody without a name", Via: "api"},
	}
	if diff := cmp.Diff(want, p.acts); diff != "" {
		t.Errorf("acts (-want +got):\n%s", diff)
	}
}

func TestWhatIsNotDoneSaysWhy(t *testing.T) {
	ack, mute := "/api/v1/incidents/inc-1/ack", "/api/v1/incidents/inc-1/mute"
	for name, c := range map[string]struct {
		path, body string
		err        error
		code       int
		says       string
	}{
		"an incident that never was":    {ack, "{}", &incident.Refusal{Why: incident.UnknownIncident}, 404, "no such incident"},
		"an incident that is over":      {ack, "{}", &incident.Refusal{Why: incident.Over}, 409, "nothing left to do"},
		"a mute without an end":         {mute, "{}", &incident.Refusal{Why: incident.Senseless, Act: incident.Act{Kind: incident.Mute}}, 422, "needs an end"},
		"a mute of no length":           {mute, `{"for":"soon"}`, nil, 422, "write 90m"},
		"a state that takes nothing":    {ack, "{}", errors.New("disk full"), 503, "nothing was done"},
		"work on a node nobody watches": {"/api/v1/nodes/shop/nosuch/announce", `{"until":"2099-01-01T00:00:00Z","reason":"r"}`, nil, 404, "no DAG has a node"},
		"a check of a node nobody has":  {"/api/v1/nodes/shop/nosuch/check", "", nil, 404, "no DAG has a node"},
	} {
		s := story(t)
		h := web.New(web.Config{Source: s, Control: s, People: &people{err: c.err}})
		w := call(h, "POST", c.path, c.body, "Content-Type", "application/json")
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s, want %d and %q", name, w.Code, w.Body, c.code, c.says)
		}
	}
}

func TestAnotherSitesPageCannotAct(t *testing.T) {
	s, p := story(t), &people{}
	h := web.New(web.Config{Source: s, Control: s, People: p})
	w := call(h, "POST", "/api/v1/incidents/inc-1/ack", "", "Sec-Fetch-Site", "cross-site")
	if w.Code != 403 || len(p.acts) != 0 {
		t.Errorf("%d, %d acts", w.Code, len(p.acts))
	}
}
