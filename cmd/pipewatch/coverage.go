package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

func (a *app) coverageCommand() *cobra.Command {
	c := &client{app: a}
	cmd := &cobra.Command{
		Use: "coverage", Short: "List what nobody watches although it looks as if, on the running service", Args: cobra.NoArgs,
		Long: `List what nobody watches although it looks as if: nodes that others need and that
have no check, and checks that never ran, never get an answer, never have
anything to judge, can never fire, or belong to what is muted for long.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := c.get(cmd.Context(), "/coverage")
			if err != nil {
				return err
			}
			return show(c, body, a.printCoverage)
		},
	}
	c.askFlags(cmd)
	return cmd
}

func (a *app) printCoverage(found struct {
	Nodes, Checks int
	Gaps          []incident.Gap
}) {
	fmt.Fprintln(a.stdout, strings.Join([]string{notify.Count(found.Nodes, "node"), notify.Count(found.Checks, "check"), notify.Count(len(found.Gaps), "gap")}, ", "))
	if len(found.Gaps) == 0 {
		return
	}
	t := a.plainTable("GAP", "WHERE", "NEEDED BY", "WHY")
	for _, g := range found.Gaps {
		where := string(g.Check)
		if where == "" {
			where = string(g.Node)
		}
		t.AppendRow(table.Row{g.Kind, where, g.Consumers, g.Why})
	}
	t.Render()
}
