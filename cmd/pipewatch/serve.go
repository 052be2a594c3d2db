package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/jobs/heartbeat"
	"github.com/pipewatch-dev/pipewatch/pulse"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/watch"
)

func (a *app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the service: check on schedule, find causes, tell people",
		Long: `Run the service in the foreground until SIGTERM or SIGINT; SIGHUP reads the files
again. A changed file is taken up by itself within five seconds.

Exit codes: 0 stopped on request, 2 usage or configuration, 70 the state could
not be written, 73 another process holds the state file, 78 a newer version
wrote it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context()) },
	}
}

// serve runs the service. Everything that can fail does so before anything
// runs.
func (a *app) serve(ctx context.Context) error {
	path, err := findConfig(a.configPath)
	if err != nil {
		return exit{exitUsage, err}
	}
	cfg, problems, err := loadConfig(path)
	if err == nil {
		err = problems.Err()
	}
	var w ways
	if err == nil {
		w, err = openWays(cfg)
	}
	if err != nil {
		return exit{exitUsage, err}
	}
	err = a.serveProject(ctx, path, cfg, w)
	if e, coded := errors.AsType[exit](err); coded && e.code != exitUsage {
		a.lastWords(ctx, cfg, w.to(cfg.home()), e.err)
	}
	return err
}

// serveProject runs the service of an operator's file. An error with another
// code than that of usage is one of the state, which cannot be told by way of
// the outbox any more.
func (a *app) serveProject(ctx context.Context, path string, cfg config, w ways) error {
	db, err := a.openState(ctx, cfg.State.Path)
	if err != nil {
		return exit{stateCode(err), err}
	}
	defer db.Close()
	good, err := db.DAGFiles()
	if err != nil {
		return exit{exitState, err}
	}
	dir := filepath.Dir(path)
	files, unread := conf.ReadGlob(dir, cfg.DAGs...)
	load := newLoader()
	t := load.takeUp(files, unread, good, cfg)
	if len(t.used) == 0 && len(files) == 0 {
		return exit{exitUsage, unread.Err()} // a file that is there and broken may be mended while we run
	}
	p := &project{path: path, dir: dir, config: cfg, suite: t.suite}
	beats := heartbeat.Source{Journal: db}
	door, closeDoor, err := p.sources(beats)
	if err != nil {
		return exit{exitUsage, err}
	}
	src := newSwapSource(door, closeDoor)
	defer src.Close()
	clock := watch.Clock{}
	s, err := newService(parts{
		project: p, source: src, store: db, now: clock.Now, wait: clock.Wait, log: a.log, broken: t.broken,
		channel: w.slack, oneWay: w.oneWay, slack: w.client,
		check: func(file string) error { return checkApart(ctx, file) },
	})
	if err != nil {
		return exit{stateCode(err), err}
	}
	if err := db.PutDAGFiles(t.used); err != nil {
		return exit{stateCode(err), err}
	}
	l, err := listen(cfg.HTTP.Listen)
	if err != nil {
		return exit{exitUsage, err}
	}
	a.greet(s, l)
	return a.runServe(ctx, s, &reloader{service: s, load: load, source: src, beats: beats, good: t.used, log: a.log}, l)
}

// runServe runs the service and reloads it when it is told to.
func (a *app) runServe(ctx context.Context, s *service, r *reloader, l net.Listener) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	reloading, stop := context.WithCancel(ctx)
	r.systemd = pulse.Systemd{Log: a.log, Status: s.status}
	pulses := s.pulse(r.systemd)
	var wg sync.WaitGroup
	wg.Go(func() { r.watch(reloading, hup) })
	wg.Go(func() { pulses.Run(reloading) })
	if c := s.canary(); c != nil {
		wg.Go(func() { c.run(reloading) })
	}
	r.systemd.Ready()
	defer context.AfterFunc(ctx, r.systemd.Stopping)()
	err := s.run(ctx, s.openSite(r.reload), l)
	stop()
	wg.Wait()
	if err != nil {
		return exit{stateCode(err), err}
	}
	a.log.Info("stopped")
	return nil
}

// greet prints where the page is and what is due next.
func (a *app) greet(s *service, l net.Listener) {
	fmt.Fprintf(a.stdout, "pipewatch %s watches %d nodes with %d checks\npage: http://%s/\n",
		version(), len(s.project.suite.Graph.Order()), s.project.suite.Len(), l.Addr())
	for n, slot := range s.loop.Next() {
		if n == 5 {
			fmt.Fprintln(a.stdout, "…")
			break
		}
		if !slot.At.After(s.now()) {
			fmt.Fprintf(a.stdout, "next: %s now\n", slot.DAG)
			continue
		}
		fmt.Fprintf(a.stdout, "next: %s at %s\n", slot.DAG, slot.At.In(s.zone()).Format("2006-01-02 15:04:05 MST"))
	}
	for _, b := range s.broken {
		fmt.Fprintf(a.stderr, "pipewatch: %s is broken and its last good version is used, if there is one: %s\n", b.File, b.Problem)
	}
	if s.project.suite.Len() == 0 && len(s.broken) > 0 {
		fmt.Fprintln(a.stderr, "pipewatch: nothing is watched until a broken file is mended; it is taken up by itself then")
	}
}

// stateCode is the exit code of an error of the store or the service.
func stateCode(err error) int {
	if _, held := errors.AsType[*store.HeldError](err); held {
		return exitHeld
	}
	if _, newer := errors.AsType[*store.NewerError](err); newer {
		return exitNewer
	}
	return exitState
}
