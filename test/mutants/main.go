// Command mutants puts every seeded bug into pipewatch, one after the other, and
// looks whether the tests that should notice do.
//
//	go run ./test/mutants
//	go run ./test/mutants -only 'flap|repeat'
//
// A bug that survives is a test that is missing. The list is in test/seeded; what
// the harnesses do with a bug of their own is in their controls.
//
// # Data model
//
// A [trial] is one mutant and what came of it: the first test that turned red, or
// none. The tests must be green without the bug, and must compile with it: both
// are looked at first, since else a red test would prove nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

func main() { rig.Main("mutants", run) }

var errSurvived = errors.New("a bug was not noticed: a test is missing")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "a pattern of names")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(seeded.Mutants(), func(m seeded.Mutant) bool {
		return !names.MatchString(m.Name) || m.Suite == "" && len(m.Strain) == 0
	})
	return try(ctx, all, out)
}

// try tries mutants and prints a table.
func try(ctx context.Context, all []seeded.Mutant, out io.Writer) error {
	dir, err := os.MkdirTemp("", "pipewatch-mutants-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began, caught := time.Now(), 0
	for _, m := range all {
		by, err := noticed(ctx, filepath.Join(dir, m.Name), m)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			by = "CANNOT BE TRIED: " + err.Error()
		case by != "":
			caught++
		}
		fmt.Fprintf(out, "%-26s %-85s %s\n", m.Name, m.Does, orSurvived(by))
	}
	fmt.Fprintf(out, "%d of %d seeded bugs were noticed, in %v\n", caught, len(all), time.Since(began).Round(time.Second))
	if caught < len(all) || len(all) == 0 {
		return errSurvived
	}
	return nil
}

func orSurvived(by string) string {
	if by == "" {
		return "SURVIVED"
	}
	return by
}
