package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Read the files and report every problem, offline",
		Long: `Read pipewatch.yaml and every DAG file it names, or the files given, and report
every problem with file, line and column. Nothing is contacted.

Exit codes: 0 valid, 2 anything is wrong.`,
		RunE: func(_ *cobra.Command, args []string) error { return a.validate(args) },
	}
}

// validate reports problems on stderr, or as records on stdout for -o json.
func (a *app) validate(paths []string) error {
	if a.output != "" && a.output != "table" && a.output != "json" {
		return exit{exitUsage, fmt.Errorf("output %q of validate is not one of table, json", a.output)}
	}
	var nodes, found int
	var err error
	if len(paths) > 0 {
		nodes, found, err = validatePaths(paths)
	} else {
		var p *project
		if p, err = a.openProject(); p != nil && p.suite != nil {
			nodes, found = len(p.suite.Graph.Order()), p.suite.Len()
		}
	}
	if a.output == "json" {
		if err := a.printProblems(err); err != nil {
			return err
		}
		if err != nil {
			return exit{code: exitUsage}
		}
		return nil
	}
	if err != nil {
		return exit{exitUsage, err}
	}
	if !a.quiet {
		fmt.Fprintf(a.stdout, "valid: %d nodes, %d checks\n", nodes, found)
	}
	return nil
}

// validatePaths reads files on their own: operator's files and DAG files, told
// apart by their keys. Names of connections and owners are taken as they are.
func validatePaths(paths []string) (nodes, found int, err error) {
	var problems conf.Problems
	var files []dag.File
	for _, path := range paths {
		src, err := conf.ReadFile(path)
		if err != nil {
			if p, ok := errors.AsType[conf.Problem](err); ok {
				problems.Add(p)
				continue
			}
			return 0, 0, err
		}
		if v, _ := conf.Parse(path, src); v.Get("connections").Exists() || v.Get("dags").Exists() {
			_, more, err := loadConfig(path)
			if err != nil {
				return 0, 0, err
			}
			problems.Merge(more)
			continue
		}
		files = append(files, dag.File{Name: path, Src: src})
	}
	g, more := dag.Load(files, dag.Known{Zone: time.UTC})
	problems.Merge(more)
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	return len(g.Order()), suite.Len(), problems.Err()
}

// problemRecord is one problem for scripts and editors.
type problemRecord struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func (a *app) printProblems(err error) error {
	records := []problemRecord{}
	if ps, ok := errors.AsType[conf.Problems](err); ok {
		for _, p := range ps {
			records = append(records, problemRecord{p.Pos.File, p.Pos.Line, p.Pos.Col, p.Path, p.Code, p.Msg, p.Hint})
		}
	} else if err != nil {
		records = append(records, problemRecord{Message: err.Error()})
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(records)
}
