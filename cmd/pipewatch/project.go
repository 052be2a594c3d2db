package main

import (
	"maps"
	"path/filepath"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// project is pipewatch.yaml and the DAG files it names, ready to run.
type project struct {
	path   string // of pipewatch.yaml
	dir    string // its folder
	config config
	suite  *checks.Suite
	files  []conf.Source
}

// openProject reads everything. Every problem of every file is in the error.
func (a *app) openProject() (*project, error) {
	path, err := findConfig(a.configPath)
	if err != nil {
		return nil, exit{exitUsage, err}
	}
	p := &project{path: path, dir: filepath.Dir(path)}
	cfg, problems, err := loadConfig(path)
	if err != nil {
		return nil, exit{exitUsage, err}
	}
	p.config = cfg
	suite, files, more := loadDAGs(cfg, p.dir)
	problems.Merge(more)
	p.suite, p.files = suite, files
	if err := problems.Err(); err != nil {
		return p, exit{exitUsage, err}
	}
	return p, nil
}

// loadDAGs reads and compiles the DAG files that a configuration names.
func loadDAGs(cfg config, dir string) (*checks.Suite, []conf.Source, conf.Problems) {
	files, problems := conf.ReadGlob(dir, cfg.DAGs...)
	suite, more := newLoader().compile(files, cfg)
	problems.Merge(more)
	return suite, files, problems
}

// loader makes suites of DAG files, one after the other; what has not changed is not
// made anew.
type loader struct {
	files  dag.Loader
	checks *checks.Compiler
}

func newLoader() *loader { return &loader{checks: checks.NewCompiler(checks.Builtin())} }

// compile makes the suite of some DAG files.
func (l *loader) compile(files []conf.Source, cfg config) (*checks.Suite, conf.Problems) {
	zone, err := time.LoadLocation(cfg.Timezone)
	if err != nil {
		zone = time.UTC // reported with the configuration
	}
	known := dag.Known{Connections: map[string]bool{}, Owners: map[string]bool{}, Zone: zone, Calendars: map[string]dag.Calendar{}}
	maps.Copy(known.Calendars, cfg.Calendars) // none is not any
	for name := range cfg.Connections {
		known.Connections[name] = true
	}
	for name := range cfg.Owners {
		known.Owners[name] = true
	}
	in := make([]dag.File, len(files))
	for n, f := range files {
		in[n] = dag.File{Name: f.File, Src: f.Data}
	}
	g, problems := l.files.Load(in, known)
	suite, more := l.checks.Compile(g)
	problems.Merge(more)
	return suite, problems
}

// selected is the nodes that --select and --exclude name.
func (a *app) selected(p *project) (map[dag.NodeID]bool, error) {
	nodes, err := p.suite.Graph.Select(a.selects, a.excludes)
	if err != nil {
		return nil, exit{exitUsage, err}
	}
	return nodes, nil
}
