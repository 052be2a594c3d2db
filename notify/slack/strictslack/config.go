package strictslack

import "time"

// Config is what a Server starts with. Every field may be left out.
type Config struct {
	Token          string    // the bot token that calls must bear; default DefaultToken
	Scopes         []string  // what the token may do; nil grants everything
	Team           string    // the workspace's name; default "Pipewatch"
	BotName        string    // the app's name; default "pipewatch"
	Channels       []Channel // those that exist at start
	CreateChannels bool      // a post to an unknown #name makes the channel, where Slack answers channel_not_found
	Usergroups     []Usergroup
	Users          []User            // who works here; default one person, who is called you
	Webhooks       map[string]string // path below /services/ -> channel name or id
	Rate           Rate              // of posts in one channel; zero is no limit

	AppToken        string        // what a socket is opened with; default DefaultAppToken
	SigningSecret   string        // what requests to InteractionsURL are signed with; default DefaultSigningSecret
	InteractionsURL string        // where the app is told of presses; empty for Socket Mode
	AckWithin       time.Duration // how long the app may take to acknowledge a press; default 3 s, as in Slack

	// Now stamps messages and drives rates and lags; default time.Now. Time that
	// stands still or goes back is taken as it is, except in ts.
	Now func() time.Time
	// Faults is asked about every call that the token allows; nil has none.
	Faults func(Request) Fault
	// OnPost and OnChange are told of every message that was stored or edited,
	// in the call's goroutine and before its answer.
	OnPost, OnChange func(Message)
	// Location is the zone in which the page shows times; default UTC.
	Location *time.Location
}

// The credentials of a Server whose Config names none.
const (
	DefaultToken         = "xoxb-strict-slack"
	DefaultAppToken      = "xapp-strict-slack"
	DefaultSigningSecret = "strict-slack-signing-secret"
)

// Rate is a token bucket.
type Rate struct {
	PerSecond float64 // posts in the long run; Slack allows 1
	Burst     int     // posts at once; at least 1
}

// Channel is a public channel.
type Channel struct {
	ID        string // default: made from the name
	Name      string // without #; a-z, 0-9, - and _
	Topic     string
	Archived  bool
	BotAbsent bool // the app was not invited
}

// Usergroup is a group that can be mentioned.
type Usergroup struct {
	ID, Handle, Name string // S…, the word after @, the name in full
	Users            []string
}

// User is a person.
type User struct {
	ID, Name, RealName, Email string // U…, the word after @, the name in full, the address
}

const (
	teamID    = "T0STRICT00"
	appID     = "A0PIPEWATCH"
	botID     = "B0PIPEWATCH"
	botUserID = "U0PIPEWATCH"
	hookBotID = "B0WEBHOOK0"
)
