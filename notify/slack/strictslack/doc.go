// Package strictslack is a Slack of our own: an http.Handler that answers the
// Web API methods and the incoming webhook that pipewatch uses as Slack
// answers them, refuses what Slack refuses, and shows its channels on a page
// as a person in Slack would see them. Tests, `pipewatch dev slack` and the
// demo talk to it instead of an account.
//
// It is not a client, it knows nothing of pipewatch, and it is not all of
// Slack: there are people who press buttons, but none who type, no files, no
// modals and no events. Where Slack is lenient it is strict: an argument or a field that
// nobody documents, a token of mrkdwn that was cut in half, or a block type
// whose fields it does not know is refused, so that what passes here passes
// there.
//
// # Data model
//
// A [Server] holds channels by id (C…). A channel holds [Message]s by ts, the
// instant of the post as "seconds.microseconds", unique in its channel and
// ever increasing; a reply names its root by ThreadTS. A message has its
// current [Content] and every earlier [Version]. Blocks and attachments are
// kept as decoded JSON, since their meaning is Slack's. Everything is in
// memory and gone with the process; all methods may be called at any time by
// any goroutine.
//
// A call goes through these steps, one file each: decode (decode.go), token
// and scope (server.go), fault plan (faults.go), the method
// (chat.go, conversations.go, people.go, validate.go, webhook.go) on the state
// and its rates (workspace.go) with the
// checks of what a message may hold (message.go, attachments.go, blocks.go,
// elements.go, objects.go, tokens.go, with all numbers in limits.go), and the
// log of requests (inspect.go). page.go and mrkdwn.go draw. A press goes the
// other way: interact.go makes it, socket.go (Socket Mode) or a signed request
// carries it, and reply.go takes what the app answers at the response_url.
package strictslack
