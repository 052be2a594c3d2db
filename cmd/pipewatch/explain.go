package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// codeShape is how problem codes look, of which some may not exist.
var codeShape = regexp.MustCompile(`(?i)^pw[0-9]+$`)

func (a *app) explainCommand() *cobra.Command {
	c := &client{app: a}
	cmd := &cobra.Command{
		Use:   "explain [NODE|INCIDENT|CODE]",
		Short: "Say why a node or an incident is as it is, or what a problem code such as PW102 means",
		Long: `Say why a node or an incident of the running service is as it is: what was found
and since when, by which limits and where in which file they were set, which
causes above were looked at and why each holds or not, what is held back, what
comes next, the last evaluations, and the statements.

Or say what a problem code such as PW102 means; without anything, list them.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return a.explainCode("")
			case codeShape.MatchString(args[0]):
				return a.explainCode(args[0])
			case strings.HasPrefix(args[0], "inc-"):
				return explained(cmd.Context(), c, "/incidents/"+url.PathEscape(args[0]), incident.IncidentExplanation.Text)
			}
			id, err := c.node(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return explained(cmd.Context(), c, "/nodes/"+string(id), incident.NodeExplanation.Text)
		},
	}
	c.askFlags(cmd)
	return cmd
}

// explained prints the explanation of what a path names.
func explained[T any](ctx context.Context, c *client, path string, text func(T) string) error {
	body, err := c.get(ctx, path+"/explain")
	if err != nil {
		return err
	}
	return show(c, body, func(e T) { fmt.Fprint(c.app.stdout, text(e)) })
}

// explainCode says what a problem code means, or lists all.
func (a *app) explainCode(code string) error {
	codes := slices.Concat(dag.Codes(), checks.Codes())
	var known []string
	for _, c := range codes {
		switch {
		case code == "":
			fmt.Fprintf(a.stdout, "%s  %s\n", c.Code, c.Title)
		case strings.EqualFold(c.Code, code):
			fmt.Fprintf(a.stdout, "%s  %s\n\n%s\n", c.Code, c.Title, c.Text)
			return nil
		}
		known = append(known, c.Code)
	}
	if code == "" {
		return nil
	}
	hint := "pipewatch explain lists them all"
	if near := conf.Nearest(strings.ToUpper(code), known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return exit{exitUsage, fmt.Errorf("there is no code %q: %s", code, hint)}
}
