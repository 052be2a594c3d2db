package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) graphCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "graph",
		Short: "Print the graph of everything that is watched (-o dot, mermaid or json)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			nodes, err := a.selected(p)
			if err != nil {
				return err
			}
			part := p.suite.Graph.Only(nodes)
			switch a.output {
			case "", "dot":
				return part.WriteDOT(a.stdout)
			case "mermaid":
				return part.WriteMermaid(a.stdout)
			case "json":
				return part.WriteJSON(a.stdout)
			case "svg":
				return exit{exitUsage, fmt.Errorf("output svg is not available yet (use dot, mermaid or json)")}
			}
			return exit{exitUsage, fmt.Errorf("output %q is not one of dot, mermaid, json", a.output)}
		},
	}
}
