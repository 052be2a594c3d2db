package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/demo"
	"github.com/pipewatch-dev/pipewatch/examples"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/jobs/heartbeat"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/duckdb"
	"github.com/pipewatch-dev/pipewatch/watch"
)

//go:embed dags/*.yaml
var dagFiles embed.FS

// owners are the teams that the DAGs name.
var owners = map[string]notify.Owner{
	"flight-data": {Channel: "#flight-data", Mention: "@flight-oncall"},
	"ml-data":     {Channel: "#ml-alerts", Mention: "@ml-oncall"},
	"analytics":   {Channel: "#analytics", Mention: "@analytics-oncall"},
}

// compile makes the suite of the DAG files.
func compile() (*checks.Suite, error) {
	known := dag.Known{Connections: map[string]bool{"wh": true}, Owners: map[string]bool{}, Zone: newYork}
	for name := range owners {
		known.Owners[name] = true
	}
	var files []dag.File
	for _, name := range []string{"dags/dashboard.yaml", "dags/flight_delay.yaml"} {
		text, err := dagFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, dag.File{Name: name, Src: text})
	}
	g, problems := dag.Load(files, known)
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	return suite, problems.Err()
}

// service is the real one, put together as cmd/pipewatch does, without a page.
type service struct {
	suite     *checks.Suite
	store     *store.DB
	loop      *watch.Service
	sender    *notify.Sender
	workspace *strictslack.Server
	closers   []func() error
}

// openService puts it together; nothing runs yet but the Slack.
func openService(ctx context.Context, dir string, clock *demo.Clock, policy incident.Policy, timeout time.Duration, wait waiting, recorded func(incident.Run, incident.Change)) (_ *service, err error) {
	s := &service{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.suite, err = compile(); err != nil {
		return nil, err
	}
	if s.store, err = store.Open(filepath.Join(dir, "state.db"), store.Options{}); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.store.Close)
	source, err := duckdb.Open(ctx, duckdb.Options{Path: warehouseFile, Dir: dir, Limits: warehouse.Limits{
		MaxQueries: 2, StatementTimeout: timeout, FreeSQL: true, Now: time.Now,
	}})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, source.Close)
	url, err := s.openSlack(clock)
	if err != nil {
		return nil, err
	}
	desk := notify.Desk{Suite: s.suite, Owners: owners, Default: "#data-alerts"}
	log := slog.New(slog.DiscardHandler)
	client := slack.New(slack.Config{Token: conf.Secret(strictslack.DefaultToken), APIURL: url, DefaultChannel: desk.Default})
	s.sender = notify.NewSender(notify.Config{
		Outbox: s.store, Channel: demo.Since(clock.Now(), client), Compose: desk.Compose, Route: desk.Route, Moment: clock.Now, Log: log,
	})
	s.loop, err = watch.New(watch.Config{
		Source: warehouse.Split(map[string]probe.Source{"wh": source, probe.HeartbeatConn: heartbeat.Source{Journal: s.store}}),
		Store:  s.store, Policy: func() incident.Policy { return policy }, Now: clock.Now, Wait: wait, Log: log,
		Route: func(_ *checks.Suite, i incident.Incident) string { return desk.Route(i).Channel },
		Recorded: func(run incident.Run, change incident.Change) {
			if len(change.Incidents) > 0 {
				s.sender.Kick()
			}
			recorded(run, change)
		},
	}, s.suite)
	return s, err
}

// statementTimeout is how long one statement may take; those of the gallery take
// some milliseconds, but for a machine that is busy.
const statementTimeout = 5 * time.Minute

// openSlack runs a workspace; it gives the address of its API.
func (s *service) openSlack(clock *demo.Clock) (string, error) {
	config := strictslack.Config{Now: clock.Now, Location: newYork, Channels: []strictslack.Channel{{Name: "data-alerts"}}}
	for name, o := range owners {
		config.Channels = append(config.Channels, strictslack.Channel{Name: o.Channel[1:]})
		config.Usergroups = append(config.Usergroups, strictslack.Usergroup{ID: "S0" + name, Handle: o.Mention[1:], Name: name})
	}
	s.workspace = strictslack.New(config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: s.workspace, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends when the service is closed
	s.closers = append(s.closers, server.Close)
	return "http://" + listener.Addr().String() + "/api/", nil
}

// close lets go of everything, the last first.
func (s *service) close() {
	for n := len(s.closers) - 1; n >= 0; n-- {
		_ = s.closers[n]() // the folder goes next
	}
}

// unpack writes the example's data into a folder.
func unpack(dir string) error {
	return fs.WalkDir(examples.Files, "data", func(name string, d fs.DirEntry, err error) error {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err != nil || d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := fs.ReadFile(examples.Files, name)
		if err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
		return os.WriteFile(to, content, 0o644)
	})
}
