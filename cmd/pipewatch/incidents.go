package main

import (
	"fmt"
	"net/url"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/incident"
)

func (a *app) incidentsCommand() *cobra.Command {
	c := &client{app: a}
	all := false
	list := func(cmd *cobra.Command, _ []string) error {
		path := "/incidents?open=true"
		if all {
			path = "/incidents"
		}
		body, err := c.get(cmd.Context(), path)
		if err != nil {
			return err
		}
		return show(c, body, a.printIncidents)
	}
	root := &cobra.Command{
		Use: "incidents", Short: "List the open incidents of the running service", Args: cobra.NoArgs, RunE: list,
	}
	ls := &cobra.Command{Use: "ls", Short: "List open incidents, with --all closed ones too", Args: cobra.NoArgs, RunE: list}
	one := &cobra.Command{
		Use: "show ID", Short: "Show one incident from beginning to end", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := c.get(cmd.Context(), "/incidents/"+url.PathEscape(args[0]))
			if err != nil {
				return err
			}
			return show(c, body, a.printIncident)
		},
	}
	for _, cmd := range []*cobra.Command{root, ls, one} {
		c.askFlags(cmd)
	}
	for _, cmd := range []*cobra.Command{root, ls} {
		cmd.Flags().BoolVar(&all, "all", false, "closed ones too, the newest fifty")
	}
	root.AddCommand(ls, one)
	root.AddCommand(a.actCommands(c)...)
	return root
}

// plainTable is a table that stays readable without a terminal.
func (a *app) plainTable(header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.stdout)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.AppendHeader(header)
	return t
}

func (a *app) printIncidents(l struct{ Incidents []incident.Incident }) {
	if len(l.Incidents) == 0 {
		fmt.Fprintln(a.stdout, "no incident is open")
		return
	}
	t := a.plainTable("INCIDENT", "STATUS", "SEVERITY", "ROOT", "SINCE", "WHAT IS WRONG")
	for _, i := range l.Incidents {
		what := ""
		if len(i.Findings) > 0 {
			what = i.Findings[0].Message
		}
		t.AppendRow(table.Row{i.ID, i.Status, i.Severity, about(i), i.Onset.Format(time.RFC3339), what})
	}
	t.Render()
}

// about is what an incident is about, in one word.
func about(i incident.Incident) string {
	switch i.Kind {
	case incident.CannotCheck:
		return "connection " + i.Connection
	case incident.BrokenFile:
		return i.File
	case incident.Self, incident.Canary:
		return i.Trouble
	case incident.ClockSkew:
		return "clock of " + i.Connection
	}
	return string(i.Root)
}

func (a *app) printIncident(i incident.Incident) {
	fmt.Fprintf(a.stdout, "%s  %s  %s  %s\nsince %s", i.ID, i.Status, i.Severity, about(i), i.Onset.Format(time.RFC3339))
	if !i.GoodUntil.IsZero() {
		fmt.Fprintf(a.stdout, ", last good %s", i.GoodUntil.Format(time.RFC3339))
	}
	if !i.ResolvedAt.IsZero() {
		fmt.Fprintf(a.stdout, ", over %s", i.ResolvedAt.Format(time.RFC3339))
	}
	fmt.Fprintln(a.stdout)
	for _, f := range i.Findings {
		fmt.Fprintf(a.stdout, "\n  %s: %s", f.Check, f.Message)
		if f.Held {
			fmt.Fprintf(a.stdout, "\n    held back, because of %s", f.Because)
		}
	}
	fmt.Fprintln(a.stdout)
	for _, l := range i.Lines {
		fmt.Fprintf(a.stdout, "\n  %s  %s %s", l.At.Format(time.RFC3339), l.Kind, l.Detail)
	}
	fmt.Fprintln(a.stdout)
}
