package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"
)

// remembered wraps what a kind remembers with the version of its format.
type remembered[T any] struct {
	Version int `json:"v"`
	Past    T   `json:"past"`
}

// remember makes a Memory in a kind's format of a version.
func remember[T any](version int, past T) Memory {
	b, err := json.Marshal(remembered[T]{version, past})
	if err != nil {
		panic(fmt.Sprintf("remember %T: %v", past, err)) // unreachable: memories are plain data
	}
	return b
}

// recall reads a Memory back; false at first sight, which a Memory of another
// version is too.
func recall[T any](m Memory, version int) (T, bool) {
	var r remembered[T]
	if len(m) == 0 || json.Unmarshal(m, &r) != nil || r.Version != version {
		return *new(T), false
	}
	return r.Past, true
}

// recollection is what was last read from the Memory of one check: it is read to ask
// and to judge, and most often is the same from run to run. What it gives is shared and
// must not be changed.
type recollection[T any] struct {
	last atomic.Pointer[recollected[T]]
}

// recollected is what a Memory says.
type recollected[T any] struct {
	of    Memory
	past  T
	known bool
}

// of gives what a Memory says, if that is what was last kept.
func (r *recollection[T]) of(m Memory) (last *recollected[T], same bool) {
	last = r.last.Load()
	return last, last != nil && bytes.Equal(last.of, m)
}

// keep notes what a Memory says, which must not depend on anything else.
func (r *recollection[T]) keep(m Memory, past T, known bool) {
	r.last.Store(&recollected[T]{bytes.Clone(m), past, known})
}
