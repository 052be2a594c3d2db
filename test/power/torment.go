//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

// steps is how many there are; a file that comes near its end is begun anew.
const (
	steps  = 300
	enough = 240
)

// report is what came of it.
type report struct {
	cuts, safe, more    int
	lost, damaged, torn int
	bad                 []string
}

func (r *report) red() bool { return r.lost+r.damaged+r.torn > 0 }

// torment cuts the power n times.
func torment(dir, kind string, n int, seed uint64, dumps []string) (*report, error) {
	d, err := newDisk(dir, kind)
	if err != nil {
		return nil, err
	}
	r, random, at := &report{}, rand.New(rand.NewPCG(seed, 4)), 0
	for r.cuts < n {
		after := time.Duration(1+random.IntN(60)) * time.Millisecond
		if at, err = r.life(d, at, after, dumps); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// life is one mounting, one writer, one cut, and a look at what is left. It
// gives how many steps that is.
func (r *report) life(d *disk, from int, after time.Duration, dumps []string) (int, error) {
	path := filepath.Join(d.dir, "state.db")
	if err := d.mount(); err != nil {
		return 0, err
	}
	w, err := startWriter(path, from)
	if err != nil {
		return 0, errors.Join(err, d.unmount())
	}
	<-w.began
	<-time.After(after)
	err = d.cut()
	safe := w.kill()
	if err := errors.Join(err, d.unmount(), d.mount()); err != nil {
		return 0, err
	}
	r.cuts++
	r.safe += safe - from
	at := r.look(path, safe, dumps)
	if at >= enough {
		at = 0
	}
	if at == 0 {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return at, errors.Join(err, d.unmount())
}

// look holds what is left against what was safe, and gives how many steps that
// is; 0 where one has to begin anew.
func (r *report) look(path string, safe int, dumps []string) int {
	say := func(count *int, what string) int {
		*count++
		r.bad = append(r.bad, fmt.Sprintf("cut %d: %d steps were safe: %s", r.cuts, safe, what))
		return 0
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		if safe > 0 {
			return say(&r.lost, "the file is gone")
		}
		return 0
	}
	if err := store.Check(path); err != nil && safe == 0 {
		return 0 // cut while it was being made: nothing was promised yet
	} else if err != nil {
		return say(&r.damaged, err.Error())
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return say(&r.damaged, err.Error())
	}
	defer db.Close()
	got, err := chronicle.Dump(db)
	if err != nil {
		return say(&r.damaged, err.Error())
	}
	switch {
	case got == dumps[safe]:
		return safe
	case safe < steps && got == dumps[safe+1]:
		r.more++
		return safe + 1
	}
	for n := range safe {
		if dumps[n] == got {
			return say(&r.lost, fmt.Sprintf("the file holds %d", n))
		}
	}
	return say(&r.torn, "the file holds no state that there ever was")
}
