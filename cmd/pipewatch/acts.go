package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// actCommands are what people do to an incident through the running service.
func (a *app) actCommands(c *client) []*cobra.Command {
	var cmds []*cobra.Command
	for _, k := range []struct{ use, short string }{
		{"ack", "Take an incident on: it is not mentioned again"}, {"unack", "Give an incident back"},
		{"mute", "Mute an incident until a time"}, {"unmute", "End the mute of an incident"},
	} {
		var span, until, note string
		cmd := &cobra.Command{
			Use: k.use + " ID", Short: k.short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				want := map[string]any{"note": note}
				if k.use == "mute" {
					if err := muteEnd(want, span, until); err != nil {
						return exit{exitUsage, err}
					}
				}
				body, err := c.post(cmd.Context(), "/incidents/"+url.PathEscape(args[0])+"/"+k.use, want)
				if err != nil {
					return err
				}
				return show(c, body, a.printIncident)
			},
		}
		c.askFlags(cmd)
		cmd.Flags().StringVar(&note, "note", "", "why, for those who read it later")
		if k.use == "mute" {
			cmd.Flags().StringVar(&span, "for", "", "how long, such as 2h or 3d")
			cmd.Flags().StringVar(&until, "until", "", "its end, such as 2026-03-01T09:00:00Z")
		}
		cmds = append(cmds, cmd)
	}
	return cmds
}

// muteEnd puts the end of a mute into a request, as it was said.
func muteEnd(want map[string]any, span, until string) error {
	switch {
	case (span == "") == (until == ""):
		return fmt.Errorf("say when the mute ends: --for 2h or --until 2026-03-01T09:00:00Z")
	case span != "":
		d, err := conf.ParseDuration(span)
		if err != nil {
			return fmt.Errorf("--for: %w", err)
		}
		want["for"] = d.Std().String() // the service's clock counts
		return nil
	}
	end, err := endTime(until)
	want["until"] = end
	return err
}

// endTime reads --until.
func endTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("--until %q: write it like 2026-03-01T09:00:00Z", s)
	}
	return t, nil
}

func (a *app) announceCommand() *cobra.Command {
	c := &client{app: a}
	var until, reason string
	var over bool
	cmd := &cobra.Command{
		Use: "announce NODE", Short: "Announce planned work on a node: what it explains opens no incident until it ends", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := c.node(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if over {
				return a.endWork(cmd.Context(), c, id)
			}
			end, err := endTime(until)
			if err != nil {
				return exit{exitUsage, err}
			}
			body, err := c.post(cmd.Context(), "/nodes/"+string(id)+"/announce", map[string]any{"until": end, "reason": reason})
			if err != nil {
				return err
			}
			return show(c, body, func(w incident.Announcement) {
				fmt.Fprintf(a.stdout, "announced %s: work on %s until %s: %s\n", w.ID, w.Node, w.Until.Format(time.RFC3339), w.Reason)
			})
		},
	}
	c.askFlags(cmd)
	cmd.Flags().StringVar(&until, "until", "", "when the work ends, such as 2026-03-01T09:00:00Z (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "what is done; whoever is on call will read it (required)")
	cmd.Flags().BoolVar(&over, "end", false, "the work on the node has ended: take back what was announced for it")
	cmd.MarkFlagsOneRequired("until", "end")
	cmd.MarkFlagsRequiredTogether("until", "reason")
	cmd.MarkFlagsMutuallyExclusive("until", "end")
	return cmd
}

// endWork ends the announcements of a node that run or wait to begin.
func (a *app) endWork(ctx context.Context, c *client, id dag.NodeID) error {
	body, err := c.get(ctx, "/nodes/"+string(id)+"/explain")
	if err != nil {
		return err
	}
	var node incident.NodeExplanation
	if err := decodeAnswer(body, &node); err != nil {
		return err
	}
	ended := 0
	for _, w := range node.Announcements {
		if w.Node != id || w.EndedBy != "" {
			continue
		}
		if _, err := c.do(ctx, http.MethodDelete, "/announcements/"+url.PathEscape(string(w.ID)), nil); err != nil {
			return err
		}
		ended++
		fmt.Fprintf(a.stdout, "ended %s: work on %s: %s\n", w.ID, w.Node, w.Reason)
	}
	if ended == 0 {
		return exit{exitUsage, fmt.Errorf("no work on %s is announced", id)}
	}
	return nil
}
