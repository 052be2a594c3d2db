package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// start begins a life. What it logs is appended to serve.log in the folder.
func start(ctx context.Context, binary string, p *project) (*rig.Process, error) {
	return rig.Start(ctx, binary, p.config(), p.log())
}

func (p *project) log() string { return filepath.Join(p.dir, "serve.log") }

// beat sends a heartbeat and tells whether it was taken.
func beat(ctx context.Context, page string, n int) bool {
	status, _, err := rig.Post(ctx, fmt.Sprintf("%s/api/v1/heartbeats/loader?rid=%d", page, n))
	return err == nil && status/100 == 2
}

// unrest is how many messages wait and incidents are open, by the metrics.
func unrest(ctx context.Context, page string) (int, error) {
	all, err := rig.Metrics(ctx, page)
	if err != nil {
		return 0, err
	}
	total, seen := 0.0, false
	for name, v := range all {
		if strings.HasPrefix(name, "pipewatch_notification_queue_length{") || strings.HasPrefix(name, "pipewatch_incidents_open{") {
			total, seen = total+v, true
		}
	}
	if !seen {
		return 0, errors.New("the metrics do not tell what is open")
	}
	return int(total), nil
}
