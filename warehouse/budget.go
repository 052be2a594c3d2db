package warehouse

import "github.com/pipewatch-dev/pipewatch/probe"

const (
	// MaxRows is how many rows one statement may answer: enough for a century of hours,
	// or for three years of days in 1,000 segments.
	MaxRows = 1_000_000
	// MaxBytes is how many bytes of values it may answer, and so what a check that
	// reads what it should not can take from the memory of all.
	MaxBytes = 128 << 20
)

// Budget is what one statement has answered so far. An engine takes every row from
// it before it keeps the row.
type Budget struct{ rows, bytes int }

// Take takes a row of so many bytes; its error is the statement's.
func (b *Budget) Take(bytes int) error {
	b.rows++
	b.bytes += bytes
	switch {
	case b.rows > MaxRows:
		return refuse(probe.BadAnswer, "the statement answers more than %d rows; ask about a shorter time or fewer segments", MaxRows)
	case b.bytes > MaxBytes:
		return ErrTooLarge
	}
	return nil
}

// ErrTooLarge is the error of a statement that answers more than [MaxBytes].
var ErrTooLarge error = refuse(probe.BadAnswer, "the statement answers more than %d MiB; ask for numbers and times, not for what a table holds", MaxBytes>>20)
