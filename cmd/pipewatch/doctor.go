package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything that pipewatch needs works",
		Long: `Look whether the files are valid, every connection opens with a user who may only
read, the state file can be written, and Slack takes messages in every channel.

Exit codes: 0 all is well, 2 configuration, 3 something does not work.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context()) },
	}
}

// doctor prints a line for each thing it looked at.
func (a *app) doctor(ctx context.Context) error {
	p, err := a.openProject()
	if err != nil {
		return err
	}
	sick := 0
	say := func(ok bool, subject, message string) {
		mark := "✔"
		if !ok {
			mark = "✖"
			sick++
		}
		fmt.Fprintf(a.stdout, "%s %s: %s\n", mark, subject, message)
	}
	say(true, p.path, fmt.Sprintf("valid, %d nodes with %d checks", len(p.suite.Graph.Order()), p.suite.Len()))
	for _, name := range slices.Sorted(maps.Keys(p.config.Connections)) {
		a.doctorConnection(ctx, p, name, say)
	}
	ok, message := doctorState(p.config.State.Path)
	say(ok, p.config.State.Path, message)
	a.doctorSlack(ctx, p, say)
	if sick > 0 {
		return exit{code: exitUnknown}
	}
	return nil
}

// doctorConnection opens a connection and asks what its user could change. That
// pipewatch itself writes nothing is tried too, with a statement that would change
// nothing if it passed.
func (a *app) doctorConnection(ctx context.Context, p *project, name string, say func(bool, string, string)) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	subject := "connection " + name
	src, err := connect(p.dir, p.config.Connections[name])
	if err != nil {
		say(false, subject, err.Error())
		return
	}
	defer src.Close()
	began := time.Now()
	if err := src.Ping(ctx, began); err != nil {
		say(false, subject, err.Error())
		return
	}
	took := time.Since(began).Round(time.Millisecond)
	rights, err := src.Rights(ctx, began)
	if err != nil {
		say(false, subject, err.Error())
		return
	}
	ok, message := readsOnly(rights)
	say(ok, subject, fmt.Sprintf("answers in %s; %s", took, message))
}

// readsOnly says whether the user of a connection can do nothing but read.
func readsOnly(r warehouse.Rights) (bool, string) {
	switch {
	case r.Fence == nil:
		return false, "a session of pipewatch's let a statement that writes pass (it changed nothing): report this, and take the right to write away from its user"
	case len(r.Beyond) > 0:
		return false, fmt.Sprintf("pipewatch's sessions are read-only, but the rights of user %s are not: it %s; give it the right to read and no other (docs/engines.md)", r.User, strings.Join(r.Beyond, ", it "))
	case r.User != "":
		return true, fmt.Sprintf("user %s may read and change nothing", r.User)
	}
	return true, "nothing can be written: " + r.Fence.Error()
}

// doctorState looks whether the state file could be written, without opening
// it: a service may be using it.
func doctorState(path string) (bool, string) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		dir := path[:max(0, strings.LastIndexByte(path, '/'))]
		if dir == "" {
			dir = "."
		}
		f, err := os.CreateTemp(dir, ".pipewatch-doctor-*")
		if err != nil {
			return false, "the folder cannot be written: " + err.Error()
		}
		f.Close()
		os.Remove(f.Name())
		return true, "will be made at the first start"
	case err != nil:
		return false, err.Error()
	case info.Mode().Perm()&0o077 != 0:
		return false, fmt.Sprintf("others can read it (mode %04o): chmod 600", info.Mode().Perm())
	}
	return true, fmt.Sprintf("is there, %d KiB", info.Size()>>10)
}

// doctorSlack asks Slack whether messages would arrive, and says what the other
// destinations can and cannot do.
func (a *app) doctorSlack(ctx context.Context, p *project, say func(bool, string, string)) {
	w, err := openWays(p.config)
	if err != nil {
		say(false, "alerts", err.Error())
		return
	}
	if _, ok := w.oneWay[toSlackWebhook]; ok {
		say(true, toSlackWebhook, "an incoming webhook: no threads, no edits, no buttons, and an attempt without an answer may repeat a message; nothing was sent to try it")
	}
	if _, ok := w.oneWay[toWebhook]; ok {
		say(true, toWebhook, "signed JSON, a message for each thing worth telling; nothing was sent to try it")
	}
	if p.config.Alerts.Slack.Token.Reveal() == "" {
		return
	}
	var mentions []string
	add := func(m string) {
		if m != "" && !slices.Contains(mentions, m) {
			mentions = append(mentions, m)
		}
	}
	for _, o := range p.config.Owners {
		add(o.SlackMention)
	}
	add(p.config.Alerts.Escalate.Mention)
	for _, r := range p.config.Alerts.Routes {
		add(r.Mention)
		add(r.Escalate.Mention)
	}
	slices.Sort(mentions)
	channels := slices.DeleteFunc(p.config.destinations(), func(d string) bool { return d == toWebhook || d == toSlackWebhook })
	for _, f := range slackChannel(p.config).Doctor(ctx, channels, mentions) {
		say(f.OK, "slack "+f.Subject, f.Message)
	}
}
