package main

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/web"
)

func (a *app) auditCommand() *cobra.Command {
	c, most := &client{app: a}, 50
	cmd := &cobra.Command{
		Use: "audit", Short: "List what people did to the running service, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := c.get(cmd.Context(), fmt.Sprintf("/audit?limit=%d", most))
			if err != nil {
				return err
			}
			return show(c, body, func(trail struct{ Entries []web.AuditEntry }) {
				t := a.plainTable("WHEN", "WHO", "BY WAY OF", "DID", "TO", "DETAIL")
				for _, e := range trail.Entries {
					t.AppendRow(table.Row{e.At.Format(time.RFC3339), e.Who, e.Via, e.Did, e.To, e.Detail})
				}
				t.Render()
			})
		},
	}
	c.askFlags(cmd)
	cmd.Flags().IntVarP(&most, "number", "n", most, "how many, at most 500")
	return cmd
}
