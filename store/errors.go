package store

import (
	"fmt"
	"io/fs"
)

// ErrUnknown says that nothing is stored under the name asked for. It is an
// fs.ErrNotExist, for those who do not know this package.
var ErrUnknown = fmt.Errorf("not in the state: %w", fs.ErrNotExist)

// HeldError says that another process has the file (exit code 73).
type HeldError struct {
	Path string
	PID  int // of the holder; 0 when it is not known
}

func (e *HeldError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("state file %s is held by %s: stop that one first, or give this one a file of its own under state: path", e.Path, who)
}

// NewerError says that a newer version wrote the file, which was not touched
// (exit code 78).
type NewerError struct {
	Path  string
	Found int // its schema
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("state file %s has format %d and this version knows up to %d: run the newer version again, or name another file under state: path",
		e.Path, e.Found, Schema)
}

// CommitError says that a transaction could not be written: a full disk, a
// broken one, or the size limit. The process must end with exit code 70; all
// that was committed before is safe, and nothing can be written after.
type CommitError struct {
	Path  string
	Doing string // what was being written
	Cause error
}

func (e *CommitError) Error() string {
	return fmt.Sprintf("write state file %s (%s): %v: check the disk's free space and start again", e.Path, e.Doing, e.Cause)
}

// Unwrap gives the reason.
func (e *CommitError) Unwrap() error { return e.Cause }

// CorruptError says that the file, or one record in it, is not what was
// written.
type CorruptError struct {
	Path        string
	Bucket, Key string // of the record; empty when it is the file
	Cause       error
}

func (e *CorruptError) Error() string {
	if e.Bucket == "" {
		return fmt.Sprintf("state file %s is damaged or not one of pipewatch's: %v: restore a backup, or move it away to start without a past", e.Path, e.Cause)
	}
	return fmt.Sprintf("state file %s: record %.100q in %s is damaged: %v: restore a backup, or move the file away to start without a past",
		e.Path, e.Key, e.Bucket, e.Cause)
}

// Unwrap gives the reason.
func (e *CorruptError) Unwrap() error { return e.Cause }
