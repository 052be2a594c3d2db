package notify

import (
	"context"
	"fmt"
	"slices"
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
	if t.post.Bulletin != nil {
		n, err := d.bulletin(t.post)
		if err != nil {
			return err
		}
		return d.send(ctx, t, n, nil)
	}
	i, err := d.incident(t.post.Incident)
	if err != nil {
		return err
	}
	if d.expired(t.post, i) {
		return d.expire(t.post, i)
	}
	var tells []Post
	if t.post.Line == 0 && t.kind != edit {
		if tells, err = d.covered(i); err != nil {
			return err
		}
	}
	return d.send(ctx, t, d.compose(t.post, i), tells)
}

// send posts or edits. With a root message go the lines that it tells itself.
func (d *destination) send(ctx context.Context, t task, n Notice, tells []Post) error {
	if t.kind == edit {
		return d.edit(ctx, t.post, n)
	}
	return d.post(ctx, t.post, n, tells)
}

// bounded gives an attempt its time.
func (d *destination) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d.config.Timeout, fmt.Errorf("no answer within %v", d.config.Timeout))
}

// compose writes the message of a post.
func (d *destination) compose(p Post, i incident.Incident) Notice {
	var line *incident.Line
	for k := range i.Lines {
		if p.Line > 0 && i.Lines[k].N == p.Line {
			line = &i.Lines[k]
		}
	}
	n := d.config.Compose(i, line, d.others(i)...)
	n.ID, n.Repeat = p.ID(), p.MayRepeat > 0
	if d.oneWay && p.Shown > 0 {
		n.News = news(i, p)
		if !slices.ContainsFunc(n.News, incident.Line.Calls) {
			n.Mention = ""
		}
	}
	if e := d.config.Route(i).Escalate; p.Copy && e.Channel == p.Channel && i.Status == incident.Open {
		n.Mention = e.Mention
	}
	return n
}

