//go:build linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/pipewatch-dev/pipewatch/store"
	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

const (
	fewWrites = 4 // of so many every subset is looked at
	sector    = 512
)

// report counts.
type report struct {
	states, writes      int
	damaged, lost, torn int
	bad                 []string
}

// look draws images of all epochs, again and again, until there were n.
func look(path string, epochs []epoch, dumps []string, n int, seed uint64) (*report, error) {
	r, random := &report{}, rand.New(rand.NewPCG(seed, 5))
	for _, e := range epochs {
		r.writes += len(e.writes)
	}
	for round := 0; r.states < n; round++ {
		before := r.states
		for _, e := range epochs {
			for _, i := range e.images(random, round) {
				if r.states == n {
					return r, nil
				}
				if err := r.image(path, e, i, dumps); err != nil {
					return nil, err
				}
			}
		}
		if r.states == before {
			return nil, errors.New("the store wrote nothing")
		}
	}
	return r, nil
}

// images are states that a power failure can leave: in the first round every
// subset of few writes, else some; and always one with a torn write.
func (e epoch) images(random *rand.Rand, round int) [][]byte {
	var out [][]byte
	k := len(e.writes)
	if round == 0 && k <= fewWrites {
		for set := range 1 << k {
			out = append(out, apply(e.durable, subset(e.writes, uint64(set))))
		}
	} else {
		for range 8 {
			out = append(out, apply(e.durable, subset(e.writes, random.Uint64())))
		}
	}
	some := subset(e.writes, random.Uint64())
	w := e.writes[random.IntN(k)]
	if n := len(w.data) / sector; n > 1 {
		some = append(some, write{w.at, w.data[:(1+random.IntN(n-1))*sector]})
	}
	return append(out, apply(e.durable, some))
}

// subset takes the writes whose bit is set; more than 64 share bits.
func subset(all []write, set uint64) []write {
	var out []write
	for n, w := range all {
		if set>>(n%64)&1 == 1 {
			out = append(out, w)
		}
	}
	return out
}

// image looks at one state.
func (r *report) image(path string, e epoch, image []byte, dumps []string) error {
	r.states++
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(path, e.size); err != nil {
		return err
	}
	got, err := read(path)
	switch {
	case err != nil && e.safe == 0 && len(e.durable) == 0:
		return nil // it was being made: nothing was promised yet
	case err != nil:
		r.damaged++
		r.say("%d steps were safe: %v", e.safe, err)
	case got == dumps[e.safe] || e.safe < steps && got == dumps[e.safe+1]:
	case older(got, dumps[:e.safe]):
		r.lost++
		r.say("%d steps were safe, the file holds fewer", e.safe)
	default:
		r.torn++
		r.say("%d steps were safe, the file holds no state that there ever was", e.safe)
	}
	return nil
}

func (r *report) say(format string, args ...any) {
	if len(r.bad) < 20 {
		r.bad = append(r.bad, fmt.Sprintf(format, args...))
	}
}

func older(got string, dumps []string) bool {
	return slices.Contains(dumps, got)
}

// read checks a file and reads all of it.
func read(path string) (string, error) {
	if err := store.Check(path); err != nil {
		return "", err
	}
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return "", err
	}
	defer db.Close()
	return chronicle.Dump(db)
}
