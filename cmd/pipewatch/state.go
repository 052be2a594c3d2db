package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/store/suspect"
)

func (a *app) stateCommand() *cobra.Command {
	root := &cobra.Command{Use: "state", Short: "Check, back up or compact the state file"}
	root.AddCommand(
		a.stateCheckCommand(),
		&cobra.Command{
			Use:   "backup FILE",
			Short: "Copy the state to FILE; while the service runs, its newest hourly copy",
			Args:  cobra.ExactArgs(1),
			RunE:  func(cmd *cobra.Command, args []string) error { return a.stateBackup(cmd.Context(), args[0]) },
		},
		&cobra.Command{
			Use:   "compact",
			Short: "Write the state file anew without the room that deleted records left",
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return a.stateCompact(cmd.Context()) },
		},
	)
	return root
}

func (a *app) stateCheckCommand() *cobra.Command {
	here := false
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read all of a state file, or of a copy, and say whether it is sound",
		Long: `Read every page and every record and hold them against their checksums. FILE is
state.path of pipewatch.yaml where none is named. Nothing is changed.

Exit codes: 0 sound, 2 usage, 70 damaged, 73 a running process holds it, 78 a
newer version wrote it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if here {
				return a.stateCheck(args, suspect.Check)
			}
			return a.stateCheck(args, func(path string) error { return checkApart(cmd.Context(), path) })
		},
	}
	cmd.Flags().BoolVar(&here, "here", false, "in this process, which a damaged file may end")
	_ = cmd.Flags().MarkHidden("here") // it was defined a line above
	return cmd
}

// statePath is where the operator's file has the state.
func (a *app) statePath() (string, error) {
	path, err := findConfig(a.configPath)
	if err != nil {
		return "", exit{exitUsage, err}
	}
	cfg, problems, err := loadConfig(path)
	if err == nil {
		err = problems.Err()
	}
	if err != nil {
		return "", exit{exitUsage, err}
	}
	return cfg.State.Path, nil
}

func (a *app) stateCheck(args []string, check func(path string) error) error {
	var path string
	if len(args) > 0 {
		path = args[0]
	} else {
		var err error
		if path, err = a.statePath(); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := check(path); err != nil {
		code := stateCode(err)
		if _, damaged := errors.AsType[*store.CorruptError](err); code == exitState && !damaged {
			code = exitUsage // nothing can be said of the file
		}
		return exit{code, err}
	}
	info, err := os.Stat(path)
	if err != nil {
		return exit{exitUsage, err}
	}
	fmt.Fprintf(a.stdout, "%s is sound: %d bytes read in %s\n", path, info.Size(), time.Since(began).Round(time.Millisecond))
	return nil
}

func (a *app) stateBackup(ctx context.Context, to string) error {
	path, err := a.statePath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(to); err == nil {
		return exit{exitUsage, fmt.Errorf("%s is there already: name a file that is not", to)}
	}
	check := func(file string) error { return checkApart(ctx, file) }
	db, err := store.Open(path, store.Options{})
	if held, is := errors.AsType[*store.HeldError](err); is {
		return a.backUpSnapshot(path, to, held)
	}
	if err != nil {
		return exit{stateCode(err), err}
	}
	defer db.Close()
	if err := db.CopyTo(to, check); err != nil {
		return exit{stateCode(err), err}
	}
	fmt.Fprintf(a.stdout, "copied %s to %s and checked the copy\n", path, to)
	return nil
}

// backUpSnapshot is a backup beside a running service: only that process can
// read its file, and it copies it every hour.
func (a *app) backUpSnapshot(path, to string, held error) error {
	all := store.Snapshots(path)
	if len(all) == 0 {
		return exit{exitHeld, fmt.Errorf("%w; it has made no hourly copy yet", held)}
	}
	text, err := os.Open(all[0].Path)
	if err != nil {
		return exit{exitState, err}
	}
	defer text.Close()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return exit{exitState, err}
	}
	_, err = io.Copy(f, text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return exit{exitState, err}
	}
	fmt.Fprintf(a.stdout, "the service is running; copied its last hourly copy, of %s, to %s\n", all[0].At.Format(time.RFC3339), to)
	return nil
}

func (a *app) stateCompact(ctx context.Context) error {
	path, err := a.statePath()
	if err != nil {
		return err
	}
	before, after, err := store.Compact(path, func(file string) error { return checkApart(ctx, file) })
	if err != nil {
		return exit{stateCode(err), err}
	}
	fmt.Fprintf(a.stdout, "%s: %d bytes, %d before\n", path, after, before)
	return nil
}

// checkApart checks a state file in a process of its own, which a damaged file
// may kill in a way that nothing catches, and which bounds itself.
func checkApart(ctx context.Context, path string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("check state file: %w", err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "state", "check", "--here", path)
	cmd.Args[0] = os.Args[0]
	cmd.Stderr = &said
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("check state file %s: %w", path, ctx.Err())
	}
	ended, is := errors.AsType[*exec.ExitError](err)
	if !is {
		return fmt.Errorf("check state file: %w", err)
	}
	// A process that a damaged page ended has code 2, too, and says so in its own way.
	code, ours := ended.ExitCode(), strings.HasPrefix(said.String(), "pipewatch: ")
	if code == exitHeld || code == exitNewer || code == exitUsage && ours {
		return store.Check(path) // says it again, here
	}
	return &store.CorruptError{Path: path, Cause: errors.New(cause(path, firstLine(said.Bytes())))}
}

// cause is what is wrong with a file, out of the sentence about it.
func cause(path, sentence string) string {
	sentence, _, _ = strings.Cut(sentence, ": restore a backup")
	for _, begin := range []string{" is damaged or not one of pipewatch's: ", ": "} {
		if rest, ok := strings.CutPrefix(sentence, "state file "+path+begin); ok {
			return rest
		}
	}
	if strings.HasPrefix(sentence, "unexpected fault address") {
		return "a page of it leads beyond its end"
	}
	return sentence
}

// firstLine is what a process said first; more is a trace.
func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("pipewatch: ")), []byte("\n"))
	return string(line[:min(len(line), 300)])
}
