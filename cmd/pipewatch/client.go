package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// client asks a running service over HTTP. It prints what comes back: as it is
// with -o json, else as a table.
type client struct {
	app *app
	url string // of the service; empty to look it up
}

// askFlags adds the flag that names the service.
func (c *client) askFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.url, "url", "", "address of the service (default $PIPEWATCH_URL, else http.listen of the operator's file)")
}

// address is where the service is: as it was named, or as the operator's file
// says it listens.
func (c *client) address() (string, error) {
	if named := cmp.Or(c.url, os.Getenv("PIPEWATCH_URL")); named != "" {
		return strings.TrimRight(named, "/"), nil
	}
	path, err := findConfig(c.app.configPath)
	if err != nil {
		return "", exit{exitUsage, fmt.Errorf("%w, or name the service with --url", err)}
	}
	cfg, problems, err := loadConfig(path)
	if err := errors.Join(err, problems.Err()); err != nil {
		return "", exit{exitUsage, err}
	}
	return "http://" + cfg.HTTP.Listen, nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// get asks for a path of the API and gives the JSON that comes back.
func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path, nil)
}

// post has something done, in the name of who runs the command.
func (c *client) post(ctx context.Context, path string, body any) ([]byte, error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, sent)
}

func (c *client) do(ctx context.Context, method, path string, sent []byte) ([]byte, error) {
	base, err := c.address()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, base+"/api/v1"+path, bytes.NewReader(sent))
	if err != nil {
		return nil, exit{exitUsage, fmt.Errorf("%q is no address such as http://127.0.0.1:8642", base)}
	}
	r.Header.Set("X-Pipewatch-Via", "cli")
	r.Header.Set("X-Pipewatch-User", cmp.Or(os.Getenv("USER"), os.Getenv("LOGNAME")))
	if len(sent) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, exit{exitUnknown, fmt.Errorf("no service answers at %s: start it with pipewatch serve, or name another with --url", base)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, exit{exitUnknown, fmt.Errorf("read the answer of %s: %w", base, err)}
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNoContent:
		return body, nil
	case http.StatusAccepted:
		return nil, exit{exitUnknown, fmt.Errorf("%s: it takes long and goes on; look at pipewatch status", base)}
	}
	var problem struct{ Detail string }
	if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
		problem.Detail = "HTTP status " + resp.Status
	}
	code := exitUnknown
	if resp.StatusCode < http.StatusInternalServerError {
		code = exitUsage
	}
	return nil, exit{code, fmt.Errorf("%s: %s", base, problem.Detail)}
}

// show prints an answer: as it came with -o json, otherwise by table, which
// gets it decoded.
func show[T any](c *client, body []byte, table func(T)) error {
	switch c.app.output {
	case "json":
		var b bytes.Buffer
		if err := json.Indent(&b, body, "", "  "); err != nil {
			return fmt.Errorf("print the answer: %w", err)
		}
		fmt.Fprintln(c.app.stdout, strings.TrimSpace(b.String()))
		return nil
	case "", "table":
	default:
		return exit{exitUsage, fmt.Errorf("-o %s: this is printed as table or json", c.app.output)}
	}
	var v T
	if err := decodeAnswer(body, &v); err != nil {
		return err
	}
	table(v)
	return nil
}

// decodeAnswer reads what the service answered.
func decodeAnswer(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return exit{exitUnknown, fmt.Errorf("the answer is not pipewatch's: %w", err)}
	}
	return nil
}
