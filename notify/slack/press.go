package slack

import (
	"context"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// This file is what people in Slack do with the buttons of a message. A press
// comes over a socket (socket.go) or by a signed request (interactions.go), is
// acknowledged at once, and is carried out here by one of a few workers: who
// may, what it means, and what the person is told.

// Press is what somebody wants done by a button or a menu of a message.
type Press struct {
	Kind     string // ack, unack, mute, unmute, recheck, escalate or explain
	Incident incident.ID
	Seq      int    // the incident's Seq that the message showed
	Until    string // of a mute: 1h, tomorrow, 3d
	User     string // U…, who pressed
	Name     string // what they are called, which is not unique
}

// Actor carries out what people want. A reply is said to the person alone;
// an empty one says nothing, as the message shows what was done. An error is
// logged, and the person is told that it did not work.
type Actor interface {
	Act(ctx context.Context, p Press) (reply string, err error)
}

// PressConfig is what Presses needs: a Client with an app token, a
// SigningSecret, or both; and all others but Actors.
type PressConfig struct {
	Client        *Client
	SigningSecret conf.Secret
	// Actors are who may: user ids, e-mail addresses, handles or ids of user
	// groups. None is everybody in the workspace.
	Actors []string
	Actor  Actor
	Now    func() time.Time // the wall clock
	Log    *slog.Logger
}

// Presses takes presses and has them carried out.
type Presses struct {
	config  PressConfig
	started time.Time
	queue   chan pressed

	mu   sync.Mutex
	seen map[string]time.Time // envelopes and signatures of the last minutes
}

// pressed is a press and where its answer goes.
type pressed struct {
	Press
	replyTo string
}

const (
	workers  = 4
	room     = 100              // presses that may wait
	remember = 10 * time.Minute // how long a press counts as taken
)

// NewPresses makes Presses that have yet to Run.
func NewPresses(c PressConfig) *Presses {
	return &Presses{config: c, started: c.Now(), queue: make(chan pressed, room), seen: map[string]time.Time{}}
}

// Run carries presses out, and listens for them where the client has an app
// token, until ctx is done.
func (p *Presses) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case one := <-p.queue:
					p.carryOut(ctx, one)
				}
			}
		})
	}
	if p.config.Client.config.AppToken.Reveal() != "" {
		wg.Go(func() { p.listen(ctx) })
	}
	wg.Wait()
}

// first tells whether something is seen for the first time.
func (p *Presses) first(id string) bool {
	now := p.config.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, at := range p.seen {
		if now.Sub(at) > remember {
			delete(p.seen, old)
		}
	}
	_, again := p.seen[id]
	p.seen[id] = now
	return !again
}

// take queues what somebody pressed; false means that there is no room.
func (p *Presses) take(ic api.InteractionCallback) bool {
	if ic.Type != api.InteractionTypeBlockActions {
		return true // nothing of ours
	}
	for _, a := range ic.ActionCallback.BlockActions {
		one, ours := parse(a)
		if !ours {
			continue
		}
		one.User, one.Name = ic.User.ID, clean(ic.User.Name)
		select {
		case p.queue <- pressed{one, ic.ResponseURL}:
		default:
			return false
		}
	}
	return true
}

// incidentID is the shape of an incident's id.
var incidentID = regexp.MustCompile(`^inc-[0-9A-Za-z-]{1,60}$`)

// kinds are the presses by action_id. Buttons that lead to a page have others,
// or an address; Slack tells of these, too.
var kinds = map[string]string{
	"pw_ack": "ack", "pw_unack": "unack", "pw_mute": "mute", "pw_unmute": "unmute",
	"pw_recheck": "recheck", "pw_escalate": "escalate", "pw_explain": "explain",
}

// parse reads a button's value, "<incident>|<seq>", or a menu's,
// "<incident>|<seq>|<until>"; false for what is not ours.
func parse(a *api.BlockAction) (Press, bool) {
	kind := kinds[a.ActionID]
	value := a.Value
	if a.SelectedOption.Value != "" {
		value = a.SelectedOption.Value
	}
	parts := strings.Split(value, "|")
	want := 2
	if kind == "mute" {
		want = 3
	}
	if kind == "" || len(parts) != want || !incidentID.MatchString(parts[0]) {
		return Press{}, false
	}
	seq, err := strconv.Atoi(parts[1])
	if err != nil || seq < 0 {
		return Press{}, false
	}
	p := Press{Kind: kind, Incident: incident.ID(parts[0]), Seq: seq}
	if kind == "mute" {
		p.Until = parts[2]
	}
	return p, true
}

// carryOut does what somebody pressed and answers them.
func (p *Presses) carryOut(ctx context.Context, one pressed) {
	log := p.config.Log.With("press", one.Kind, "incident", one.Incident, "user", one.User)
	reply := ""
	may, err := p.config.Client.allows(ctx, p.config.Actors, one.User)
	switch {
	case err != nil:
		log.Warn("press not carried out: it could not be looked up who may", "err", err)
		reply = "Slack could not tell whether you may do this. Nothing was done; please try again."
	case !may:
		log.Warn("press refused: not one of alerts.slack.actors")
		reply = "You are not among those who may do this here. Nothing was done; ask whoever runs pipewatch (alerts.slack.actors)."
	default:
		if reply, err = p.config.Actor.Act(ctx, one.Press); err != nil {
			log.Error("press not carried out", "err", err)
			reply = "This did not work. Nothing was done; the log of pipewatch says why."
		}
	}
	if reply == "" {
		return
	}
	if err := p.config.Client.respond(ctx, one.replyTo, reply); err != nil {
		log.Warn("the answer to a press was not delivered", "err", err)
	}
}
