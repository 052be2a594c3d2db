package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// do carries out one task. Its error is one of the outbox; what the channel
// says is written down there.
func (d *destination) do(ctx context.Context, t task) error {
	limit := d.posts
	if t.kind == look {
		limit = d.looks
	}
	if limit.Wait(ctx) != nil {
		return nil // the sender ends
	}
	if t.kind == look {
		return d.find(ctx, t.post)
	}
	i, err := d.config.Outbox.Incident(t.post.Incident)
	if err != nil {
		return fmt.Errorf("read incident %s: %w", t.post.Incident, err)
	}
	if d.expired(t.post, i) {
		return d.expire(t.post, i)
	}
	if t.kind == edit {
		return d.edit(ctx, t.post, i)
	}
	return d.post(ctx, t.post, i, false)
}

// bounded gives an attempt its time.
func (d *destination) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d.config.Timeout, fmt.Errorf("no answer within %v", d.config.Timeout))
}

// compose writes the message of a post.
func (d *destination) compose(p Post, i incident.Incident, plain bool) Notice {
	var line *incident.Line
	for k := range i.Lines {
		if p.Line > 0 && i.Lines[k].N == p.Line {
			line = &i.Lines[k]
		}
	}
	n := d.config.Compose(i, line, d.others(i)...)
	n.ID, n.Repeat, n.Plain = p.ID(), p.MayRepeat > 0, plain
	return n
}

// post sends a new message. The intent is durable before the message leaves,
// and with it which lines a root message tells: after a crash it is certain
// that whatever arrived tells them.
func (d *destination) post(ctx context.Context, p Post, i incident.Incident, plain bool) error {
	var thread Ref
	save := []Post{p}
	if p.Line > 0 {
		root, err := d.config.Outbox.Root(p.Incident)
		if err != nil {
			return fmt.Errorf("read the root message of %s: %w", p.Incident, err)
		}
		thread = root.Ref
	} else {
		covered, err := d.covered(i)
		if err != nil {
			return err
		}
		save = append(save, covered...)
	}
	p.Attempts++
	p.Intent = Intent{Attempt: p.Attempts, Started: time.Now()}
	save[0] = p
	if err := d.save(save...); err != nil {
		return err
	}
	n := d.compose(p, i, plain)
	bounded, cancel := d.bounded(ctx)
	ref, err := d.config.Channel.Post(bounded, p.Channel, thread, n)
	cancel()
	if err == nil {
		p.Ref, p.Shown = ref, 1
		if p.Line == 0 {
			p.Shown = n.Seq
		}
		return d.sent(p)
	}
	class, after := ClassOf(err)
	switch class {
	case Ambiguous:
		d.ill(err)
		return d.trouble(p, err) // the intent stays open
	case IsUnrenderable:
		if !plain {
			d.config.Log.Warn("message refused, sending a plain one", "channel", d.channel, "message", p.ID(), "error", err)
			return d.post(ctx, p, i, true)
		}
	case IsGone:
		if p.Line > 0 {
			p.Intent = Intent{}
			return d.lost(p.Incident, err, p)
		}
	}
	p.Intent = Intent{}
	d.refused(p, class, after, err)
	return d.trouble(p, err)
}

