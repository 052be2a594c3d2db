package badinput_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/notify/slack/strictslack"
	"github.com/pipewatch-dev/pipewatch/test/rig"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// built is the folder of the binaries that the tests share.
var built string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-badinput-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		built = dir
		return m.Run()
	}())
}

var well = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(built, "pipewatch")
	return binary, seeded.Build(context.Background(), binary, "cmd/pipewatch")
})

// binary is the real pipewatch.
func binary(t *testing.T) string {
	t.Helper()
	path, err := well()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Limits of one input. Processor time does not grow on a busy machine; what is
// promised is a twentieth of it, and the figures are in docs/reliability.md.
const (
	mostCPU    = 2 * time.Second
	mostMemory = 64 << 20
)

// service is a running pipewatch that watches two DAGs: shop, whose file is
// spoilt, and steady, of which one node is broken all the time.
type service struct {
	dir      string
	page     string
	process  *rig.Process
	incident string          // that is open
	memory   float64         // at the beginning
	used     time.Duration   // processor time until now
	spent    []time.Duration // and by each input
}

const signingSecret = "badinput-signing-secret"

// sound reads a sound file of testdata.
func sound(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// operator is the operator's file of a service.
func operator(t *testing.T, slackURL string) string {
	return strings.Replace(sound(t, "operator.yaml"), "timeout: 2s", fmt.Sprintf("timeout: 2s, signing_secret: %s, api_url: %q", signingSecret, slackURL+"/api/"), 1)
}

// start starts one and waits for its first incident.
func start(t *testing.T, binary string) *service {
	t.Helper()
	server := httptest.NewServer(strictslack.New(strictslack.Config{Token: "xoxb-strict-slack", Channels: []strictslack.Channel{{Name: "data-alerts"}}}))
	t.Cleanup(server.Close)
	dir, err := os.MkdirTemp(built, "service-")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{dir: dir}
	s.write(t, "pipewatch.yaml", operator(t, server.URL))
	s.write(t, "dags/shop.yaml", sound(t, "shop.yaml"))
	s.write(t, "dags/steady.yaml", sound(t, "steady.yaml"))
	p, err := rig.Start(context.WithoutCancel(t.Context()), binary, filepath.Join(s.dir, "pipewatch.yaml"), filepath.Join(s.dir, "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.process = p
	t.Cleanup(func() { s.stop(t) })
	page, known := <-p.Page()
	if !known {
		t.Fatal(p.WithLog(rig.ErrEnded))
	}
	s.page = page
	for deadline := time.Now().Add(time.Minute); s.incident == ""; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(p.WithLog(fmt.Errorf("no incident was opened")))
		}
		var all struct {
			Incidents []struct{ ID, Root string }
		}
		s.ask(t, "/api/v1/incidents?open=true", &all)
		for _, i := range all.Incidents {
			if i.Root == "steady/broken" {
				s.incident = i.ID
			}
		}
	}
	s.used, s.memory = s.cost(t)
	return s
}

// stop ends it, unless it was ended.
func (s *service) stop(t *testing.T) {
	t.Helper()
	if s.process == nil {
		return
	}
	if err := s.process.Stop(); err != nil {
		t.Error(s.process.WithLog(err))
	}
	s.process = nil
}

func (s *service) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// ask reads an answer of the API.
func (s *service) ask(t *testing.T, path string, into any) {
	t.Helper()
	code, body, err := rig.Get(t.Context(), s.page+path)
	if err != nil {
		t.Fatal(s.process.WithLog(fmt.Errorf("the service does not answer any more: %w", err)))
	}
	if code != 200 {
		t.Fatalf("%s answers %d: %s", path, code, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

// cost is what the process has used: processor time, and memory taken from the
// machine, which it does not give back.
func (s *service) cost(t *testing.T) (time.Duration, float64) {
	t.Helper()
	m, err := rig.Metrics(t.Context(), s.page)
	if err != nil {
		t.Fatal(s.process.WithLog(fmt.Errorf("the service does not answer any more: %w", err)))
	}
	return time.Duration(m["process_cpu_seconds_total"] * float64(time.Second)), m["go_memstats_sys_bytes"]
}

// costs does something to the service and holds what it costs against the limit.
func (s *service) costs(t *testing.T, name string, do func()) {
	t.Helper()
	do()
	used, _ := s.cost(t)
	spent := used - s.used
	s.used, s.spent = used, append(s.spent, spent)
	if spent > mostCPU {
		t.Errorf("%s: it took %v of processor time", name, spent)
	}
}

// bounded holds what all inputs together took against the limit, and tells it.
func (s *service) bounded(t *testing.T) {
	t.Helper()
	_, memory := s.cost(t)
	slow, most := 0, time.Duration(0)
	for _, d := range s.spent {
		if most = max(most, d); d > 100*time.Millisecond {
			slow++
		}
	}
	t.Logf("%d inputs: at most %v of processor time, %d above 100 ms; memory grew by %.1f MiB", len(s.spent), most, slow, (memory-s.memory)/(1<<20))
	if memory-s.memory > mostMemory {
		t.Errorf("memory grew by %.0f MiB", (memory-s.memory)/(1<<20))
	}
}

// goesOn waits for one more run of the steady DAG.
func (s *service) goesOn(t *testing.T) {
	t.Helper()
	var was, is struct{ DAGs []dagTimes }
	s.ask(t, "/api/v1/dags", &was)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		s.ask(t, "/api/v1/dags", &is)
		if last(is.DAGs).After(last(was.DAGs)) {
			return
		}
	}
	t.Error("the DAG whose file is sound is not run any more")
}

type dagTimes struct {
	Name    string
	LastRun time.Time `json:"last_run"`
}

func last(all []dagTimes) time.Time {
	for _, d := range all {
		if d.Name == "steady" {
			return d.LastRun
		}
	}
	return time.Time{}
}
