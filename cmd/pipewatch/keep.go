package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// How often the state is looked after.
const (
	keepEvery     = time.Minute
	snapshotEvery = time.Hour
	pruneEvery    = time.Hour
)

// openState opens the state file of serve. A file that was not closed is checked
// first, in a process of its own; one that is damaged is put aside and the
// newest good copy, if there is one, takes its place. Troubles of the store say
// so for as long as the damaged file lies there.
func (a *app) openState(ctx context.Context, path string) (*store.DB, error) {
	check := func(file string) error { return checkApart(ctx, file) }
	if store.Unclean(path) {
		done, err := store.Recover(path, time.Now(), check)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		a.tellRecovery(done)
	}
	db, err := store.Open(path, store.Options{})
	if damage, is := errors.AsType[*store.CorruptError](err); is {
		done, err := store.PutAside(path, time.Now(), damage, check)
		if err != nil {
			return nil, err
		}
		a.tellRecovery(done)
		return store.Open(path, store.Options{})
	}
	return db, err
}

func (a *app) tellRecovery(r *store.Recovery) {
	if r != nil {
		a.log.Error("state file was damaged and has been replaced", "what", r.Words(time.Now()))
	}
}

// keep looks after the state until ctx is done: it deletes what is too old,
// makes the hourly copies, keeps room on the disk, and tells what is wrong. An
// error means that the state is damaged, so that the process has to end: the
// next start puts the file aside.
func (s *service) keep(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	pruned := time.Now()
	for {
		if err := s.keepOnce(ctx, &pruned); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *service) keepOnce(ctx context.Context, pruned *time.Time) error {
	now := time.Now()
	if now.Sub(*pruned) >= pruneEvery {
		*pruned = now
		if _, err := s.store.Prune(s.now().Add(-s.projectNow().config.State.Keep.Std())); err != nil {
			s.log.Error("old runs not deleted", "err", err)
		}
	}
	if err := s.morning(s.now()); err != nil {
		s.log.Error("no morning digest", "err", err)
	}
	if s.check == nil {
		return nil
	}
	var troubles []incident.Trouble
	if err := s.snapshot(now); err != nil {
		if damage, is := errors.AsType[*store.CorruptError](err); is && ctx.Err() == nil {
			return fmt.Errorf("the hourly copy of the state shows damage: %w", damage)
		}
		if ctx.Err() == nil {
			s.log.Error("no copy of the state", "err", err)
			troubles = append(troubles, incident.Trouble{Name: "hourly copy", Problem: fmt.Sprintf("the state could not be copied: %v. While this lasts a damaged state file means a longer past that is lost.", err)})
		}
	}
	s.tell("state", append(s.store.Troubles(), troubles...)...)
	return s.store.Damage()
}

// snapshot makes a copy when the last one is an hour old.
func (s *service) snapshot(now time.Time) error {
	path := s.projectNow().config.State.Path
	if all := store.Snapshots(path); len(all) > 0 && now.Sub(all[0].At) < snapshotEvery && !all[0].At.After(now) {
		return nil
	}
	_, err := s.store.Snapshot(now, s.check)
	return err
}

// whereabouts is for messages: where the state is, and on which machine.
func whereabouts(path string) string {
	host, err := os.Hostname()
	if err != nil {
		return path
	}
	return fmt.Sprintf("%s on %s", path, host)
}
