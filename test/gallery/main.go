// Command gallery hangs up what goes wrong with data, more than fifty faults and
// more than a dozen stretches in which nothing is wrong and much looks as if it
// were, and counts what pipewatch says of each: was it found at the first
// evaluation at which it could be known, does the message name the cause, how many
// messages were there, and did anything cry wolf?
//
//	go run ./test/gallery            # all; -only NAME for some, -messages to read along
//
// The service is the real one: loop, decisions, store, outbox, sender and Slack
// client, as cmd/pipewatch puts them together, on a real database file that is
// written between its runs. Only time is data. It is no test of single checks
// (checks/checkstest) nor of crashes (test/crash).
//
// # Data model
//
// An [exhibit] is a stretch of 2013 with its faults and the [truth] of each: the
// root, whom it hits, and the first evaluation at which a promise of the DAG
// (dags/) is broken. The [pipeline] is the company whose warehouse it is: [job]s
// with the [trouble] they have, [feed]s of wrong rows, [act]s of people. A
// [replay] lets company and service take turns. A [verdict] is what was said held
// against the truth.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	_ "time/tzdata" // the truths are New York's

	"github.com/pipewatch-dev/pipewatch/incident"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}

// errRed is the end of a run that nothing excuses.
var errRed = errors.New("a fault was not told in one message and nobody has explained why, or something was said for nothing")

// run is the command line.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("gallery", flag.ContinueOnError)
	only := flags.String("only", "", "play the exhibits whose name matches this expression")
	failAfter := flags.Int("fail-after", 1, "bad evaluations before an incident opens; the checks look at closed hours and days once an hour, so that waiting for a second look only costs an hour")
	verbose := flags.Bool("v", false, "say what pipewatch decided and which of the company's statements failed")
	messages := flags.Bool("messages", false, "print every message")
	workers := flags.Int("j", 2, "exhibits at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	var chosen []exhibit
	for _, e := range exhibits() {
		if pattern.MatchString(e.name) {
			chosen = append(chosen, e)
		}
	}
	policy := incident.DefaultPolicy()
	policy.FailAfter = *failAfter
	verdicts, err := hold(ctx, chosen, policy, *workers)
	if err != nil {
		return err
	}
	r := report{out: os.Stdout, verbose: *verbose, messages: *messages}
	if !r.print(verdicts) {
		return errRed
	}
	return nil
}

// hold plays exhibits, some at a time, and judges each.
func hold(ctx context.Context, exhibits []exhibit, policy incident.Policy, workers int) ([]verdict, error) {
	dir, err := os.MkdirTemp("", "pipewatch-gallery-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sources, err := openSources(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer sources.Close()
	verdicts, errs := make([]verdict, len(exhibits)), make([]error, len(exhibits))
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := range numbers {
				verdicts[n], errs[n] = show(ctx, sources, filepath.Join(dir, fmt.Sprint(n)), exhibits[n], policy)
			}
		})
	}
	for n := range exhibits {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	return verdicts, errors.Join(errs...)
}

// show plays one exhibit in a folder of its own.
func show(ctx context.Context, sources *sql.DB, dir string, e exhibit, policy incident.Policy) (verdict, error) {
	r, err := newReplay(ctx, sources, dir, e, policy)
	if err != nil {
		return verdict{}, fmt.Errorf("%s: %w", e.name, err)
	}
	defer r.close()
	if err := r.play(ctx); err != nil {
		return verdict{}, fmt.Errorf("%s: %w", e.name, err)
	}
	return judge(e, r.suite, &r.ledger, r.company.failures), nil
}
