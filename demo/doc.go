// Package demo is the story that `pipewatch demo` tells: stretches of 2013
// replayed through the real service, with the faults that really happened and
// some that are put in, and a score of what pipewatch said of them.
//
// It is no second service and no simulation of one: the loop, the store, the
// sender and the Slack client are those of `serve`, asking a real engine about
// real files. It differs in its time, which jumps ahead when nothing is in
// flight, and in its warehouse, whose files it changes on disk as the story goes.
//
// # Data model
//
// A [Story] is [Stretch]es of the past and the [Fault]s in them; each fault says
// when it broke, what is written to the warehouse for it, and what pipewatch has
// to say ([Want]). The [Warehouse] is a folder with the tables, a pipewatch.yaml
// and faults.csv, which every run reads afresh. The [Clock] is the time of the
// story. The [Director] moves it, breaks and mends, and narrates. What was
// decided and said is collected in a [Ledger], and [Judge], which is pure, holds
// it against the story. A [Hand] lets people do [Deed]s of their own.
package demo
