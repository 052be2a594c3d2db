package demo

import (
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// narrator prints the story as it goes. Every line begins with a moment on New
// York's clock.
type narrator struct {
	out io.Writer
	day string // of the line before
}

func newNarrator(out io.Writer) *narrator { return &narrator{out: out} }

// line prints one thing that happened at a moment.
func (n *narrator) line(at time.Time, who, what string) {
	day := at.In(newYork).Format("Mon 2 Jan 2006")
	if day != n.day {
		fmt.Fprintf(n.out, "  %s\n", day)
		n.day = day
	}
	fmt.Fprintf(n.out, "    %s  %-14s %s\n", at.In(newYork).Format("15:04"), who, what)
}

func (n *narrator) stretch(number, of int, s Stretch) {
	n.day = ""
	fmt.Fprintf(n.out, "\n%d/%d  %s\n", number, of, s.Title)
	n.line(s.From, "watching", "every hour, at five past")
}

func (n *narrator) broke(f Fault) {
	who := "BROKEN"
	if f.Real() {
		who = "IT HAPPENED"
	}
	n.line(f.Broke, who, f.What)
}

func (n *narrator) mended(f Fault) { n.line(f.Mended, "MENDED", f.Mending) }

func (n *narrator) said(m Message) {
	text := m.Text
	if m.Thread {
		text = "in the thread: " + text
	}
	n.line(m.At, m.Channel, text)
}

// turn says that the clock stands still and it is people's turn.
func (n *narrator) turn(at time.Time) {
	fmt.Fprintf(n.out, "\nIt is %s and the clock stands still; %s\n", clockOf(at), keys())
}

// outcome sums up what was said of one fault.
func (n *narrator) outcome(r Row) {
	if r.Found == nil {
		fmt.Fprintf(n.out, "    => %s: NOT FOUND\n", r.Fault.Name)
		return
	}
	fmt.Fprintf(n.out, "    => %s: named as the root %s after it broke, at evaluation %d\n", r.Found.Root.Name(), span(r.Delay), r.Evaluations)
	if len(r.Found.Held) > 0 {
		fmt.Fprintf(n.out, "       held back, listed in its message: %s\n", checkNames(r.Found.Held))
	}
	if quiet := nodeNames(r.Found.Blocks); quiet != "" {
		fmt.Fprintf(n.out, "       below it, and not a word of their own: %s\n", quiet)
	}
}

// end prints the table of all faults.
func (n *narrator) end(s Score) {
	fmt.Fprintln(n.out)
	w := tabwriter.NewWriter(n.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\tROOT EXPECTED\tROOT NAMED\tAFTER\tEVALUATIONS\tMESSAGES\tHELD BACK")
	for _, r := range s.Rows {
		named, after, evaluations, held := "-", "-", "-", "-"
		if r.Found != nil {
			named, after, evaluations = r.Found.Root.Name(), span(r.Delay), fmt.Sprint(r.Evaluations)
			if len(r.Found.Held) > 0 {
				held = checkNames(r.Found.Held)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.Fault.Name, r.Fault.Want.Root.Name(), named, after, evaluations, r.Messages, held)
	}
	_ = w.Flush() // narration that nobody can read is no reason to stop
	if len(s.Wrong) == 0 {
		fmt.Fprintf(n.out, "\nEvery fault was found at its root, and nothing else was said: %d messages in total.\n", s.Messages)
		return
	}
	fmt.Fprintf(n.out, "\nThis is not as it should be (%d messages in total):\n", s.Messages)
	for _, w := range s.Wrong {
		fmt.Fprintf(n.out, "  - %s\n", w)
	}
}

func checkNames(ids []dag.CheckID) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.Node().Name()+"/"+id.Name())
	}
	return strings.Join(names, ", ")
}

func nodeNames(ids []dag.NodeID) string {
	var names []string
	for _, id := range ids {
		names = append(names, id.Name())
	}
	return strings.Join(names, ", ")
}

func clockOf(t time.Time) string { return t.In(newYork).Format("2 Jan 15:04") }

func span(d time.Duration) string { return notify.Span(d) }

// token is what Slack puts in the place of moments, mentions and links, with
// what it shows where it cannot draw it.
var token = regexp.MustCompile(`<[^<>|]*\|([^<>]*)>`)

// call is a mention, which Slack shows as the name of a group; who is called is
// no part of what is said.
var call = regexp.MustCompile(` ?<![^<>|]*>`)

// hear reads a message as a person would.
func hear(channel string, m strictslack.Message) Message {
	text := html.UnescapeString(call.ReplaceAllString(token.ReplaceAllString(m.Text, "$1"), ""))
	heard := Message{At: m.Posted, Channel: channel, Thread: m.ThreadTS != "", Text: strings.ReplaceAll(text, "`", "")}
	if m.Metadata != nil {
		id, _ := m.Metadata.EventPayload["incident"].(string)
		root, _ := m.Metadata.EventPayload["root"].(string)
		heard.Incident, heard.Root = incident.ID(id), dag.NodeID(root)
	}
	return heard
}
