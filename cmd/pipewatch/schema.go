package main

import (
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
)

// schemaBase is where the published schemas are known.
const schemaBase = "https://github.com/pipewatch-dev/pipewatch/blob/main/docs/schema/"

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "schema dag|config",
		Short:     "Print the JSON Schema of a DAG file or of pipewatch.yaml",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"dag", "config"},
		RunE: func(_ *cobra.Command, args []string) error {
			var text []byte
			var err error
			if args[0] == "dag" {
				text, err = checks.DAGSchema(checks.Builtin())
			} else {
				text, err = conf.SchemaOf(config{}, schemaBase+"config.schema.json", "pipewatch.yaml")
			}
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
}
