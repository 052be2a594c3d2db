package suspect

import (
	"errors"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pipewatch-dev/pipewatch/store"
)

// held keeps what the checks of these tests take.
var held [][]byte

func TestACheckEndsWithinItsBounds(t *testing.T) {
	sound := errors.New("what the check says")
	for name, c := range map[string]struct {
		check func(string) error
		says  string
	}{
		"one that ends says what it says": {
			check: func(string) error { return sound },
			says:  sound.Error(),
		},
		"one that grows and grows is damage": {
			check: func(string) error {
				for range 200 {
					held = append(held, make([]byte, 1<<20))
					time.Sleep(10 * time.Millisecond)
				}
				return nil
			},
			says: "took more than",
		},
		"one that goes on and on is damage": {
			check: func(string) error { time.Sleep(time.Hour); return nil },
			says:  "did not end within 10s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { held = nil }()
			synctest.Test(t, func(t *testing.T) {
				debug.FreeOSMemory() // so that what earlier tests left does not count
				b := bounds{memory: inUse() + 64<<20, time: 10 * time.Second}
				err := within(b, "state.db", c.check)
				time.Sleep(2 * time.Hour) // what is left of it ends
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("it says %v, want %q", err, c.says)
				}
				if _, damaged := errors.AsType[*store.CorruptError](err); damaged == (err == sound) {
					t.Errorf("%v: damage %v", err, damaged)
				}
			})
		})
	}
}

func TestBoundsAreFarFromWhatASoundFileTakes(t *testing.T) {
	for size, most := range map[int64]bounds{
		0:       {memory: 96 << 20, time: time.Minute},
		1 << 30: {memory: 640 << 20, time: 2 * time.Minute},
	} {
		if b := boundsOf(size); b.memory > most.memory || b.time > most.time || b.memory < uint64(64<<20+size/4) || b.time < 30*time.Second {
			t.Errorf("%d bytes: %+v", size, b)
		}
	}
}
