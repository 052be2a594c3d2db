package main

import (
	"net/url"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/incident"
)

func (a *app) statusCommand() *cobra.Command {
	c := &client{app: a}
	var inDAG string
	cmd := &cobra.Command{
		Use: "status", Short: "Show how the nodes of the running service are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := c.get(cmd.Context(), "/nodes?"+url.Values{
				"dag": {inDAG}, "select": {strings.Join(a.selects, " ")}, "exclude": {strings.Join(a.excludes, " ")},
			}.Encode())
			if err != nil {
				return err
			}
			return show(c, body, a.printStatus)
		},
	}
	c.askFlags(cmd)
	cmd.Flags().StringVar(&inDAG, "dag", "", "only the nodes of this DAG")
	return cmd
}

// statusBody is what is read of the API's list of nodes.
type statusBody struct {
	Nodes []struct {
		ID       string
		Health   incident.Health
		CausedBy []string `json:"caused_by"`
		Checks   []struct{ ID, State, Message string }
	}
}

func (a *app) printStatus(s statusBody) {
	t := a.plainTable("NODE", "HEALTH", "WHY")
	for _, n := range s.Nodes {
		why := ""
		for _, c := range n.Checks {
			if c.State == "failing" || c.State == "pending" {
				why = c.Message
				break
			}
		}
		if why == "" && len(n.CausedBy) > 0 {
			why = "because of " + strings.Join(n.CausedBy, ", ")
		}
		t.AppendRow(table.Row{n.ID, n.Health, why})
	}
	t.Render()
}
