package slack

import (
	"fmt"
	"slices"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

// Message is what chat.postMessage and chat.update take. Blocks and
// Attachments are never nil, so that an edit replaces all of the message.
type Message struct {
	Text        string           `json:"text"`
	Blocks      []api.Block      `json:"blocks"`
	Attachments []api.Attachment `json:"attachments"`
}

// Colours of the bar beside a message. Green is for what is resolved and for
// nothing else.
const (
	red   = "#a30200"
	amber = "#daa038"
	grey  = "#dddddd"
	green = "#2eb886"
)

// Render draws a notice. Mention is what pings the owner, a token of Slack; it
// stands in the text, because Slack notifies for that line in any case.
func Render(n notify.Notice, mention string) Message {
	m := Message{Blocks: []api.Block{}, Attachments: []api.Attachment{}}
	if n.Bulletin != nil {
		return bulletin(n, mention)
	}
	if n.Line != nil {
		m.Text = line(n, mention)
		if !n.Plain {
			m.Blocks = append(m.Blocks, section("line", m.Text))
		}
		return m
	}
	sign, colour := look(n)
	m.Text = join(" ", sign, notify.Headline(n, inText), repeats(n), mention)
	if n.Plain {
		m.Text = join("\n", m.Text, plainly(n))
		return m
	}
	m.Attachments = append(m.Attachments, api.Attachment{
		Color: colour, Fallback: notify.Headline(n, inText), Blocks: api.Blocks{BlockSet: body(n)},
	})
	return m
}

// look is the sign and the colour of an incident's state.
func look(n notify.Notice) (sign, colour string) {
	how, _ := n.Ended()
	switch {
	case how == "resolved":
		return "✅", green
	case how != "":
		return "⚪", grey
	case n.Incident.Muted.Set():
		return "🔕", grey
	case n.Incident.Acked.Set():
		return "👀", amber
	case n.Incident.Kind == incident.Canary:
		return "🐤", grey
	case n.Incident.Severity == dag.Warn:
		return "🟡", amber
	}
	return "🔴", red
}

// signs of the lines in a thread.
var signs = map[incident.LineKind]string{
	incident.Opened: "🔴", incident.Joined: "➕", incident.Recovered: "➖", incident.Raised: "🔴", incident.Lowered: "🟡", incident.Moved: "↗️",
	incident.Reopened: "🔴", incident.Redefined: "✏️", incident.MergedLine: "⚪", incident.Closed: "✅",
	incident.Acked: "👀", incident.Unacked: "🔔", incident.Muted: "🔕", incident.Unmuted: "🔔",
	incident.Escalated: "📣", incident.Reminded: "⏰", incident.Flapping: "〰️", incident.Steady: "🔴",
}

// line is one thing that happened, for the thread.
func line(n notify.Notice, mention string) string {
	sign := signs[n.Line.Kind]
	if n.Line.Kind == incident.Closed && n.Line.Detail != "" {
		sign = "⚪"
	}
	s := notify.LineText(n, inBlocks)
	if o, ok := other(n, incident.ID(n.Line.Detail)); n.Line.Kind == incident.MergedLine && ok {
		s += " (" + link(o.Link, inText.Said(o.Headline)) + ")"
	}
	return join(" ", sign, s, repeats(n), mention)
}

// repeats marks a message that may be there twice.
func repeats(n notify.Notice) string {
	if n.Repeat {
		return "(may repeat: Slack could not say whether this was posted before)"
	}
	return ""
}

// body is the message in full.
func body(n notify.Notice) []api.Block {
	how, _ := n.Ended()
	parts := []api.Block{section("head", head(n, how))}
	if s := newly(n); s != "" {
		parts = append(parts, section("news", s))
	}
	if how == "" {
		parts = append(parts, fields("facts", facts(n)))
	}
	for _, p := range []struct{ id, text string }{
		{"standing", standing(n, how)}, {"more", more(n, how)}, {"impact", impact(n, how)}, {"beside", beside(n)}, {"changed", changed(n, how)},
	} {
		if p.text != "" {
			parts = append(parts, section(p.id, p.text))
		}
	}
	if how == "" && n.Incident.Kind != incident.Canary {
		parts = append(parts, drawn(n)...)
		parts = append(parts, buttons(n)...)
	}
	return append(parts, api.NewContextBlock("foot", mrkdwn(foot(n))))
}

// head says what is wrong and who owns it.
func head(n notify.Notice, how string) string {
	i := n.Incident
	subject := link(n.Link, n.Subject(inText))
	owner := ""
	if n.Owner != "" {
		owner = "owner " + code(n.Owner)
	}
	_, why := n.Ended()
	switch how {
	case "merged":
		return fmt.Sprintf("*%s* is not a cause of its own. It goes on in %s", subject, name(n, i.MergedInto))
	case "closed":
		return fmt.Sprintf("*%s* closed without a recovery: %s · open %s → %s", subject, said(why), date(i.Onset), date(i.ResolvedAt))
	case "resolved":
		again, lasted := "is well again", notify.Span(i.ResolvedAt.Sub(i.Onset))
		if i.Kind == incident.Canary {
			return fmt.Sprintf("*%s came through* in %s: it was posted here and found again", subject, lasted)
		}
		switch i.Kind {
		case incident.CannotCheck:
			again = "can be checked again"
		case incident.BrokenFile:
			again = "is taken up again"
		case incident.ClockSkew:
			again = "and ours agree again"
		case incident.NoData:
			again = "has something to judge again"
		}
		return join("\n", fmt.Sprintf("*%s %s* after %s: %s%s → %s", subject, again, lasted, n.Was(), date(i.Onset), date(i.ResolvedAt)), was(n))
	}
	switch i.Kind {
	case incident.CannotCheck:
		if i.Partly {
			return join("\n", fmt.Sprintf("*%s cannot be checked*: the connection answers other checks, so that it is this which has to be mended", subject), owner)
		}
		return join("\n", fmt.Sprintf("*%s cannot be checked*: what is behind it may be well or not, nobody knows. Mend the connection; there may be nothing wrong with its tables", subject), owner)
	case incident.BrokenFile:
		return fmt.Sprintf("*%s is broken*: its last good version is watched on, if there was one; mend the file and it is taken up by itself", subject)
	case incident.Self:
		return fmt.Sprintf("*%s is in trouble*: this is about the watcher, not about data. Whoever runs pipewatch has to look", subject)
	case incident.Canary:
		return fmt.Sprintf("*%s*: a test of the alarm. Nothing is broken and there is nothing to do", subject)
	case incident.ClockSkew:
		return fmt.Sprintf("*%s and ours differ*: data may be well, but ages are off by as much", subject)
	case incident.NoData:
		return join("\n", fmt.Sprintf("*%s has had nothing to judge for long*: it may be well or not, nobody knows", subject), owner)
	}
	return join("\n", fmt.Sprintf("*%s %s*", subject, said(notify.Predicate(n.Lead()))), owner)
}

// standing says who has done what to an open incident.
func standing(n notify.Notice, how string) string {
	if how != "" {
		return ""
	}
	i := n.Incident
	var items []string
	add := func(m incident.Mark, sign, did string) {
		s := sign + " " + did
		if m.By != "" {
			s += " by " + said(m.By)
		}
		if !m.Until.IsZero() {
			s += " until " + date(m.Until)
		}
		s += " · " + date(m.At)
		if m.Note != "" {
			s += ": " + said(m.Note)
		}
		items = append(items, s)
	}
	if i.Acked.Set() {
		add(i.Acked, "👀", "Acknowledged")
	}
	if i.Muted.Set() {
		add(i.Muted, "🔕", "Muted")
	}
	if i.Escalated.Set() {
		add(i.Escalated, "📣", "Escalated")
	}
	if !i.Flapping.IsZero() {
		items = append(items, "〰️ Comes and goes since "+date(i.Flapping))
	}
	return strings.Join(items, "\n")
}

// newly says what happened since the last message, where every message is a new
// one.
func newly(n notify.Notice) string {
	var items []string
	for _, l := range n.News {
		if l.Kind != incident.Closed {
			n.Line = &l
			items = append(items, line(n, ""))
		}
	}
	return list(items, "\n", sectionText)
}

// was says what was found at the worst.
func was(n notify.Notice) string {
	if m := said(n.Lead().Message); m != "" {
		return "it was: " + m
	}
	return ""
}

// facts are value against limit and the times.
func facts(n notify.Notice) []string {
	i, lead := n.Incident, n.Lead()
	found := said(lead.Message)
	if found == "" {
		found = said(notify.Predicate(lead))
	}
	if i.Kind == incident.Canary {
		return []string{"*What this is*\n" + found, "*Since*\n" + date(i.Onset)}
	}
	if i.Kind == incident.BrokenFile || i.Kind == incident.Self || i.Kind == incident.ClockSkew {
		return []string{"*Problem*\n" + found, "*Since*\n" + date(i.Onset)}
	}
	if i.Kind == incident.CannotCheck {
		asked := "*No answer from*\n"
		if i.Partly {
			asked = "*Asked through*\n"
		}
		return []string{
			asked + code(i.Connection), "*Answer*\n" + found,
			"*Checks in the dark*\n" + fmt.Sprint(len(i.Findings)), "*Since*\n" + date(i.Onset),
		}
	}
	return []string{
		"*Check*\n" + said(n.LooksAt(lead.Check)), "*Found*\n" + found,
		"*Last good*\n" + date(i.GoodUntil), "*Since*\n" + date(i.Onset),
	}
}

// more lists what else is wrong with the root, and what is well again.
func more(n notify.Notice, how string) string {
	if n.Incident.Kind != incident.Data || how != "" {
		return ""
	}
	var items []string
	lead := n.Lead()
	for _, f := range n.Incident.Own() {
		switch {
		case f.Check == lead.Check:
		case f.Recovered:
			items = append(items, "✓ "+said(n.LooksAt(f.Check))+" passes again")
		default:
			items = append(items, "• "+said(notify.Predicate(f))+": "+said(f.Message))
		}
	}
	if len(items) == 0 {
		return ""
	}
	return "*Also here*\n" + list(items, "\n", sectionText)
}

// impact lists what follows from the root: findings that are held back with
// their reasons, then the other nodes below.
func impact(n notify.Notice, how string) string {
	i := n.Incident
	var items, nodes []string
	told := map[dag.NodeID]bool{i.Root: true}
	for _, f := range i.Held() {
		if f.Recovered {
			continue
		}
		told[f.Check.Node()] = true
		items = append(items, "⛔ "+notify.Held(n, f, inBlocks))
	}
	if how == "resolved" || how == "closed" {
		if len(items) == 0 {
			return ""
		}
		return "*Still failing below*: each is told by itself if its next evaluation fails too\n" + list(items, "\n", sectionText)
	}
	if how == "merged" {
		return ""
	}
	if i.Kind == incident.CannotCheck {
		return inTheDark(n)
	}
	for _, id := range i.Blocks {
		if !told[id] {
			nodes = append(nodes, code(n.Label(id))+owned(n, id))
		}
	}
	if len(items)+len(nodes) == 0 {
		return ""
	}
	title := fmt.Sprintf("*Blocked below (%d)*: it follows from this; mend this first, and leave that alone until then", len(i.Blocks))
	if i.Severity == dag.Warn {
		title = fmt.Sprintf("*Below (%d)*", len(i.Blocks))
	}
	rest := ""
	if len(nodes) > 0 {
		rest = list(nodes, ", ", sectionText/5)
	}
	return join("\n", title, list(items, "\n", sectionText/3), rest)
}

// owned names the owner of a node below where it is not the root's.
func owned(n notify.Notice, id dag.NodeID) string {
	if owner := n.Nodes[id].Owner; owner != "" && owner != n.Owner {
		return " (" + said(owner) + ")"
	}
	return ""
}

// inTheDark lists the nodes whose checks get no answer.
func inTheDark(n notify.Notice) string {
	var ids []dag.NodeID
	for _, f := range n.Incident.Findings {
		if !slices.Contains(ids, f.Check.Node()) {
			ids = append(ids, f.Check.Node())
		}
	}
	names := make([]string, len(ids))
	for k, id := range ids {
		names[k] = code(n.Label(id)) + owned(n, id)
	}
	return fmt.Sprintf("*Unwatched (%d)*\n%s", len(ids), list(names, ", ", sectionText/2))
}

// beside names the other incidents above, which are not why.
func beside(n notify.Notice) string {
	var items []string
	for _, id := range n.Incident.Beside {
		items = append(items, "• "+name(n, id))
	}
	if len(items) == 0 {
		return ""
	}
	return "*Also broken further up*, which does not explain this\n" + list(items, "\n", sectionText/2)
}

// changed lists what became another above the root, or there, since it was good.
func changed(n notify.Notice, how string) string {
	if how != "" {
		return ""
	}
	var items []string
	for _, c := range n.Incident.Changes {
		items = append(items, fmt.Sprintf("• %s %s · %s", code(n.Label(c.Check.Node())), said(c.Words()), date(c.At)))
	}
	if len(items) == 0 {
		return ""
	}
	return "*Changed since it was last good*: maybe why, maybe not\n" + list(items, "\n", sectionText/2)
}

// name is another incident by its headline, or its id where that is all that
// is known.
func name(n notify.Notice, id incident.ID) string {
	if o, ok := other(n, id); ok {
		return link(o.Link, said(o.Headline)) + " (" + code(string(id)) + ")"
	}
	return code(string(id))
}

func other(n notify.Notice, id incident.ID) (notify.Other, bool) {
	k := slices.IndexFunc(n.Others, func(o notify.Other) bool { return o.ID == id })
	if k < 0 {
		return notify.Other{}, false
	}
	return n.Others[k], true
}

// foot says which incident this is and how often it is looked at.
func foot(n notify.Notice) string {
	i := n.Incident
	parts := []string{code(string(i.ID))}
	if i.Root != "" {
		parts = append(parts, "node "+code(string(i.Root)))
		if v := n.Nodes[i.Root]; v.Schedule != "" {
			parts = append(parts, "checked "+said(v.Schedule))
		}
	}
	for _, l := range i.Lines {
		if l.Kind == incident.Moved {
			parts = append(parts, "first seen at "+code(n.Label(dag.NodeID(l.Detail))))
			break
		}
	}
	if how, _ := n.Ended(); how != "" && len(i.Blocks) > 0 {
		parts = append(parts, notify.Count(len(i.Blocks), "node")+" below")
	}
	return strings.Join(parts, " · ")
}

// plainly is the body in the plainest form that Slack takes.
func plainly(n notify.Notice) string {
	i := n.Incident
	if how, _ := n.Ended(); how != "" {
		return join("\n", fmt.Sprintf("%s → %s", date(i.Onset), date(i.ResolvedAt)), link(n.Link, "Details"))
	}
	return join("\n", said(n.Lead().Message), fmt.Sprintf("since %s, last good %s", date(i.Onset), date(i.GoodUntil)), link(n.Link, "Details"))
}

// join joins what is not empty.
func join(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}
