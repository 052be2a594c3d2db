// Command damage spoils a state file in every way a disk can, again and again,
// and looks what pipewatch makes of it: is anything wrong ever read, is the
// copy put in its place?
//
//	go run ./test/damage -n 2000 -seed 1
//
// It is about the file at rest. What a power failure leaves behind is test/power
// and test/images, what a user sees is cmd/pipewatch/testdata/script/damage.txtar.
//
// # Data model
//
// A [subject] is a state file with a past, a copy of an earlier moment, and the
// dumps of both (test/chronicle). Each [spoiling] of the file is followed by
// what serve does at a start: check it in a process of its own, put it aside if
// it is damaged, open it, read everything. What is read then must be the one
// dump or the other; a [report] counts.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pipewatch-dev/pipewatch/store/suspect"
	"github.com/pipewatch-dev/pipewatch/test/rig"
)

// checkWord as the first argument makes the process check one file and end.
const checkWord = "check-one"

func main() {
	checkOne()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "damage:", err)
		os.Exit(1)
	}
}

// checkOne is the child process.
func checkOne() {
	if len(os.Args) != 3 || os.Args[1] != checkWord {
		return
	}
	if err := suspect.Check(os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(70)
	}
	os.Exit(0)
}

var errRed = errors.New("something wrong was read, or too little was restored")

func run(args []string) error {
	flags := flag.NewFlagSet("damage", flag.ContinueOnError)
	n := flags.Int("n", 2000, "how many files to spoil")
	seed := flags.Uint64("seed", 1, "of everything that is drawn")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(rig.InMemory(), "pipewatch-damage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	s, err := newSubject(filepath.Join(dir, "subject"))
	if err != nil {
		return err
	}
	r := s.torment(filepath.Join(dir, "spoilt"), *n, *seed)
	r.print(os.Stdout, *seed, time.Since(began))
	if !r.green() {
		return errRed
	}
	return nil
}
