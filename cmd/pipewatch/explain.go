package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain CODE",
		Short: "Explain a problem code such as PW102",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			codes := slices.Concat(dag.Codes(), checks.Codes())
			if len(args) == 0 {
				for _, c := range codes {
					fmt.Fprintf(a.stdout, "%s  %s\n", c.Code, c.Title)
				}
				return nil
			}
			var known []string
			for _, c := range codes {
				if strings.EqualFold(c.Code, args[0]) {
					fmt.Fprintf(a.stdout, "%s  %s\n\n%s\n", c.Code, c.Title, c.Text)
					return nil
				}
				known = append(known, c.Code)
			}
			hint := "pipewatch explain lists them all"
			if near := conf.Nearest(strings.ToUpper(args[0]), known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return exit{exitUsage, fmt.Errorf("there is no code %q: %s", args[0], hint)}
		},
	}
}
