// Command alert measures how long a break takes to become a message: from the answer
// of the warehouse, decoded, to the moment at which Slack has received the POST. In
// between the check's result is decided about, the run and the message are made safe
// in the state file, and the sender renders and posts it.
//
// It uses the real store on a real disk, the real sender and the real Slack client,
// and a strict Slack of our own on loopback. Storms are put on by test/strain.
//
// # Data model
//
// Break n is one run in which table n turns stale. Each goes to a channel of its own,
// as a channel takes one message a second. The next break comes when the last one's
// message has arrived.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/store"
)

var breaks = flag.Int("breaks", 500, "how many tables break, one after the other")

// patience is how long a message may take before something is wrong.
const patience = time.Minute

func main() {
	flag.Parse()
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	suite, err := tables(*breaks)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pipewatch-alert-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := store.Open(filepath.Join(dir, "state.db"), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	arrived := make(chan time.Time, 1)
	server := httptest.NewServer(strictslack.New(strictslack.Config{CreateChannels: true, OnPost: func(strictslack.Message) { arrived <- time.Now() }}))
	defer server.Close()
	client := slack.New(slack.Config{Token: conf.Secret(strictslack.DefaultToken), APIURL: server.URL + "/api/"})
	sender := notify.NewSender(notify.Config{Outbox: db, Channel: client, Compose: notify.Desk{Suite: suite}.Compose})
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- sender.Run(ctx) }()
	took, err := measure(suite, db, sender, arrived)
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	report(took)
	return nil
}

// tables is a DAG of so many tables, each with one check.
func tables(n int) (*checks.Suite, error) {
	var b strings.Builder
	b.WriteString("version: 1\ndag: shop\nowner: data\nconnection: wh\nschedule: \"@every 15m\"\nnodes:\n")
	for i := range n {
		fmt.Fprintf(&b, "  t%05d: {table: t%05d, freshness: {column: ts, error_after: 6h}}\n", i, i)
	}
	g, problems := dag.Load([]dag.File{{Name: "dags/shop.yaml", Src: []byte(b.String())}}, dag.Known{})
	suite, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	return suite, problems.Err()
}

// measure breaks one table after the other.
func measure(suite *checks.Suite, db *store.DB, sender *notify.Sender, arrived <-chan time.Time) (took []time.Duration, err error) {
	for c := range suite.All() {
		at := time.Now()
		run := incident.Run{DAG: "shop", Slot: at, Moment: at, Results: []checks.Result{{Check: c.ID(), StartedAt: at,
			Verdict: checks.Verdict{Outcome: checks.Fail, Reason: checks.Stale, Message: "newest ts is 7h old, limit 6h"}}}}
		_, err := db.Record(run,
			func(b incident.Book) incident.Change { return incident.Decide(suite, b, run, incident.AtOnce()) },
			func(i incident.Incident) string { return "#" + strings.ReplaceAll(string(i.Root), "/", "-") },
			func(id dag.CheckID) string { return suite.Check(id).Fingerprint })
		if err != nil {
			return nil, err
		}
		sender.Kick()
		select {
		case then := <-arrived:
			took = append(took, then.Sub(at))
		case <-time.After(patience):
			return nil, fmt.Errorf("the message of %s did not arrive within %s", c.ID(), patience)
		}
	}
	return took, nil
}

func report(took []time.Duration) {
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(10 * time.Microsecond)
	}
	fmt.Printf("%d breaks, result decoded to POST received: p50 %s, p99 %s, worst %s\n", len(took), at(0.5), at(0.99), at(1))
}
