package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// marks shows an outcome without colour.
var marks = map[checks.Outcome]string{
	checks.Pass: "✔ pass", checks.Warn: "! warn", checks.Fail: "✖ fail", checks.NoData: "∅ nodata",
	checks.Error: "? error", checks.Pending: "… pending", checks.Deferred: "… deferred",
}

// colours shows it with colour.
var colours = map[checks.Outcome]text.Colors{
	checks.Pass: {text.FgGreen}, checks.Warn: {text.FgYellow}, checks.Fail: {text.FgRed, text.Bold},
	checks.NoData: {text.FgMagenta}, checks.Error: {text.FgMagenta}, checks.Pending: {text.FgCyan}, checks.Deferred: {text.FgCyan},
}

// printTable prints a report for a person: every check in a row, then what is
// wrong and why, with the SQL of what failed.
func (a *app) printTable(rep incident.Report) error {
	paint := a.painter()
	width := 0
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width, _, _ = term.GetSize(int(f.Fd()))
	}
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(table.Row{"NODE", "CHECK", "VERDICT", "WHAT WAS FOUND"})
	if width > 60 {
		t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: max(30, width-60), WidthMaxEnforcer: text.WrapSoft}})
	}
	for _, n := range rep.Nodes {
		if len(n.Checks) == 0 {
			t.AppendRow(table.Row{n.ID, "", "", paint(checks.Pending, "no checks: nobody watches it")})
		}
		for k, c := range n.Checks {
			name := string(n.ID)
			if k > 0 {
				name = ""
			}
			verdict := marks[c.Verdict]
			if c.Shadow {
				verdict += " (shadow)"
			}
			message, _, _ := strings.Cut(c.Message, "\n")
			t.AppendRow(table.Row{name, c.ID.Name(), paint(c.Verdict, verdict), message})
		}
	}
	t.Render()
	a.printTrouble(rep, paint)
	s := rep.Summary
	fmt.Fprintf(a.stdout, "\n%s  as of %s: %d nodes, %d checks, %d pass, %d warn, %d fail, %d error, %d nodata, %d pending\n",
		paint(rep.Verdict, strings.ToUpper(string(rep.Verdict))), rep.AsOf.Format(time.RFC3339),
		s.Nodes, s.Checks, s.Pass, s.Warn, s.Fail, s.Error, s.NoData, s.Pending+s.Deferred)
	return nil
}

// printTrouble prints the incidents, then the statement of every check that
// failed or could not be answered.
func (a *app) printTrouble(rep incident.Report, paint func(checks.Outcome, string) string) {
	for _, i := range rep.Incidents {
		outcome := checks.Outcome(checks.Fail)
		if i.Severity == "warn" {
			outcome = checks.Warn
		}
		fmt.Fprintf(a.stdout, "\n%s %s", paint(outcome, "root cause"), i.Root)
		if len(i.Blocks) > 0 {
			names := make([]string, len(i.Blocks))
			for n, b := range i.Blocks {
				names[n] = string(b)
			}
			fmt.Fprintf(a.stdout, ", blocks %s", strings.Join(names, ", "))
		}
		fmt.Fprintln(a.stdout)
	}
	said := map[string]bool{}
	for _, n := range rep.Nodes {
		for _, c := range n.Checks {
			bad := c.Verdict == checks.Fail || c.Verdict == checks.Error
			if !bad && !a.verbose || len(c.SQL) == 0 && said[c.Message] {
				continue // a connection that is away says the same to every check
			}
			said[c.Message] = true
			fmt.Fprintf(a.stdout, "\n%s %s: %s%s\n", paint(c.Verdict, marks[c.Verdict]), c.ID, c.Message, followsFrom(n))
			for _, sql := range c.SQL {
				fmt.Fprintf(a.stdout, "    %s\n", strings.ReplaceAll(sql, "\n", "\n    "))
			}
		}
	}
}

// painter colours words where the terminal shows colours and nobody minds.
func (a *app) painter() func(checks.Outcome, string) string {
	f, ok := a.stdout.(*os.File)
	colour := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return func(o checks.Outcome, s string) string {
		if !colour {
			return s
		}
		return colours[o].Sprint(s)
	}
}
