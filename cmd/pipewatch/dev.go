package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

func (a *app) devCommand() *cobra.Command {
	dev := &cobra.Command{Use: "dev", Short: "Tools for trying pipewatch without accounts"}
	dev.AddCommand(a.devSlackCommand())
	return dev
}

func (a *app) devSlackCommand() *cobra.Command {
	var addr, token string
	cmd := &cobra.Command{
		Use:   "slack",
		Short: "Run a strict Slack of your own, with a page that shows its channels",
		Long: `Run a Slack of your own. It takes what Slack takes, refuses what Slack refuses,
and shows every channel as a person in Slack would see it. Nothing is kept.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := listen(addr)
			if err != nil {
				return exit{exitUsage, err}
			}
			base := "http://" + l.Addr().String()
			fmt.Fprintf(a.stdout, "page:    %s/\nuse it:  SLACK_BOT_TOKEN=%s SLACK_API_URL=%s/api/ pipewatch serve\n", base, token, base)
			server := &http.Server{
				Handler:           strictslack.New(strictslack.Config{Token: token, CreateChannels: true, Usergroups: devGroups}),
				ReadHeaderTimeout: 5 * time.Second,
			}
			go func() {
				<-cmd.Context().Done()
				closing, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				if server.Shutdown(closing) != nil {
					server.Close()
				}
			}()
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&addr, "listen", "127.0.0.1:8643", "address of the API and the page")
	cmd.Flags().StringVar(&token, "token", strictslack.DefaultToken, "the bot token it accepts")
	return cmd
}

// devGroups are the groups that the example's owners are called by.
var devGroups = []strictslack.Usergroup{
	{Handle: "ml-oncall", Name: "ML on call"},
	{Handle: "flight-oncall", Name: "Flight data on call"},
}
