package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
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
	once, hand    bool
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
outside a temporary folder is written. Then the pages stay up until Ctrl-C, and it is
your turn: Enter, or a button on the page, goes to an ordinary day on which you may
stop the loader, drop a partition, load keys twice and repair it all.

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
	cmd.Flags().BoolVar(&o.hand, "hand", false, "tell no story: break things yourself at once")
	cmd.MarkFlagsMutuallyExclusive("once", "hand")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:8642", "address of the page; the next free port where it is taken")
	cmd.Flags().StringVar(&o.slack, "slack-listen", "127.0.0.1:8643", "address of the Slack and its page; likewise")
	cmd.Flags().DurationVar(&o.pace, "pace", 250*time.Millisecond, "how long an hour of the story takes at least")
	return cmd
}

// demo plays a story through the service and, unless it is to be told once, stays up
// with its pages until people want to break things themselves, or have had enough.
func (a *app) demo(ctx context.Context, o demoOptions, story demo.Story) error {
	hand := demo.NewHand()
	if o.once {
		return a.stage(ctx, o, story, hand)
	}
	go a.listenToKeys(hand)
	if !o.hand {
		if err := a.stage(ctx, o, story, hand); err != nil || ctx.Err() != nil {
			return err
		}
	}
	hand.Turn()
	o.hand = true
	return a.stage(ctx, o, demo.ByHand(), hand)
}

// stage plays one story on a stage of its own. When the story is over it ends, or
// stays up until somebody wants to break things by hand.
func (a *app) stage(ctx context.Context, o demoOptions, story demo.Story, hand *demo.Hand) error {
	dir, err := os.MkdirTemp("", "pipewatch-demo-")
	if err != nil {
		return exit{exitState, fmt.Errorf("make a folder for the demo: %w", err)}
	}
	defer os.RemoveAll(dir)
	stage, err := a.openStage(dir, o, story, hand)
	if err != nil {
		return err
	}
	defer stage.close()
	stage.hello(a.stdout, dir, o)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- stage.service.run(serving, stage.service.openSite(nil), stage.page) }()
	for over := stage.director.Over(); ; {
		select {
		case <-over:
			over = nil
			if o.once {
				stop()
				return stage.verdict(<-done)
			}
			if !o.hand {
				stage.stayUp(a.stdout)
			}
		case <-hand.Wanted():
			stop()
			return <-done
		case err := <-done:
			if over != nil {
				err = errors.Join(err, ctx.Err()) // interrupted, or it could not go on
			}
			return err
		}
	}
}

// verdict is the end of a story that is told once.
func (st *stage) verdict(err error) error {
	if err != nil {
		return exit{stateCode(err), err}
	}
	if len(st.director.Score().Wrong) > 0 {
		return exit{code: exitFail}
	}
	return nil
}

// listenToKeys passes on what is typed, line by line, until the terminal is closed.
func (a *app) listenToKeys(hand *demo.Hand) {
	signal.Ignore(syscall.SIGTTIN) // in the background there is nothing to read, and no reason to stop
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := hand.Press(strings.TrimSpace(lines.Text())); err != nil {
			fmt.Fprintln(a.stderr, err)
		}
	}
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
func (a *app) openStage(dir string, o demoOptions, story demo.Story, hand *demo.Hand) (_ *stage, err error) {
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
	workspace := st.openSlack(p, clock, hand)
	config := demo.Config{
		Story: story, Clock: clock, Warehouse: warehouse, Outbox: db, Slack: workspace, Out: io.MultiWriter(a.stdout, hand), Pace: o.pace,
	}
	if o.hand {
		config.Hand = hand
	}
	st.director = demo.NewDirector(config)
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

// openSlack runs a workspace with the channels and groups of the project, and
// beside it the page on which people break things.
func (st *stage) openSlack(p *project, clock *demo.Clock, hand *demo.Hand) *strictslack.Server {
	config := strictslack.Config{Usergroups: devGroups, Now: clock.Now, Location: demo.Zone()}
	for _, name := range p.config.destinations() {
		config.Channels = append(config.Channels, strictslack.Channel{Name: name[1:]})
	}
	workspace := strictslack.New(config)
	mux := http.NewServeMux()
	mux.Handle("/", workspace)
	mux.Handle("/hand/", hand.Page())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
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
func (st *stage) hello(out io.Writer, dir string, o demoOptions) {
	fmt.Fprint(out, `pipewatch watches the training set of a model of flight delays: the flights that
left New York in 2013, replayed hour by hour through the real service.

`)
	st.where(out)
	fmt.Fprintf(out, "  files  %s\n", dir)
	if !o.once && !o.hand {
		fmt.Fprintf(out, "\nEnter, or http://%s/hand/, leaves the story: then you break things yourself.\n", st.slack.Addr())
	}
}

// where says where the pages are.
func (st *stage) where(out io.Writer) {
	fmt.Fprintf(out, "  page   http://%s/\n  Slack  http://%s/\n", st.page.Addr(), st.slack.Addr())
}

// stayUp says that the story is over and the pages are not.
func (st *stage) stayUp(out io.Writer) {
	fmt.Fprint(out, "\nThe pages stay up until Ctrl-C:\n\n")
	st.where(out)
	fmt.Fprintf(out, "\nNow you: press Enter, or the button on http://%s/hand/, and break something yourself.\n", st.slack.Addr())
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
