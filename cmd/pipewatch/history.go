package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
)

func (a *app) historyCommand() *cobra.Command {
	c := &client{app: a}
	since := ""
	cmd := &cobra.Command{
		Use: "history NODE", Short: "Show what a node's checks said, run by run, on the running service", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var span conf.Duration
			if since != "" {
				var err error
				if span, err = conf.ParseDuration(since); err != nil {
					return exit{exitUsage, fmt.Errorf("--since: %w", err)}
				}
			}
			id, err := c.node(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			body, err := c.get(cmd.Context(), "/nodes/"+string(id)+"/history?n=1000")
			if err != nil {
				return err
			}
			return show(c, body, func(p past) { a.printHistory(p, span.Std()) })
		},
	}
	c.askFlags(cmd)
	cmd.Flags().StringVar(&since, "since", "", "only this long before the newest run, such as 7d; all that is kept, up to 1,000 runs")
	return cmd
}

// past is what is read of the API's history, newest first.
type past struct {
	Runs []struct {
		AsOf   time.Time `json:"as_of"`
		Checks []struct {
			ID       string
			Verdict  checks.Outcome
			Message  string
			Observed map[string]any
		}
	}
}

// figures are what a check observes, as far as it is one number.
var figures = []string{"age_seconds", "rows", "match_ratio", "coverage", "value", "duration_seconds"}

// printHistory prints each check's last runs as a line of bars, oldest first,
// then its changes of verdict.
func (a *app) printHistory(p past, span time.Duration) {
	if len(p.Runs) == 0 {
		fmt.Fprintln(a.stdout, "no run has judged it yet")
		return
	}
	newest := p.Runs[0].AsOf
	values, verdicts := map[string][]float64{}, map[string]checks.Outcome{}
	var order []string
	t := a.plainTable("AS OF", "CHECK", "VERDICT", "WHAT WAS FOUND")
	for _, run := range slices.Backward(p.Runs) {
		if span > 0 && newest.Sub(run.AsOf) > span {
			continue
		}
		for _, c := range run.Checks {
			if _, known := verdicts[c.ID]; !known {
				order = append(order, c.ID)
			}
			if verdicts[c.ID] != c.Verdict {
				t.AppendRow(table.Row{run.AsOf.Format(time.RFC3339), c.ID, marks[c.Verdict], c.Message})
			}
			verdicts[c.ID] = c.Verdict
			for _, name := range figures {
				if v, ok := c.Observed[name].(float64); ok {
					values[c.ID] = append(values[c.ID], v)
					break
				}
			}
		}
	}
	for _, id := range order {
		fmt.Fprintf(a.stdout, "%s  %s  %s\n", marks[verdicts[id]], id, sparkline(values[id], 60))
	}
	fmt.Fprintln(a.stdout)
	t.Render()
}

// sparkline draws the last n values between their least and their most.
func sparkline(values []float64, n int) string {
	if len(values) < 2 {
		return ""
	}
	values = values[max(0, len(values)-n):]
	bars := []rune("▁▂▃▄▅▆▇█")
	least, most := slices.Min(values), slices.Max(values)
	var b strings.Builder
	for _, v := range values {
		k := 0
		if most > least {
			k = int((v - least) / (most - least) * float64(len(bars)-1))
		}
		b.WriteRune(bars[k])
	}
	return fmt.Sprintf("%s  %g … %g", b.String(), least, most)
}
