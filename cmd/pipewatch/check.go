package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/watch"
)

func (a *app) checkCommand() *cobra.Command {
	var asOf, failOn, stateFile string
	now, c := false, &client{app: a}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Evaluate every check now and report",
		Long: `Evaluate every check now, without a service, and report what was found.

Exit codes: 0 healthy (warnings and pending checks allowed), 1 at least one
check failed, 2 usage or configuration, 3 none failed but at least one could not
be answered, 4 warnings only, with --fail-on warn.

check NODE --now has the running service evaluate one node at once instead; it
counts there as an evaluation like any other.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if now {
				return cobra.ExactArgs(1)(cmd, args)
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if now {
				return a.recheck(cmd.Context(), c, args[0])
			}
			return a.check(cmd.Context(), asOf, failOn, stateFile)
		},
	}
	cmd.Flags().StringVar(&asOf, "as-of", "", "judge as if it were this time (RFC 3339); it hides no rows")
	cmd.Flags().StringVar(&failOn, "fail-on", "error", "what makes the exit code non-zero: error or warn")
	cmd.Flags().StringVar(&stateFile, "state", "", "keep what checks remember between runs in this file")
	cmd.Flags().BoolVar(&now, "now", false, "have the running service evaluate one node: check NODE --now")
	c.askFlags(cmd)
	for _, apart := range []string{"as-of", "fail-on", "state"} {
		cmd.MarkFlagsMutuallyExclusive("now", apart)
	}
	return cmd
}

// check is one evaluation of everything.
func (a *app) check(ctx context.Context, asOf, failOn, stateFile string) error {
	defer collectRarely()()
	if failOn != "error" && failOn != "warn" {
		return exit{exitUsage, fmt.Errorf("--fail-on %q is not one of error, warn", failOn)}
	}
	printer, err := a.reportPrinter()
	if err != nil {
		return err
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
	run, err := a.evaluate(ctx, p, moment, stateFile, show)
	if err != nil {
		return err
	}
	rep := incident.NewReport(p.suite, run, func(id dag.NodeID) bool { return show[id] })
	if err := printer(rep); err != nil {
		return err
	}
	if code := exitCode(rep.Verdict, failOn); code != 0 {
		return exit{code: code}
	}
	return nil
}

// collectRarely lets a process that ends with its report collect garbage only beyond
// what most reports need; the function that is returned ends that. The headroom counts
// as memory in use, which decides when to collect, but is never touched and costs none.
// It is in pieces, as what was in use before is cleared: of one piece that was, in one
// run of four, all of it.
func collectRarely() func() {
	debug.SetGCPercent(-1)
	headroom := make([][]byte, 64)
	for i := range headroom {
		headroom[i] = make([]byte, 1<<20)
	}
	debug.SetGCPercent(200)
	return func() { runtime.KeepAlive(headroom) }
}

// evaluate judges the checks of the shown nodes, and of all that is upstream of
// them: whether something is a root cause depends on it.
func (a *app) evaluate(ctx context.Context, p *project, moment time.Time, stateFile string, show map[dag.NodeID]bool) (incident.Run, error) {
	var cs []*checks.Check
	need := withUpstream(p.suite, show)
	for c := range p.suite.All() {
		if need[c.Node.ID] {
			cs = append(cs, c)
		}
	}
	past, err := loadMemories(stateFile)
	if err != nil {
		return incident.Run{}, exit{exitUsage, err}
	}
	src, closeSources, err := p.sources(noHeartbeats{})
	if err != nil {
		return incident.Run{}, exit{exitUsage, err}
	}
	defer closeSources()
	progress := a.startProgress(fmt.Sprintf("asking what %d checks want to know", len(cs)))
	results := watch.Evaluate(ctx, src, cs, past.of(cs), nil, moment)
	progress.stop()
	if ctx.Err() != nil {
		return incident.Run{}, exit{exitInterrupted, context.Cause(ctx)}
	}
	if stateFile != "" {
		if err := past.save(stateFile, p.suite, results); err != nil {
			return incident.Run{}, exit{exitState, err}
		}
	}
	return incident.Run{Slot: moment, Moment: moment, Results: results}, nil
}

// withUpstream adds everything that could explain what the nodes suffer.
func withUpstream(s *checks.Suite, nodes map[dag.NodeID]bool) map[dag.NodeID]bool {
	all := make(map[dag.NodeID]bool, len(nodes))
	var add func(i int)
	add = func(i int) {
		if i < 0 || all[s.Graph.Order()[i].ID] {
			return
		}
		all[s.Graph.Order()[i].ID] = true
		for _, up := range s.Graph.Parents(i) {
			add(int(up))
		}
	}
	for id := range nodes {
		add(s.Graph.Index(id))
		for _, c := range s.Of(id) {
			for _, up := range c.Upstream {
				add(s.Graph.Index(up))
			}
		}
	}
	return all
}

// exitCode is the contract's code for a report's verdict.
func exitCode(v checks.Outcome, failOn string) int {
	switch v {
	case checks.Fail:
		return exitFail
	case checks.Error, checks.NoData:
		return exitUnknown
	case checks.Warn:
		if failOn == "warn" {
			return exitWarn
		}
	}
	return 0
}

// reportPrinter is how --output prints a report.
func (a *app) reportPrinter() (func(incident.Report) error, error) {
	switch a.output {
	case "", "table":
		return a.printTable, nil
	case "json":
		return func(rep incident.Report) error {
			enc := json.NewEncoder(a.stdout)
			enc.SetEscapeHTML(false) // SQL is full of < and >
			enc.SetIndent("", "  ")
			return enc.Encode(rep)
		}, nil
	case "ndjson":
		return func(rep incident.Report) error {
			enc := json.NewEncoder(a.stdout)
			enc.SetEscapeHTML(false)
			for _, n := range rep.Nodes {
				for _, c := range n.Checks {
					if err := enc.Encode(c); err != nil {
						return err
					}
				}
			}
			return nil
		}, nil
	case "junit":
		return a.printJUnit, nil
	case "github":
		return a.printGitHub, nil
	case "markdown":
		return a.printMarkdown, nil
	}
	return nil, exit{exitUsage, fmt.Errorf("output %q is not one of table, json, ndjson, junit, github, markdown", a.output)}
}