// covered are the pending lines that the root message tells itself, because it
// shows the incident after them.
func (d *destination) covered(i incident.Incident) ([]Post, error) {
	posts, err := d.config.Outbox.Pending()
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	var out []Post
	for _, p := range posts {
		if p.Incident != i.ID || p.Line == 0 {
			continue
		}
		for _, l := range i.Lines {
			if l.N == p.Line && l.Seq <= i.Seq {
				p.Covered = true
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// edit makes a root message show the incident as it is. It is harmless to do it
// twice, so it needs no intent.
func (d *destination) edit(ctx context.Context, p Post, i incident.Incident) error {
	p.Attempts++
	n := d.compose(p, i, false)
	err := d.update(ctx, p.Ref, n)
	if class, _ := ClassOf(err); err != nil && class == IsUnrenderable {
		d.config.Log.Warn("edit refused, sending a plain one", "channel", d.channel, "message", p.ID(), "error", err)
		n.Plain = true
		err = d.update(ctx, p.Ref, n)
	}
	if err == nil {
		p.Shown = n.Seq
		return d.sent(p)
	}
	class, after := ClassOf(err)
	if class == IsGone {
		return d.lost(p.Incident, err)
	}
	d.refused(p, class, after, err)
	return d.trouble(p, err)
}

func (d *destination) update(ctx context.Context, at Ref, n Notice) error {
	bounded, cancel := d.bounded(ctx)
	defer cancel()
	return d.config.Channel.Update(bounded, at, n)
}

// find settles a post that may have arrived. Found, it is sent; not found
// twice, it never arrived; not to be found out for long, it is sent again and
// says so.
func (d *destination) find(ctx context.Context, p Post) error {
	var thread Ref
	if p.Line > 0 {
		root, err := d.config.Outbox.Root(p.Incident)
		if err != nil {
			return fmt.Errorf("read the root message of %s: %w", p.Incident, err)
		}
		thread = root.Ref
	}
	bounded, cancel := d.bounded(ctx)
	ref, found, err := d.config.Channel.Find(bounded, p.Channel, thread, p.ID(), p.Intent.Started)
	cancel()
	t, now := d.tries[p.ID()], time.Now()
	class, after := ClassOf(err)
	switch {
	case err != nil && class == IsRetry:
		d.rest(after, err)
		return nil
	case err != nil && class != IsGone: // a thread that is not there holds no line
		return d.unreadable(p, t, err)
	case found:
		// What it shows is at least its first state; an edit brings the rest.
		p.Ref, p.Shown = ref, max(p.Shown, 1)
		return d.sent(p)
	case !t.absent:
		*t = try{seen: t.seen, absent: true, next: now.Add(absentAgain)}
		return nil
	}
	*t = try{}
	p.Intent = Intent{}
	return d.save(p)
}

// unreadable notes that a look-up failed.
func (d *destination) unreadable(p Post, t *try, cause error) error {
	now := time.Now()
	if t.unreadable.IsZero() {
		t.unreadable = now
	}
	if now.Sub(t.unreadable) < unreadableFor {
		t.failures++
		t.next = now.Add(d.backoff(t.failures))
		return d.trouble(p, cause)
	}
	d.config.Log.Warn("message may be there already, sending it again", "channel", d.channel, "message", p.ID(), "error", cause)
	*t = try{}
	p.Intent = Intent{}
	p.MayRepeat++
	return d.trouble(p, cause)
}

// refused decides when a message that certainly did not arrive is tried again.
func (d *destination) refused(p Post, class Class, after time.Duration, cause error) {
	switch class {
	case IsRetry:
		d.rest(after, cause)
		return
	case IsDead:
		d.die(cause)
		return
	}
	now := time.Now()
	t := d.tries[p.ID()]
	t.failures++
	t.next = now.Add(d.backoff(t.failures))
	if class == IsUnrenderable { // the message's fault, not the destination's
		t.next = now.Add(maxWait)
		d.config.Log.Error("plain message refused too", "channel", d.channel, "message", p.ID(), "error", cause)
		return
	}
	d.ill(cause)
}

// sent writes down that a post shows.
func (d *destination) sent(p Post) error {
	p.Intent, p.Next, p.Trouble = Intent{}, time.Time{}, ""
	d.tries[p.ID()] = &try{}
	d.well()
	return d.save(p)
}

// trouble writes down what went wrong with a post and when it is tried again.
func (d *destination) trouble(p Post, cause error) error {
	p.Trouble = cause.Error()
	p.Next = d.task(p, d.tries[p.ID()], time.Now()).due
	return d.save(p)
}

// lost writes down that the root message is gone, so that a new one is posted.
func (d *destination) lost(id incident.ID, cause error, also ...Post) error {
	root, err := d.config.Outbox.Root(id)
	if err != nil {
		return fmt.Errorf("read the root message of %s: %w", id, err)
	}
	d.config.Log.Warn("message is gone, posting a new one", "channel", d.channel, "message", root.ID(), "error", cause)
	root.Ref, root.Shown, root.Trouble = Ref{}, 0, cause.Error()
	return d.save(append(also, root)...)
}

// expired tells whether a message comes too late to be of use: a line long
// after it happened, or the first message of an incident long over. What is
// open is told however late, and a message that stands is always brought up to
// date.
func (d *destination) expired(p Post, i incident.Incident) bool {
	at := p.At
	if p.Line == 0 {
		if !p.Ref.IsZero() || i.Status == incident.Open {
			return false
		}
		at = i.Refreshed
	}
	return d.config.Moment().Sub(at) > d.config.ExpireAfter
}

// expire gives a message up, and with a root message its thread.
func (d *destination) expire(p Post, i incident.Incident) error {
	give := []Post{p}
	if p.Line == 0 {
		lines, err := d.covered(i)
		if err != nil {
			return err
		}
		give = append(give, lines...)
	}
	for k := range give {
		give[k].Covered, give[k].Expired = false, true
	}
	d.config.Log.Warn("message expired before it could be sent", "channel", d.channel, "message", p.ID())
	return d.save(give...)
}

func (d *destination) save(posts ...Post) error {
	if err := d.config.Outbox.Save(posts...); err != nil {
		return fmt.Errorf("write the outbox: %w", err)
	}
	return nil
}
