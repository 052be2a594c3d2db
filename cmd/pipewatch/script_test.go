package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the command as a user does; each is one behaviour.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pipewatch": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
			stop()
			os.Exit(code)
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Setenv("PAGE", l.Addr().String())
			e.Setenv("SLACK", openOffice(e, "http://"+l.Addr().String()+"/slack/interactions"))
			e.Setenv("SLACK_BY_SOCKET", openOffice(e, ""))
			return l.Close()
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "eventually": eventually, "appears": appears, "incident": openIncident, "spoil": spoil,
			"press": press, "told": told, "represses": represses,
		},
	})
}

// exits runs a command and wants an exit code: exits 2 pipewatch check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		_, code, _ = strings.Cut(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %q (%v), want %s", code, err, args[0])
	}
}

// appears waits for a file.
func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears PATTERN")
	}
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		if found, err := filepath.Glob(ts.MkAbs(args[0])); err == nil && len(found) > 0 {
			return
		}
	}
	ts.Fatalf("no file %s appeared", args[0])
}

// eventually asks a URL until its answer holds a text, or with ! no longer
// does: eventually /readyz ready.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] eventually URL TEXT")
	}
	last := ""
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err != nil {
			last = err.Error()
			continue
		}
		var b strings.Builder
		_, err = fmt.Fprint(&b, res.Status, "\n")
		buf := make([]byte, 1<<20)
		for n := 0; err == nil; {
			n, err = res.Body.Read(buf)
			b.Write(buf[:n])
		}
		res.Body.Close()
		if last = b.String(); strings.Contains(last, args[1]) != neg {
			return
		}
	}
	ts.Fatalf("%s never answered so; last:\n%s", args[0], last)
}
