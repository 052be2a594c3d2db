package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/pulse"
)

// reloader takes up changed files while the service runs.
type reloader struct {
	service *service
	load    *loader
	source  *swapSource
	beats   probe.Source
	log     *slog.Logger
	systemd pulse.Systemd // is told when somebody asked for it

	mu   sync.Mutex
	good map[string][]byte // DAG files in use
}

// lookEvery is how often files are looked at for changes.
const lookEvery = 2 * time.Second

// watch reloads when a file has changed or a hang-up comes, until ctx is done.
func (r *reloader) watch(ctx context.Context, hup <-chan os.Signal) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	seen := r.look()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-hup:
			asked = true
		case <-tick.C:
		}
		now := r.look()
		if now == seen && !asked {
			continue
		}
		seen = now
		if asked {
			r.systemd.Reloading()
		}
		if err := r.reload(); err != nil {
			r.log.Error("reload changed nothing", "err", err)
		}
		if asked {
			r.systemd.Ready()
		}
	}
}

// look is what the files look like from outside: names, sizes, times. Links
// are followed, so that a folder that is swapped by a link counts as changed.
func (r *reloader) look() string {
	p := r.service.projectNow()
	paths := []string{p.path}
	for _, pattern := range p.config.DAGs {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(p.dir, pattern)
		}
		found, _ := filepath.Glob(pattern) // a bad pattern was refused at load
		paths = append(paths, found...)
	}
	var b strings.Builder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			fmt.Fprintf(&b, "%s: gone\n", path)
			continue
		}
		fmt.Fprintf(&b, "%s %d %d %s\n", path, info.Size(), info.ModTime().UnixNano(), inode(info))
	}
	return b.String()
}

// inode tells files apart that replaced one another.
func inode(info fs.FileInfo) string {
	return fmt.Sprintf("%+v", reflect.Indirect(reflect.ValueOf(info.Sys())))
}

// reload reads everything again and parses what has changed. A broken pipewatch.yaml changes nothing; a
// broken DAG file keeps its last good version. What can fail comes first, then
// one step.
func (r *reloader) reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.service.projectNow()
	cfg, problems, err := loadConfig(old.path)
	if err == nil {
		err = problems.Err()
	}
	if err != nil {
		r.service.noteReload(err)
		return err
	}
	files, unread := conf.ReadGlob(old.dir, cfg.DAGs...)
	t := r.load.takeUp(files, unread, r.good, cfg)
	p := &project{path: old.path, dir: old.dir, config: cfg, suite: t.suite}
	if err := r.service.store.PutDAGFiles(t.used); err != nil {
		r.service.noteReload(err)
		return err
	}
	r.warn(old, p)
	if !reflect.DeepEqual(old.config.Connections, cfg.Connections) {
		if err := r.reconnect(p); err != nil {
			r.service.noteReload(err)
			return err
		}
	}
	removed := r.service.removes(old, p)
	if removed.many() {
		r.log.Warn("reload removes many nodes", "removed", len(removed.gone), "of", removed.of)
	}
	if err := r.service.apply(p, t.broken); err != nil {
		r.service.noteReload(err)
		return err
	}
	if err := r.service.tellRemoval(removed); err != nil {
		r.log.Error("what a reload removed was not told", "err", err)
	}
	r.good = t.used
	r.service.noteReload(nil)
	r.log.Info("files taken up", "nodes", len(p.suite.Graph.Order()), "checks", p.suite.Len(), "broken", len(t.broken))
	return nil
}

// reconnect puts the connections of a changed operator's file in place.
func (r *reloader) reconnect(p *project) error {
	door, closeDoor, err := p.sources(r.beats)
	if err != nil {
		return err
	}
	if err := r.source.swap(door, closeDoor); err != nil {
		r.log.Warn("old connections not closed", "err", err)
	}
	return nil
}

// warn says what a reload does that nobody may have meant.
func (r *reloader) warn(old, now *project) {
	a, b := old.config, now.config
	if a.State.Path != b.State.Path || a.HTTP.Listen != b.HTTP.Listen || !reflect.DeepEqual(a.Alerts.Slack, b.Alerts.Slack) || a.Alerts.DeadMan != b.Alerts.DeadMan || (a.Alerts.Canary.At == nil) != (b.Alerts.Canary.At == nil) {
		r.log.Warn("state.path, http.listen, alerts.slack and alerts.dead_man, and whether there is a canary, are taken up at the next start only")
	}
}
