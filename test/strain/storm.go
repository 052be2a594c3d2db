package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// storm has one root take down n nodes, then n nodes fail each for itself.
// Promised: at most 5 messages and the root's within 10 s of the decision; of
// independent ones no more than a message a second, and all of them listed.
func storm(ctx context.Context, s *stage, o options) (*result, error) {
	shut, err := s.open("root", "t")
	if err != nil {
		return nil, err
	}
	defer shut()
	r := &result{}
	if err := s.fromOneRoot(ctx, o.n, r); err != nil {
		return nil, fmt.Errorf("from one root: %w", err)
	}
	if err := s.independent(ctx, o.n, r); err != nil {
		return nil, fmt.Errorf("independent: %w", err)
	}
	return r, nil
}

// below is a DAG file of n nodes over one table, all of them below root when
// that is set.
func below(name string, n int, root bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndag: %s\nconnection: wh\nschedule: \"@every 2s\"\nnodes:\n", name)
	needs := ""
	if root {
		fmt.Fprintf(&b, "  root: {table: root, row_count: {min: 1}}\n")
		needs = ", depends_on: [root]"
	}
	for k := range n {
		fmt.Fprintf(&b, "  n%d: {table: t%s, row_count: {min: 1}}\n", k, needs)
	}
	return b.String()
}

// prepare puts a DAG and full tables on the stage.
func (s *stage) prepare(dag string) error {
	if err := s.write("dags/shop.yaml", dag); err != nil {
		return err
	}
	for _, t := range []string{"root", "t"} {
		if err := s.fill(t, 3); err != nil {
			return err
		}
	}
	return nil
}

// patience is for a pass over everything.
const patience = 5 * time.Minute

func (s *stage) fromOneRoot(ctx context.Context, n int, r *result) error {
	if err := s.prepare(below("shop", n, true)); err != nil {
		return err
	}
	p, err := s.serve(ctx)
	if err != nil {
		return err
	}
	if err := s.until(ctx, patience, "a first pass", func() (bool, error) { return s.passed(ctx, n) }); err != nil {
		return err
	}
	before := s.posts()
	if err := s.fill("root", 0); err != nil {
		return err
	}
	if err := s.fill("t", 0); err != nil {
		return err
	}
	if err := s.until(ctx, patience, "an incident", func() (bool, error) { k, err := s.opened(ctx); return k > 0, err }); err != nil {
		return err
	}
	decided := time.Now()
	if err := s.until(ctx, patience, "a message", func() (bool, error) { return s.posts() > before, nil }); err != nil {
		return err
	}
	took := time.Since(decided)
	if err := s.quiet(ctx); err != nil {
		return err
	}
	incidents, err := s.opened(ctx)
	if err != nil {
		return err
	}
	messages := s.posts() - before
	r.figure("one root, %d nodes below: %d incident, %d messages, the first %v after it was decided", n, incidents, messages, took.Round(time.Millisecond))
	r.want(incidents == 1, "%d incidents have one root", incidents)
	r.want(messages <= 5, "%d messages, at most 5 were promised", messages)
	r.want(took <= 10*time.Second, "the root's message took %v, 10 s were promised", took)
	for _, m := range s.slack.Messages(channel) {
		r.want(m.ThreadTS != "" || strings.Contains(m.Text, "root"), "a message names another root: %q", m.Text)
	}
	return p.Stop()
}

// passed tells whether every node has been looked at.
func (s *stage) passed(ctx context.Context, n int) (bool, error) {
	healthy, err := s.healthy(ctx)
	return healthy >= n, err
}

// quiet waits until nothing has been posted for a while and nothing waits.
func (s *stage) quiet(ctx context.Context) error {
	last, since := -1, time.Now()
	return s.until(ctx, patience, "quiet", func() (bool, error) {
		if n := s.posts(); n != last {
			last, since = n, time.Now()
		}
		waits, err := s.waiting(ctx)
		return waits == 0 && time.Since(since) > 5*time.Second, err
	})
}

func (s *stage) independent(ctx context.Context, n int, r *result) error {
	if err := s.write("dags/shop.yaml", below("alone", n, false)); err != nil {
		return err
	}
	if err := s.fill("t", 3); err != nil {
		return err
	}
	p, err := s.serve(ctx)
	if err != nil {
		return err
	}
	if err := s.until(ctx, patience, "a first pass", func() (bool, error) { return s.passed(ctx, n) }); err != nil {
		return err
	}
	if err := s.quiet(ctx); err != nil {
		return err
	}
	before, began := s.posts(), time.Now()
	if err := s.fill("t", 0); err != nil {
		return err
	}
	if err := s.until(ctx, patience, "incidents", func() (bool, error) { k, err := s.opened(ctx); return k >= n, err }); err != nil {
		return err
	}
	if err := s.quiet(ctx); err != nil {
		return err
	}
	messages, took := s.posts()-before, time.Since(began)
	r.figure("%d independent: %d messages in %v", n, messages, took.Round(time.Second))
	const burst = 5
	r.want(float64(messages) <= took.Seconds()+burst, "%d messages in %v are more than one a second", messages, took)
	digest := false
	for _, m := range s.slack.Messages(channel) {
		digest = digest || strings.Contains(m.Text, "digest")
	}
	r.want(digest, "no digest was posted")
	return p.Stop()
}
