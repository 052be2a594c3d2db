package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// The attempts' times, short so that a trial is; see alerts.slack in
// docs/alerts.md. The webhook's is longer, as nobody can look there what became of
// an attempt that a busy machine kept from its answer.
const (
	timeout     = time.Second
	hookTimeout = 3 * time.Second
	quiet       = time.Second
)

// table is a node of the project's DAG.
type table struct {
	name  string
	owner string // and its channel: #crash-<owner>
	needs []string
}

// tables are chains with two causes each, side branches and loners, so that
// incidents open, gather, move and merge. Three owners have a channel each,
// since a channel takes no more than a message a second.
var tables = []table{
	{"orders", "a", nil}, {"payments", "b", nil}, {"customers", "c", nil},
	{"order_items", "a", []string{"orders"}}, {"sales", "b", []string{"order_items", "payments"}},
	{"features", "c", []string{"sales", "customers"}}, {"report", "a", []string{"features"}},
	{"stock", "b", nil}, {"prices", "c", nil},
}

var owners = []string{"a", "b", "c"}

// mode is how a table is.
type mode string

const (
	good   mode = "good"
	empty  mode = "empty" // no rows: its row_count fails, which explains the same below
	badRow mode = "bad"   // a bad row: its sql check fails, which explains nothing below
)

var contents = map[mode]string{good: "id,bad\n1,0\n", empty: "id,bad\n", badRow: "id,bad\n1,1\n"}

// spell is a time during which a table is in one mode. Around its beginning
// and its end a reader may see either.
type spell struct {
	mode             mode
	begins, begun    time.Time // of the write
	ceases, finished time.Time // of the next one; zero while it lasts
}

// project is what pipewatch watches, and the ledger of what was done to it.
type project struct {
	dir string

	mu       sync.Mutex
	spells   map[string][]spell
	rewrites int
}

// newProject writes pipewatch.yaml, the DAG and the tables, all of them good.
func newProject(dir, url string, to sink) (*project, error) {
	p := &project{dir: dir, spells: map[string][]spell{}}
	for _, sub := range []string{"dags", "data"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	for _, t := range tables {
		if err := p.set(t.name, good); err != nil {
			return nil, err
		}
	}
	if err := p.rewrite(false); err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.config(), []byte(p.operatorFile(url, to)), 0o600)
}

func (p *project) config() string { return filepath.Join(p.dir, "pipewatch.yaml") }
func (p *project) state() string  { return filepath.Join(p.dir, "state.db") }

func (p *project) operatorFile(url string, to sink) string {
	var b strings.Builder
	fmt.Fprintf(&b, `version: 1
dags: [dags/*.yaml]
state: {path: state.db}
connections:
  local:
    driver: duckdb
    path: ":memory:"
    init:
`)
	for _, t := range tables {
		fmt.Fprintf(&b, "      - \"create view %[1]s as select * from read_csv('data/%[1]s.csv', header = true, columns = {'id': 'BIGINT', 'bad': 'BIGINT'})\"\n", t.name)
	}
	fmt.Fprintf(&b, "  legacy: {driver: postgres, dsn: \"postgres://pipewatch:%s@127.0.0.1:1/shop\"}\n", secrets["connections.legacy.dsn"])
	fmt.Fprintln(&b, "owners:")
	for _, o := range owners {
		fmt.Fprintf(&b, "  %[1]s: {slack_channel: \"#crash-%[1]s\"}\n", o)
	}
	way := fmt.Sprintf("slack: {token: %s, default_channel: \"#crash-a\", api_url: \"%s/api/\", timeout: %s, quiet: %s}", token, url, timeout, quiet)
	if to == toWebhook {
		way = fmt.Sprintf("slack: {default_channel: \"#none\", timeout: %s, quiet: %s}\n  webhook: {url: \"%s%s\", secret: %s}", hookTimeout, quiet, url, hookPath, secrets["alerts.webhook.secret"])
		way += "\n  routes: [{channel: webhook}]"
	}
	fmt.Fprintf(&b, `alerts:
  %s
  dead_man: {url: "%s%s", every: 30s}
  group_wait: 0s
  fail_after: 1
  resolve_after: 1
  reopen_within: 0s
  flap: off
http: {listen: "127.0.0.1:0"}
`, way, url, deadManPath)
	return b.String()
}

