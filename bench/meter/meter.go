// Package meter measures what a benchmark costs in processor time.
//
// The wall clock says as much about what else the machine does as about the
// code; the time that the kernel has charged this process does not. It counts
// all threads, the garbage collector's too. It is not for code that runs in
// parallel with other work of the same process.
//
// # Data model
//
// A [Meter] is a moment of the process's processor time.
package meter

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// Meter is how much processor time the process had used when it was started.
type Meter struct{ since time.Duration }

// Start begins to measure.
func Start() Meter { return Meter{used()} }

// Used is the processor time since the start.
func (m Meter) Used() time.Duration { return used() - m.since }

// Report reports the processor time of each of n things since the start as the
// metric "cpu-ns/<thing>".
func (m Meter) Report(b *testing.B, n int, thing string) {
	b.ReportMetric(float64(m.Used().Nanoseconds())/float64(n), fmt.Sprintf("cpu-ns/%s", thing))
}

// used is the processor time of this process so far.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic("meter: " + err.Error()) // unreachable: the arguments are valid
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
