package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
)

// A state file that is damaged again and again is not worth starting on.
const (
	mostDamages  = 3
	damageWindow = 10 * time.Minute
)

// LoopError says that the state file was damaged too often in a short time: the
// disk or the memory is at fault, and starting again would only hide it. The
// process ends with exit code 70 and stays down.
type LoopError struct {
	Path  string
	Times int
	Cause error
}

func (e *LoopError) Error() string {
	return fmt.Sprintf("state file %s is damaged for the %d. time within %v (%v): look at the disk and the memory of this machine, then remove %s%s* and start again",
		e.Path, e.Times, damageWindow, e.Cause, e.Path, corruptMark)
}

// Unwrap gives the damage.
func (e *LoopError) Unwrap() error { return e.Cause }

// Recovery is what was done about a damaged state file.
type Recovery struct {
	Damage error
	Aside  string // where the damaged file is now
	From   Copy   // what was put in its place; zero when nothing was left to put there
}

// Words says what happened and what is lost, for whoever has to know.
func (r Recovery) Words(now time.Time) string {
	s := fmt.Sprintf("at %s the state file was found damaged: %v. ", now.UTC().Format("2006-01-02 15:04 UTC"), r.Damage)
	if r.From.Path == "" {
		s += "There was no good copy, so that pipewatch began without a past: what was open is found and told again, and acknowledgements, mutes and history are lost."
	} else {
		s += fmt.Sprintf("The copy of %s is in use: what was learned in the %s after it is lost, is found again, and may be told again.",
			r.From.At.UTC().Format("2006-01-02 15:04 UTC"), now.Sub(r.From.At).Round(time.Minute))
	}
	return s + fmt.Sprintf(" Look at the disk of this machine. The damaged file is kept as %s; this ends when it is removed together with %[1]s.txt.", r.Aside)
}

// Unclean tells whether the last process that had the file open did not close
// it, or found it damaged.
func Unclean(path string) bool {
	_, err := os.Stat(pidFile(path))
	return err == nil
}

// Recover checks the state file at path and, where it is damaged, puts it aside
// and the newest copy that is sound in its place; where there is none, nothing.
// It returns nil when there was nothing to do. check is [Check], in a process of
// its own. Damage more than three times in ten minutes is a [LoopError].
func Recover(path string, now time.Time, check func(path string) error) (*Recovery, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	damage := check(path)
	if _, is := errors.AsType[*CorruptError](damage); !is {
		return nil, damage
	}
	return PutAside(path, now, damage, check)
}

// PutAside is Recover for a file that is known to be damaged.
func PutAside(path string, now time.Time, damage error, check func(path string) error) (*Recovery, error) {
	before := stamped(path, corruptMark)
	lately := 0
	for _, c := range before {
		if now.Sub(c.At) < damageWindow {
			lately++
		}
	}
	if lately >= mostDamages {
		return nil, &LoopError{path, lately + 1, damage}
	}
	unlock, err := alone(path)
	if err != nil {
		return nil, err
	}
	defer unlock()
	r := &Recovery{Damage: damage, Aside: path + corruptMark + now.UTC().Format(stampForm)}
	for _, c := range Snapshots(path) {
		if check(c.Path) == nil {
			r.From = c
			break
		}
	}
	if err := r.swap(path, now); err != nil {
		return nil, fmt.Errorf("put damaged state file %s aside: %w", path, err)
	}
	return r, nil
}

// swap is done in an order in which a crash at any moment leaves the damaged
// file or its replacement at path, and never neither.
func (r *Recovery) swap(path string, now time.Time) error {
	if err := os.WriteFile(r.Aside+".txt", []byte(r.Words(now)+"\n"), 0o600); err != nil {
		return err
	}
	if err := os.Link(path, r.Aside); err != nil {
		return err
	}
	if r.From.Path != "" {
		return duplicate(r.From.Path, path)
	}
	return errors.Join(os.Remove(path), syncDir(path))
}

// alone makes sure that no other process has the file open, until unlock.
func alone(path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, &HeldError{Path: path, PID: holder(path)}
	}
	return func() { _ = f.Close() }, nil
}

// damageTold bounds what is repeated of a file beside the state.
const damageTold = 2000

// Troubles tells what is wrong with the state itself and its disk, for as long
// as it is.
func (d *DB) Troubles() []incident.Trouble {
	var out []incident.Trouble
	for _, c := range stamped(d.path, corruptMark) {
		text, err := os.ReadFile(c.Path + ".txt")
		if err != nil {
			continue // somebody has looked at it
		}
		out = append(out, incident.Trouble{Name: "state file", Problem: string(text[:min(len(text), damageTold)])})
		break // the newest says enough
	}
	if t, full := d.diskTrouble(); full {
		out = append(out, t)
	}
	return out
}
