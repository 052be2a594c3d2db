package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// This file is what people do over HTTP: acts on incidents, re-checks and
// announcements, and the trail that all of them leave.

// People carries out what people want. Its methods are called concurrently, and
// what they did is durable when they return.
type People interface {
	// Act does something to an incident, now, and gives it as it is then. What
	// cannot be done is an *incident.Refusal.
	Act(ctx context.Context, a incident.Act) (incident.Incident, error)
	// CheckNow evaluates nodes that have checks and returns when that is
	// recorded. When ctx ends first it goes on.
	CheckNow(ctx context.Context, nodes []dag.NodeID, by, via string) error
	// Announce makes planned work known, from now on, and gives it its id.
	Announce(ctx context.Context, a incident.Announcement) (incident.Announcement, error)
	// Unannounce ends an announcement that has not ended.
	Unannounce(ctx context.Context, id incident.AnnouncementID, by, via string) error
}

// AuditEntry is one thing that a person did to pipewatch.
type AuditEntry struct {
	ID     string    `json:"id,omitempty"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Via    string    `json:"via,omitempty"`
	Did    string    `json:"did"`
	To     string    `json:"to"`
	Detail string    `json:"detail"`
}

// patience is how long a request waits for a re-check. It is shorter than the
// server's limit for an answer.
const patience = 20 * time.Second

// caller is how who asks is written down, by the name that they gave. Nobody
// proves it while auth.mode is none, which only listens on the machine itself.
func caller(name string) string {
	if name = strings.TrimSpace(name); name != "" {
		return name
	}
	return "somebody without a name"
}

type actInput struct {
	User string   `header:"X-Pipewatch-User" maxLength:"100" doc:"who asks, as the audit trail shall name them"`
	Via  string   `header:"X-Pipewatch-Via" enum:"api,cli" default:"api" doc:"the kind of program that asks"`
	ID   string   `path:"id"`
	Body *actBody `required:"false"`
}

type actBody struct {
	For   string    `json:"for,omitempty" example:"2h" doc:"of a mute: how long, such as 90m or 48h; or give until"`
	Until time.Time `json:"until,omitzero" doc:"of a mute: its end"`
	Note  string    `json:"note,omitempty" maxLength:"500" doc:"why, in words"`
	Seq   int       `json:"seq,omitempty" minimum:"0" doc:"the seq of the incident that was looked at: refused when it has become worse since"`
}

// routeActs adds what people do.
func (s *Site) routeActs(api huma.API) {
	for kind, summary := range map[incident.ActKind]string{
		incident.Ack: "Take an incident on", incident.Unack: "Give an incident back",
		incident.Mute: "Mute an incident until a time", incident.Unmute: "End the mute of an incident",
	} {
		huma.Register(api, post(string(kind)+"-incident", "/incidents/{id}/"+string(kind), summary), func(ctx context.Context, in *actInput) (*body[incident.Incident], error) {
			return s.act(ctx, kind, in)
		})
	}
	huma.Register(api, post("check-node", "/nodes/{dag}/{node}/check", "Check a node now"), s.checkNow)
	huma.Register(api, post("announce-work", "/nodes/{dag}/{node}/announce", "Announce planned work on a node"), s.announce)
	end := post("end-work", "/announcements/{id}", "End an announcement now")
	end.Method = http.MethodDelete
	huma.Register(api, end, s.unannounce)
	huma.Register(api, op("list-audit", "/audit", "What people did, newest first"), s.getAudit)
}

// post describes one POST.
func post(id, path, summary string) huma.Operation {
	o := op(id, path, summary)
	o.Method = http.MethodPost
	return o
}

// longestMute is until when an incident may be muted. One without an end would be
// forgotten.
const longestMute = 366 * 24 * time.Hour

func (s *Site) act(ctx context.Context, kind incident.ActKind, in *actInput) (*body[incident.Incident], error) {
	a := incident.Act{Incident: incident.ID(in.ID), Kind: kind, By: caller(in.User), Via: in.Via}
	if b := in.Body; b != nil {
		a.Until, a.Note, a.Seq = b.Until, b.Note, b.Seq
		if b.For != "" {
			d, err := time.ParseDuration(b.For)
			if err != nil || d <= 0 || !b.Until.IsZero() {
				return nil, huma.Error422UnprocessableEntity(quoted(b.For) + " is no time to mute for: write 90m or 48h, or give until instead")
			}
			a.Until = s.source.Snapshot().At.Add(d)
		}
		if a.Until.After(s.source.Snapshot().At.Add(longestMute)) {
			return nil, huma.Error422UnprocessableEntity("a mute ends within a year: what shall never be said is better taken out of the file")
		}
	}
	i, err := s.people.Act(ctx, a)
	r, refused := errors.AsType[*incident.Refusal](err)
	switch {
	case refused && r.Why == incident.UnknownIncident:
		return nil, huma.Error404NotFound(err.Error())
	case refused && r.Why == incident.Senseless:
		return nil, huma.Error422UnprocessableEntity(err.Error())
	case refused:
		return nil, huma.Error409Conflict(err.Error())
	case err != nil:
		return nil, s.notKept(err)
	}
	return &body[incident.Incident]{i}, nil
}

// notKept is the answer when what somebody did could not be recorded.
func (s *Site) notKept(err error) error {
	s.log.Error("what somebody did was not kept", "error", err)
	return huma.Error503ServiceUnavailable("it could not be recorded, so nothing was done; the log says why")
}

type checkInput struct {
	User string `header:"X-Pipewatch-User" maxLength:"100" doc:"who asks, as the audit trail shall name them"`
	Via  string `header:"X-Pipewatch-Via" enum:"api,cli" default:"api" doc:"the kind of program that asks"`
	DAG  string `path:"dag"`
	Node string `path:"node"`
}

type checkOutput struct {
	Status int
	Body   nodeView
}

func (s *Site) checkNow(ctx context.Context, in *checkInput) (*checkOutput, error) {
	now := s.source.Snapshot()
	st, ok := now.node(nodePath{in.DAG, in.Node}.id())
	if !ok {
		return nil, noNode(nodePath{in.DAG, in.Node}.id())
	}
	if len(now.Suite.Of(st.Node)) == 0 {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("%s has no checks", st.Node))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out := &checkOutput{Status: http.StatusOK}
	switch err := s.people.CheckNow(ctx, []dag.NodeID{st.Node}, caller(in.User), in.Via); {
	case errors.Is(err, context.DeadlineExceeded):
		out.Status = http.StatusAccepted
	case err != nil:
		return nil, s.notKept(err)
	}
	now = s.source.Snapshot()
	if again, ok := now.node(st.Node); ok {
		st = again
	}
	out.Body = now.viewNode(st, false)
	return out, nil
}

type announceInput struct {
	User string `header:"X-Pipewatch-User" maxLength:"100" doc:"who asks, as the audit trail shall name them"`
	Via  string `header:"X-Pipewatch-Via" enum:"api,cli" default:"api" doc:"the kind of program that asks"`
	DAG  string `path:"dag"`
	Node string `path:"node"`
	Body struct {
		Until  time.Time `json:"until" doc:"when the work ends"`
		Reason string    `json:"reason" minLength:"1" maxLength:"500" pattern:"\\S" doc:"what is done; whoever is on call will read it"`
	}
}

func (s *Site) announce(ctx context.Context, in *announceInput) (*body[incident.Announcement], error) {
	now := s.source.Snapshot()
	st, ok := now.node(nodePath{in.DAG, in.Node}.id())
	switch {
	case !ok:
		return nil, noNode(nodePath{in.DAG, in.Node}.id())
	case !in.Body.Until.After(now.At):
		return nil, huma.Error422UnprocessableEntity("the end of the work has to be still to come; it is " + now.At.UTC().Format(time.RFC3339) + " now")
	}
	a, err := s.people.Announce(ctx, incident.Announcement{Node: st.Node, Until: in.Body.Until, Reason: in.Body.Reason, By: caller(in.User), Via: in.Via})
	if err != nil {
		return nil, s.notKept(err)
	}
	return &body[incident.Announcement]{a}, nil
}

type announcementInput struct {
	User string `header:"X-Pipewatch-User" maxLength:"100" doc:"who asks, as the audit trail shall name them"`
	Via  string `header:"X-Pipewatch-Via" enum:"api,cli" default:"api" doc:"the kind of program that asks"`
	ID   string `path:"id"`
}

func (s *Site) unannounce(ctx context.Context, in *announcementInput) (*struct{}, error) {
	now := s.source.Snapshot()
	id := incident.AnnouncementID(in.ID)
	if a, known := now.Book.Announcements[id]; !known || !a.Until.After(now.At) {
		return nil, huma.Error404NotFound(fmt.Sprintf("no announcement %s runs", quoted(in.ID)))
	}
	if err := s.people.Unannounce(ctx, id, caller(in.User), in.Via); err != nil {
		return nil, s.notKept(err)
	}
	return nil, nil
}

type auditQuery struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Before string `query:"before" doc:"only what is older than this entry"`
}

type auditBody struct {
	Entries []AuditEntry `json:"entries"`
}

func (s *Site) getAudit(_ context.Context, q *auditQuery) (*body[auditBody], error) {
	found, err := s.audit(q.Before, q.Limit)
	if err != nil {
		return nil, s.trouble(err)
	}
	return &body[auditBody]{auditBody{list(found)}}, nil
}
