// Command torture runs every harness at full length, one after the other, prints
// one table of what came of each, and writes it into docs/reliability.md.
//
//	make torture                        all of it: two to three hours on two cores
//	go run ./test/torture -only kill    some of it
//	go run ./test/torture -share 20     a twentieth of each, to see that all of it works
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
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

func main() { rig.Main("torture", run) }

// harness is one of the other commands.
type harness struct {
	goal    string
	args    []string      // of go run, from the package on
	n       int           // how much of it; 0 where it takes no number
	long    time.Duration // how long; 0 where it takes no duration
	short   []string      // more args where it is not to be whole and takes neither
	figures *regexp.Regexp
}

// sized are the arguments for one part in so many.
func (h harness) sized(share int) []string {
	args := slices.Clone(h.args)
	switch {
	case h.n > 0:
		args = append(args, "-n", strconv.Itoa(max(h.n/share, 1)))
	case h.long > 0:
		args = append(args, "-d", (h.long / time.Duration(share)).String())
	case share > 1:
		args = append(args, h.short...)
	}
	return args
}

// every line of figures is one of these.
var (
	ofKills  = regexp.MustCompile(`(?s)\nall, .*?lost[^\n]*(?:\n  webhook[^\n]*)?`)
	ofPoints = regexp.MustCompile(`(?m)^\d+ faults, .*$`)
	ofPower  = regexp.MustCompile(`(?m)^(?:ext4|xfs), .*$`)
	ofImages = regexp.MustCompile(`(?m)^seed .*$`)
	ofDamage = regexp.MustCompile(`(?m)^\s+\d+ .*$`)
	ofStrain = regexp.MustCompile(`(?m)^  .*$`)
	ofBugs   = regexp.MustCompile(`(?m)^\d+ of \d+ seeded bugs.*$`)
)

var harnesses = []harness{
	{goal: "G1 kill -9", args: []string{"./test/crash", "-side", "6", "-seed", "100"}, n: 10_000, figures: ofKills},
	{goal: "G1 kill -9, webhook", args: []string{"./test/crash", "-side", "6", "-seed", "200", "-to", "webhook"}, n: 1000, figures: ofKills},
	{goal: "G2 at each point", args: []string{"./test/points", "-side", "6"}, n: 200, figures: ofPoints},
	{goal: "G3 power failure", args: []string{"./test/power", "-seed", "7"}, n: 1000, figures: ofPower},
	{goal: "G4 torn and reordered writes", args: []string{"./test/images", "-seed", "1"}, n: 100_000, figures: ofImages},
	{goal: "G5 seeded bugs", args: []string{"./test/mutants"}, short: []string{"-only", "no-quiet|error-is-ok|slot-twice"}, figures: ofBugs},
	{goal: "G10 storm", args: []string{"./test/strain", "storm", "-seed", "1"}, n: 10_000, figures: ofStrain},
	{goal: "G11 recovery", args: []string{"./test/strain", "recovery", "-seed", "1"}, n: 1_000_000, figures: ofStrain},
	{goal: "G12 soak", args: []string{"./test/strain", "soak", "-seed", "1"}, long: 10 * time.Minute, figures: ofStrain},
	{goal: "G19 corruption", args: []string{"./test/damage", "-seed", "1"}, n: 2000, figures: ofDamage},
	{goal: "G20 reload", args: []string{"./test/strain", "reload", "-seed", "1"}, n: 10_000, figures: ofStrain},
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
	share := flags.Int("share", 1, "do one part in so many of each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *share < 1 {
		return fmt.Errorf("-share %d is no part: it is 1 for all of it, 20 for a twentieth", *share)
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
		r, err := try(ctx, h.goal, h.sized(*share), h.figures)
		if err != nil {
			return fmt.Errorf("%s: %w", h.goal, err)
		}
		fmt.Fprintln(out, r)
		rows, red = append(rows, r), red || !r.green
	}
	table := tableOf(rows, strings.TrimSpace(string(commit)), *share, time.Now())
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
	return fmt.Sprintf("| %s | `%s` | %s | %s | %s |", r.goal, strings.ReplaceAll(r.command, "|", `\|`), r.figures, r.took.Round(time.Second), holds)
}

// try runs a harness.
func try(ctx context.Context, goal string, args []string, of *regexp.Regexp) (row, error) {
	began := time.Now()
	out, err := exec.CommandContext(ctx, "go", append([]string{"run"}, args...)...).CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || ctx.Err() != nil {
		return row{}, errors.Join(err, ctx.Err())
	}
	r := row{goal: goal, command: strings.Join(args, " "), took: time.Since(began), green: err == nil}
	if r.figures = figures(of, out); r.figures == "" {
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
func tableOf(rows []row, commit string, share int, at time.Time) string {
	var b strings.Builder
	how := "`make torture`"
	if share > 1 {
		how = fmt.Sprintf("`go run ./test/torture -share %d`, which shows that each works and no more", share)
	}
	fmt.Fprintf(&b, "%s, commit %s, %d cores, %s:\n\n| goal | command (`go run`) | figures | took | |\n|---|---|---|---|---|\n",
		at.UTC().Format("2 January 2006"), commit, runtime.NumCPU(), how)
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