// policy is what the operator's file says.
func policy() incident.Policy {
	p := incident.DefaultPolicy()
	p.FailAfter, p.ResolveAfter, p.GroupWait, p.ReopenWithin = 1, 1, 0, 0
	p.Flap = incident.Flap{} // what comes and goes would stay open for an hour
	return p
}

// dagFile is the DAG; the number changes its text and nothing that it means.
func dagFile(number int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndag: crash\ndescription: Written %d times\nconnection: local\nschedule: \"@every 1s\"\nnodes:\n", number)
	fmt.Fprintf(&b, "  loader:\n    job: {heartbeat: loader, mode: shadow}\n")
	fmt.Fprintf(&b, "  legacy: {table: legacy, connection: legacy, row_count: {min: 1, mode: shadow}}\n") // nobody answers
	for _, t := range tables {
		fmt.Fprintf(&b, "  %s:\n    table: %s\n    owner: %s\n", t.name, t.name, t.owner)
		if len(t.needs) > 0 {
			fmt.Fprintf(&b, "    depends_on: [%s]\n", strings.Join(t.needs, ", "))
		}
		fmt.Fprintf(&b, "    row_count: {min: 1}\n    checks:\n      - {name: no_bad_rows, sql: \"select coalesce(sum(bad), 0) from %s\", expect: {max: 0}}\n", t.name)
	}
	return b.String()
}

// suite compiles the DAG as pipewatch does.
func suite() (*checks.Suite, error) {
	known := dag.Known{Connections: map[string]bool{"local": true, "legacy": true}, Owners: map[string]bool{}}
	for _, o := range owners {
		known.Owners[o] = true
	}
	g, problems := dag.Load([]dag.File{{Name: "crash.yaml", Src: []byte(dagFile(0))}}, known)
	s, more := checks.Compile(g, checks.Builtin())
	problems.Merge(more)
	return s, problems.Err()
}

// rewrite writes the DAG file anew with the same meaning, or cut in half, as an
// editor does that is not done yet: then the last good one has to stay in use.
func (p *project) rewrite(cut bool) error {
	p.rewrites++
	text := dagFile(p.rewrites)
	if cut {
		text = text[:len(text)/2] + "\n  : ["
	}
	return replace(filepath.Join(p.dir, "dags", "crash.yaml"), text)
}

// set puts a table into a mode and writes it down.
func (p *project) set(name string, m mode) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	begins := time.Now()
	if err := replace(filepath.Join(p.dir, "data", name+".csv"), contents[m]); err != nil {
		return err
	}
	begun := time.Now()
	past := p.spells[name]
	if n := len(past); n > 0 {
		past[n-1].ceases, past[n-1].finished = begins, begun
	}
	p.spells[name] = append(past, spell{mode: m, begins: begins, begun: begun})
	return nil
}

// is the mode a table is in now.
func (p *project) is(name string) mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	past := p.spells[name]
	return past[len(past)-1].mode
}

// during gives the mode in which a table was from one moment to another, if it
// was in one all the time.
func (p *project) during(name string, from, to time.Time) (mode, bool) {
	for _, s := range slices.Backward(p.spells[name]) {
		if !s.begun.After(from) {
			return s.mode, s.ceases.IsZero() || s.ceases.After(to)
		}
	}
	return "", false
}

// breaks counts how often tables were broken.
func (p *project) breaks() int {
	n := 0
	for _, past := range p.spells {
		for _, s := range past {
			if s.mode != good {
				n++
			}
		}
	}
	return n
}

// mendAll makes every table good.
func (p *project) mendAll() error {
	for _, t := range tables {
		if p.is(t.name) == good {
			continue
		}
		if err := p.set(t.name, good); err != nil {
			return err
		}
	}
	return nil
}

// replace writes a file so that a reader sees the old or the new one whole.
func replace(name, text string) error {
	if err := os.WriteFile(name+".tmp", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}
