package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// secrets are all that pipewatch.yaml holds, by key. Each is a word that stands
// nowhere else, so that where it turns up it was told.
var secrets = map[string]string{
	"alerts.slack.token":     "xoxb-canary-7f3a91-token",
	"alerts.webhook.url":     "canary-9d2e44-hook",
	"alerts.webhook.secret":  "canary-41bc70-signature",
	"alerts.dead_man.url":    "canary-58aa13-switch",
	"connections.legacy.dsn": "canary-c05f26-password",
}

// hookPath and deadManPath are addresses whose last part is a secret.
var (
	hookPath    = "/hook/" + secrets["alerts.webhook.url"]
	deadManPath = "/alive/" + secrets["alerts.dead_man.url"]
)

// answered is what the service answered to a request.
type answered struct {
	path string
	body []byte
}

// read asks for all that the service tells over HTTP.
func (l *lived) read(ctx context.Context, page string) error {
	for _, path := range []string{
		"/", "/healthz", "/readyz", "/metrics", "/api/v1/dags", "/api/v1/nodes", "/api/v1/nodes/crash/legacy",
		"/api/v1/nodes/crash/legacy/history", "/api/v1/nodes/crash/orders", "/api/v1/incidents", "/api/v1/openapi.json",
	} {
		status, body, err := rig.Get(ctx, page+path)
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			l.made.violate(0, "%s answers %d: %s", path, status, body)
		}
		l.seen = append(l.seen, answered{path, body})
	}
	return nil
}

// judgeSecrets searches all that pipewatch wrote, answered and sent (I9). The
// state file compresses what it holds, so that its records are read too.
func (l *lived) judgeSecrets(db *store.DB) error {
	for _, a := range l.seen {
		l.search("the answer to "+a.path, a.body)
	}
	for _, q := range l.Requests() {
		args, err := json.Marshal(q.Args) // without the token, which Slack must get
		if err != nil {
			return err
		}
		l.search("a call of "+q.Method, args)
	}
	for _, e := range l.events() {
		l.search("a webhook's message", e.body)
	}
	if err := l.searchRecords(db); err != nil {
		return err
	}
	return filepath.WalkDir(l.project.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == l.config() {
			return err
		}
		text, err := os.ReadFile(path)
		l.search("the file "+entry.Name(), text)
		return err
	})
}

// searchRecords searches the records of the state file.
func (l *lived) searchRecords(db *store.DB) error {
	incidents, err := db.Incidents("", math.MaxInt, false)
	if err != nil {
		return err
	}
	posts, err := db.Pending()
	if err != nil {
		return err
	}
	audit, err := db.Audits("", math.MaxInt)
	if err != nil {
		return err
	}
	for what, records := range map[string]any{"incidents": incidents, "posts": posts, "audit": audit, "book": db.Book()} {
		text, err := json.Marshal(records)
		if err != nil {
			return err
		}
		l.search("the state's "+what, text)
	}
	return db.Replay(func(run incident.Run) error {
		text, err := json.Marshal(run)
		l.search("the state's runs", text)
		return err
	})
}

// search looks for every secret in a text.
func (l *lived) search(where string, text []byte) {
	l.made.searched += len(text) >> 10
	for _, key := range slices.Sorted(maps.Keys(secrets)) {
		if bytes.Contains(text, []byte(secrets[key])) {
			l.made.violate(9, "the secret of %s stands in %s", key, where)
		}
	}
}
