package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
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
	var channels []string
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
				Handler:           strictslack.New(devWorkspace(token, channels)),
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
	cmd.Flags().StringSliceVar(&channels, "channel", []string{"data-alerts", "flight-data", "ml-alerts"}, "the channels that are there; the bot is in all")
	return cmd
}

// devWorkspace is a workspace with some channels and the groups of the example.
func devWorkspace(token string, channels []string) strictslack.Config {
	c := strictslack.Config{Token: token, Usergroups: devGroups}
	for _, name := range channels {
		c.Channels = append(c.Channels, strictslack.Channel{Name: strings.TrimPrefix(name, "#")})
	}
	return c
}

// devGroups are the groups that the example's owners are called by.
var devGroups = []strictslack.Usergroup{
	{ID: "S0MLONCALL", Handle: "ml-oncall", Name: "ML on call"},
	{ID: "S0FLIGHTS0", Handle: "flight-oncall", Name: "Flight data on call"},
}
