// Package suspect checks a state file that may be damaged, within bounds of
// memory and time: a damaged page can claim that millions more belong to it, or
// lead back to itself, and whoever follows it grows until the machine has no
// memory left for anybody.
//
// It is not the check itself, which is store.Check, and does not start the
// process in which a suspect file is to be checked: a damaged page can end that,
// too, in a way that nothing catches.
//
// # Data model
//
// The [bounds] of a check follow from the size of the file. A check that leaves
// them is damage like any other: a [store.CorruptError] says which bound it was.
package suspect

import (
	"fmt"
	"os"
	"runtime/metrics"
	"time"

	"github.com/pipewatch-dev/pipewatch/store"
)

// Check is store.Check within bounds. What is left of a check that left them
// goes on and grows: the process has to end then.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return store.Check(path) // says it better
	}
	return within(boundsOf(info.Size()), path, store.Check)
}

// bounds are what a check may take.
type bounds struct {
	memory uint64        // bytes, of this whole process; the file itself, which is mapped, is not among them
	time   time.Duration // from its start
}

// boundsOf are far from what a sound file takes: 12 MiB of memory for one of 226 MiB,
// and the time in which a slow disk reads it.
func boundsOf(size int64) bounds {
	const least, slowest = 64 << 20, 16 << 20 // bytes; bytes a second
	return bounds{
		memory: uint64(least + size/2),
		time:   30*time.Second + time.Duration(size/slowest)*time.Second,
	}
}

// lookEvery is how often memory is looked at; a check that has lost its way
// takes some 10 MiB meanwhile.
const lookEvery = 50 * time.Millisecond

func within(b bounds, path string, check func(path string) error) error {
	done := make(chan error, 1)
	go func() { done <- check(path) }()
	look, late := time.NewTicker(lookEvery), time.NewTimer(b.time)
	defer look.Stop()
	defer late.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-late.C:
			return &store.CorruptError{Path: path, Cause: fmt.Errorf("reading it did not end within %v", b.time)}
		case <-look.C:
			if inUse() > b.memory {
				return &store.CorruptError{Path: path, Cause: fmt.Errorf("reading it took more than %d MiB of memory: a page of it leads astray", b.memory>>20)}
			}
		}
	}
}

// inUse is how much memory Go has from the machine now.
func inUse() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
