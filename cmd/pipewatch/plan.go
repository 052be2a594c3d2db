package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func (a *app) planCommand() *cobra.Command {
	var asOf string
	var cost bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print the statements that check would send, and which checks share each",
		Long: `Print the statements that the selected checks would send, after everything that
can share one has been put together, the checks that each one answers, and whose
clock the times in it are. The warehouse is asked for the columns of its tables and
for no rows. With --cost it is also asked what it thinks of each statement.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.plan(cmd.Context(), asOf, cost) },
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "plan as if it were this time (RFC 3339)")
	cmd.Flags().BoolVar(&cost, "cost", false, "ask the engines how many rows each statement reads, and what that costs (explain)")
	return cmd
}

// planned is one statement, and what it is for.
type planned struct {
	Connection string        `json:"connection"`
	Statement  string        `json:"statement"`
	Checks     []dag.CheckID `json:"checks"`

	Times    []warehouse.Reading `json:"times,omitempty"`
	Estimate *warehouse.Estimate `json:"estimate,omitempty"` // with --cost
}

// refused is a check whose question has an answer without a statement: a table
// or column that is not there.
type refused struct {
	Check   dag.CheckID `json:"check"`
	Problem string      `json:"problem"`
}

// plan prints what would be asked.
func (a *app) plan(ctx context.Context, asOf string, cost bool) error {
	if a.output != "" && a.output != "table" && a.output != "json" {
		return exit{exitUsage, fmt.Errorf("output %q of plan is not one of table, json", a.output)}
	}
	moment, err := momentOf(asOf)
	if err != nil {
		return err
	}
	p, err := a.openProject()
	if err != nil {
		return err
	}
	show, err := a.selected(p)
	if err != nil {
		return err
	}
	asked := questions(p.suite, show, moment)
	var statements []planned
	problems := []refused{}
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		src, err := connect(p.dir, p.config.Connections[name])
		if err != nil {
			return exit{exitUsage, fmt.Errorf("connection %s: %w", name, err)}
		}
		defer src.Close()
		qs := slices.Collect(maps.Keys(asked[name]))
		slices.SortFunc(qs, func(x, y probe.Question) int {
			return strings.Compare(fmt.Sprint(asked[name][x]), fmt.Sprint(asked[name][y]))
		})
		list, answered, err := src.Plan(ctx, moment, qs)
		if err != nil {
			return exit{exitUnknown, fmt.Errorf("connection %s: %w", name, err)}
		}
		if cost {
			if err := src.Estimate(ctx, moment, list); err != nil {
				return exit{exitUnknown, fmt.Errorf("connection %s: estimate the cost: %w", name, err)}
			}
		}
		for _, s := range list {
			statements = append(statements, planned{name, s.Statement, checksOf(s.Questions, asked[name]), s.Times, s.Estimate})
		}
		for q, answer := range answered {
			if answer.Err != nil {
				for _, id := range asked[name][q] {
					problems = append(problems, refused{id, answer.Err.Error()})
				}
			}
		}
	}
	slices.SortFunc(problems, func(x, y refused) int { return strings.Compare(string(x.Check), string(y.Check)) })
	return a.printPlan(statements, problems)
}

// questions lists what the checks of the shown nodes ask of each warehouse,
// with the checks that ask it.
func questions(s *checks.Suite, show map[dag.NodeID]bool, moment time.Time) map[string]map[probe.Question][]dag.CheckID {
	asked := map[string]map[probe.Question][]dag.CheckID{}
	for c := range s.All() {
		if !show[c.Node.ID] {
			continue
		}
		for _, q := range c.Ask(nil, checks.Moment{Now: moment}) {
			name := q.On()
			if name == probe.HeartbeatConn {
				continue
			}
			if asked[name] == nil {
				asked[name] = map[probe.Question][]dag.CheckID{}
			}
			asked[name][q] = append(asked[name][q], c.ID())
		}
	}
	return asked
}

// checksOf lists the checks behind some questions, each once.
func checksOf(qs []probe.Question, asked map[probe.Question][]dag.CheckID) []dag.CheckID {
	var ids []dag.CheckID
	for _, q := range qs {
		ids = append(ids, asked[q]...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (a *app) printPlan(statements []planned, problems []refused) error {
	if a.output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"statements": statements, "problems": problems})
	}
	answered := map[dag.CheckID]bool{}
	for _, s := range statements {
		fmt.Fprintf(a.stdout, "-- %s, for", s.Connection)
		for _, id := range s.Checks {
			answered[id] = true
			fmt.Fprintf(a.stdout, " %s", id)
		}
		fmt.Fprintf(a.stdout, "\n%s%s;\n\n", s.remarks(), s.Statement)
	}
	for _, r := range problems {
		fmt.Fprintf(a.stdout, "-- %s asks nothing: %s\n", r.Check, r.Problem)
	}
	fmt.Fprintf(a.stdout, "-- %s for %s\n", some(int64(len(statements)), "statement"), some(int64(len(answered)), "check"))
	return nil
}

// remarks are lines of comment on a statement: whose clock its times are, and its cost.
func (p planned) remarks() string {
	var b strings.Builder
	for _, r := range p.Times {
		switch {
		case r.Zone != "":
			fmt.Fprintf(&b, "-- %s (%s) is read as %s", r.Column, r.Type, r.Zone)
		case r.Per != "":
			fmt.Fprintf(&b, "-- %s (%s) has a zone of its own", r.Column, r.Type)
		default:
			continue
		}
		if r.Per != "" {
			fmt.Fprintf(&b, ", by %s of %s", r.Per, r.Days)
		}
		b.WriteByte('\n')
	}
	if e := p.Estimate; e != nil {
		fmt.Fprintf(&b, "-- reads about %s", some(e.Rows, "row"))
		if e.Cost > 0 {
			fmt.Fprintf(&b, ", cost %.0f in the engine's units", e.Cost)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// some is a number of things: 1 row, 2 rows.
func some(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// momentOf reads --as-of; empty is now.
func momentOf(asOf string) (time.Time, error) {
	if asOf == "" {
		return time.Now().UTC(), nil
	}
	moment, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		return moment, exit{exitUsage, fmt.Errorf("--as-of %q is not a time such as 2013-06-15T12:00:00Z", asOf)}
	}
	return moment, nil
}