// post sends a new message. The intent is durable before the message leaves,
// and with it which lines a root message tells: after a crash it is certain
// that whatever arrived tells them.
func (d *destination) post(ctx context.Context, p Post, n Notice, tells []Post) error {
	var thread Ref
	if p.Line > 0 {
		root, _, err := d.root(p.Incident, "")
		if err != nil {
			return err
		}
		thread = root.Ref
	}
	if d.oneWay && !p.Intent.IsZero() { // a crash in between: it may have arrived
		d.repeats(&p)
		n.Repeat = true
	}
	p.Attempts++
	p.Intent = Intent{Attempt: p.Attempts, Started: time.Now()}
	if err := d.save(append([]Post{p}, tells...)...); err != nil {
		return err
	}
	if p.Shown == 0 && p.Line == 0 && !p.Copy && p.Bulletin == nil && p.Attempts == 1 {
		d.told = append(d.told, time.Now())
	}
	bounded, cancel := d.bounded(ctx)
	ref, err := d.way.Post(bounded, p.Channel, thread, n)
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
		if !d.oneWay {
			d.ill(err)
			return d.trouble(p, err) // the intent stays open
		}
		d.repeats(&p)
	case IsUnrenderable:
		if !n.Plain {
			d.config.Log.Warn("message refused, sending a plain one", "channel", d.channel, "message", p.ID(), "error", err)
			n.Plain = true
			return d.post(ctx, p, n, tells)
		}
	case IsGone:
		if p.Line > 0 {
			p.Intent = Intent{}
			return d.lost(p, err)
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
// twice, so it needs no intent. One without an answer may be stored late, over
// one that came after it, so that another is made when that cannot happen any
// more.
func (d *destination) edit(ctx context.Context, p Post, n Notice) error {
	p.Attempts++
	t, settled := d.tries[p.ID()], time.Now().Add(d.config.Timeout+d.config.Quiet)
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
	if class == Ambiguous && d.config.Quiet > 0 {
		t.again = settled
	}
	if class == IsGone || class == IsDead && d.vanished(ctx, p) {
		return d.lost(p, err)
	}
	d.refused(p, class, after, err)
	return d.trouble(p, err)
}

// vanished tells whether a message that cannot be edited is not there any more,
// although its channel is: behind the same name there may be another workspace.
func (d *destination) vanished(ctx context.Context, p Post) bool {
	bounded, cancel := d.bounded(ctx)
	defer cancel()
	since := time.Now().Add(-24 * time.Hour)
	if p.At.Before(since) {
		since = p.At
	}
	_, found, err := d.way.Find(bounded, p.Channel, Ref{}, p.ID(), since)
	return err == nil && !found
}

func (d *destination) update(ctx context.Context, at Ref, n Notice) error {
	bounded, cancel := d.bounded(ctx)
	defer cancel()
	return d.way.Update(bounded, at, n)
}

// find settles a post that may have arrived. Found, it is sent; not found
// twice, it never arrived; not to be found out for long, it is sent again and
// says so.
func (d *destination) find(ctx context.Context, p Post) error {
	var thread Ref
	if p.Line > 0 {
		root, _, err := d.root(p.Incident, "")
		if err != nil {
			return err
		}
		thread = root.Ref
	}
	bounded, cancel := d.bounded(ctx)
	ref, found, err := d.way.Find(bounded, p.Channel, thread, p.ID(), p.Intent.Started)
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
	d.repeats(&p)
	return d.trouble(p, cause)
}

// repeats notes that a message is sent although an earlier attempt may have
// arrived.
func (d *destination) repeats(p *Post) {
	p.MayRepeat++
	d.note(func(h *DestinationHealth) { h.MayRepeat++ })
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
	again := d.tries[p.ID()].again
	p.Intent, p.Next, p.Trouble, p.Recheck = Intent{}, time.Time{}, "", again.After(time.Now())
	d.tries[p.ID()] = &try{edited: time.Now(), again: again}
	d.well()
	if err := d.save(p); err != nil {
		return err
	}
	return d.relief()
}

// trouble writes down what went wrong with a post and when it is tried again.
func (d *destination) trouble(p Post, cause error) error {
	p.Trouble = cause.Error()
	d.note(func(h *DestinationHealth) { h.Failed++ })
	p.Next = d.task(p, d.tries[p.ID()], time.Now()).due
	return d.save(p)
}

// lost writes down that a root message, or the one that a line belongs to, is
// gone, so that a new one is posted.
func (d *destination) lost(p Post, cause error) error {
	root, save := p, []Post{}
	if p.Line > 0 {
		var err error
		if root, _, err = d.root(p.Incident, ""); err != nil {
			return err
		}
		save = append(save, p)
	}
	d.config.Log.Warn("message is gone, posting a new one", "channel", d.channel, "message", root.ID(), "error", cause)
	root.Ref, root.Shown, root.Trouble, root.Recheck = Ref{}, 0, cause.Error(), false
	return d.save(append(save, root)...)
}

// expired tells whether a message comes too late to be of use: a line long
// after it happened, or the first message of an incident long over. What is
// open is told however late, and a message that stands is always brought up to
// date.
func (d *destination) expired(p Post, i incident.Incident) bool {
	at, after := p.At, d.config.ExpireAfter
	if k := slices.IndexFunc(i.Lines, func(l incident.Line) bool { return l.N == p.Line }); k >= 0 && i.Lines[k].Kind == incident.Reminded {
		after = min(after, reminderExpiry)
	}
	if p.Line == 0 {
		if p.Shown > 0 || i.Status == incident.Open {
			return false
		}
		at = i.Refreshed
	}
	return d.config.Moment().Sub(at) > after
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
	d.note(func(h *DestinationHealth) { h.Expired += int64(len(give)) })
	d.config.Log.Warn("message expired before it could be sent", "channel", d.channel, "message", p.ID())
	return d.save(give...)
}

func (d *destination) save(posts ...Post) error {
	if err := d.config.Outbox.Save(posts...); err != nil {
		return fmt.Errorf("write the outbox: %w", err)
	}
	return nil
}
