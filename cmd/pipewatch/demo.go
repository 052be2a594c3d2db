package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/demo"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/store"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	once          bool
	listen, slack string
	pace          time.Duration
}

func (a *app) demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch pipewatch find real and injected faults in the flights of 2013",
		Long: `Replay parts of 2013 at speed through the real service: real tables in an embedded
warehouse, faults that really happened and some that are put in, and a Slack of
its own with a page that shows every message. No account is needed and nothing
outside a temporary folder is written. Then the pages stay up until Ctrl-C.

Exit codes with --once: 0 every fault was found at its root and nothing else was
said, 1 otherwise.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.once && !cmd.Flags().Changed("pace") {
				o.pace = 0
			}
			return a.demo(cmd.Context(), o, demo.Flights())
		},
	}
	cmd.Flags().BoolVar(&o.once, "once", false, "tell the story as fast as possible and exit")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8642", "address of the page; the next free port where it is taken")
	cmd.Flags().StringVar(&o.slack, "slack-listen", "127.0.0.1:8643", "address of the Slack and its page; likewise")
	cmd.Flags().DurationVar(&o.pace, "pace", 250*time.Millisecond, "how long an hour of the story takes at least")
	return cmd
}

// demo plays a story through the service and, unless it is to be told once,
// stays up with its pages.
func (a *app) demo(ctx context.Context, o demoOptions, story demo.Story) error {
	dir, err := os.MkdirTemp("", "pipewatch-demo-")
	if err != nil {
		return exit{exitState, fmt.Errorf("make a folder for the demo: %w", err)}
	}
	defer os.RemoveAll(dir)
	stage, err := a.openStage(dir, o, story)
	if err != nil {
		return err
	}
	defer stage.close()
	stage.hello(a.stdout, dir)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- stage.service.run(serving, stage.service.openSite(nil), stage.page) }()
	select {
	case <-stage.director.Over():
	case err := <-done:
		return errors.Join(err, ctx.Err()) // interrupted, or it could not go on
	}
	if !o.once {
		stage.stayUp(a.stdout)
		return <-done
	}
	stop()
	if err := <-done; err != nil {
		return exit{stateCode(err), err}
	}
	if len(stage.director.Score().Wrong) > 0 {
		return exit{code: exitFail}
	}
	return nil
}

// stage is everything that a story needs: the service with a warehouse and a
// Slack of its own.
type stage struct {
	service  *service
	director *demo.Director
	page     net.Listener
	slack    net.Listener
	closers  []func() error
}

// openStage sets it up in a folder; nothing runs yet but the Slack.
func (a *app) openStage(dir string, o demoOptions, story demo.Story) (_ *stage, err error) {
	st := &stage{}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	for _, l := range []struct {
		to   *net.Listener
		addr string
	}{{&st.page, o.listen}, {&st.slack, o.slack}} {
		if *l.to, err = listenNear(l.addr); err != nil {
			return nil, exit{exitUsage, err}
		}
		st.closers = append(st.closers, (*l.to).Close)
	}
	warehouse, err := demo.Unpack(dir)
	if err != nil {
		return nil, exit{exitState, err}
	}
	a.configPath = warehouse.Config()
	p, err := a.openProject()
	if err != nil {
		return nil, err
	}
	p.config.HTTP.ExternalURL = "http://" + st.page.Addr().String()
	p.config.Alerts.Slack.AppToken = conf.Secret(strictslack.DefaultAppToken) // so that the buttons work
	db, err := store.Open(p.config.State.Path, store.Options{})
	if err != nil {
		return nil, exit{stateCode(err), err}
	}
	source, closeSource, err := p.sources(noHeartbeats{})
	if err != nil {
		return nil, err
	}
	st.closers = append(st.closers, db.Close, closeSource)

	clock := demo.NewClock(story.Stretches[0].From)
	workspace := st.openSlack(p, clock)
	st.director = demo.NewDirector(demo.Config{
		Story: story, Clock: clock, Warehouse: warehouse, Outbox: db, Slack: workspace, Out: a.stdout, Pace: o.pace,
	})
	client := slack.New(slack.Config{
		Token: conf.Secret(strictslack.DefaultToken), APIURL: "http://" + st.slack.Addr().String() + "/api/",
		DefaultChannel: p.config.Alerts.Slack.DefaultChannel, AppToken: p.config.Alerts.Slack.AppToken,
	})
	st.service, err = newService(parts{
		project: p, source: source, store: db, now: clock.Now, wait: st.director.Wait, observe: st.director.Recorded,
		channel: demo.Since(story.Stretches[0].From, client), slack: client, log: a.demoLog(),
	})
	if err != nil {
		return nil, exit{stateCode(err), err}
	}
	return st, nil
}

// openSlack runs a workspace with the channels and groups of the project.
func (st *stage) openSlack(p *project, clock *demo.Clock) *strictslack.Server {
	config := strictslack.Config{Usergroups: devGroups, Now: clock.Now, Location: demo.Zone()}
	for _, name := range p.config.destinations() {
		config.Channels = append(config.Channels, strictslack.Channel{Name: name[1:]})
	}
	workspace := strictslack.New(config)
	server := &http.Server{Handler: workspace, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(st.slack) //nolint:errcheck // it ends when the stage is closed
	st.closers = append(st.closers, server.Close)
	return workspace
}

// demoLog is quieter than a service's, as the narration says what happens.
func (a *app) demoLog() *slog.Logger {
	if a.verbose {
		return a.log
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// hello says what will be seen and where.
func (st *stage) hello(out io.Writer, dir string) {
	fmt.Fprintf(out, `pipewatch watches the training set of a model of flight delays: the flights that
left New York in 2013, replayed hour by hour through the real service.

  page   http://%s/
  Slack  http://%s/
  files  %s
`, st.page.Addr(), st.slack.Addr(), dir)
}

// stayUp says that the story is over and the pages are not.
func (st *stage) stayUp(out io.Writer) {
	fmt.Fprintf(out, `
The pages stay up until Ctrl-C:

  page   http://%s/
  Slack  http://%s/
`, st.page.Addr(), st.slack.Addr())
}

// close lets go of everything, the last first.
func (st *stage) close() {
	for n := len(st.closers) - 1; n >= 0; n-- {
		_ = st.closers[n]() // the folder goes next, and nothing in it is kept
	}
}

// morePorts is how many ports after a taken one are tried.
const morePorts = 20

// listenNear listens on an address of this machine or, where its port is taken,
// on one of the next.
func listenNear(addr string) (net.Listener, error) {
	if !loopback(addr) {
		return nil, fmt.Errorf("%q is not a loopback address, and the demo has no passwords: use 127.0.0.1:PORT", addr)
	}
	host, port, err := net.SplitHostPort(addr)
	first, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil {
		return nil, fmt.Errorf("%q is not an address such as 127.0.0.1:8642", addr)
	}
	var l net.Listener
	for n := range morePorts {
		if l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(first+n))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("listen on %s and the %d ports after it: %w", addr, morePorts-1, err)
}
