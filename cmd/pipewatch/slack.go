package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) slackCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "slack", Short: "Set Slack up"}
	cmd.AddCommand(&cobra.Command{
		Use: "manifest", Short: "Print the manifest of a Slack app that can do all that pipewatch needs", Args: cobra.NoArgs,
		Long: `Print the manifest of a Slack app. At api.slack.com/apps choose Create New App, From
a manifest, and paste it. Install the app, and put its bot token (xoxb-…) into
SLACK_BOT_TOKEN. For buttons make an app-level token (xapp-…) with the scope
connections:write under Basic Information, and name it as alerts.slack.app_token.`,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprint(a.stdout, manifest)
			return nil
		},
	})
	return cmd
}

// manifest asks for no more than what is used, and says what for.
const manifest = `display_information:
  name: pipewatch
  description: Says what broke upstream, once, and when it is over
  background_color: "#0b4f6c"
features:
  bot_user:
    display_name: pipewatch
    always_online: true
oauth_config:
  scopes:
    bot:
      - chat:write             # post and edit messages
      - channels:read          # find a channel by its name
      - channels:history       # look a message up after an answer was lost
      - groups:read            # the same for private channels that it is invited to
      - groups:history
      - metadata.message:read  # know its own messages again
      - usergroups:read        # mention @group
      - users:read             # mention people by their e-mail address
      - users:read.email
settings:
  interactivity:
    is_enabled: true           # buttons
  socket_mode_enabled: true    # over a connection that pipewatch opens
  org_deploy_enabled: false
  token_rotation_enabled: false
`
