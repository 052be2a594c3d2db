package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/demo"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
)

// warehouseFile is the database that is watched.
const warehouseFile = "warehouse.duckdb"

// waiting is how a watch.Service waits.
type waiting func(ctx context.Context, until time.Time, busy bool, wake <-chan struct{}) error

// replay lets the company and the service take turns: before the clock moves on
// everything that happens until then happens, and everything that was decided has
// been said.
type replay struct {
	exhibit  exhibit
	suite    *checks.Suite
	clock    *demo.Clock
	company  *pipeline
	service  *service
	ledger   ledger
	decided  bool // something may wait to be said
	finished context.CancelFunc
	announce []announcement // still to come
}

// ledger is what pipewatch decided and said.
type ledger struct {
	demo.Ledger
	runs     map[string][]time.Time // moments by DAG
	messages []strictslack.Message  // as they stand in the end, with what they said before
	findings []string               // every check that was not well, in words, for -v
}

// newReplay makes a company, its warehouse as it is when the exhibit begins, and
// a service.
func newReplay(ctx context.Context, sources *sql.DB, dir string, e exhibit, policy incident.Policy) (*replay, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	conn, err := sources.Conn(ctx)
	if err != nil {
		return nil, err
	}
	r := &replay{
		exhibit: e, clock: demo.NewClock(e.from), announce: slices.Clone(e.announced),
		company: &pipeline{exhibit: e, conn: conn, path: filepath.Join(dir, warehouseFile), name: "wh" + filepath.Base(dir), data: filepath.Join(filepath.Dir(dir), "data")},
	}
	r.ledger.runs = map[string][]time.Time{}
	if r.service, err = openService(ctx, dir, r.clock, policy, cmp.Or(e.timeout, statementTimeout), r.wait, r.recorded); err != nil {
		return nil, err
	}
	r.suite = r.service.suite
	r.company.beat = r.service.store.Heartbeat
	if err := r.company.begin(ctx, e.from); err != nil {
		return nil, err
	}
	return r, r.company.advance(ctx, e.from)
}

// play runs the service until the exhibit is over.
func (r *replay) play(ctx context.Context) error {
	looping, stop := context.WithCancel(ctx)
	r.finished = stop
	sending, stopSending := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var sendErr error
	wg.Go(func() { sendErr = r.service.sender.Run(sending) })
	err := r.service.loop.Run(looping)
	stop()
	stopSending()
	wg.Wait()
	if err == nil {
		err = sendErr
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// wait is the service's: it moves the clock once nothing is in flight.
func (r *replay) wait(ctx context.Context, until time.Time, busy bool, wake <-chan struct{}) error {
	if busy {
		return pause(ctx, time.Second, wake)
	}
	if err := r.deliver(ctx); err != nil {
		return err
	}
	if len(r.announce) > 0 && !until.IsZero() && r.announce[0].from.Before(until) {
		return r.tell(ctx)
	}
	if until.IsZero() || until.After(r.exhibit.until) {
		r.finished()
		return ctx.Err()
	}
	if err := r.company.advance(ctx, until); err != nil {
		return err
	}
	r.clock.Set(until)
	return nil
}

// tell announces the next planned work.
func (r *replay) tell(ctx context.Context) error {
	a := r.announce[0]
	r.announce = r.announce[1:]
	r.clock.Set(a.from)
	_, err := r.service.loop.Announce(ctx, incident.Announcement{Node: a.node, Until: a.until, Reason: "a backfill", By: "ana", Via: "api"})
	return err
}

// recorded takes down a run.
func (r *replay) recorded(run incident.Run, change incident.Change) {
	r.ledger.Note(run, change)
	r.decided = r.decided || len(change.Incidents) > 0
	if run.DAG != "" {
		r.ledger.runs[run.DAG] = append(r.ledger.runs[run.DAG], run.Moment)
	}
	for _, res := range run.Results {
		switch res.Verdict.Outcome {
		case checks.Pass, checks.Pending:
		default:
			r.ledger.findings = append(r.ledger.findings, fmt.Sprintf("%s %s %s %s: %s", clockOf(run.Moment), res.Check, res.Verdict.Outcome, res.Verdict.Reason, res.Verdict.Message))
		}
	}
}

// patience is how long a message may take to reach Slack: on a machine that is busy
// an attempt may time out, and is looked up before it is made again.
const patience = 5 * time.Minute

// deliver waits until everything that was decided has been said, and takes it
// down. The clock stands still meanwhile.
func (r *replay) deliver(ctx context.Context) error {
	if !r.decided {
		return nil
	}
	for began := time.Now(); ; {
		posts, err := r.service.store.Pending()
		if err != nil {
			return err
		}
		if len(posts) == 0 {
			break
		}
		if time.Since(began) > patience {
			return fmt.Errorf("message %s did not reach Slack within %s: %s", posts[0].ID(), patience, posts[0].Trouble)
		}
		if err := pause(ctx, 2*time.Millisecond, nil); err != nil {
			return err
		}
	}
	r.decided = false
	r.ledger.messages = nil
	for _, ch := range r.service.workspace.Channels() {
		r.ledger.messages = append(r.ledger.messages, r.service.workspace.Messages(ch.ID)...)
	}
	slices.SortStableFunc(r.ledger.messages, func(a, b strictslack.Message) int { return a.Posted.Compare(b.Posted) })
	return nil
}

// close lets go of the service and the warehouse.
func (r *replay) close() {
	r.service.close()
	_ = r.company.conn.Close()
}

// pause waits for a while, for a wake, or for the end of ctx.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err()
}
