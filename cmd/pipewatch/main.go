// Command pipewatch watches everything a model or a dashboard depends on, finds
// the one cause when something breaks, and says it once.
//
// It is the wiring and nothing else: flags, files, exit codes, one file per
// command. What checks mean is in package checks, what an incident is in
// package incident, how a message reaches people in package notify.
//
// # Data model
//
// A [project] is pipewatch.yaml with the DAG files it names, read, validated
// and compiled. Commands that contact a warehouse open its sources. Every
// command ends with one of the contract's exit codes, carried by [exit].
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	_ "time/tzdata" // zones must be known on hosts without them

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// The exit codes of the contract.
const (
	exitFail        = 1
	exitUsage       = 2
	exitUnknown     = 3
	exitWarn        = 4
	exitState       = 70
	exitHeld        = 73
	exitNewer       = 78
	exitInterrupted = 130
)

// exit ends the process with a code; a nil err says nothing more.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// app is what every command gets.
type app struct {
	stdout, stderr io.Writer
	log            *slog.Logger

	configPath string
	output     string
	selects    []string
	excludes   []string
	quiet      bool
	verbose    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command line; it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr, log: slog.New(slog.DiscardHandler)}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	e, coded := errors.AsType[exit](err)
	if !coded {
		e = exit{exitUsage, err}
	}
	if e.err != nil {
		a.complain(e.err)
	}
	return e.code
}

// complain prints an error for a person: problems in files with their source
// line and a caret, anything else on one line.
func (a *app) complain(err error) {
	if _, isProblems := errors.AsType[conf.Problems](err); isProblems {
		conf.Render(a.stderr, err, readSource)
		return
	}
	if _, isProblem := errors.AsType[conf.Problem](err); isProblem {
		conf.Render(a.stderr, err, readSource)
		return
	}
	fmt.Fprintf(a.stderr, "pipewatch: %v\n", err)
}

// readSource gives the text of a file to show an excerpt of.
func readSource(file string) ([]byte, bool) {
	src, err := conf.ReadFile(file)
	return src, err == nil
}

// Global flags that only some commands can follow.
var (
	selecting = []string{"check", "plan", "graph", "status"}
	printing  = []string{"check", "plan", "graph", "validate", "status", "history", "incidents", "ls", "show", "explain", "coverage", "announce", "audit",
		"ack", "unack", "mute", "unmute"}
)

// takes refuses a global flag that a command would ignore.
func (a *app) takes(cmd *cobra.Command) error {
	if len(a.selects)+len(a.excludes) > 0 && !slices.Contains(selecting, cmd.Name()) {
		return exit{exitUsage, fmt.Errorf("%s takes no --select and no --exclude: it is about all nodes", cmd.CommandPath())}
	}
	if a.output != "" && !slices.Contains(printing, cmd.Name()) {
		return exit{exitUsage, fmt.Errorf("%s takes no --output: it prints for people only", cmd.CommandPath())}
	}
	return nil
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "pipewatch",
		Short:         "Watch the data that models and dashboards depend on",
		Long:          "pipewatch checks the tables and jobs upstream of a model or a dashboard,\nfinds the one cause when something breaks, and says it once.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			switch {
			case a.verbose:
				level = slog.LevelDebug
			case a.quiet:
				level = slog.LevelWarn
			}
			a.log = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
			return a.takes(cmd)
		},
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.configPath, "config", "c", "", "the operator's file (default $PIPEWATCH_CONFIG, ./pipewatch.yaml, /etc/pipewatch/pipewatch.yaml)")
	f.StringVarP(&a.output, "output", "o", "", "how results are printed: table, json, ndjson, junit, github or markdown")
	f.StringSliceVarP(&a.selects, "select", "s", nil, "only these nodes: name, dag/name, +x, x+, dag:, tag:, owner: (blank is union, comma is intersection)")
	f.StringSliceVar(&a.excludes, "exclude", nil, "not these nodes, in the same style")
	f.BoolVar(&a.quiet, "quiet", false, "print results and errors only")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "log more, and show the SQL of every check")
	for _, c := range []*cobra.Command{
		a.demoCommand(), a.checkCommand(), a.planCommand(), a.serveCommand(), a.doctorCommand(), a.validateCommand(), a.graphCommand(), a.schemaCommand(), a.devCommand(), a.explainCommand(), a.coverageCommand(), a.versionCommand(), a.statusCommand(), a.historyCommand(), a.incidentsCommand(), a.announceCommand(), a.auditCommand(), a.slackCommand(), a.stateCommand(),
	} {
		root.AddCommand(c)
	}
	return root
}
