package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/pipewatch-dev/pipewatch/incident"
)

const (
	ballastSize = 16 << 20
	// enoughFree is left on the disk when ballast is taken in.
	enoughFree = 64 << 20
)

func ballastFile(path string) string { return path + ".ballast" }

// Ballast makes sure of 16 MiB beside the state file that are given up when the
// disk is full, so that this can still be written down and told. It takes
// nothing when little is left: an error says why there is no ballast.
func (d *DB) Ballast() error {
	name := ballastFile(d.path)
	if info, err := os.Stat(name); err == nil && info.Size() == ballastSize {
		return nil
	}
	if free, known := freeBytes(d.path); known && free < ballastSize+enoughFree {
		return fmt.Errorf("only %d MiB are free on the disk of %s", free>>20, d.path)
	}
	// Noise, because a disk that compresses would make nothing of zeros.
	err := replace(name, nil, func(f *os.File) error {
		_, err := io.CopyN(f, rand.Reader, ballastSize)
		return err
	})
	if err != nil {
		return fmt.Errorf("reserve room on the disk: %w", err)
	}
	return nil
}

// release gives the ballast up when a write met a full disk.
func (d *DB) release(cause error) {
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		_ = os.Remove(ballastFile(d.path))
	}
}

// diskTrouble tells whether the ballast is gone and cannot be had again.
func (d *DB) diskTrouble() (incident.Trouble, bool) {
	err := d.Ballast()
	if err == nil {
		return incident.Trouble{}, false
	}
	return incident.Trouble{Name: "disk", Problem: fmt.Sprintf(
		"%v: soon nothing can be written any more, and pipewatch ends then. Make room; this closes by itself when %d MiB are free.",
		err, (ballastSize+enoughFree)>>20)}, true
}
