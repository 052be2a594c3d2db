// Command torture runs every harness at full length, one after the other, prints
// one table of what came of each, and writes it into docs/reliability.md.
//
//	make torture                        all of it: two to three hours on two cores
//	go run ./test/torture -only kill    some of it
//
// It torments nothing itself; the harnesses are the other commands in test/. A run
// in which a promise was not kept stays in the table and says so.
//
// # Data model
//
// A [harness] is a command line and which of its lines are its figures. The
// [row] that comes of it holds the figures, how long it took, and whether it was
// green.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// harness is one of the other commands.
type harness struct {
	goal    string
	args    []string // of go run, from the package on
	figures *regexp.Regexp
}

// every line of figures is one of these.
var (
	ofKills  = regexp.MustCompile(`(?s)\nall, .*?lost[^\n]*(?:\n  webhook[^\n]*)?`)
	ofPower  = regexp.MustCompile(`(?m)^(?:ext4|xfs), .*$`)
	ofImages = regexp.MustCompile(`(?m)^seed .*$`)
	ofDamage = regexp.MustCompile(`(?m)^\s+\d+ .*$`)
	ofStrain = regexp.MustCompile(`(?m)^  .*$`)
	ofBugs   = regexp.MustCompile(`(?m)^\d+ of \d+ seeded bugs.*$`)
)

var harnesses = []harness{
	{"G1 kill -9", []string{"./test/crash", "-n", "10000", "-side", "6", "-seed", "100"}, ofKills},
	{"G1 kill -9, webhook", []string{"./test/crash", "-n", "1000", "-side", "6", "-seed", "200", "-to", "webhook"}, ofKills},
	{"G3 power failure", []string{"./test/power", "-n", "1000", "-seed", "7"}, ofPower},
	{"G4 torn and reordered writes", []string{"./test/images", "-n", "100000", "-seed", "1"}, ofImages},
	{"G5 seeded bugs", []string{"./test/mutants"}, ofBugs},
	{"G10 storm", []string{"./test/strain", "storm", "-n", "10000", "-seed", "1"}, ofStrain},
	{"G11 recovery", []string{"./test/strain", "recovery", "-n", "1000000", "-seed", "1"}, ofStrain},
	{"G12 soak", []string{"./test/strain", "soak", "-d", "10m", "-seed", "1"}, ofStrain},
	{"G19 corruption", []string{"./test/damage", "-n", "2000", "-seed", "1"}, ofDamage},
	{"G20 reload", []string{"./test/strain", "reload", "-n", "10000", "-seed", "1"}, ofStrain},
}

// page is where the table goes, between these two lines.
const (
	page       = "docs/reliability.md"
	tableOpens = "<!-- make torture writes from here -->"
	tableEnds  = "<!-- to here -->"
)

var errRed = errors.New("a promise was not kept")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	only := flags.String("only", "", "a pattern of goals; the page is left alone then")
	if err := flags.Parse(args); err != nil {
		return err
	}
	goals, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return fmt.Errorf("name the commit: %w", err)
	}
	var rows []row
	red := false
	for _, h := range harnesses {
		if !goals.MatchString(h.goal) {
			continue
		}
		r, err := h.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", h.goal, err)
		}
		fmt.Fprintln(out, r)
		rows, red = append(rows, r), red || !r.green
	}
	table := tableOf(rows, strings.TrimSpace(string(commit)), time.Now())
	fmt.Fprint(out, "\n", table)
	if *only == "" {
		if err := write(page, table); err != nil {
			return err
		}
	}
	if red {
		return errRed
	}
	return nil
}

// row is what came of a harness.
type row struct {
	goal, command, figures string
	took                   time.Duration
	green                  bool
}

func (r row) String() string {
	holds := "holds"
	if !r.green {
		holds = "**DOES NOT HOLD**"
	}
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s |", r.goal, r.command, r.figures, r.took.Round(time.Second), holds)
}

func (h harness) run(ctx context.Context) (row, error) {
	began := time.Now()
	out, err := exec.CommandContext(ctx, "go", append([]string{"run"}, h.args...)...).CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || ctx.Err() != nil {
		return row{}, errors.Join(err, ctx.Err())
	}
	r := row{goal: h.goal, command: strings.Join(h.args, " "), took: time.Since(began), green: err == nil}
	if r.figures = figures(h.figures, out); r.figures == "" {
		return row{}, fmt.Errorf("it printed no figures: %v\n%s", err, out[max(0, len(out)-2000):])
	}
	return r, nil
}

// figures are the lines that match, as one.
func figures(of *regexp.Regexp, out []byte) string {
	var all []string
	for _, m := range of.FindAll(out, -1) {
		for line := range bytes.Lines(m) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				all = append(all, string(line))
			}
		}
	}
	return strings.ReplaceAll(strings.Join(all, "; "), "|", "/")
}

// tableOf is the table with the line that says of what it is.
func tableOf(rows []row, commit string, at time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, commit %s, %d cores, `make torture`:\n\n| goal | command (`go run`) | figures | took | |\n|---|---|---|---|---|\n",
		at.UTC().Format("2 January 2006"), commit, runtime.NumCPU())
	for _, r := range rows {
		fmt.Fprintln(&b, r)
	}
	return b.String()
}

// write puts a table in the place of the one before.
func write(path, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, opens := strings.Cut(string(text), tableOpens)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !opens || !ends {
		return fmt.Errorf("write the table into %s: it has no line %q and %q after it", path, tableOpens, tableEnds)
	}
	return os.WriteFile(path, []byte(before+tableOpens+"\n\n"+table+"\n"+tableEnds+after), 0o644)
}
