package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Beside the state file at P lie, each only when there is reason to:
//
//	P.pid                 who has it open; left behind by a process that was killed
//	P.snap-<time>         copies, the newest three, made every hour
//	P.corrupt-<time>      a damaged state file that was put aside
//	P.corrupt-<time>.txt  what was damaged and what was done, in words
//	P.ballast             16 MiB that are given up when the disk is full
const (
	snapMark    = ".snap-"
	corruptMark = ".corrupt-"
	stampForm   = "20060102T150405.000Z"
	keptSnaps   = 3
)

// Copy is a copy of the state file.
type Copy struct {
	Path string
	At   time.Time // when it was made
}

// Snapshots lists the copies of the state file at path, newest first.
func Snapshots(path string) []Copy { return stamped(path, snapMark) }

// stamped lists the files beside the state file whose names say what they are
// and when they were made, newest first.
func stamped(path, mark string) []Copy {
	found, _ := filepath.Glob(escaped(path) + mark + "*") // the pattern is sound
	var out []Copy
	for _, f := range found {
		if at, err := time.Parse(stampForm, strings.TrimPrefix(f, path+mark)); err == nil {
			out = append(out, Copy{f, at})
		}
	}
	slices.SortFunc(out, func(a, b Copy) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Path, b.Path)) })
	return out
}

// escaped keeps a path from being read as a pattern.
func escaped(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Snapshot makes a copy of the whole state and keeps the newest three. check
// reads the copy (see [Check]) before it counts: one that is damaged is removed
// and its error returned, as what was copied is damaged too.
func (d *DB) Snapshot(at time.Time, check func(path string) error) (Copy, error) {
	c := Copy{d.path + snapMark + at.UTC().Format(stampForm), at}
	if err := d.CopyTo(c.Path, check); err != nil {
		return Copy{}, err
	}
	for n, old := range Snapshots(d.path) {
		if n >= keptSnaps {
			_ = os.Remove(old.Path) // tried again with the next
		}
	}
	return c, nil
}

// CopyTo writes a copy of the whole state to a file that is there, whole and
// checked, or not at all.
func (d *DB) CopyTo(path string, check func(path string) error) error {
	return replace(path, check, func(f *os.File) error {
		_, err := d.WriteTo(f)
		return err
	})
}

// replace writes a file beside path, checks it, and puts it in path's place, so
// that after a crash at any moment there is the old one or the new one.
func replace(path string, check func(path string) error, fill func(*os.File) error) (err error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if check != nil {
		if err := check(f.Name()); err != nil {
			return err
		}
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(path)
}

// duplicate copies a file as it is.
func duplicate(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return replace(to, nil, func(f *os.File) error {
		_, err := io.Copy(f, src)
		return err
	})
}

// syncDir makes durable what a folder lists: without it a renamed file may
// have its old name after a power failure.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Compact writes the state file at path anew without the room that deleted
// records left, and returns its size in bytes before and after. Nobody may have
// it open.
func Compact(path string, check func(path string) error) (before, after int64, err error) {
	db, err := Open(path, Options{})
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	if before, err = db.Size(); err != nil {
		return 0, 0, err
	}
	err = replace(path, check, func(f *os.File) error {
		to, err := bbolt.Open(f.Name(), 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return err
		}
		const step = 1 << 20 // bytes of one transaction
		return errors.Join(bbolt.Compact(to, db.bolt, step), to.Close())
	})
	if err != nil {
		return before, 0, fmt.Errorf("compact state file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return before, 0, err
	}
	return before, info.Size(), nil
}
